"""The training half of the runtime, without a container."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from pydantic import BaseModel, Field, field_validator, model_validator

from runtime.data.tables import matrix
from runtime.distributed.hosts import Hosts
from runtime.errors import InputError, UserError
from runtime.resources import THREAD_VARIABLES, cpu_quota, limit_threads
from runtime.training import channels, failure, hyperparameters
from runtime.training.checkpoints import Checkpoints
from runtime.training.metrics import report
from runtime.training.stopping import StopFlag


class Declaration(BaseModel):
    depth: int = Field(3, ge=1, le=9)
    rate: float = 0.1
    fast: bool = False
    name: str = "tree"
    layers: list[int] = []
    seed: int | None = None


@pytest.mark.parametrize(
    "strings",
    [
        {"depth": "5", "rate": "0.5", "fast": "True", "name": "abc", "layers": "[1, 2]", "seed": "None"},
        {"depth": "5", "rate": "0.5", "fast": "true", "name": '"abc"', "layers": "[1, 2]", "seed": "null"},
        {
            "depth": "5",
            "rate": "0.5",
            "fast": "true",
            "name": "abc",
            "layers": "[1,2]",
            "_tuning_objective_metric": "x",
        },
    ],
)
def test_all_encodings_of_a_hyperparameter_mean_the_same(strings):
    assert hyperparameters.parse(strings, Declaration) == Declaration(
        depth=5, rate=0.5, fast=True, name="abc", layers=[1, 2]
    )


def test_text_that_looks_like_json_stays_text_where_text_is_declared():
    assert hyperparameters.parse({"name": "null"}, Declaration).name == "null"
    assert hyperparameters.parse({"name": "5"}, Declaration).name == "5"


@pytest.mark.parametrize(("text", "depth"), [("5", 5), ("5.0", 5), ("0.5e1", 5), (" 5 ", 5), ("5e0", 5)])
def test_a_whole_number_may_be_written_with_point_and_exponent(text, depth):
    assert hyperparameters.parse({"depth": text}, Declaration).depth == depth


@pytest.mark.parametrize(
    "strings", [{"depth": "1_0"}, {"rate": "1_0.5"}, {"rate": "inf"}, {"rate": "nan"}, {"rate": "0x1"}]
)
def test_what_is_no_number_of_the_grammar_is_refused(strings):
    with pytest.raises(UserError, match=r"hyperparameter '(depth|rate)' is "):
        hyperparameters.parse(strings, Declaration)


@pytest.mark.parametrize(
    ("strings", "words"),
    [
        ({"depth": "many"}, ["'depth'", "'many'", "integer"]),
        ({"depth": "12"}, ["'depth'", "'12'", "less than or equal to 9"]),
        ({"detph": "5"}, ["'detph'", "did you mean 'depth'"]),
    ],
)
def test_a_wrong_hyperparameter_is_explained_in_a_sentence(strings, words):
    with pytest.raises(UserError) as caught:
        hyperparameters.parse(strings, Declaration)
    assert all(word in str(caught.value) for word in words)


class Checked(BaseModel):
    depth: int = 3
    leaves: int = 8

    @field_validator("depth")
    @classmethod
    def odd(cls, depth):
        if depth % 2 == 0:
            raise ValueError("XYZ grows odd trees only")
        return depth

    @model_validator(mode="after")
    def fit(self):
        if self.leaves > 2**self.depth:
            raise ValueError("a tree of this depth has fewer leaves")
        return self


@pytest.mark.parametrize(
    ("strings", "sentence"),
    [
        ({"depth": "4"}, "hyperparameter 'depth' is '4': XYZ grows odd trees only"),
        ({"leaves": "9"}, "the hyperparameters do not fit together: a tree of this depth has fewer leaves"),
    ],
)
def test_what_the_declaration_itself_refuses_is_said_in_its_words(strings, sentence):
    with pytest.raises(UserError) as caught:
        hyperparameters.parse(strings, Checked)
    assert str(caught.value) == sentence


def test_the_failure_reason_keeps_the_message_and_the_end_of_the_traceback_in_1024_characters():
    def deep(level):
        if level:
            return deep(level - 1)
        raise RuntimeError("the cause " + "x" * 3000)

    with pytest.raises(RuntimeError) as caught:
        deep(50)
    text = failure.reason(caught.value)
    assert len(text) <= 1024
    assert text.startswith("RuntimeError: the cause")
    assert failure.reason(UserError("do this")) == "UserError: do this"


def test_channels_come_from_the_config_and_not_from_the_folders_beside_them(tmp_path):
    (tmp_path / "a.b-c_d" / "deep").mkdir(parents=True)
    (tmp_path / "a.b-c_d" / "deep" / "part.csv").write_text("1,2\n")
    (tmp_path / "a.b-c_d" / ".hidden").write_text("x")
    (tmp_path / "a.b-c_d-manifest").write_text("{}")
    found = channels.from_config({"a.b-c_d": {"TrainingInputMode": "File"}}, tmp_path)
    assert [file.name for file in found["a.b-c_d"].files] == ["part.csv"]
    with pytest.raises(UserError, match=r"'training' is missing.*a\.b-c_d"):
        found["training"]


def test_where_only_training_arrives_it_is_read_as_train(tmp_path, capsys):
    for name in ("train", "training", "validation"):
        (tmp_path / name).mkdir()
    found = channels.from_config({"training": {}, "validation": {}}, tmp_path)
    assert found["train"].path == tmp_path / "training"
    assert capsys.readouterr().out == "channel 'train' is missing: reading 'training' instead\n"
    assert list(found) == ["training", "validation"]
    both = channels.from_config({"train": {}, "training": {}}, tmp_path)
    assert both["train"].path == tmp_path / "train"
    with pytest.raises(UserError, match="'train' is missing: the job has validation"):
        channels.from_config({"validation": {}}, tmp_path)["train"]
    assert capsys.readouterr().out == ""


def test_files_come_in_order_of_their_bytes_whatever_they_are_called(tmp_path):
    names = [b"B", b"a-b", b"a/b", "é".encode(), b"\xff"]
    for name in names:
        file = os.fsencode(tmp_path / "train") + b"/" + name
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as content:
            content.write("1,2\n3\n" if name == b"\xff" else "1,2\n")
    channel = channels.from_config({"train": {}}, tmp_path)["train"]
    assert [os.fsencode(file.relative_to(channel.path)) for file in channel.files] == names
    with pytest.raises(InputError, match="line 2 has 1 values") as caught:
        _ = [matrix(table) for table in channel.tables(header=False)]
    failure.write(tmp_path / "failure", caught.value)
    assert (tmp_path / "failure").read_text(encoding="utf-8").startswith("InputError: train/\\udcff, line 2")


def test_an_empty_channel_and_pipe_mode_are_explained(tmp_path):
    (tmp_path / "training").mkdir()
    with pytest.raises(UserError, match="no files"):
        _ = channels.from_config({"training": {}}, tmp_path)["training"].files
    with pytest.raises(UserError, match="Pipe mode"):
        channels.from_config({"training": {"TrainingInputMode": "Pipe"}}, tmp_path)


def test_bad_training_data_names_the_file_and_the_line(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "part.csv").write_text("1,2\n3\n")
    with pytest.raises(InputError, match=r"training/part.csv, line 2 has 1 values, expected 2"):
        _ = [matrix(table) for table in channels.from_config(None, tmp_path)["training"].tables(header=False)]


def test_what_is_no_checkpoint_of_ours_is_passed_over_with_a_line_in_the_log(tmp_path, capsys):
    (tmp_path / "checkpoint-500").mkdir()
    (tmp_path / "checkpoint-500" / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-000000000007.npz").touch()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest() is None
    log = capsys.readouterr().out
    assert "skipped checkpoint-500 in the checkpoint folder: it is not this job's" in log
    assert "skipped checkpoint-000000000007.npz in the checkpoint folder: it is empty" in log
    with checkpoints.write(8, ".npz") as path:
        path.write_text("eight")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint-000000000008.npz", "checkpoint-500"]


def test_a_training_that_fails_after_it_was_resumed_names_the_checkpoint(project, tmp_path):
    folder = project(
        "def train(channels, hyperparameters, job):\n"
        "    raise ValueError(f'not a model: {job.checkpoints.latest().read_text()}')\n"
    )
    (tmp_path / "base" / "checkpoints").mkdir(parents=True)
    (tmp_path / "base" / "checkpoints" / "checkpoint-000000000007.npz").write_text("foreign")
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path / "base")}
    assert (
        subprocess.run(
            [sys.executable, folder / "runtime/train"], env=environment, capture_output=True, check=False
        ).returncode
        == 1
    )
    first, *_ = (tmp_path / "base" / "output" / "failure").read_text().splitlines()
    assert first == (
        "ValueError: not a model: foreign "
        "(resumed from checkpoint checkpoint-000000000007.npz: delete it if it is not this job's)"
    )


def test_an_unfinished_checkpoint_is_never_the_latest(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest() is None
    with checkpoints.write(9) as path:
        path.write_text("nine")
    with checkpoints.write(10) as path:
        path.write_text("ten")
    with pytest.raises(OSError, match="full"), checkpoints.write(11) as path:
        path.write_text("elev")
        raise OSError("disk full")
    (tmp_path / ".unfinished-checkpoint-000000000012").write_text("left by a kill")
    assert checkpoints.latest().read_text() == "ten"
    assert len(list(tmp_path.iterdir())) == 1


def test_hosts_of_every_age():
    cloud = Hosts.from_config(
        {
            "current_host": "algo-2",
            "hosts": ["algo-2", "algo-1"],
            "network_interface_name": "eth1",
            "topology": None,
        }
    )
    assert (cloud.rank, cloud.size, cloud.is_first, cloud.network_interface) == (1, 2, False, "eth1")
    assert Hosts.from_config({"current_host": "x", "hosts": ["x"]}).is_first
    assert Hosts.from_config({}).is_first


@pytest.mark.parametrize(("given", "threads"), [({}, "4"), ({"OMP_NUM_THREADS": "1"}, "1")])
def test_what_is_said_of_threads_holds_for_all_libraries(monkeypatch, given, threads):
    monkeypatch.setattr(os, "environ", dict(given))
    limit_threads(4)
    assert {os.environ[name] for name in THREAD_VARIABLES} == {threads}


def test_the_cpu_quota_of_both_cgroup_versions(tmp_path):
    assert cpu_quota(tmp_path) == float("inf")
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("150000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cpu_quota(tmp_path) == float("inf")
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert cpu_quota(tmp_path) == 2


@pytest.fixture
def keep_sigterm():
    """Put back in the end what is done at SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class Stopped(io.RawIOBase):
    """Standard output, whose every write is interrupted by SIGTERM."""

    def writable(self):
        return True

    def write(self, data):
        signal.raise_signal(signal.SIGTERM)
        return os.write(1, data)


