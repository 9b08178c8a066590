"""The launchers in cloud/: settings, the requests that they make, and what they say when something is wrong.

That they work is shown against the SageMaker that runs here, in test_local_sagemaker.py.
"""

import json
import os
import random
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from botocore.stub import Stubber
from template import LAYERS, ROOT

sys.path.insert(0, str(LAYERS / "_shared"))
from cloud import cost, explain, follow, image, requests, service_model, settings
from cloud.actions import ACTIONS, preflight
from cloud.aws import Aws
from cloud.declaration import LABEL, Declaration
from cloud.errors import CloudError, in_words, sentence
from cloud.service_model import problems
from cloud.session import Cloud


def numbers(kind: str, lowest: str, highest: str) -> dict:
    """Return a range of numbers, as the API has it."""
    return {f"{kind}ParameterRangeSpecification": {"MinValue": lowest, "MaxValue": highest}}


GOLDEN = ROOT / "tests/golden"
ROLE = "aws.role=SageMaker"
# What a dry run shows: its name, the action, and the settings.
KINDS = {
    "train": ("train", []),
    "train on spot instances": (
        "train",
        [
            "train.spot=true",
            "train.instance_count=2",
            "train.isolated=true",
            "aws.kms_key=alias/k",
            'aws.subnets=["subnet-1"]',
            'aws.security_groups=["sg-1"]',
            'aws.tags={ team = "blue" }',
        ],
    ),
    "tune": (
        "tune",
        [
            "tune.objective=some:metric",
            "tune.ranges.some={ min = 1, max = 9 }",
            'tune.ranges.other={ min = 0.1, max = 1, scale = "log" }',
            "tune.ranges.third={ values = [true, 2] }",
        ],
    ),
    "deploy": ("deploy", []),
    "deploy serverless": ("deploy", ["deploy.kind=serverless"]),
    "deploy asynchronously": ("deploy", ["deploy.kind=async"]),
    "deploy with scaling and capture": ("deploy", ["deploy.scale={ max = 4 }", "deploy.capture=20"]),
    "register": ("register", []),
    "push on CodeBuild": ("push --on-codebuild", ["aws.build_role=CodeBuild"]),
    "transform": ("transform", ["batch.data=s3://b/rows", "batch.join=true"]),
}


