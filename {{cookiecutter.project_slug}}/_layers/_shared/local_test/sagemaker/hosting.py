"""Models, endpoint configurations, endpoints and their invocations: in real time, and asynchronously by S3."""

import io
import secrets
import signal
import threading
import time

from botocore.exceptions import ClientError

from cloud.local import ACCOUNT

from .. import archive
from ..contract import PAYLOAD, REASON, SERVERLESS_PAYLOAD
from ..engines.base import Engine, Server
from ..exchange import Exchange, exchange
from ..startup import await_ping
from ..waits import WAITS
from .api import Refusal, invalid
from .region import Deployment, Region
from .resources import ENDPOINT, ENDPOINT_CONFIG, MODEL
from .storage import LogStream

GROUP = "/aws/sagemaker/Endpoints"
SETTLED = 0.5  # seconds after which a request for the old server has reached it
ASYNC_SECONDS = 900  # for an asynchronous answer, unless the request says otherwise (I19)
MESSAGE = 2048  # characters of OriginalMessage (I15)
OWN = "x-amzn-sagemaker-"
# The headers of a request that reach the container, and those of its answer that come back (I12, I14).
FORWARDED = ("content-type", "accept", *(OWN + name for name in ("custom-attributes", "inference-id", "session-id")))
RETURNED = ("content-type", *(OWN + name for name in ("custom-attributes", "new-session-id", "closed-session-id")))
TIMED_OUT = "Your invocation timed out while waiting for a response from container primary."


def create_model(region: Region, request: dict) -> dict:
    """CreateModel."""
    container = request.get("PrimaryContainer", {})
    region.engines.end(region.engines.open(container.get("Image")))  # whether there is such an image
    uri, _ = model_data(container)
    if uri and not region.storage.exists(uri):
        raise invalid(
            f"Could not find model data at {uri}. Please ensure that the object exists, and that it is in the selected "
            f"region ({region.name})."
        )
    return {"ModelArn": region.resources.create(MODEL, request)["ModelArn"]}


def create_endpoint_config(region: Region, request: dict) -> dict:
    """CreateEndpointConfig."""
    if "ModelName" not in request["ProductionVariants"][0]:
        raise invalid("The SageMaker on this machine has no inference components: give the variant a ModelName.")
    region.resources.find(MODEL, request["ProductionVariants"][0]["ModelName"])
    return {"EndpointConfigArn": region.resources.create(ENDPOINT_CONFIG, request)["EndpointConfigArn"]}


def create_endpoint(region: Region, request: dict) -> dict:
    """CreateEndpoint."""
    config = region.resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])
    return _deploy(region, region.resources.create(ENDPOINT, request), config, "Creating")


def update_endpoint(region: Region, request: dict) -> dict:
    """UpdateEndpoint: the old server answers until the new one does."""
    config = region.resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])
    endpoint = _at_rest(region, request["EndpointName"])
    if endpoint["EndpointStatus"] == "Failed":
        raise invalid(f'Cannot update endpoint "{endpoint["EndpointArn"]}", which has failed: delete it.')
    return _deploy(region, endpoint, config, "Updating")


def delete_endpoint(region: Region, request: dict) -> dict:
    """DeleteEndpoint."""
    name = request["EndpointName"]
    region.move(ENDPOINT, _at_rest(region, name), "Deleting")

    def delete() -> None:
        _retire(region, region.deployments.pop(name, None))
        region.resources.delete(ENDPOINT, name)

    threading.Thread(target=delete, daemon=True).start()
    return {}


def end_all(region: Region) -> None:
    """End the servers of all endpoints."""
    for name in list(region.deployments):
        region.engines.end(region.deployments.pop(name).engine)


def serve(region: Region, engine: Engine, name: str, environment: dict[str, str], group: str, stream: str) -> Server:
    """Start a server for a model, with more variables; its log goes to CloudWatch.

    Raises Refusal where it does not become healthy in time (I8), or its data is no archive.
    """
    container, folder = region.resources.find(MODEL, name)["PrimaryContainer"], engine.folder("model")
    uri, compressed = model_data(container)
    try:
        if uri and compressed:
            archive.unpack(io.BytesIO(region.storage.read(uri)), folder)
        elif uri:
            region.storage.download(uri, folder)
    except (ClientError, ValueError, OSError) as error:
        raise invalid(f"has no model: {uri}: {error}") from None
    server = engine.serve(folder, {"AWS_REGION": region.name, **container.get("Environment", {}), **environment})
    LogStream(region.storage, group, f"{stream}/i-{secrets.token_hex(8)}", server).follow()
    if await_ping(server) is None:
        raise invalid(f"did not pass the ping health check. Please check CloudWatch logs ({group}).")
    return server


