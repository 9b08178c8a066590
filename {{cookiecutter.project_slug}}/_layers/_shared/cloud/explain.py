"""Why an endpoint was not deployed: the likely causes, and what shows each on this machine."""

CAUSES = {
    "ping": (
        "the server did not start, or took more than 8 minutes to load the model",
        'make local-test ARGS="-k I8" shows whether it becomes healthy here',
    ),
    "memory": ("the instance is too small for the model", 'make local-test ARGS="-k I20" serves with 1 GB'),
    "model data": (
        "the role may not read the model, or its archive was moved",
        "make cloud-check looks at the role and the bucket",
    ),
    "manifest": ("the image has a format that SageMaker does not accept (E5)", "./build_and_push.sh checks that"),
    "image": ("the role may not pull the image, or it is for another platform (E7)", "make cloud-check looks at both"),
    "capacity": ("AWS has no such instance free", "take another instance_type under [deploy] in sagemaker.toml"),
}


def causes(reason: str) -> str:
    """Return the likely causes of a FailureReason, a line each; all of them where its words name none."""
    named = [cause for word, cause in CAUSES.items() if word in reason.lower()]
    return "\n".join(f"  {cause}: {check}" for cause, check in named or CAUSES.values())