def run_cloud(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Python in a project, with nothing of this machine's settings for AWS, and none of its images."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    alone = {"AWS_EC2_METADATA_DISABLED": "true", "DOCKER_HOST": f"unix://{project}/no-docker"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=kept | nothing | alone | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def cloud(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run `python -m cloud` in a project."""
    return run_cloud(project, "-m", "cloud", *arguments, **variables)


# All dry runs in one program, for its start takes longer than they do.
DRY_RUNS = """
import json, sys
from cloud.__main__ import main
for kind, (action, changes) in json.loads(sys.argv[1]).items():
    print("==", kind)
    main([*action.split(), "--dry-run", *(word for change in changes for word in ("--set", change))])
"""


def dry_runs(project: Path) -> dict[str, list]:
    """Return what the dry runs show: kind -> [[operation, request]], with names that chance gives masked."""
    kinds = {kind: (action, [ROLE, *changes]) for kind, (action, changes) in KINDS.items()}
    result = run_cloud(project, "-c", DRY_RUNS, json.dumps(kinds))
    assert result.returncode == 0, result.stderr
    chance = re.compile(r"-\d{6}-\d{6}-[0-9a-f]{4}|-\d{10}(?=\")|(?<=JOB)-[0-9a-f]{8}")
    _, *parts = re.split(r"^== (.+)$", chance.sub("-NAME", result.stdout), flags=re.MULTILINE)
    shown = {}
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        _, *found = re.split(r"^# aws (\S+ \S+) --cli-input-json$", text, flags=re.MULTILINE)
        shown[kind] = [[operation, json.loads(one)] for operation, one in zip(found[::2], found[1::2], strict=True)]
    return shown


def test_requests_are_the_golden_ones(bake, language: str, framework: str):
    """SM_ALGO_GOLDEN=write writes them anew, to be read before they are committed."""
    project = bake(project_name="golden", language=language, framework=framework)
    made = dry_runs(project)
    file = GOLDEN / f"{framework}.json"
    if os.environ.get("SM_ALGO_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(made, indent=1) + "\n")
    assert made == json.loads(file.read_text())


def test_sagemaker_toml_shows_the_defaults():
    """What is commented out has the value that holds without it."""
    text = (LAYERS / "_shared/sagemaker.toml").read_text()
    head, _, tables = text.partition("# Without this table the hyperparameters")
    channels = tables.partition("[deploy]")[1] + tables.partition("[deploy]")[2]
    before, _, after = channels.partition("# [tune.ranges]")
    shown = re.sub(r"^# (\w+ = )", r"\1", head + before + after[after.index("[register]") :], flags=re.MULTILINE)
    file = Path(LAYERS / "_shared")
    assert settings.load(file, environment={}) == settings.Settings()
    read = settings.tomllib.loads(shown)
    for table, values in read.items():
        default = getattr(settings.Settings(), table)
        for key, value in values.items():
            expected = getattr(default, key)
            if isinstance(expected, settings.Scale):
                expected = asdict(expected)
            assert value == (list(expected) if isinstance(expected, tuple) else expected), f"{table}.{key}"
    assert (
        sum(map(len, read.values()))
        == sum(len(settings.fields(type(getattr(settings.Settings(), one)))) for one in read) - 3
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--set", "train.instance_typ=x"],
            "sagemaker.toml: train.instance_typ is unknown: did you mean instance_ty",
        ),
        (["--set", "train.spot=7"], "sagemaker.toml: train.spot must be true or false, and is 7"),
        (["--set", "trains.spot=true"], "sagemaker.toml: trains is unknown: did you mean train?"),
        (["--set", "spot=true"], "--set spot=true: write it as table.key=value, e.g. train.instance_count=2"),
        (["--set", 'train.channels.x.mode="File"'], "sagemaker.toml: train.channels.x.data is missing"),
        ([], "SageMaker needs an IAM role: set role under [aws] in sagemaker.toml to its name"),
        (
            ["--set", ROLE, "--set", "train.instance_type=ml.zz"],
            "AWS would refuse this CreateTrainingJob: Value",
        ),
        (["--set", ROLE, "--set", "train.channels.x.data=nowhere"], "there is no data in "),
        (
            ["--set", ROLE, "--set", 'train.channels.x={ data = "s3://b/x", mode = "Pipe" }'],
            "channel x: the runtime does not read Pipe mode yet; use File or FastFile",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_line(bake, arguments: list[str], said: str):
    result = cloud(bake(), "train", "--dry-run", *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"cloud: {said}"), result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_range_without_limits_is_said_in_a_line(bake):
    more = ["--set", "tune.objective=o", "--set", "tune.ranges.rate={ min = 1 }"]
    result = cloud(bake(), "tune", "--dry-run", "--set", ROLE, *more)
    assert result.stderr == "cloud: sagemaker.toml: tune.ranges.rate has no max; or give it values\n"


def test_a_number_that_is_none_is_a_problem():
    strategy = {"Strategy": "Hyperband", "ResourceLimits": {"MaxParallelTrainingJobs": 1}}
    goal = {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": "low"}}
    request = {"HyperParameterTuningJobName": "t", "HyperParameterTuningJobConfig": strategy | goal}
    assert [one for one in problems("CreateHyperParameterTuningJob", request) if "is no float" in one]


def test_the_environment_wins_over_the_file_and_flags_over_both(bake):
    project = bake()
    (project / "sagemaker.toml").write_text('[aws]\nrole = "File"\n[train]\nvolume_gb = 7\n')
    shown = cloud(project, "train", "--dry-run", CLOUD_AWS_ROLE="Variable", CLOUD_TRAIN_VOLUME_GB="8").stdout
    assert "role/Variable" in shown and '"VolumeSizeInGB": 8' in shown
    shown = cloud(project, "train", "--dry-run", "--set", "aws.role=Flag", CLOUD_AWS_ROLE="Variable").stdout
    assert "role/Flag" in shown and '"VolumeSizeInGB": 7' in shown


@pytest.mark.parametrize("service", ["sagemaker", "application-autoscaling", "codebuild"])
def test_every_pattern_of_the_models_is_one_of_python(service: str):
    model = service_model.model_of(service)
    patterns = [service_model.pattern_of(model.shape_for(name)) for name in model.shape_names]
    assert [re.compile(pattern) for pattern in patterns if pattern]


def test_without_credentials_a_line_says_so(bake):
    result = cloud(bake(), "train", "--yes", "--set", ROLE, "--set", "aws.region=eu-west-1")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "cloud: there are no AWS credentials; log in (aws configure, aws sso login), or try it here: LOCAL=1\n"
    )


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "CreateTrainingJob")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "there are no AWS credentials"),
        (NoRegionError(), "set region under [aws]"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:8181"), "start `make local-sagemaker`"),
        (refused("ExpiredTokenException"), "CreateTrainingJob: No. (ExpiredTokenException): your AWS credentials have"),
        (refused("ResourceLimitExceeded"), "your account's quota for this is used up"),
        (refused("AccessDeniedException"), "your credentials do not permit this"),
        (refused("ValidationException"), "CreateTrainingJob: No. (ValidationException)"),
    ],
)
def test_an_error_of_aws_is_a_sentence_with_advice(error: Exception, said: str):
    assert said in sentence(error) and "\n" not in sentence(error)