def model_data(container: dict) -> tuple[str | None, bool]:
    """Return where a model's data lies, None for an image that contains its model; and whether it is an archive."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = container.get("ModelDataUrl", source.get("S3Uri"))
    return uri, source.get("CompressionType", "Gzip") == "Gzip"


def invoke(region: Region, name: str, headers: dict[str, str], body: bytes) -> Exchange:
    """InvokeEndpoint: return what the container answered, with the headers that come back.

    Raises Refusal where there is no such endpoint, for too large a body, and as ModelError for a container's error.
    """
    deployment = _deployment(region, name)
    limit = SERVERLESS_PAYLOAD if "ServerlessConfig" in deployment.variant else PAYLOAD
    if len(body) > limit:
        raise Refusal(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
            f"than or equal to {limit}",
        )
    answer = _ask(region, deployment, name, headers, body, WAITS.invocation)
    answer.headers = {key: value for key, value in answer.headers.items() if key in RETURNED}
    answer.headers["x-amzn-invoked-production-variant"] = deployment.variant["VariantName"]
    return answer


def invoke_async(region: Region, name: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """InvokeEndpointAsync: return the inference's id, and the headers that say where its answer will be."""
    deployment = _deployment(region, name)
    if "AsyncInferenceConfig" not in deployment.config:
        raise Refusal("ValidationError", f"Endpoint {name} of account {ACCOUNT} is not an asynchronous endpoint.")
    output = deployment.config["AsyncInferenceConfig"]["OutputConfig"]
    number = headers.get(OWN + "inference-id", secrets.token_hex(16))
    target = f"{output['S3OutputPath'].rstrip('/')}/{number}.out"
    failure = f"{output.get('S3FailurePath', output['S3OutputPath']).rstrip('/')}/{number}-error.out"
    seconds = float(headers.get(OWN + "invocationtimeoutseconds", ASYNC_SECONDS))
    types = {key: headers[OWN + key] for key in ("content-type", "accept") if OWN + key in headers}

    def work() -> None:
        try:
            body = region.storage.read(headers[OWN + "inputlocation"])
            region.storage.write(target, _ask(region, deployment, name, headers | types, body, seconds).body)
        except (Refusal, ClientError) as error:
            region.storage.write(failure, str(error).encode())

    threading.Thread(target=work, daemon=True).start()
    return number, {OWN + "outputlocation": target, OWN + "failurelocation": failure}


def _ask(
    region: Region, deployment: Deployment, name: str, headers: dict[str, str], body: bytes, seconds: float
) -> Exchange:
    """Return the container's answer. Raises Refusal, a ModelError, for an error or no answer (I15)."""
    kept = {key: value for key, value in headers.items() if key in FORWARDED}
    answer = exchange(deployment.server.address, "POST", "/invocations", kept, body, timeout=seconds)
    if answer.ok:
        return answer
    if answer.status:
        text = answer.body.decode("utf-8", "replace")[:MESSAGE]
    else:
        text = TIMED_OUT if answer.seconds >= seconds else f"The container did not answer: {answer.error}"
    side = "client" if answer.refused else "server"
    raise Refusal(
        "ModelError",
        f'Received {side} error ({answer.status or 0}) from primary with message "{text}". See {GROUP}/{name} in '
        f"account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=answer.status or 0,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{region.name}:{ACCOUNT}:log-group:{GROUP}/{name}",
    )


def _deployment(region: Region, name: str) -> Deployment:
    found = region.deployments.get(name)
    if found is None:
        raise Refusal("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    return found


def _at_rest(region: Region, name: str) -> dict:
    """Return an endpoint that can be changed. Raises Refusal where it is being changed already."""
    endpoint = region.resources.find(ENDPOINT, name)
    if endpoint["EndpointStatus"] not in ("InService", "Failed"):
        raise invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
    return endpoint


def _retire(region: Region, deployment: Deployment | None) -> None:
    """End a server that gets no more requests, once it has answered those that it has (I5)."""
    if deployment:
        time.sleep(SETTLED)
        deployment.server.signal(signal.SIGTERM)
        deployment.server.wait(WAITS.stop_serving)
        region.engines.end(deployment.engine)


def _deploy(region: Region, endpoint: dict, config: dict, status: str) -> dict:
    """Start the server of a configuration, and switch the endpoint to it once it is healthy; return the ARN."""
    name, variant = endpoint["EndpointName"], config["ProductionVariants"][0]
    region.move(ENDPOINT, endpoint, status)
    old = region.deployments.get(name)

    def work() -> None:
        engine = None
        try:
            engine = region.engines.open(
                region.resources.find(MODEL, variant["ModelName"])["PrimaryContainer"]["Image"]
            )
            server = serve(region, engine, variant["ModelName"], {}, f"{GROUP}/{name}", variant["VariantName"])
        except Exception as error:
            if engine:
                region.engines.end(engine)
            reason = f"The primary container for production variant {variant['VariantName']} {error}"[:REASON]
            # After a failed update the old server goes on answering.
            region.move(ENDPOINT, endpoint, "InService" if old else "Failed", FailureReason=reason)
            return
        region.deployments[name] = Deployment(config, engine, server)
        endpoint.pop("FailureReason", None)
        count = variant.get("InitialInstanceCount", 0)
        shown = [{"VariantName": variant["VariantName"], "CurrentWeight": 1.0, "CurrentInstanceCount": count}]
        configured = config["EndpointConfigName"]
        region.move(ENDPOINT, endpoint, "InService", EndpointConfigName=configured, ProductionVariants=shown)
        _retire(region, old)

    threading.Thread(target=work, daemon=True).start()
    return {"EndpointArn": endpoint["EndpointArn"]}
