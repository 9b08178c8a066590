"""Train, deploy, transform and tune with version 2 of the SageMaker Python SDK and the project's own image.

    pip install "sagemaker<3"
    IMAGE=<what build_and_push.sh has printed> ROLE=<the ARN of your role> python3 examples/sdk_v2.py

BUCKET names the S3 bucket for data and models; without it the SDK takes its own. On SageMaker this costs money: an
instance or two for some minutes. On this machine it costs none, and needs no account:

    make local-sagemaker ARGS="-- python3 examples/sdk_v2.py"
"""

import os
import tomllib
from pathlib import Path

from sagemaker import Session
from sagemaker.deserializers import StringDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.parameter import IntegerParameter
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.serializers import IdentitySerializer
from sagemaker.tuner import HyperparameterTuner

IMAGE, ROLE = os.environ["IMAGE"], os.environ["ROLE"]
INSTANCE = "ml.m5.large"
SAMPLE = Path(__file__).resolve().parents[1] / "sample"
sample = tomllib.loads((SAMPLE / "sample.toml").read_text())
training, request = sample["training"], sample["requests"][0]
session = Session(default_bucket=os.environ.get("BUCKET"))
place = f"s3://{session.default_bucket()}/{SAMPLE.parent.name}"

# Train.
estimator = Estimator(
    image_uri=IMAGE,
    role=ROLE,
    sagemaker_session=session,
    base_job_name=SAMPLE.parent.name,
    instance_count=1,
    instance_type=INSTANCE,
    hyperparameters=training["hyperparameters"],
    metric_definitions=training["metrics"],
)
channels = {
    channel: TrainingInput(
        S3Uploader.upload(str(SAMPLE / channel), f"{place}/{channel}", sagemaker_session=session),
        content_type=content_type,
    )
    for channel, content_type in training["channels"].items()
}
estimator.fit(channels)
print("model:", estimator.model_data)

# Deploy, ask the sample's first request, and delete again.
predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type=INSTANCE,
    serializer=IdentitySerializer(request["content_type"]),
    deserializer=StringDeserializer(accept=request["accept"]),
)
try:
    print("answer:", predictor.predict(request["body"]))
finally:
    predictor.delete_endpoint()

# Transform a file of records, one per line, by the same model.
S3Uploader.upload_string_as_file_body(request["body"], f"{place}/batch/records", sagemaker_session=session)
transformer = estimator.transformer(
    instance_count=1,
    instance_type=INSTANCE,
    output_path=f"{place}/answers",
    assemble_with="Line",
    accept=request["accept"],
)
transformer.transform(f"{place}/batch", content_type=request["content_type"], split_type="Line", logs=False)
print("transformed:", S3Downloader.read_file(f"{place}/answers/records.out", sagemaker_session=session))
transformer.delete_model()

# Tune: three jobs, which look for the best value of the sample's first whole number.
number, value = next((key, value) for key, value in training["hyperparameters"].items() if type(value) is int)
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name=training["metrics"][-1]["Name"],
    objective_type="Minimize",
    metric_definitions=training["metrics"],
    hyperparameter_ranges={number: IntegerParameter(value // 2, value * 2)},
    strategy="Random",
    max_jobs=3,
)
tuner.fit(channels)
best = tuner.describe()["BestTrainingJob"]
print("best:", best["TunedHyperParameters"], best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