@pytest.mark.parametrize(
    ("stream", "host"),
    [("a-job-1/algo-1-1795615115", "algo-1"), ("a-job-1/algo-12-17", "algo-12"), ("All/i-1a", "i-1a")],
)
def test_a_line_of_the_log_names_its_host(stream: str, host: str):
    assert follow.host_of(stream) == host


CHOICES = {
    "instance_type": ["ml.m5.large", "ml.g5.xlarge", "ml.nothing", ""],
    "instance_count": [1, 2, 0, 10**9],
    "volume_gb": [1, 30, 0, -1],
    "max_hours": [0.0, 1, 24.0, 10**6],
    "spot": [True, False],
    "keep_alive_minutes": [0, 30, 10**6],
    "isolated": [True, False],
    "kind": ["realtime", "serverless", "async"],
    "memory_mb": [1024, 2048, 1],
    "concurrency": [1, 200, 0],
    "async_output": ["", "s3://b/out", "nowhere"],
    "strategy": ["MultiRecord", "SingleRecord", "Random", "Bayesian", "Guess"],
    "split": ["Line", "None", "Word"],
    "payload_mb": [0, 6, -1],
    "join": [True, False],
    "direction": ["Minimize", "Maximize", "Sideways"],
    "jobs": [1, 10, 0],
    "parallel": [1, 2, 0],
    "kms_key": ["", "alias/key"],
    "subnets": [[], ["subnet-1"]],
    "security_groups": [[], ["sg-1"]],
}


