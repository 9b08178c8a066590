"""The SageMaker that runs here (`make local-sagemaker`), asked by boto3 as the real one would be."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from commands import run
from local_sagemaker import BUCKET, ROLE, LocalSageMaker, expect_answer, until
from mutations import copied
from sdk.environments import interpreter
from template import MATRIX, ONE_EACH, ROOT, distributes

DOCKER = ONE_EACH[0]
# What several frameworks share is tried in all its parts on one of each language, and on the first that distributes.
WHOLE = [*ONE_EACH, next(pair for pair in MATRIX if distributes(*pair))]
TRANSITIONS = ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for each framework with local processes, and for one with Docker."""
    if "framework" in metafunc.fixturenames:
        pairs = WHOLE if metafunc.definition.get_closest_marker("whole") else MATRIX
        if chosen := metafunc.definition.get_closest_marker("frameworks"):
            cases = [(*pair, *chosen.kwargs["engine"]) for pair in chosen.args[0]]
        else:
            cases = [(*pair, "process") for pair in pairs] + [(*DOCKER, "docker")]
        ids = ["-".join(case) for case in cases]
        metafunc.parametrize(("language", "framework", "engine"), cases, ids=ids, scope="session")


@pytest.fixture(scope="session")
def environment(project: Path, engine: str, request: pytest.FixtureRequest) -> Path:
    """The project, with what its engine needs."""
    if engine == "docker":
        request.getfixturevalue("image")
    else:
        run("make", "environment", cwd=project)
    return project


@pytest.fixture(scope="session")
def aws(environment: Path, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSageMaker]:
    """The SageMaker of a project; though it is at work when it is ended, nothing may be left of it."""
    aws = LocalSageMaker(environment, tmp_path_factory.mktemp("aws") / "aws", engine)
    try:
        yield aws
        aws.api.create_training_job(**aws.job("endless", "long_"))
        until(lambda: _secondary(aws, "endless") == "Training", "the start of the training")
    finally:
        left = aws.end()
    assert left == []
    assert aws.process.returncode == 0


@pytest.fixture(scope="session")
def trained(aws: LocalSageMaker) -> str:
    """The name of a training job on the sample that has ended."""
    aws.api.create_training_job(**aws.job("trained"))
    aws.completed("trained")
    return "trained"


@pytest.fixture(scope="session")
def endpoint(aws: LocalSageMaker, trained: str) -> str:
    """The name of an endpoint, and of its model and its configuration."""
    aws.model("served", trained)
    aws.endpoint("served", "served")
    return "served"


def metrics_of(job: dict) -> dict[str, float]:
    return {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}


