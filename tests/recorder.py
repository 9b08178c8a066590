"""Records the permissions that the actions of cloud/ need: `python recorder.py < actions.json`, in a project.

The actions are lists of words, as `python -m cloud` takes them. Prints {action: [permission]}, as IAM calls them; on
stderr what the actions say.
"""

import contextlib
import importlib
import json
import os
import sys
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import boto3

# What IAM calls a service otherwise than boto3 does.
SERVICES = {"sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}
ROLES = {"RoleArn", "ExecutionRoleArn", "serviceRole"}
recorded: set[str] = set()

DECLARED = {
    "SupportedHyperParameters": [
        {
            "Name": name,
            "Type": "Integer",
            "IsRequired": False,
            "Range": {"IntegerParameterRangeSpecification": {"MinValue": "0", "MaxValue": "2147483647"}},
        }
        for name in ("resamples", "seed")
    ],
    "MetricDefinitions": [{"Name": "train:rmse", "Regex": "train:rmse=(\\S+)"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
CONFIG = {"architecture": "amd64", "config": {"Labels": {"sm-algo.describe": json.dumps(DECLARED)}}}
QUOTAS = ("for training job usage", "for transform job usage", "for endpoint usage")
PRICE = {"pricePerUnit": {"USD": "0.115"}, "unit": "Hrs"}
PRODUCT = {
    "product": {"attributes": {"component": "Training"}},
    "terms": {"OnDemand": {"a": {"priceDimensions": {"b": PRICE}}}},
}
BUILD = {"groupName": "/aws/codebuild/image", "streamName": "1"}
# What moto does not have, or without a log.
ANSWERS = {
    "BatchGetBuilds": {"builds": [{"currentPhase": "COMPLETED", "buildStatus": "SUCCEEDED", "logs": BUILD}]},
    "SimulatePrincipalPolicy": {"EvaluationResults": [{"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}]},
    "GetDownloadUrlForLayer": {"downloadUrl": f"data:application/json,{quote(json.dumps(CONFIG))}"},
    "ListServiceQuotas": {"Quotas": [{"QuotaName": f"ml.m5.large {one}", "Value": 20.0} for one in QUOTAS]},
    "GetProducts": {"PriceList": [json.dumps(PRODUCT)]},
}


class Recorded(boto3.Session):
    """A session of boto3 that records the permissions that its calls need."""

    def __init__(self, **options):
        super().__init__(**options)
        self.events.register("before-parameter-build", record)
        self.events.register("before-call", answer)


def record(params: dict, model, **_) -> None:
    """Note the permissions that a call needs."""
    service = model.service_model.service_name
    if service == "sts":
        return  # who the caller is, everybody may ask
    permitted_as = importlib.import_module("cloud.iam").PERMITTED_AS
    recorded.add(f"{SERVICES.get(service, service)}:{permitted_as.get(model.name, model.name)}")
    if ROLES & (params.keys() | params.get("TrainingJobDefinition", {}).keys()):
        recorded.add("iam:PassRole")
    if service == "sagemaker" and params.get("Tags"):
        recorded.add("sagemaker:AddTags")


def answer(model, **_) -> tuple | None:
    """Answer for AWS where moto cannot."""
    if model.name == "HeadBucket" and "s3:CreateBucket" not in recorded:
        return SimpleNamespace(status_code=404), {"Error": {"Code": "404", "Message": ""}}  # for it to be made
    return (SimpleNamespace(status_code=200), ANSWERS[model.name]) if model.name in ANSWERS else None


def permissions_of(words: list[str]) -> set[str]:
    """Perform an action; return what it needed. What it says, also of what is not on this machine, goes to stderr."""
    cloud = importlib.import_module("cloud.__main__")
    follow: Any = importlib.import_module("cloud.follow")
    follow.EVERY = 0.3
    recorded.clear()
    with contextlib.redirect_stdout(sys.stderr):
        print("==", *words)
        try:
            cloud.main(words)
        except cloud.CloudError as error:
            print(error)
    return set(recorded)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    boto3.Session = Recorded
    found: dict[str, set[str]] = {}
    for action in json.load(sys.stdin):
        found.setdefault(action[0], set()).update(permissions_of(action))
    print(json.dumps({action: sorted(permissions) for action, permissions in found.items()}))