def test_random_settings_are_valid_or_refused_in_words():
    """Whatever the settings say: the request is one that AWS takes, or a sentence names what AWS would not take."""
    generator = random.Random(7)
    place = requests.Place("image:1", "arn:aws:iam::123456789012:role/R", "s3://b/p", [{"Key": "k", "Value": "v"}])
    good = bad = 0
    for _ in range(200):
        changes = ["tune.objective=loss"]
        for table in settings.fields(settings.Settings):
            kind = type(getattr(settings.Settings(), table.name))
            for key in settings.fields(kind):
                if key.name in CHOICES and generator.random() < 0.15:
                    changes.append(f"{table.name}.{key.name}={json.dumps(generator.choice(CHOICES[key.name]))}")
        try:
            found = settings.load(ROOT / "nowhere", changes, {})
        except CloudError as error:
            assert str(error).startswith("sagemaker.toml: ")
            bad += 1
            continue
        channels = [requests.channel("train", "s3://b/x", content_type="text/csv")]
        job = requests.training(found, place, "job", channels, {"a": True}, [])
        made = {
            "CreateTrainingJob": job,
            "CreateHyperParameterTuningJob": requests.tuning(found, "tune", job),
            "CreateModel": requests.model(found, place, "m", "s3://b/model.tar.gz"),
            "CreateEndpointConfig": requests.endpoint_config(found, place, "c", "m"),
            "CreateTransformJob": requests.transform(found, place, "t", "m", "s3://b/rows"),
        }
        wrong = [problem for operation, request in made.items() for problem in problems(operation, request)]
        assert all("failed to satisfy constraint" in problem for problem in wrong)
        good, bad = good + (not wrong), bad + bool(wrong)
    assert good > 20 and bad > 20


