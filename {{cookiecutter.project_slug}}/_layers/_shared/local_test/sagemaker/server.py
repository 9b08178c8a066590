"""The server of AWS's API: SageMaker's own operations, and moto for the rest (S3, logs, IAM, STS, ECR)."""

import io
import json
import re
import threading
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TextIO

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from cloud.local import REGION

from . import hosting, listing, modes, processing, training, transform, tuning
from .api import Refusal, check, invalid
from .engines import Engines
from .region import Region
from .resources import ENDPOINT_CONFIG, KINDS, MODEL

JSON = "application/x-amz-json-1.1"
# The region in the signature of a request.
CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/")
INVOCATION = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
INTERRUPTION = re.compile(r"/local/interrupt/([^/]+)")
DECLARATION = "/local/declaration"
# What moto answers: records of which nothing runs.
OF_MOTO = re.compile(r"(Create|Describe|List|Update)ModelPackage(Group)?s?")

Operation = Callable[[Region, dict], dict]


OPERATIONS: dict[str, Operation] = {
    **{f"Describe{kind.name}": partial(listing.describe, kind) for kind in KINDS},
    **{f"List{kind.name}s": partial(listing.list_all, kind) for kind in KINDS},
    **{f"Delete{kind.name}": partial(listing.delete, kind) for kind in (MODEL, ENDPOINT_CONFIG)},
    "Search": listing.search,
    "AddTags": listing.add_tags,
    "ListTags": listing.list_tags,
    "DeleteTags": listing.delete_tags,
    "CreateTrainingJob": training.create,
    "StopTrainingJob": training.stop,
    "CreateHyperParameterTuningJob": tuning.create,
    "StopHyperParameterTuningJob": tuning.stop,
    "DescribeHyperParameterTuningJob": tuning.describe,
    "ListTrainingJobsForHyperParameterTuningJob": tuning.list_training_jobs,
    "CreateModel": hosting.create_model,
    "CreateEndpointConfig": hosting.create_endpoint_config,
    "CreateEndpoint": hosting.create_endpoint,
    "UpdateEndpoint": hosting.update_endpoint,
    "DeleteEndpoint": hosting.delete_endpoint,
    "CreateTransformJob": transform.create,
    "StopTransformJob": transform.stop,
    "CreateProcessingJob": processing.create,
}


def refused(error: Refusal) -> Response:
    """Return the response for an error, as all of AWS's clients read it."""
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.more}
    return Response(json.dumps(body), error.status, {"x-amzn-ErrorType": error.code}, content_type=JSON)


def refuse_pages(request: Request) -> None:
    """Raise Refusal for a request of a page in a browser, which names its origin.

    No request needs a signature here, and moto allows any origin: a page from anywhere could start a container.
    """
    if origin := request.headers.get("Origin"):
        message = f"The SageMaker on this machine answers no page in a browser, such as this of {origin}."
        raise Refusal("AccessDeniedException", message, 403)


class Silent(WSGIRequestHandler):
    """Handles requests without a line on the screen for each."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Print nothing."""


class Server:
    """SageMaker on this machine, at 127.0.0.1; `port` 0 means any free one."""

    def __init__(self, engine: str, project: Path, port: int, screen: TextIO):
        self.engines, self.screen = Engines(engine, project), screen
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=Silent)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def say(self, text: str) -> None:
        """Print what happens, with its time."""
        self.screen.write(f"{datetime.now():%H:%M:%S} {text}\n")
        self.screen.flush()

    def region(self, name: str) -> Region:
        """Return a region, which has resources of its own."""
        with self._lock:
            if name not in self._regions:
                self._regions[name] = Region(name, self.endpoint, self.engines, self.say)
            return self._regions[name]

    def prepare(self, region: str, role: str, bucket: str) -> None:
        """Make a role and a bucket, so that no client needs to."""
        aws = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=region)
        aws.client("iam", endpoint_url=self.endpoint).create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        aws.client("s3", endpoint_url=self.endpoint).create_bucket(Bucket=bucket, **where)

    def close(self) -> None:
        """Stop everything that runs, and remove what it left."""
        for region in list(self._regions.values()):
            hosting.end_all(region)
        self.engines.close()
        self._server.shutdown()

    def _answer(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        request = Request(environ)
        signed = CREDENTIAL.search(request.headers.get("Authorization", ""))
        try:
            refuse_pages(request)
            response = self._answer_sagemaker(request, self.region(signed[1] if signed else REGION))
        except Refusal as error:
            response = refused(error)
        except Exception as error:
            traceback.print_exc()
            response = refused(Refusal("InternalFailure", f"{type(error).__name__}: {error}", 500))
        return (response or self._moto)(environ, start_response)

    def _answer_sagemaker(self, request: Request, region: Region) -> Response | None:
        """Answer what is SageMaker's; None for the rest. Raises Refusal."""
        service, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
        if service == "SageMaker":
            body = request.get_data()
            asked = json.loads(body or b"{}")
            if OF_MOTO.fullmatch(operation):
                check(operation, asked)
                request.environ["wsgi.input"] = io.BytesIO(body)  # to be read again
                return None
            if operation not in OPERATIONS:
                raise invalid(f"The SageMaker on this machine has no {operation}. It has {', '.join(OPERATIONS)}.")
            check(operation, asked)
            modes.refuse(operation, asked, region.engines.name)
            for uri in modes.uris(asked):
                region.storage.need_bucket(uri)
            return Response(json.dumps(OPERATIONS[operation](region, asked)), content_type=JSON)
        if request.path == DECLARATION:
            return Response(region.engines.declaration(request.args.get("image")), content_type="application/json")
        if found := INVOCATION.fullmatch(request.path):
            return self._invoke(region, found[1], found[2], request)
        if found := INTERRUPTION.fullmatch(request.path):
            regions = list(self._regions.values())
            job = next((job for one in regions if (job := one.job(training.Training, found[1]))), None)
            if job is None:
                raise invalid(f"There is no training job {found[1]} at work.")
            job.interrupt()
            return Response(f"{found[1]} is interrupted\n")
        return None

    def _invoke(self, region: Region, endpoint: str, how: str, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers}
        if how == "invocations-response-stream":
            raise invalid("The SageMaker on this machine streams no answers: use InvokeEndpoint.")
        if how == "async-invocations":
            number, found = hosting.invoke_async(region, endpoint, headers)
            return Response(json.dumps({"InferenceId": number}), 202, found, content_type=JSON)
        answer = hosting.invoke(region, endpoint, headers, request.get_data())
        kind = answer.headers.pop("content-type", None)
        return Response(answer.body, answer.status, answer.headers, content_type=kind)