@pytest.mark.parametrize("file", [io.BufferedWriter, lambda raw: raw], ids=["buffered", "PYTHONUNBUFFERED"])
def test_sigterm_while_metrics_are_printed_only_asks_to_stop(file, keep_sigterm, monkeypatch, capfd):
    stopping = StopFlag()
    stopping.listen(interrupt=False)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(file(Stopped()), write_through=True))
        report({"train:rmse": 0.5, "train:mae": 0.25})
    assert stopping
    lines = capfd.readouterr().out.splitlines()
    assert set(lines) == {"SIGTERM: SageMaker stops this job", "train:rmse=0.5 train:mae=0.25"}


@pytest.fixture
def job(project, tmp_path):
    """A function that starts `train` with an algorithm of the test's own, and the folder that stands for /opt/ml."""
    base = tmp_path / "ml"
    (base / "input" / "config").mkdir(parents=True)

    def start(code, hyperparameters=None):
        (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters or {}))
        return subprocess.Popen(
            [sys.executable, project(code) / "runtime/train"],
            env=os.environ | {"SAGEMAKER_BASE_DIR": str(base), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start, base


def test_a_package_that_is_missing_is_named_with_what_to_do(job):
    start, base = job
    process = start("import os\nimport not_there.part\n")
    assert process.wait(60) == 1
    assert (base / "output" / "failure").read_text() == (
        "UserError: the Python package 'not_there' is missing, which algorithm.py imports in line 2: add it to "
        "requirements.txt, by its name on PyPI, and run make lock"
    )
    assert "Traceback" not in process.stdout.read()


def test_an_exception_in_train_writes_the_failure_file_and_ends_with_1(job):
    start, base = job
    process = start("def train(channels, hyperparameters):\n    raise RuntimeError('no convergence')\n")
    process.communicate()
    assert process.returncode == 1
    assert (base / "output" / "failure").read_text().startswith("RuntimeError: no convergence")


def test_train_may_keep_the_model_itself_but_not_forget_it(job):
    start, base = job
    process = start("def train(channels, hyperparameters):\n    pass\n")
    process.communicate()
    assert process.returncode == 1
    assert "return the model" in (base / "output" / "failure").read_text()
    keeps = "def train(channels, h, job):\n    (job.model_folder / 'mine.txt').write_text('x')\n"
    process = start(keeps)
    process.communicate()
    assert process.returncode == 1
    assert "or define model_fn(model_dir), which loads what" in (base / "output" / "failure").read_text()
    process = start(f"{keeps}def model_fn(folder):\n    return open(folder + '/mine.txt').read()\n")
    process.communicate()
    assert process.returncode == 0


def test_a_model_that_cannot_be_served_fails_the_training_with_a_sentence(job):
    start, base = job
    (base / "input/data/train").mkdir(parents=True)
    (base / "input/data/train/a.csv").write_text("age,city,target\n31,Oslo,1\n")
    algorithm = """
        FEATURES = {"age": float, "city": str}
        def train(channels, hyperparameters):
            return "model"
        def save_fn(model, model_dir):
            open(model_dir + "/mine.txt", "w").write(model)
        def model_fn(model_dir):
            return open(model_dir + "/NAME").read()
        def predict(model, features):
            RESULT
        """

    def outcome(name, result):
        process = start(algorithm.replace("NAME", name).replace("RESULT", result))
        output, _ = process.communicate()
        failure = base / "output/failure"
        reason = failure.read_text().splitlines()[0].removeprefix("UserError: ") if failure.exists() else ""
        failure.unlink(missing_ok=True)
        return process.returncode, reason, output

    status, reason, _ = outcome("other.txt", "return [1]")
    assert status == 1
    assert reason.startswith("training has ended, but its model cannot be served: the model in ")
    assert "No such file or directory" in reason
    status, reason, output = outcome("mine.txt", "return 1 / (len(features) - 1)")
    assert (status, reason) == (
        1,
        "training has ended, but its model cannot answer the first row of channel 'train': "
        "ZeroDivisionError: division by zero",
    )
    assert "in predict" in output
    assert outcome("mine.txt", "return [object()]")[:2] == (
        1,
        "training has ended, but its model cannot answer the first row of channel 'train': "
        "TypeError: a prediction cannot be written as JSON: Type is not JSON serializable: object",
    )
    assert outcome("mine.txt", "return [float(features['age'][0]) + 0.5]")[:2] == (0, "")


def test_sm_variables_are_set_for_script_mode_code(job):
    start, base = job
    (base / "input" / "data" / "training").mkdir(parents=True)
    process = start(
        """
        import os
        def train(channels, hyperparameters, job):
            (job.model_folder / "seen").write_text(
                " ".join(os.environ[name] for name in ("SM_CHANNEL_TRAINING", "SM_HP_RATE", "SM_CURRENT_HOST"))
            )
        def model_fn(folder):
            pass
        """,
        {"rate": "0.5"},
    )
    process.communicate()
    assert process.returncode == 0
    assert (base / "model" / "seen").read_text() == f"{base}/input/data/training 0.5 localhost"


@pytest.mark.parametrize(
    ("signature", "expected"), [("channels, hyperparameters, job", 0), ("channels, hyperparameters", 1)]
)
def test_sigterm_ends_the_training_whether_or_not_it_listens(job, signature, expected):
    start, base = job
    process = start(
        f"""
        import time
        def train({signature}):
            print("started", flush=True)
            while not (locals().get("job") and job.stopping):
                time.sleep(0.05)
            (job.model_folder / "kept").write_text("x")
        """
    )
    assert "started\n" in process.stdout  # after what the framework says at its start
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == expected
    assert time.monotonic() - began < 10
    assert (base / "model" / "kept").exists() == (expected == 0)
