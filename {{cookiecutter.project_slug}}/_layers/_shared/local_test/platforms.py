"""The platforms of images, and which instances of SageMaker take them (E7)."""

SAGEMAKER = "linux/amd64"
GRAVITON = "linux/arm64"
GRAVITON_ONLY = (
    "it serves on Graviton instances only (ml.c7g, ml.m6g, ml.r8g ...), and SageMaker does not train with it"
)
