"""Hyperparameter tuning: training jobs whose hyperparameters are drawn at random, or all of a grid (T39)."""

import itertools
import math
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from cloud.service_model import MODEL

from . import modes, training
from .api import invalid, shown
from .listing import page
from .region import Region
from .resources import TRAINING_JOB, TUNING_JOB, change

FINAL = "FinalHyperParameterTuningJobObjectiveMetric"
ENDED = ("Completed", "Failed", "Stopped")


def create(region: Region, request: dict) -> dict:
    """CreateHyperParameterTuningJob."""
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None:
        raise invalid("TrainingJobDefinition is required")
    ranges = config.get("ParameterRanges", {})
    tuned = {one["Name"] for kind in ranges.values() for one in kind}
    if twice := tuned & definition.get("StaticHyperParameters", {}).keys():
        raise invalid(f"Hyperparameters cannot be static and tuned at once: {', '.join(sorted(twice))}")
    if config["Strategy"] == "Grid" and ranges.keys() - {"CategoricalParameterRanges"}:
        raise invalid("Grid search takes categorical parameters only")
    objective = config.get("HyperParameterTuningJobObjective", {}).get("MetricName")
    if objective not in [one["Name"] for one in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]:
        raise invalid(f"The objective metric {objective} is not among the MetricDefinitions of the training job")
    first = training_request(request, 1, next(combinations(config)))
    modes.refuse("CreateTrainingJob", first, region.engines.name)
    training.refuse(first)
    region.engines.end(region.engines.open(first["AlgorithmSpecification"].get("TrainingImage")))
    job = region.resources.create(TUNING_JOB, request, "InProgress")
    if config["Strategy"] == "Bayesian":
        region.say(f"{TUNING_JOB.name} {job['HyperParameterTuningJobName']}: Bayesian draws at random on this machine")
    threading.Thread(target=run, args=[region, job], daemon=True).start()
    return {"HyperParameterTuningJobArn": job["HyperParameterTuningJobArn"]}


def stop(region: Region, request: dict) -> dict:
    """StopHyperParameterTuningJob."""
    job = region.resources.find(TUNING_JOB, request["HyperParameterTuningJobName"])
    if job["HyperParameterTuningJobStatus"] == "InProgress":
        region.move(TUNING_JOB, job, "Stopping")
        for one in jobs_of(region, job):
            if one["TrainingJobStatus"] == "InProgress":
                training.stop(region, one)
    return {}


def describe(region: Region, request: dict) -> dict:
    """DescribeHyperParameterTuningJob, with the counts of its training jobs and the best of them."""
    job = region.resources.find(TUNING_JOB, request["HyperParameterTuningJobName"])
    jobs = jobs_of(region, job)
    states = Counter(one["TrainingJobStatus"] for one in jobs)
    good = sorted((one for one in jobs if FINAL in one), key=lambda one: one[FINAL]["Value"])
    going, failed = states.total() - sum(states[status] for status in ENDED), states["Failed"]
    counts = {"Completed": states["Completed"], "Stopped": states["Stopped"], "InProgress": going}
    found = {
        **job,
        "TrainingJobStatusCounters": {**counts, "NonRetryableError": failed, "RetryableError": 0},
        "ObjectiveStatusCounters": {"Succeeded": len(good), "Pending": going, "Failed": failed},
    }
    if good:
        found["BestTrainingJob"] = summary(good[-1 if good[0][FINAL]["Type"] == "Maximize" else 0])
    return shown(MODEL.operation_model("DescribeHyperParameterTuningJob").output_shape, found)


def list_training_jobs(region: Region, request: dict) -> dict:
    """ListTrainingJobsForHyperParameterTuningJob."""
    jobs = jobs_of(region, region.resources.find(TUNING_JOB, request["HyperParameterTuningJobName"]))
    wanted = [one for one in jobs if request.get("StatusEquals") in (None, one["TrainingJobStatus"])]
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        wanted = sorted((one for one in wanted if FINAL in one), key=lambda one: one[FINAL]["Value"])
    if request.get("SortOrder") == "Descending":
        wanted.reverse()
    return page(request, "TrainingJobSummaries", [summary(one) for one in wanted])


