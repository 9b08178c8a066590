"""The servers that checks share. A server that a check has damaged is replaced before the next check sees it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from . import archive
from .engines.base import Engine, Server
from .sample import Request, Sample
from .startup import Startup, bring_up

# B1. The strategy is left unset, as most jobs leave it: MultiRecord.
BATCH_ENVIRONMENT = {
    "SAGEMAKER_BATCH": "true",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6",
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "1",
}


def at_endpoint(engine: Engine, model: Path) -> Path:
    """Return a model folder as an endpoint gets it: packed as model.tar.gz and unpacked (T31, I3)."""
    packed = engine.folder("artifact") / "model.tar.gz"
    archive.pack_model(model, packed)
    folder = engine.folder("model")
    with packed.open("rb") as stream:
        archive.unpack(stream, folder)
    return folder


@pytest.fixture(scope="session")
def model(engine: Engine, sample: Sample, request: pytest.FixtureRequest) -> Path:
    """The sample's model, or else the trained one, as the endpoint gets it."""
    return at_endpoint(engine, sample.model or request.getfixturevalue("trained").folder / "model")


class Serving:
    """Starts servers for a model, one after the other: `live` returns one that answers."""

    def __init__(self, engine: Engine, model: Path, sample: Sample, environment: dict[str, str], read_only: bool):
        self.engine, self.model, self.sample = engine, model, sample
        self.environment, self.read_only = environment, read_only
        self.startup: Startup | None = None

    def start(self) -> Startup:
        """Start a server; remove the one before."""
        if self.startup:
            self.startup.server.remove()
        server = self.engine.serve(self.model, self.environment, read_only=self.read_only)
        self.startup = bring_up(server, self.sample.requests)
        return self.startup

    def live(self) -> Server:
        """Return the server, or a new one if it no longer answers. Skips the check if none comes up."""
        startup = self.startup
        if startup is None or startup.server.poll().status != 200:
            startup = self.start()
        if not startup.good:
            pytest.skip("because the server does not come up for this check")
        return startup.server


@dataclass(frozen=True)
class FirstStart:
    """The first start of a server. `refused` is the first try, if the server has to write to its model folder."""

    serving: Serving
    startup: Startup
    refused: Startup | None = None


@pytest.fixture(scope="session")
def first_start(engine: Engine, model: Path, sample: Sample) -> FirstStart:
    """The server for the trained model, started once for all checks."""
    serving = Serving(engine, model, sample, {}, read_only=True)
    startup = serving.start()
    if startup.good or not engine.mounts_read_only:
        return FirstStart(serving, startup)
    writable = Serving(engine, model, sample, {}, read_only=False)
    second = writable.start()
    if second.good:
        return FirstStart(writable, second, refused=startup)
    second.server.remove()
    return FirstStart(serving, startup)


@pytest.fixture(scope="session")
def good(first_start: FirstStart) -> Request:
    """A sample request that the server answers."""
    if not first_start.startup.good:
        pytest.skip("because the server does not answer (I8, I12)")
    return first_start.startup.good


@pytest.fixture(scope="session")
def up(first_start: FirstStart, good: Request) -> FirstStart:
    """The first start, if the server answers."""
    return first_start


@pytest.fixture
def server(up: FirstStart) -> Server:
    """A server for the trained model that answers."""
    return up.serving.live()


@pytest.fixture(scope="module")
def batch_serving(engine: Engine, model: Path, sample: Sample, up: FirstStart) -> Serving:
    """Servers with the environment of a batch transform job."""
    return Serving(engine, model, sample, BATCH_ENVIRONMENT, up.serving.read_only)


@pytest.fixture
def batch_server(batch_serving: Serving) -> Server:
    """A server with the environment of a batch transform job (B1) that answers."""
    return batch_serving.live()


@pytest.fixture(scope="session")
def disposables(engine: Engine, model: Path, sample: Sample, up: FirstStart) -> Serving:
    """Servers to be broken."""
    return Serving(engine, model, sample, {}, up.serving.read_only)


@pytest.fixture
def disposable_server(disposables: Serving) -> Server:
    """A server that a check may break."""
    return disposables.live()