DECLARED = {
    "SupportedHyperParameters": [
        {"Name": "rate", "Type": "Continuous", "IsRequired": False, "Range": numbers("Continuous", "0", "1")},
        {"Name": "trees", "Type": "Integer", "IsRequired": True, "Range": numbers("Integer", "1", "2147483647")},
        {
            "Name": "loss",
            "Type": "Categorical",
            "IsRequired": False,
            "Range": {"CategoricalParameterRangeSpecification": {"Values": ["squared", "absolute"]}},
        },
        {"Name": "note", "Type": "FreeText", "IsRequired": False},
    ],
    "MetricDefinitions": [{"Name": "train:rmse", "Regex": "train:rmse=(.+)"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture
def declared() -> Declaration:
    """What an image declares."""
    return Declaration.read(json.dumps(DECLARED))


@pytest.mark.parametrize(
    ("hyperparameters", "said"),
    [
        ({"trees": 10, "rate": 0.5, "loss": "squared", "note": "x"}, None),
        ({"trees": "10", "rate": 1}, None),
        ({"trees": 10**12}, None),  # the algorithm has no upper limit, where a range must have one
        (
            {"tree": 1, "trees": 1},
            "hyperparameter 'tree' is unknown: did you mean 'trees'? the algorithm in the image has rate, ",
        ),
        ({"trees": 0}, "hyperparameter 'trees' is 0: expected a whole number of 1 or more"),
        ({"trees": 1.5}, "hyperparameter 'trees' is 1.5: expected a whole number of 1 or more"),
        ({"trees": float("inf")}, "hyperparameter 'trees' is Infinity: expected a whole number of 1 or more"),
        ({"trees": "many"}, "hyperparameter 'trees' is many: expected a whole number"),
        ({"trees": 1, "rate": 2}, "hyperparameter 'rate' is 2: expected a number of 0 or more and 1 or less"),
        ({"trees": 1, "loss": "cubic"}, "hyperparameter 'loss' is cubic: expected one of squared, absolute"),
        ({}, "hyperparameter 'trees' is missing: the algorithm in the image has no default for it"),
    ],
)
def test_hyperparameters_are_held_against_the_declaration(declared: Declaration, hyperparameters: dict, said: str):
    if said is None:
        declared.check(hyperparameters)
    else:
        with pytest.raises(CloudError) as error:
            declared.check(hyperparameters)
        assert str(error.value).startswith(said)


def test_the_declared_type_is_that_of_a_range(declared: Declaration):
    """0 to 1 are whole numbers, and not an integer's range where the hyperparameter is none."""
    wanted = {"rate": {"min": 0, "max": 1}, "trees": {"min": 1, "max": 9}, "loss": {"values": ["squared"]}}
    assert [*requests.ranges(wanted, declared)] == [
        "ContinuousParameterRanges",
        "IntegerParameterRanges",
        "CategoricalParameterRanges",
    ]
    for name, one, said in (
        ("rate", {"min": 0, "max": 2}, "tune.ranges: hyperparameter 'rate' is 2: expected a number of 0 or more and "),
        ("loss", {"min": 0, "max": 2}, "tune.ranges: hyperparameter 'loss' is 0: expected one of squared, absolute"),
        ("note", {"min": 0, "max": 2}, "tune.ranges.note: it is not a number: give it values instead of min and max"),
        ("rates", {"min": 0, "max": 2}, "tune.ranges: hyperparameter 'rates' is unknown: did you mean 'rate'?"),
    ):
        with pytest.raises(CloudError) as error:
            requests.ranges({name: one}, declared)
        assert str(error.value).startswith(said)


class Stubbed(Aws):
    """AWS, whose services answer what a test says."""

    def __init__(self, account: settings.Aws | None = None):
        account = account or settings.Aws(role="SageMaker", region="eu-west-1", bucket="some-bucket")
        super().__init__(account, "my-algorithm", "abc1234", dry_run=False, here=False)
        self.stubbers: dict[str, Stubber] = {}

    def client(self, service: str, region: str = ""):
        return self.stub(service).client

    def stub(self, service: str) -> Stubber:
        """Return what says how a service answers."""
        if service not in self.stubbers:
            keys = {"aws_access_key_id": "k", "aws_secret_access_key": "k"}
            stubber = Stubber(boto3.client(service, region_name="eu-west-1", **keys))
            stubber.activate()
            if service == "sts":
                stubber.add_response("get_caller_identity", {"Arn": "arn:aws:iam::123456789012:user/u"})
            self.stubbers[service] = stubber
        return self.stubbers[service]

    def give_image(self, config: dict, media_type: str = image.SCHEMA_2, *, looked_at: int = 0) -> None:
        """Let ECR have the commit's image with this configuration, and be asked so often what it is."""
        ecr, details = self.stub("ecr"), {"imageDigest": f"sha256:{'0' * 64}", "imageManifestMediaType": media_type}
        uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm"
        ecr.add_response("describe_repositories", {"repositories": [{"repositoryUri": uri}]})
        for _ in range(1 + looked_at):
            ecr.add_response("describe_images", {"imageDetails": [details]})
        manifest = json.dumps({"config": {"digest": "sha256:1"}})
        url = f"data:application/json,{quote(json.dumps(config))}"
        ecr.add_response("batch_get_image", {"images": [{"imageManifest": manifest}]})
        ecr.add_response("get_download_url_for_layer", {"downloadUrl": url})


def labelled(**more) -> dict:
    """Return the configuration of an image that declares something."""
    return {"architecture": "amd64", "config": {"Labels": {LABEL: json.dumps(DECLARED)}}, **more}


def test_the_declaration_is_read_from_the_label_of_the_image_in_ecr():
    aws = Stubbed()
    aws.give_image(labelled())
    assert aws.declared.hyperparameters.keys() == {"rate", "trees", "loss", "note"}


@pytest.mark.parametrize("config", [{}, {"config": {"Labels": None}}, {"config": {"Labels": {"other": "x"}}}])
def test_an_image_without_the_label_declares_nothing(config: dict):
    aws = Stubbed()
    aws.give_image(config)
    assert aws.declared is None


def test_an_image_in_a_form_that_sagemaker_refuses_declares_nothing():
    """ECR gives no manifest of the form that is asked for."""
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm:abc1234"
    asked = Stubbed()
    asked.stub("ecr").add_response("batch_get_image", {"images": []})
    assert image.Image(asked.client("ecr"), uri).label(LABEL) is None


def test_an_image_that_is_not_there_is_said_with_what_to_do():
    aws = Stubbed()
    aws.stub("ecr").add_client_error("describe_repositories", "RepositoryNotFoundException")
    with pytest.raises(CloudError, match=r"there is no image my-algorithm:abc1234 in ECR \(Repo.+make cloud-push"):
        aws.image  # noqa: B018


def test_what_is_not_permitted_names_the_policy():
    aws = Stubbed()
    aws.stub("ecr").add_client_error("describe_repositories", "AccessDeniedException", "No.")
    with pytest.raises(CloudError) as error, in_words():
        aws.image  # noqa: B018
    assert str(error.value) == (
        "DescribeRepositories: No. (AccessDeniedException): your credentials do not permit this; cloud/iam/check.json "
        "does: show whoever gives you permissions what `make cloud-policy NAME=check` prints"
    )


@pytest.mark.parametrize(
    ("component", "price"), [("Training", 0.115), ("Hosting", 0.23), ("BatchTransform", 0.3), ("Processing", None)]
)
def test_prices_are_those_of_the_pricing_api(component: str, price: float | None):
    aws = Stubbed()
    products = [
        {
            "product": {"attributes": {"component": name}},
            "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}}},
        }
        for name, usd in (("Training", "0.115"), ("Hosting", "0.23"), ("Batch Transform", "0.3"))
    ]
    aws.stub("pricing").add_response("get_products", {"PriceList": [json.dumps(one) for one in products]})
    assert cost.hourly(aws, "ml.m5.large", component) == price


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalErrorException"])
def test_a_price_that_cannot_be_known_is_said_to_be_unknown(code: str):
    aws = Stubbed()
    aws.stub("pricing").add_client_error("get_products", code)
    assert cost.words(aws, "ml.m5.large", 1, "Training", hours=1) == "its price is not known here"


def test_the_price_is_the_ceiling():
    aws = Stubbed()
    term = {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": "0.5"}}}}
    product = {"product": {"attributes": {"component": "Hosting"}}, "terms": {"OnDemand": {"t": term}}}
    aws.stub("pricing").add_response("get_products", {"PriceList": [json.dumps(product)]})
    words = cost.words(aws, "ml.m5.large", 2, "Hosting", hours=24, time="a day")
    assert words == "at most 24.00 USD a day (0.5 an hour for each instance)"


TRUST = {"Statement": [{"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
GOOD = {
    "trust": json.dumps(TRUST),
    "decision": "allowed",
    "region": "eu-west-1",
    "media_type": image.SCHEMA_2,
    "architecture": "amd64",
    "quota": 5.0,
}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, None),
        ({"trust": "{}"}, "✗ SageMaker may not take arn:aws:iam::123456789012:role/SageMaker; its trust policy must"),
        ({"decision": "implicitDeny"}, " a simulation says that the role may not: s3:GetObject (it does not know"),
        ({"region": "us-east-1"}, "✗ the bucket some-bucket is in us-east-1, and jobs in eu-west-1 cannot read it"),
        ({"media_type": "oci"}, "✗ SageMaker refuses 123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-algorithm:abc12"),
        ({"architecture": "arm64"}, " it is for arm64: no training"),
        (
            {"quota": 0.0},
            "✗ quota 'ml.m5.large for training job usage' is 0, and 1 needed: ask Service Quotas",
        ),
    ],
)
def test_cloud_check_sees_what_is_wrong(wrong: dict, said: str | None, capsys):
    """Each finding by itself; what only hints is no error."""
    has, aws = GOOD | wrong, Stubbed()
    role = {"Path": "/", "RoleId": "R" * 16, "RoleName": "SageMaker", "CreateDate": 0}
    described = {**role, "Arn": "arn:aws:iam::123456789012:role/SageMaker", "AssumeRolePolicyDocument": has["trust"]}
    aws.stub("iam").add_response("get_role", {"Role": described})
    result = {"EvalActionName": "s3:GetObject", "EvalDecision": has["decision"]}
    aws.stub("iam").add_response("simulate_principal_policy", {"EvaluationResults": [result]})
    aws.stub("s3").add_response("head_bucket", {"BucketRegion": has["region"]})
    aws.give_image(labelled(architecture=has["architecture"]), has["media_type"], looked_at=1)
    quotas = [
        {"QuotaName": f"ml.m5.large for {kind} usage", "Value": has["quota"] if kind == "training job" else 9.0}
        for kind in ("training job", "transform job", "endpoint")
    ]
    aws.stub("service-quotas").add_response("list_service_quotas", {"Quotas": quotas})
    aws.stub("pricing").add_response("get_products", {"PriceList": []})
    train = settings.Train(hyperparameters={"trees": 3}, channels={"train": settings.Channel("s3://some-bucket/x")})
    batch = settings.Batch(data="s3://some-bucket/rows")
    cloud = Cloud(ROOT, settings.Settings(aws=aws.account, train=train, batch=batch), aws)
    problem = said is not None and said.startswith("✗")
    with pytest.raises(CloudError, match="1 wrong") if problem else nullcontext():
        ACTIONS["check"](cloud)
    shown = capsys.readouterr().out
    assert "✓ CreateTrainingJob: AWS would take the request" in shown
    if said:
        assert said in shown
    else:
        assert "✗" not in shown


def test_what_may_not_be_looked_at_is_no_mistake(capsys):
    """The role's trust is seen, though its rights cannot be simulated."""
    aws = Stubbed()
    role = {"Path": "/", "RoleId": "R" * 16, "RoleName": "SageMaker", "CreateDate": 0, "Arn": "arn:aws:iam::1:role/R23"}
    aws.stub("iam").add_response("get_role", {"Role": {**role, "AssumeRolePolicyDocument": GOOD["trust"]}})
    aws.stub("iam").add_client_error("simulate_principal_policy", "AccessDenied", "No.")
    found = list(preflight.told(preflight.role(Cloud(ROOT, settings.Settings(aws=aws.account), aws))))
    assert [one.ok for one in found] == [True, None]
    assert "cloud/iam/check.json does" in found[1].text


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("The primary container did not pass the ping health check.", 'ARGS="-k I8"'),
        ("Unable to provision requested ML compute capacity.", "another instance_type"),
        ("Failed to download model data for container.", "may not read the model"),
    ],
)
def test_a_failed_deployment_names_its_likely_cause(reason: str, cause: str):
    assert cause in explain.causes(reason) and len(explain.causes(reason).splitlines()) == 1


def test_a_failed_deployment_without_a_clue_names_all_causes():
    assert len(explain.causes("Failed").splitlines()) == len(explain.CAUSES)


def test_an_image_for_graviton_trains_nowhere():
    aws = Stubbed()
    aws.give_image(labelled(architecture="arm64"))
    train = settings.Train(hyperparameters={"trees": 3}, channels={"train": settings.Channel("s3://some-bucket/x")})
    cloud = Cloud(ROOT, settings.Settings(aws=aws.account, train=train), aws, yes=True)
    with pytest.raises(CloudError, match=r"is for arm64, and SageMaker trains on amd64 only \(E7\)"):
        ACTIONS["train"](cloud)


def test_codebuild_needs_a_role_and_a_commit(bake):
    project = bake()
    result = cloud(project, "push", "--on-codebuild", "--dry-run")
    assert result.stderr == "cloud: CodeBuild needs an IAM role: set build_role under [aws] in sagemaker.toml\n"
    aws = Stubbed(settings.Aws(role="R", build_role="B", region="eu-west-1", bucket="b"))
    with pytest.raises(CloudError, match="CodeBuild builds a commit, and there is none"):
        ACTIONS["push"](Cloud(project, settings.Settings(aws=aws.account), aws, yes=True), on_codebuild=True)