def test_trains(aws: LocalSageMaker, trained: str):
    job = aws.completed(trained)
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == TRANSITIONS
    assert metrics_of(job).keys() == {one["Name"] for one in aws.sample["training"]["metrics"]}
    assert job["BillableTimeInSeconds"] >= 1 and job["TrainingEndTime"] > job["TrainingStartTime"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/{trained}/output/model.tar.gz"
    assert files_of_model(aws, trained)
    aws.await_line(trained, "=")


def test_answers_the_samples_requests(aws: LocalSageMaker, endpoint: str):
    for request in aws.sample["requests"]:
        expect_answer(request, aws.invoke(endpoint, request))


def files_of_model(aws: LocalSageMaker, job: str) -> list[str]:
    """Return the names in a training job's model.tar.gz; none where there is no such file."""
    if not aws.keys(f"out/{job}/output/model.tar.gz"):
        return []
    with tarfile.open(fileobj=io.BytesIO(aws.read(f"out/{job}/output/model.tar.gz"))) as model:
        return model.getnames()


def check_failure(aws: LocalSageMaker) -> None:
    """Check that a job with a wrong hyperparameter fails, and says why in the words of its failure file."""
    aws.api.create_training_job(**aws.job("failing", "invalid_"))
    job = aws.ended("failing")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    name = next(iter(aws.sample["training"]["invalid_hyperparameters"]))
    assert job["FailureReason"].startswith("AlgorithmError: ") and name in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")
    assert "ModelArtifacts" not in job or not job["ModelArtifacts"]["S3ModelArtifacts"]


@pytest.mark.whole
def test_a_failed_job_says_why(aws: LocalSageMaker):
    check_failure(aws)


def check_stop(aws: LocalSageMaker) -> None:
    """Check that a long job that is stopped ends as Stopped, with a model."""
    aws.api.create_training_job(**aws.job("stopped", "long_"))
    until(lambda: _secondary(aws, "stopped") == "Training", "the start of the training")
    aws.await_line("stopped", "=")
    aws.api.stop_training_job(TrainingJobName="stopped")
    job = aws.ended("stopped")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert files_of_model(aws, "stopped")


def _secondary(aws: LocalSageMaker, name: str) -> str:
    return aws.api.describe_training_job(TrainingJobName=name)["SecondaryStatus"]


@pytest.mark.whole
def test_a_job_is_stopped(aws: LocalSageMaker):
    check_stop(aws)


@pytest.mark.whole
def test_a_job_has_its_time(aws: LocalSageMaker):
    aws.api.create_training_job(**aws.job("too-long", "long_", StoppingCondition={"MaxRuntimeInSeconds": 6}))
    job = aws.ended("too-long")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def check_interruption(aws: LocalSageMaker) -> None:
    """Check that a spot training resumes from its checkpoints, and ends as one that was not interrupted."""
    first, second = "spot-1", "spot"
    aws.api.create_training_job(**aws.spot(first))
    expected = aws.completed(first)
    aws.api.create_training_job(**aws.spot(second))
    until(lambda: _secondary(aws, second) == "Training", "the start of the training")
    # The job leaves several checkpoints, the first of them before a third of its metrics.
    aws.await_line(second, "=", lines=aws.lines(first, "=") // 3)
    interrupt(aws, second)
    job = aws.completed(second)
    states = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert states == ["Starting", "Downloading", "Training", "Interrupted", *TRANSITIONS]
    checkpoints = aws.keys(f"checkpoints/{second}/")
    assert checkpoints, "no checkpoint has come to S3"
    assert not [key for key in checkpoints if first in key], "the other job's checkpoints were taken, too"
    assert metrics_of(job) == pytest.approx(metrics_of(expected))
    aws.await_line(second, "(?i)resuming from checkpoint", seconds=5)


def interrupt(aws: LocalSageMaker, name: str) -> None:
    """Take the instances of a spot training away."""
    url = f"{aws.variables['AWS_ENDPOINT_URL']}/local/interrupt/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        assert answer.status == 200


@pytest.mark.whole
def test_an_interrupted_job_goes_on(aws: LocalSageMaker):
    check_interruption(aws)


def check_tuning(aws: LocalSageMaker) -> None:
    """Check that a tuning job tries its combinations, tells each job its objective, and knows the best."""
    training = aws.sample["training"]
    name, value = next((key, value) for key, value in training["hyperparameters"].items() if type(value) is int)
    objective = training["metrics"][-1]["Name"]
    job = aws.job("")
    static = {key: text for key, text in job["HyperParameters"].items() if key != name}
    kept = ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig")
    definition = {key: job[key] for key in (*kept, "StoppingCondition")} | {"StaticHyperParameters": static}
    ranges = [{"Name": name, "MinValue": str(value // 2), "MaxValue": str(value * 2)}]
    aws.api.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": objective},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"IntegerParameterRanges": ranges},
        },
        TrainingJobDefinition=definition,
    )

    def found() -> dict | None:
        tuned = aws.api.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuned")
        return tuned if tuned["HyperParameterTuningJobStatus"] != "InProgress" else None

    tuned = until(found, "the end of the tuning")
    assert tuned["HyperParameterTuningJobStatus"] == "Completed", tuned.get("FailureReason")
    assert tuned["TrainingJobStatusCounters"]["Completed"] == tuned["ObjectiveStatusCounters"]["Succeeded"] == 3
    jobs = aws.api.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned", SortBy="FinalObjectiveMetricValue", SortOrder="Ascending"
    )["TrainingJobSummaries"]
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in jobs]
    assert len(values) == 3 and values == sorted(values)
    best = tuned["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == values[0]
    for one in jobs:
        assert value // 2 <= int(one["TunedHyperParameters"][name]) <= value * 2
        ran = aws.completed(one["TrainingJobName"])
        assert ran["HyperParameters"]["_tuning_objective_metric"] == objective


@pytest.mark.whole
def test_tunes(aws: LocalSageMaker):
    check_tuning(aws)


def check_transform(aws: LocalSageMaker, model: str) -> None:
    """Check that a file's records are answered in their order, in one request or many, and joined to the answers."""
    request = next(one for one in aws.sample["requests"] if one["content_type"] == "text/csv")
    lines = request["body"].splitlines()
    aws.s3.put_object(Bucket=BUCKET, Key="batch/rows.csv", Body=request["body"].encode())
    more = "\n".join([*lines, *reversed(lines), "2" if len(lines[0]) == 1 else lines[0]]) + "\n"
    aws.s3.put_object(Bucket=BUCKET, Key="batch/more/rows.csv", Body=more.encode())
    ways = (("multi", "MultiRecord", "None", "Line"), ("single", "SingleRecord", "Input", "Line"))
    for name, strategy, join, split in (*ways, ("whole", "MultiRecord", "None", "None")):
        aws.api.create_transform_job(
            TransformJobName=name,
            ModelName=model,
            BatchStrategy=strategy,
            TransformInput={
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/batch/"}},
                "ContentType": "text/csv",
                "SplitType": split,
            },
            TransformOutput={
                "S3OutputPath": f"s3://{BUCKET}/{name}",
                "AssembleWith": split,
                "Accept": "text/csv",
            },
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            DataProcessing={"JoinSource": join},
        )
        aws.api.get_waiter("transform_job_completed_or_stopped").wait(
            TransformJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    expect_answer(request, aws.read("multi/rows.csv.out").decode())
    answers = aws.read("multi/more/rows.csv.out").decode().splitlines()
    joined = [f"{line},{answer}" for line, answer in zip(more.splitlines(), answers, strict=True)]
    assert aws.read("single/more/rows.csv.out").decode().splitlines() == joined
    assert aws.read("whole/more/rows.csv.out").decode().splitlines() == answers
    assert len(set(answers)) > 1 and answers[0] == aws.read("multi/rows.csv.out").decode().splitlines()[0]


@pytest.mark.whole
def test_transforms(aws: LocalSageMaker, endpoint: str):
    check_transform(aws, endpoint)


def check_model_error(aws: LocalSageMaker, endpoint: str) -> None:
    """Check that the client gets the container's own sentence, as a ModelError."""
    with pytest.raises(aws.runtime.exceptions.ModelError) as caught:
        aws.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"not-a-number,\xff\n", ContentType="text/csv")
    answer = caught.value.response
    assert 400 <= answer["OriginalStatusCode"] < 500
    assert json.loads(answer["OriginalMessage"])["error"] in answer["Error"]["Message"]


@pytest.mark.whole
def test_an_error_of_the_container_reaches_the_client(aws: LocalSageMaker, endpoint: str):
    check_model_error(aws, endpoint)


@pytest.mark.whole
def test_an_endpoint_is_updated_and_deleted(aws: LocalSageMaker, endpoint: str, trained: str):
    request = aws.sample["requests"][0]
    aws.model("another", trained)
    aws.endpoint("updated", endpoint)
    variant = {"VariantName": "Next", "ModelName": "another", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.api.create_endpoint_config(EndpointConfigName="next", ProductionVariants=[variant])
    aws.api.update_endpoint(EndpointName="updated", EndpointConfigName="next")
    while aws.api.describe_endpoint(EndpointName="updated")["EndpointStatus"] == "Updating":
        expect_answer(request, aws.invoke("updated", request))  # by the old server
    described = aws.api.describe_endpoint(EndpointName="updated")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "next")
    answer = aws.runtime.invoke_endpoint(
        EndpointName="updated", Body=request["body"], ContentType=request["content_type"]
    )
    assert answer["InvokedProductionVariant"] == "Next"
    aws.api.delete_endpoint(EndpointName="updated")
    aws.api.get_waiter("endpoint_deleted").wait(EndpointName="updated", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    aws.api.delete_endpoint_config(EndpointConfigName="next")
    aws.api.delete_model(ModelName="another")
    with pytest.raises(ClientError, match="Endpoint updated of account 123456789012 not found"):
        aws.invoke("updated", request)
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/ano'):
        aws.api.describe_model(ModelName="another")


def make_cloud(aws: LocalSageMaker, target: str, *arguments: str) -> str:
    """Run a cloud-… target of the project's Makefile against its own SageMaker; return what it printed."""
    result = subprocess.run(
        ["make", target, "LOCAL=1", *arguments],
        cwd=aws.project,
        env=os.environ | {"AWS_ENDPOINT_URL": aws.variables["AWS_ENDPOINT_URL"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.whole
def test_the_cloud_targets_go_to_sagemaker_and_back(aws: LocalSageMaker, tmp_path: Path):
    """From `make cloud-train` to an answer, and nothing is left: the commands of the README."""
    first = aws.sample["requests"][0]
    checked = make_cloud(aws, "cloud-check")
    assert "it declares " in checked and "CreateTrainingJob: AWS would take the request" in checked
    said = make_cloud(aws, "cloud-train")
    assert "Training: Training image download completed. Training in progress." in said
    assert aws.sample["training"]["metrics"][-1]["Name"] + " = " in said and "  | " in said
    deployed = make_cloud(aws, "cloud-deploy")
    assert deployed.count("as sample.toml expects") == sum("answer" in one for one in aws.sample["requests"])
    expect_answer(first, make_cloud(aws, "cloud-invoke"))
    document = next(one for one in aws.sample["requests"] if one["content_type"] == "application/json")
    (tmp_path / "rows.json").write_text(document["body"])
    expect_answer(document, make_cloud(aws, "cloud-invoke", f"FILE={tmp_path / 'rows.json'}"))
    with pytest.raises(AssertionError, match=r"no\.json cannot be read: No such file or directory"):
        make_cloud(aws, "cloud-invoke", "FILE=no.json")
    make_cloud(aws, "cloud-deploy", "ARGS=--set deploy.kind=serverless")
    transformed = make_cloud(aws, "cloud-transform")
    fetched = make_cloud(aws, "cloud-transform", f"OUTPUT={tmp_path}")
    assert (tmp_path / "sample.out").read_text().strip() in transformed and str(tmp_path) in fetched
    line = next(one for one in aws.sample["requests"] if one["content_type"] == "text/csv")
    expect_answer(line, transformed.partition("sample.out\n")[2])
    registered = make_cloud(aws, "cloud-register")
    assert registered.endswith(f"model-package/{aws.project.name}/1 (PendingManualApproval)\n")
    (package,) = aws.api.list_model_packages(ModelPackageGroupName=aws.project.name)["ModelPackageSummaryList"]
    package = aws.api.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    assert "application/x-npy" in package["InferenceSpecification"]["SupportedContentTypes"]
    assert aws.sample["training"]["metrics"][-1]["Name"] in package["CustomerMetadataProperties"]
    assert "InService" in make_cloud(aws, "cloud-status")
    assert "  | " in make_cloud(aws, "cloud-logs")
    assert "objects, " in make_cloud(aws, "cloud-delete", "DATA=1")
    listed = aws.s3.list_objects_v2(Bucket="local-sagemaker", Prefix=f"{aws.project.name}/")
    assert listed["KeyCount"] == 0
    assert make_cloud(aws, "cloud-status") == "this project has nothing on SageMaker\n"


def test_what_the_algorithm_would_refuse_is_refused_before_the_job(aws: LocalSageMaker):
    """By what the image declares; AWS's own error would come minutes later."""
    name = next(iter(aws.sample["training"]["invalid_hyperparameters"]))
    for change, said in (
        (f"train.hyperparameters.{name}s=1", f"hyperparameter '{name}s' is unknown: did you mean '{name}'?"),
        (f"train.hyperparameters.{name}=-1", f"hyperparameter '{name}' is -1: expected a "),
    ):
        result = subprocess.run(
            ["make", "cloud-train", "LOCAL=1", f"ARGS=--set {change}"],
            cwd=aws.project,
            env=os.environ | {"AWS_ENDPOINT_URL": aws.variables["AWS_ENDPOINT_URL"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said in result.stderr and "Traceback" not in result.stderr


@pytest.mark.frameworks([pair for pair in ONE_EACH if pair[0] == "r"], engine=["process"])
def test_from_r_too(aws: LocalSageMaker):
    script = """
    source("cloud/sagemaker.R")
    sm <- sagemaker(local = TRUE)
    refused <- tryCatch(sagemaker(local = TRUE, set = "train.spot=7")$train(), error = conditionMessage)
    cat("refused:", refused, "\\n")
    sm$train()
    sm$deploy()
    cat("answers:", sm$invoke(data.frame(x = c(1, 10))), "\\n")
    sm$delete()
    """
    result = subprocess.run(
        ["Rscript", "-e", script],
        cwd=aws.project,
        env=os.environ
        | {"AWS_ENDPOINT_URL": aws.variables["AWS_ENDPOINT_URL"]}
        | {"RETICULATE_PYTHON": str(interpreter("local-sagemaker"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "refused: sagemaker.toml: train.spot must be true or false, and is 7 \n" in result.stdout
    assert "answers: 881.3428 958.5759" in result.stdout
    assert result.stdout.endswith("deleted\n")


ALONE = pytest.mark.frameworks([DOCKER], engine=["process"])


@ALONE
def test_a_page_in_a_browser_is_refused(aws: LocalSageMaker):
    """No request needs a signature, so any page that the user looks at could train and deploy."""
    before = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
    for method, headers in (("OPTIONS", before), ("POST", {"X-Amz-Target": "SageMaker.ListTrainingJobs"})):
        sent = {"Origin": "https://example.com", **headers}
        request = urllib.request.Request(aws.variables["AWS_ENDPOINT_URL"], b"{}", sent, method=method)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert caught.value.code == 403
        assert "Access-Control-Allow-Origin" not in caught.value.headers
        assert "answers no page in a browser" in json.loads(caught.value.read())["message"]


# What an action needs beyond its calls.
BEYOND = {
    # docker push speaks with the registry itself.
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    "push": "DockerPush",
    # Application Auto Scaling does this in the caller's name.
    # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
    "deploy": "BehindScaling",
}


@ALONE
def test_the_policies_have_what_the_actions_ask_for_and_no_more(aws: LocalSageMaker, tmp_path: Path):
    """Each action in all its forms, as against AWS itself: with a repository, a bucket to be made, and prices."""
    project = copied(aws.project, tmp_path / aws.project.name)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *command, cwd=project)
    put_image(aws, run("git", "rev-parse", "--short", "HEAD", cwd=project).strip())
    aws.api.create_training_job(**aws.job("damaged"))
    bucket, _, key = aws.completed("damaged")["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    nothing = io.BytesIO()
    tarfile.open(fileobj=nothing, mode="w:gz").close()
    aws.s3.put_object(Bucket=bucket, Key=key, Body=nothing.getvalue())
    aws.client("logs").create_log_group(logGroupName="/aws/codebuild/image")
    aws.client("logs").create_log_stream(logGroupName="/aws/codebuild/image", logStreamName="1")
    more = tmp_path / "more"
    shutil.copytree(project / "sample/train", more)
    for file in list(more.iterdir()):
        shutil.copy(file, more / f"again-{file.name}")
    records = tmp_path / "records.csv"
    records.write_text("1\n" * 50_000)
    long = next(f"train.hyperparameters.{name}={value}" for name, value in long_hyperparameters(aws).items())
    tuned = ['tune.ranges.seed={ values = ["1"] }', "tune.objective=train:rmse", "tune.jobs=1", "tune.parallel=1"]
    slow = [f"batch.data={records}", "batch.strategy=SingleRecord"]
    build_role = "aws.build_role=arn:aws:iam::123456789012:role/service-role/CodeBuild"
    actions = [
        ["check"],
        ["push", "--on-codebuild", *sets(build_role)],
        ["train"],
        ["transform", "--output", str(tmp_path)],
        ["tune", *sets(*tuned, f'train.channels.train={{ data = "{more}" }}')],
        ["train"],
        ["deploy", "--name", "damaged"],
        ["deploy", *sets("deploy.scale={ max = 2 }")],
        ["deploy", *sets("deploy.scale={ max = 3 }")],
        ["invoke"],
        ["register", *sets("register.group=recorded")],
        ["logs"],
        ["train", "--detach", *sets(long)],
        ["tune", "--detach", *sets(*tuned, long)],
        ["transform", "--detach", *sets(*slow)],
        ["status"],
        ["delete", "--data-too"],
    ]
    common = ["--yes", "--project", aws.project.name, *sets("aws.role=local-sagemaker")]
    result = subprocess.run(
        [interpreter("local-sagemaker"), ROOT / "tests/recorder.py"],
        cwd=project,
        env=os.environ | aws.variables | {"AWS_MAX_ATTEMPTS": "1"},
        input=json.dumps([[*words, *common] for words in actions]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    asked = {action: set(permissions) for action, permissions in json.loads(result.stdout).items()}
    shown = run("./build_and_push.sh", "--dry-run", cwd=project)
    asked["push"] |= {f"ecr:{IN_IAM.get(word, camel(word))}" for word in re.findall(r"aws ecr ([a-z-]+)", shown)}
    policies = {}
    for file in (project / "cloud/iam").glob("*.json"):
        statements = json.loads(file.read_text())["Statement"]
        wanted = [one for one in statements if one["Sid"] != BEYOND.get(file.stem)]
        policies[file.stem] = {permission for one in wanted for permission in one["Action"]}
    wrong = {action: asked[action] ^ policies[action] for action in policies if asked[action] != policies[action]}
    assert (asked.keys(), wrong) == (policies.keys(), {}), result.stderr


IN_IAM = {"get-login-password": "GetAuthorizationToken"}


def camel(word: str) -> str:
    """Return the name of an operation, by its word on the command line."""
    return "".join(part.capitalize() for part in word.split("-"))


def sets(*changes: str) -> list[str]:
    """Return the words that change settings."""
    return [word for change in changes for word in ("--set", change)]


def long_hyperparameters(aws: LocalSageMaker) -> dict:
    """Return the hyperparameters of a job of many minutes."""
    return aws.sample["training"]["long_hyperparameters"]


def put_image(aws: LocalSageMaker, tag: str) -> None:
    """Let ECR have an image of the project."""
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName=aws.project.name)
    media_type = "application/vnd.docker.distribution.manifest.v2+json"
    layer = {
        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "size": 1,
        "digest": f"sha256:{'1' * 64}",
    }
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": f"sha256:{'0' * 64}"}
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer]}
    ecr.put_image(
        repositoryName=aws.project.name,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media_type,
        imageTag=tag,
    )


@ALONE
def test_an_endpoint_answers_by_s3(aws: LocalSageMaker, endpoint: str):
    request = aws.sample["requests"][0]
    output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/answers", "S3FailurePath": f"s3://{BUCKET}/failures"}}
    aws.endpoint("asynchronous", endpoint, AsyncInferenceConfig=output)
    answers = []
    for key, body in (("questions/good", request["body"]), ("questions/bad", "?")):
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        answers.append(
            aws.runtime.invoke_endpoint_async(
                EndpointName="asynchronous",
                InputLocation=f"s3://{BUCKET}/{key}",
                ContentType=request["content_type"],
                Accept=request["accept"],
            )
        )
    good = answers[0]["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    bad = answers[1]["FailureLocation"].removeprefix(f"s3://{BUCKET}/")
    until(lambda: aws.keys(good) and aws.keys(bad), "two answers")
    expect_answer(request, aws.read(good).decode())
    assert b"client error (400)" in aws.read(bad)


@ALONE
def test_tries_all_of_a_grid(aws: LocalSageMaker):
    job = aws.job("")
    kept = ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "StoppingCondition")
    aws.api.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="grid",
        HyperParameterTuningJobConfig={
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "train:rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "seed", "Values": ["1", "2"]}]},
        },
        TrainingJobDefinition={
            **{key: job[key] for key in kept},
            "HyperParameterTuningResourceConfig": job["ResourceConfig"],
        },
    )

    def found() -> list[str]:
        jobs = aws.api.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="grid")
        done = [one for one in jobs["TrainingJobSummaries"] if one["TrainingJobStatus"] == "Completed"]
        described = aws.api.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="grid")
        ended = described["HyperParameterTuningJobStatus"] == "Completed"
        return sorted(one["TunedHyperParameters"]["seed"] for one in done) if ended else []

    assert until(found, "the end of the grid") == ["1", "2"]


@ALONE
def test_headers_that_pass(aws: LocalSageMaker, endpoint: str):
    """Custom attributes reach the container, which sends them back (I14)."""
    request = aws.sample["requests"][0]
    answer = aws.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=request["body"],
        ContentType=request["content_type"],
        Accept="application/json",
        CustomAttributes="trace=7",
    )
    assert (answer["CustomAttributes"], answer["ContentType"]) == ("trace=7", "application/json")


@ALONE
def test_limits_of_a_request(aws: LocalSageMaker, endpoint: str):
    aws.endpoint("serverless", endpoint, ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 1})
    expect_answer(aws.sample["requests"][0], aws.invoke("serverless", aws.sample["requests"][0]))
    for name, limit in (("serverless", 4 << 20), (endpoint, 25 << 20)):
        with pytest.raises(ClientError, match=f"less than or equal to {limit}"):
            aws.runtime.invoke_endpoint(EndpointName=name, Body=b"1\n" * (limit // 2 + 1), ContentType="text/csv")


@pytest.mark.frameworks([next(pair for pair in MATRIX if distributes(*pair))], engine=["process"])
def test_trains_on_several_hosts(aws: LocalSageMaker):
    """Each of two hosts has a log, and one of the two objects of a sharded channel."""
    request = aws.job("several-hosts")
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    (key,) = aws.keys(source["S3Uri"].removeprefix(f"s3://{BUCKET}/"))
    for part in ("one", "two"):
        aws.s3.copy_object(Bucket=BUCKET, CopySource={"Bucket": BUCKET, "Key": key}, Key=f"halves/{part}.csv")
    source |= {"S3Uri": f"s3://{BUCKET}/halves/", "S3DataDistributionType": "ShardedByS3Key"}
    request["ResourceConfig"]["InstanceCount"] = 2
    aws.api.create_training_job(**request)
    aws.completed("several-hosts")
    streams = aws.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="several-hosts/"
    )["logStreams"]
    names = [stream["logStreamName"].rpartition("-")[0] for stream in streams]
    assert names == ["several-hosts/algo-1", "several-hosts/algo-2"]


@ALONE
def test_data_by_manifest_or_none(aws: LocalSageMaker):
    channel = next(iter(aws.channels))
    (key,) = aws.keys(f"in/{channel}/")
    manifest = [{"prefix": f"s3://{BUCKET}/in/{channel}/"}, key.rpartition("/")[2]]
    aws.s3.put_object(Bucket=BUCKET, Key="manifest.json", Body=json.dumps(manifest).encode())
    request = aws.job("manifest")
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/manifest.json"}
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"] = source
    aws.api.create_training_job(**request)
    assert metrics_of(aws.completed("manifest")).keys() == {one["Name"] for one in aws.sample["training"]["metrics"]}

    request = aws.job("nothing")
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/nothing/"
    aws.api.create_training_job(**request)
    reason = aws.ended("nothing")["FailureReason"]
    assert reason.startswith("ClientError: Data download failed: No S3 objects found under S3 URL"), reason


def without(key: str) -> Callable[[dict], None]:
    return lambda request: request.pop(key)


def with_(path: str, value) -> Callable[[dict], None]:
    def change(request: dict) -> None:
        *parents, last = path.split(".")
        for key in parents:
            request = request[int(key)] if key.isdigit() else request[key]
        request[last] = value

    return change


PIPE = "The SageMaker on this machine has no AlgorithmSpecification.TrainingInputMode Pipe: use File or FastFile."
CHANNEL = "InputDataConfig.0.DataSource.S3DataSource"


@ALONE
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            with_("TrainingJobName", "job_1"),
            "1 validation error detected: Value 'job_1' at 'trainingJobName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (with_("ResourceConfig.InstanceType", "ml.zz.large"), "Member must satisfy enum value set: [ml.m4.xlarge"),
        (
            with_("ResourceConfig.KeepAlivePeriodInSeconds", 21601),
            "Value '21601' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have "
            "value less than or equal to 21600",
        ),
        (with_("HyperParameters", {"x": "y" * 2501}), "Member must have length less than or equal to 2500"),
        (with_("EnableManagedSpotTraining", True), "Invalid MaxWaitTimeInSeconds. It must be present and be greater"),
        (with_(f"{CHANNEL}.S3Uri", "s3://of-nobody/"), "s3://of-nobody/ does not exist"),
        (with_("OutputDataConfig.S3OutputPath", "s3://of-nobody/"), "s3://of-nobody/ does not exist"),
        (with_("AlgorithmSpecification.TrainingInputMode", "Pipe"), PIPE),
        (
            with_(f"{CHANNEL}.S3DataType", "AugmentedManifestFile"),
            "S3DataType AugmentedManifestFile: use S3Prefix or ManifestFile",
        ),
        (with_("AlgorithmSpecification.ContainerEntrypoint", ["sh"]), "start local-sagemaker with ENGINE=docker"),
        (with_("TrainingJobName", "trained"), "a training job with this name already exists (arn:aws:sagemaker:eu-we"),
    ],
)
def test_refuses_a_training_job(aws: LocalSageMaker, trained: str, change, sentence: str):
    request = aws.job("refused")
    change(request)
    with pytest.raises(ClientError) as caught:
        aws.client("sagemaker").create_training_job(**request)
    assert sentence in str(caught.value)


@ALONE
def test_refuses_what_does_not_exist(aws: LocalSageMaker, trained: str):
    variant = {"VariantName": "V", "ModelName": "nobody", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/nob'):
        aws.api.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn:aws'):
        aws.api.create_endpoint(EndpointName="e", EndpointConfigName="nobody")
    with pytest.raises(ClientError, match="Requested resource not found"):
        aws.api.describe_training_job(TrainingJobName="nobody")
    with pytest.raises(ClientError, match="in status Completed"):
        aws.api.stop_training_job(TrainingJobName=trained)
    with pytest.raises(ClientError, match=r"Could not find model data at s3://some-bucket/nothing\.tar\.gz"):
        container = {"Image": aws.project.name, "ModelDataUrl": f"s3://{BUCKET}/nothing.tar.gz"}
        aws.api.create_model(ModelName="empty", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    with pytest.raises(ClientError, match=r"has no PrimaryContainer\.Mode MultiModel: use SingleModel"):
        container = {"Image": aws.project.name, "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/in/"}
        aws.api.create_model(ModelName="many", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    with pytest.raises(ClientError, match=r"has no CreateApp\. It has "):
        aws.api.create_app(DomainId="d", AppType="JupyterServer", AppName="a")


def check_lists(aws: LocalSageMaker, job: str) -> None:
    """Jobs are listed a page at a time, searched and tagged, and every region has its own."""
    request = aws.job("tagged", Tags=[{"Key": "team", "Value": "blue"}])
    aws.api.create_training_job(**request)
    arn = aws.completed("tagged")["TrainingJobArn"]
    pages = aws.api.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 1})
    names = [one["TrainingJobName"] for page in pages for one in page["TrainingJobSummaries"]]
    assert len(names) == len(set(names)) and names.index(job) < names.index("tagged")
    with pytest.raises(ClientError, match=r"\(ValidationException\).+The NextToken is not valid"):
        aws.api.list_training_jobs(NextToken="x")
    found = aws.api.list_training_jobs(NameContains="agge", StatusEquals="Completed")["TrainingJobSummaries"]
    assert [one["TrainingJobName"] for one in found] == ["tagged"]
    assert aws.api.list_training_jobs(NameContains="agge", StatusEquals="Failed")["TrainingJobSummaries"] == []

    def search(*filters: tuple[str, str, str]) -> list[str]:
        expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), one, strict=True)) for one in filters]}
        results = aws.api.search(Resource="TrainingJob", SearchExpression=expression)["Results"]
        return [one["TrainingJob"]["TrainingJobName"] for one in results]

    assert search(("Tags.team", "Equals", "blue")) == ["tagged"]
    assert search(("TrainingJobName", "Contains", "agge"), ("ResourceConfig.InstanceCount", "LessThan", "1")) == []
    aws.api.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    aws.api.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.api.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    assert aws.client("sagemaker", "us-east-2").list_training_jobs()["TrainingJobSummaries"] == []


@ALONE
def test_lists_searches_and_tags(aws: LocalSageMaker, trained: str):
    check_lists(aws, trained)


@ALONE
def test_the_page_tells_what_happens(aws: LocalSageMaker):
    """The program of docs/local-sagemaker.md prints what the page says."""
    page = (ROOT / "docs/local-sagemaker.md").read_text()
    program, printed = (re.search(f"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("python", "text"))
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=aws.project,
        env=os.environ | aws.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == (printed, "")


IN_DOCKER = pytest.mark.frameworks([DOCKER], engine=["docker"])


@IN_DOCKER
def test_processes(aws: LocalSageMaker):
    """The sample's Processing job, with its data and its script from S3 and its output to S3."""
    assert aws.s3
    processing = aws.sample["processing"]
    folder = aws.project / "sample/processing"
    for file in folder.iterdir():
        aws.s3.upload_file(str(file), BUCKET, f"code/{file.name}")
    places = {"data": "in/", "code": "code/"}
    aws.api.create_processing_job(
        ProcessingJobName="counted",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": aws.project.name, "ContainerEntrypoint": processing["entrypoint"]},
        ProcessingInputs=[
            {
                "InputName": name,
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/{prefix}",
                    "LocalPath": f"/opt/ml/processing/input/{name}",
                    "S3DataType": "S3Prefix",
                },
            }
            for name, prefix in places.items()
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "lines",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/counted",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
    )
    aws.api.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName="counted", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    for name, content in processing["outputs"].items():
        assert aws.read(f"counted/{name}").decode() == content


@IN_DOCKER
def test_another_entrypoint(aws: LocalSageMaker):
    """ContainerEntrypoint and ContainerArguments replace `train` (T2)."""
    request = aws.job("shell", Environment={"WHERE": "/opt/ml/model/by-hand"})
    words = {"ContainerEntrypoint": ["sh", "-c"], "ContainerArguments": ["echo done >$WHERE; env | sort"]}
    request["AlgorithmSpecification"] |= words
    aws.api.create_training_job(**request)
    aws.completed("shell")
    assert files_of_model(aws, "shell") == ["by-hand"]
    aws.await_line("shell", "TRAINING_JOB_ARN=arn:aws:sagemaker:eu-west-1:123456789012:training-job/shell")


@IN_DOCKER
def test_refuses_an_image_that_is_not_here(aws: LocalSageMaker):
    request = aws.job("no-image")
    request["AlgorithmSpecification"]["TrainingImage"] = "of-nobody:1"
    with pytest.raises(ClientError, match=r"there is no image of-nobody:1 here\. Build it: make build"):
        aws.api.create_training_job(**request)
