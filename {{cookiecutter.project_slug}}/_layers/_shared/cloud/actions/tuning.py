"""Searches for hyperparameters."""

import sys

from .. import follow, requests
from ..errors import CloudError
from ..requests import Request
from ..session import Cloud
from .training import price, training_request


def tuning_request(cloud: Cloud, name: str) -> Request:
    """Return the request for the settings' tuning job. Raises CloudError where they do not say what to look for."""
    settings, declared = cloud.settings.tune, cloud.aws.declared
    metrics = declared.metrics if declared else cloud.sample.metrics
    names = [metric["Name"] for metric in metrics]
    if not settings.ranges or not settings.objective:
        raise CloudError(
            f"set objective (one of {', '.join(names)}) and ranges in the table [tune] of sagemaker.toml, e.g. "
            "[tune.ranges] learning_rate = { min = 0.01, max = 0.3 }"
        )
    if declared and settings.objective not in names:
        raise CloudError(f"tune.objective is {settings.objective}, but the algorithm reports {', '.join(names)}")
    job = training_request(cloud, name, tuned=frozenset(settings.ranges))
    request = requests.tuning(cloud.settings, name, job, declared)
    if not declared:
        print("The image declares no hyperparameters: a range of whole numbers is taken for integers", file=sys.stderr)
    return request


def tune(cloud: Cloud) -> None:
    """Search for the best hyperparameters, and print them as sagemaker.toml takes them."""
    settings, aws, train = cloud.settings.tune, cloud.aws, cloud.settings.train
    name = cloud.new_tuning_name()
    request = tuning_request(cloud, name)
    if not aws.dry_run:
        print(
            f"{name} trains {settings.jobs} times on {train.instance_count} x {train.instance_type}, each for at most "
            f"{train.max_hours:g} h: {price(cloud, settings.jobs)}"
        )
    cloud.sure("Tune?")
    aws.call("CreateHyperParameterTuningJob", request)
    if aws.dry_run or cloud.detach:
        return
    key = {"HyperParameterTuningJobName": name}
    tuned = follow.until_ended(
        aws, "HyperParameterTuningJob", name, lambda: aws.api.describe_hyper_parameter_tuning_job(**key), log=False
    )
    jobs = aws.api.list_training_jobs_for_hyper_parameter_tuning_job(
        **key, SortBy="FinalObjectiveMetricValue", MaxResults=100
    )["TrainingJobSummaries"]
    for job in jobs:
        value = job.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value", float("nan"))
        print(f"{value:12g}  {job['TrainingJobName']}  {job['TunedHyperParameters']}")
    if "BestTrainingJob" not in tuned:
        raise CloudError(f"{name} ended without a best job: {tuned.get('FailureReason', tuned)}")
    print("best, to be put into sagemaker.toml:\n[train.hyperparameters]")
    for parameter, value in tuned["BestTrainingJob"]["TunedHyperParameters"].items():
        print(f"{parameter} = {value}")
