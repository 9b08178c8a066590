"""Train, deploy, transform and tune with version 3 of the SageMaker Python SDK and the project's own image.

    pip install sagemaker==3.27.0
    IMAGE=<what build_and_push.sh has printed> ROLE=<the ARN of your role> python3 examples/sdk_v3.py

BUCKET names the S3 bucket for data and models; without it the SDK takes its own. On SageMaker this costs money: an
instance or two for some minutes. On this machine it costs none, and needs no account:

    make local-sagemaker ARGS="-- python3 examples/sdk_v3.py"
"""

import os
import time
import tomllib
from pathlib import Path

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import IntegerParameter
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TransformJob
from sagemaker.core.shapes import (
    ContainerDefinition,
    MetricDefinition,
    ProductionVariant,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.tuner import HyperparameterTuner

IMAGE, ROLE = os.environ["IMAGE"], os.environ["ROLE"]
INSTANCE = "ml.m5.large"
SAMPLE = Path(__file__).resolve().parents[1] / "sample"
sample = tomllib.loads((SAMPLE / "sample.toml").read_text())
training, request = sample["training"], sample["requests"][0]
session = Session(default_bucket=os.environ.get("BUCKET"))
bucket = session.default_bucket()
name = f"{SAMPLE.parent.name}-{int(time.time())}"

# Train.
trainer = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    sagemaker_session=session,
    base_job_name=SAMPLE.parent.name,
    compute=Compute(instance_type=INSTANCE, instance_count=1),
    hyperparameters=training["hyperparameters"],
).with_metric_definitions([MetricDefinition(name=one["Name"], regex=one["Regex"]) for one in training["metrics"]])
channels = [
    InputData(
        channel_name=channel,
        data_source=session.upload_data(str(SAMPLE / channel), bucket, f"{name}/{channel}"),
        content_type=content_type,
    )
    for channel, content_type in training["channels"].items()
]
trainer.train(channels)
job = trainer._latest_training_job.refresh()
print("model:", job.model_artifacts.s3_model_artifacts)
print("metrics:", {one.metric_name: one.value for one in job.final_metric_data_list})

# Deploy, ask the sample's first request, and delete again.
Model.create(
    model_name=name,
    primary_container=ContainerDefinition(image=IMAGE, model_data_url=job.model_artifacts.s3_model_artifacts),
    execution_role_arn=ROLE,
)
variant = ProductionVariant(
    variant_name="AllTraffic", model_name=name, initial_instance_count=1, instance_type=INSTANCE
)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
try:
    endpoint.wait_for_status("InService")
    answer = endpoint.invoke(
        body=request["body"].encode(), content_type=request["content_type"], accept=request["accept"]
    )
    print("answer:", answer.body.read().decode())
finally:
    endpoint.delete()
    config.delete()

# Transform a file of records, one per line, by the same model.
source = session.upload_string_as_file_body(request["body"], bucket, f"{name}/batch/records")
TransformJob.create(
    transform_job_name=name,
    model_name=name,
    transform_input=TransformInput(
        data_source=TransformDataSource(
            s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/{name}/batch/")
        ),
        content_type=request["content_type"],
        split_type="Line",
    ),
    transform_output=TransformOutput(
        s3_output_path=f"s3://{bucket}/{name}/answers", assemble_with="Line", accept=request["accept"]
    ),
    transform_resources=TransformResources(instance_type=INSTANCE, instance_count=1),
).wait()
print("transformed:", session.read_s3_file(bucket, f"{name}/answers/records.out"))
Model.get(model_name=name).delete()

# Tune: three jobs, which look for the best value of the sample's first whole number.
number, value = next((key, value) for key, value in training["hyperparameters"].items() if type(value) is int)
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name=training["metrics"][-1]["Name"],
    objective_type="Minimize",
    metric_definitions=training["metrics"],
    hyperparameter_ranges={number: IntegerParameter(value // 2, value * 2)},
    strategy="Random",
    max_jobs=3,
)
tuner.tune(channels)
best = tuner.describe().best_training_job
print("best:", best.tuned_hyper_parameters, best.final_hyper_parameter_tuning_job_objective_metric.value)