def run(region: Region, job: dict) -> None:
    """Run the training jobs of a tuning job, as many at a time as it allows."""
    config = job["HyperParameterTuningJobConfig"]
    limits, objective = config["ResourceLimits"], config["HyperParameterTuningJobObjective"]
    drawn = itertools.islice(combinations(config), limits["MaxNumberOfTrainingJobs"])

    def train(number: int, chosen: dict[str, str]) -> None:
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            return
        request = training_request(job, number, chosen)
        more = {"TuningJobArn": job["HyperParameterTuningJobArn"], "TunedHyperParameters": chosen}
        image = request["AlgorithmSpecification"]["TrainingImage"]
        one = region.begin(training.Training, request, image, **more)
        one.run()
        values = {metric["MetricName"]: metric["Value"] for metric in one.job.get("FinalMetricDataList", [])}
        if one.job["TrainingJobStatus"] != "Failed" and objective["MetricName"] in values:
            change(one.job, **{FINAL: {**objective, "Value": values[objective["MetricName"]]}})

    with ThreadPoolExecutor(limits["MaxParallelTrainingJobs"]) as pool:
        tried = [pool.submit(train, number, chosen) for number, chosen in enumerate(drawn, 1)]
    job["HyperParameterTuningEndTime"] = time.time()
    if job["HyperParameterTuningJobStatus"] == "Stopping":
        region.move(TUNING_JOB, job, "Stopped")
    elif any(FINAL in one for one in jobs_of(region, job)):
        region.move(TUNING_JOB, job, "Completed")
    else:
        refused = next((f" {error}" for one in tried if (error := one.exception())), "")
        reason = f"No training job succeeded with the objective {objective['MetricName']}.{refused}"
        region.move(TUNING_JOB, job, "Failed", FailureReason=reason)


def training_request(tuning: dict, number: int, chosen: dict[str, str]) -> dict:
    """Return the request for one training job of a tuning job."""
    definition, known = tuning["TrainingJobDefinition"], MODEL.operation_model("CreateTrainingJob").input_shape.members
    objective = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    static = definition.get("StaticHyperParameters", {})
    resources = definition.get("HyperParameterTuningResourceConfig", {})  # the newer field
    return (
        {"ResourceConfig": resources}
        | {name: value for name, value in definition.items() if name in known}
        | {
            "TrainingJobName": f"{tuning['HyperParameterTuningJobName']}-{number:03}-{secrets.token_hex(4)}",
            "HyperParameters": {**static, **chosen, "_tuning_objective_metric": objective},
        }
    )


def jobs_of(region: Region, job: dict) -> list[dict]:
    """Return the training jobs of a tuning job."""
    arn = job["HyperParameterTuningJobArn"]
    return [one for one in region.resources.all(TRAINING_JOB) if one.get("TuningJobArn") == arn]


def summary(one: dict) -> dict:
    """Return the summary of a training job that a tuning job lists."""
    status = "Succeeded" if FINAL in one else "Failed" if one["TrainingJobStatus"] in ENDED else "Pending"
    return shown(MODEL.shape_for("HyperParameterTrainingJobSummary"), {**one, "ObjectiveStatus": status})


def combinations(config: dict) -> Iterator[dict[str, str]]:
    """Yield hyperparameters from the ranges: all of a grid, or drawn at random without end."""
    ranges = config.get("ParameterRanges", {})
    categories = {one["Name"]: one["Values"] for one in ranges.get("CategoricalParameterRanges", [])}
    if config["Strategy"] == "Grid":
        for values in itertools.product(*categories.values()):
            yield dict(zip(categories, values, strict=True))
        return
    generator = random.Random(config.get("RandomSeed"))
    while True:
        chosen = {name: generator.choice(values) for name, values in categories.items()}
        for one in ranges.get("ContinuousParameterRanges", []):
            chosen[one["Name"]] = repr(draw(generator, one))
        for one in ranges.get("IntegerParameterRanges", []):
            chosen[one["Name"]] = str(round(draw(generator, one)))
        yield chosen


def draw(generator: random.Random, limits: dict) -> float:
    """Draw a number between limits, evenly on their scale. Raises Refusal where it has no such numbers."""
    low, high, scale = float(limits["MinValue"]), float(limits["MaxValue"]), limits.get("ScalingType", "Auto")
    try:
        if scale == "Logarithmic":
            return math.exp(generator.uniform(math.log(low), math.log(high)))
        if scale == "ReverseLogarithmic":
            return 1 - math.exp(generator.uniform(math.log(1 - low), math.log(1 - high)))
    except ValueError:
        raise invalid(f"{limits['Name']}: {low} to {high} has no {scale} scale") from None
    return generator.uniform(low, high)
