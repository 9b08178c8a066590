"""local_test as a tool: what it refuses, what -k selects, and that nothing is green that was not checked."""

import ast
import io
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from commands import run
from docker.types import LogConfig
from reference.mistakes import MISTAKES, Mistake
from reference.runs import Images, Project
from template import LAYERS

LOCAL_TEST = LAYERS / "_shared/local_test"
BECAUSE = "because the training on the sample failed (T33)"
# Pytest's exit statuses.
INTERRUPTED, WRONG_USAGE, NOTHING_SELECTED = 2, 4, 5


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The reference container as a project, to be changed."""
    project = Project(tmp_path / "project")
    project.make(None)
    return project


def edit(file: Path, before: str, after: str) -> None:
    """Replace some text of a file that stands there exactly once."""
    text = file.read_text()
    assert text.count(before) == 1, f"{file} no longer holds, exactly once: {before}"
    file.write_text(text.replace(before, after))


def begin_training_with(project: Project, code: str) -> None:
    """Let the programs run a line before each training."""
    edit(project.folder / "runtime/training.py", "    chosen, hosts,", f"    {code}\n    chosen, hosts,")


def empty_channel(sample: Path) -> None:
    for file in (sample / "validation").iterdir():
        file.unlink()
    (sample / "validation/.gitkeep").touch()


def no_request(sample: Path) -> None:
    file = sample / "sample.toml"
    file.write_text(file.read_text().partition("[[requests]]")[0])


def without_training(sample: Path) -> None:
    """Leave the requests of a sample."""
    file = sample / "sample.toml"
    _, *requests = file.read_text().partition("[[requests]]")
    file.write_text("".join(requests))


def no_body(sample: Path) -> None:
    (sample / "places.bin").unlink()


def misspelt_key(sample: Path) -> None:
    edit(sample / "sample.toml", "\nhyperparameters =", "\nhyperparamters =")


def misspelt_key_of_a_request(sample: Path) -> None:
    with (sample / "sample.toml").open("a") as file:
        file.write('[[requests]]\ncontent_type = "text/csv"\nbody = "0"\nacept = "text/csv"\n')


def misspelt_section(sample: Path) -> None:
    edit(sample / "sample.toml", "[plot]", "[plots]")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (empty_channel, "channel 'validation', but there are no files in"),
        (shutil.rmtree, "sample.toml is missing"),
        (no_request, "one [[requests]]"),
        (without_training, "put the model into"),
        (no_body, "body_file = 'places.bin' cannot be read: No such file"),
        (
            misspelt_key,
            "the key 'hyperparamters' of [training] is unknown: did you mean 'hyperparameters'? [training] has ",
        ),
        (
            misspelt_key_of_a_request,
            "the key 'acept' of [requests] is unknown: did you mean 'accept'? [requests] has accept, answer, ",
        ),
        (
            misspelt_section,
            "the section 'plots' of sample.toml is unknown: did you mean 'plot'? sample.toml has plot, processing, ",
        ),
    ],
)
def test_a_sample_that_tests_nothing_is_an_error(project: Project, damage, words: str):
    """A checkout whose .gitignore leaves out *.csv must not be green."""
    damage(project.folder / "sample")
    outcome = project.local_test("local_test", "--engine", "process", expected=WRONG_USAGE)
    assert words in outcome.output and "Traceback" not in outcome.output
    assert not outcome.passed


def test_predict_says_which_file_it_cannot_read(project: Project):
    step = [sys.executable, "-m", "local_test", "predict", "no.json"]
    result = subprocess.run(step, cwd=project.folder, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert result.stderr == "local_test: no.json cannot be read: No such file or directory\n"


def test_a_model_of_the_sample_is_served_without_training(project: Project):
    sample = project.folder / "sample"
    step = [sys.executable, "-m", "local_test", "train", "--engine", "process"]
    subprocess.run(step, cwd=project.folder, capture_output=True, check=True)
    shutil.copytree(project.folder / "local_test/output/model", sample / "model")
    without_training(sample)
    outcome = project.local_test("local_test", "--engine", "process", "-k", "T33 or T1 or T31 or I12")
    assert "test_sample_requests" in outcome.passed and not outcome.failed
    assert {check for check in outcome.skipped if "train" in check} >= {
        "test_train_can_be_started",
        "test_trains_on_the_sample",
    }
    assert set(outcome.skipped.values()) == {"only serving is checked: sample.toml has no [training] channels"}


def test_a_model_of_the_sample_is_not_compared_with_that_of_several_hosts(project: Project):
    (project.folder / "sample/model").mkdir()
    (project.folder / "sample/model/model.json").write_text('{"intercept": 1.0, "slope": 2.0}')
    selected = ("local_test", "--engine", "process", "--hosts", "2", "-k", "test_same_model_as_on_one_host")
    (reason,) = project.local_test(*selected, expected=NOTHING_SELECTED).skipped.values()
    assert "the one that was trained on one host is not served" in reason


def test_a_channel_may_be_called_model(project: Project):
    """SageMaker's own algorithms give this name to the channel with the model to resume from."""
    sample = project.folder / "sample"
    shutil.copytree(sample / "validation", sample / "model")
    edit(sample / "sample.toml", 'validation = "text/csv" }', 'validation = "text/csv", model = "text/csv" }')
    selected = ("local_test", "--engine", "process", "-k", "test_sample_requests or test_trains_on_the_sample")
    assert project.local_test(*selected).passed == ["test_trains_on_the_sample", "test_sample_requests"]


def test_an_image_may_bring_its_model_along(project: Project):
    project.make(MISTAKES["server_starts_without_a_model"])
    without_training(project.folder / "sample")
    (project.folder / "sample/model").mkdir()
    selected = ("local_test", "--engine", "process", "-k", "test_becomes_healthy or test_broken_model_is_never_healthy")
    outcome = project.local_test(*selected)
    assert outcome.passed == ["test_becomes_healthy"]
    (reason,) = outcome.skipped.values()
    assert "the image contains its model" in reason


def test_an_image_without_train_only_serves_where_the_sample_has_a_model(project: Project, images: Images):
    image = images.of(MISTAKES["train is not on the path"])
    selected = ("local_test", "--engine", "docker", "--image", image, "-k", "T1")
    assert list(project.local_test(*selected).failed) == ["test_train_can_be_started"]
    (project.folder / "sample/model").mkdir()
    (reason,) = project.local_test(*selected, expected=NOTHING_SELECTED).skipped.values()
    assert reason == "only serving is checked: the image has no `train`, and the sample has a model/"


# Checks of what SageMaker does not require, which are skipped for an image that has not promised it.
PROMISES = (
    *("test_ping_by_head", "test_ping_at_once"),
    *("test_long_request_holds_nobody", "test_slow_clients_hold_nobody", "test_full_queue"),
    *("test_same_model_as_on_one_host", "test_idle_hosts_say_so", "test_last_host_dies", "test_first_host_dies"),
)


def test_an_image_without_the_label_is_not_held_to_promises(project: Project, images: Images):
    image = images.of(Mistake((), "", dockerfile='LABEL sm-algo.promises=""'))
    selected = ("local_test", "--engine", "docker", "--image", image, "--hosts", "2", "-k", " or ".join(PROMISES))
    outcome = project.local_test(*selected, expected=NOTHING_SELECTED)
    assert set(outcome.skipped) == set(PROMISES)
    assert all("only images of this template promise it" in why for why in outcome.skipped.values())


@pytest.mark.parametrize(
    ("wanted", "checks"),
    [
        ("I1", ["test_serve_can_be_started"]),  # and not I12
        ("T38 and not test_python_is_unbuffered", ["test_metrics", "test_metrics_arrive_while_running"]),
        ("test_killed_workers", ["test_killed_workers"]),
        ("Each metric's regular expression finds a number", ["test_metrics"]),
        ("killed and server", ["test_killed_workers", "test_killed_server"]),
        ("Training on the sample ends with exit code 0 and leaves a model", ["test_trains_on_the_sample"]),
    ],
)
def test_k_takes_clauses_names_and_words(project: Project, wanted: str, checks: list[str]):
    assert project.local_test("local_test", "--engine", "process", "-k", wanted).passed == checks


def test_a_selection_of_nothing_says_how_to_select(project: Project):
    outcome = project.local_test("local_test", "--engine", "process", "-k", "I99", expected=NOTHING_SELECTED)
    assert "No check matches" in outcome.output
    assert "-k takes a clause of contract.md (I8)" in outcome.output


def test_an_unanswered_request_fails_and_shows_where_the_server_stands(project: Project):
    """Even in a check that looks at something else."""
    serving = project.folder / "runtime/serving.py"
    edit(serving, "        places = formats.read(", "        waits(content_type)\n        places = formats.read(")
    with serving.open("a") as file:
        file.write(
            "\n\ndef waits(content_type):\n"
            "    if content_type == 'application/jsonlines':\n"
            "        threading.Event().wait(60)\n"
        )
    outcome = project.local_test("local_test", "--engine", "process", "-k", "test_model_folder_is_left_alone")
    (message,) = outcome.failed.values()
    assert "A request got no answer" in message
    assert "its processes (number, state, command)" in message
    assert f'serving.py", line {line_of(serving, ".wait(60)")} in waits' in message


def test_the_end_of_a_run_tells_the_cause(project: Project):
    """Once on the screen and once in the last lines, and not again for each check that was skipped."""
    begin_training_with(project, "1 / 0")
    commit(project.folder)
    outcome = project.local_test("local_test", "--engine", "process")
    *_, docker, skipped, check, reason, verdict = outcome.output.strip().splitlines()
    assert docker.endswith(" skipped: needs the docker engine")
    assert skipped.endswith(f"{len(outcome.skipped) - int(docker.split()[1])} skipped: {BECAUSE}")
    assert "Training on the sample ends with exit code 0" in check
    assert reason == "    Training on the sample data failed: ZeroDivisionError: division by zero"
    assert verdict.startswith(f"2 passed, 1 failed, {len(outcome.skipped)} skipped in ")
    assert outcome.output.count(BECAUSE) == 1
    assert "The image runs as root" not in outcome.output, "it was skipped, as others were"
    assert outcome.output.count("Traceback") == 1

    page = (project.folder / "local_test/report.html").read_text()
    first = page.index('<a href="#test_trains_on_the_sample">')
    assert first < page.index("ZeroDivisionError") < page.index('id="test_trains_on_the_sample"')
    assert all(fact in page for fact in ("<dd>process</dd>", platform.python_version(), pytest.__version__))
    head = run("git", "rev-parse", "HEAD", cwd=project.folder).strip()
    assert f"{head}, with changes that are not committed" in page
    assert ">0.0 s<" not in page


def commit(folder: Path) -> None:
    """Commit a file of a folder, which has others, too."""
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "runtime", cwd=folder)
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    run("git", *author, "commit", "--quiet", "--message", "runtime", cwd=folder)


def test_a_traceback_that_several_checks_meet_is_shown_once(project: Project):
    """Here with more files beside those of the job, and beside its channels."""
    more = '(job.ML / "input/config/init-config.json").exists() or list((job.ML / "input/data").glob("*-manifest"))'
    begin_training_with(project, f"if {more}: 1 / 0")
    outcome = project.local_test("local_test", "--engine", "process", "-k", "T18 or T25")
    assert len(outcome.failed) == 2 and all("Traceback" in message for message in outcome.failed.values())
    assert outcome.output.count("Traceback") == 1
    assert outcome.output.count(f"(the traceback is above, at {next(iter(outcome.failed))})") == 1


def test_of_requests_that_fail_alike_the_last_traceback_is_shown(project: Project):
    edit(
        project.folder / "runtime/serving.py",
        "        places = formats.read(",
        "        1 / 0\n        places = formats.read(",
    )
    outcome = project.local_test("local_test", "--engine", "process", "-k", "test_sample_requests")
    assert outcome.output.count("Traceback") == 1
    assert "    A sample request is not answered: 500, ZeroDivisionError: division by zero\n" in outcome.output


def test_a_slow_check_says_what_it_waits_for(project: Project):
    begin_training_with(project, "time.sleep(2)")
    outcome = project.local_test("local_test", "--engine", "process", "-k", "test_trains_on_the_sample")
    sentence = "Training on the sample ends with exit code 0 and leaves a model"
    assert f"... {sentence}: waiting for a training job to end, at most 20 s\n" in outcome.output


def test_a_check_that_is_interrupted_has_not_passed(project: Project):
    own = "def test_sound():\n    pass\n\n\ndef test_interrupted():\n    raise KeyboardInterrupt\n"
    (project.folder / "local_test/test_own.py").write_text(own)
    outcome = project.local_test("local_test/test_own.py", "--engine", "process", expected=INTERRUPTED)
    assert "1 passed, nothing failed, interrupted, 0 skipped" in outcome.output


def test_a_long_request_is_made_of_lines_or_the_samples_own(project: Project):
    file = project.folder / "sample/sample.toml"
    training, *_ = file.read_text().partition("[[requests]]")
    requests = '[[requests]]\ncontent_type = "application/json"\nbody = \'{"instances": [[0]]}\'\n'
    file.write_text(training.partition("[plot]")[0] + requests)
    selected = ("local_test", "--engine", "process", "-k", "Q1")
    (reason,) = project.local_test(*selected, expected=NOTHING_SELECTED).skipped.values()
    assert "slow_request under [serving] in sample/sample.toml" in reason
    (file.parent / "long.json").write_text(json.dumps({"instances": [[0]] * 600_000}))
    with file.open("a") as sample:
        sample.write('[serving]\nslow_request = { content_type = "application/json", body_file = "long.json" }\n')
    assert project.local_test(*selected).passed == ["test_long_request_holds_nobody"]


def line_of(file: Path, text: str) -> int:
    """Return the number of the first line that holds a text."""
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_every_check_has_a_sentence_a_clause_and_its_place_in_the_contract():
    contract = (LOCAL_TEST / "contract.md").read_text()
    for module in LOCAL_TEST.glob("test_*.py"):
        for check in ast.parse(module.read_text()).body:
            if isinstance(check, ast.FunctionDef) and check.name.startswith("test_"):
                sentence = ast.get_docstring(check)
                assert sentence and sentence.endswith("."), check.name
                (clauses,) = [one.args for one in check.decorator_list if ast.unparse(one.func).endswith(".clause")]
                assert all(f"**{clause.value}**" in contract for clause in clauses), check.name
                assert f"`{check.name}`" in contract, check.name


# Code that makes Docker unusable before local_test looks for it.
NO_PERMISSION = """
import socket
def connect(*_): raise PermissionError(13, "Permission denied")
socket.socket.connect = connect
"""
NO_SDK = "import sys; sys.modules['docker'] = None"
NO_DAEMON = "import os; os.environ['DOCKER_HOST'] = 'unix:///nowhere/docker.sock'"


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        ('{"p":[1.0,{"a":"b, c"}]}\n', True),
        ('{"p": [ 1.01 , {"a": "b, c"}]}', True),
        ('{"p": [1.2, {"a": "b, c"}]}', False),
        ('{"p": [1, {"a": "b,c"}]}', False),
        ('{"p": [1, {"a": "b, d"}]}', False),
    ],
)
def test_spaces_beside_the_marks_of_json_do_not_make_another_answer(answer: str, same: bool):
    expected = '{"p": [1, {"a": "b, c"}]}'
    call = f"same_answer({expected!r}.encode(), {answer!r}.encode(), 0.1)"
    program = f"from local_test.answers import same_answer\nprint({call})"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == str(same)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("Request('text/csv', b'x\\n1\\n2\\n', header=True).lines", ["1", "2"]),
        ("large(Request('text/csv', b'x\\na\\nb\\n', header=True), 8).decode()", "x\na\nb\na\nb\n"),
        ("workers([Process(1, 0, 'S', 'python'), Process(2, 1, 'S', 'nginx'), Process(3, 1, 'S', 'gunicorn')])", 1),
    ],
    ids=["lines without a header", "one header of many lines", "a proxy is no worker"],
)
def test_what_is_counted(said: str, value):
    names = "from local_test.engines.base import Process, workers\nfrom local_test.payloads import large"
    program = f"import json\n{names}\nfrom local_test.sample import Request\nprint(json.dumps({said}))"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == value


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (NO_PERMISSION, ["permission denied", "usermod -aG docker"]),
        (NO_SDK, ["`docker` is missing", "pip install -r local_test/requirements.txt"]),
        (NO_DAEMON, ["does not answer", "No such file", "start Docker"]),
    ],
)
def test_an_engine_that_cannot_be_used_says_so_in_a_sentence(obstacle: str, words: list[str]):
    program = f"{obstacle}\nfrom local_test.engines import why_no_docker\nprint(why_no_docker())"
    command = [sys.executable, "-c", program]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    result = subprocess.run(command, cwd=LOCAL_TEST.parent, env=environment, capture_output=True, text=True, check=True)
    assert all(word in result.stdout for word in words), result.stdout


@pytest.mark.parametrize(("machine", "sign", "costs"), [("arm64", "\N{EN DASH}", True), ("x86_64", "✓", False)])
def test_doctor_says_what_each_platform_costs_where_processors_differ(machine: str, sign: str, costs: bool):
    program = f"import platform; platform.machine = lambda: {machine!r}\nfrom local_test.doctor import machine, SIGNS\n"
    program += "for finding in machine(): print(SIGNS[finding.ok], finding.text)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in result.stdout.splitlines() if f"this machine is {machine}" in line]
    assert line.startswith(sign)
    assert ("PLATFORM=linux/amd64, the default" in line and "PLATFORM=linux/arm64: it is built and" in line) == costs


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux alone says what a process has loaded")
def test_doctor_names_libraries_of_this_machine_that_the_image_will_lack(tmp_path: Path):
    """Python itself has loaded the C library's mathematics."""
    for file, content in (
        ("algorithm.py", ""),
        ("system-packages.txt", "# libc6\nlibgomp1\n"),
        (
            "runtime/libraries.txt",
            "# Libraries\nlibm.so.6 libc6\nlibgomp.so.1 libgomp1\nlibheard-of.so.1 libheard-of1\n",
        ),
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    program = "import sys; from pathlib import Path; from local_test.doctor import borrowed\n"
    program += "for finding in borrowed(Path(sys.argv[1])): print(finding.text)"
    command = [sys.executable, "-c", program, tmp_path]
    result = subprocess.run(command, cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True)
    text = "the algorithm uses libm.so.6 of this machine: for the image, system-packages.txt must name libc6\n"
    assert result.stdout == text
    with (tmp_path / "system-packages.txt").open("a") as file:
        file.write("libc6 # of the image\n")
    result = subprocess.run(command, cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True)
    assert result.stdout == ""


COMMIT = "0123456789abcdef" * 2 + "01234567"
OF_CRUFT = {"template": "https://example.com/me/mine", "commit": COMMIT}
OF_TEMPLATE = '[tool.sm-algo]\nversion = "1.2.3"\naddress = "https://example.com/me/mine"\n'
DAMAGED = "✗ .cruft.json is damaged: "


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (".cruft.json", json.dumps(OF_CRUFT), "✓ the template's commit is 0123456789ab of https://example.com/me/mine"),
        (".cruft.json", "<<<<<<< HEAD\n{", f"{DAMAGED}Expecting value: line 1 column 1"),
        (".cruft.json", "[]", f"{DAMAGED}it names no template; restore it from git, or delete it and link"),
        (".cruft.json", json.dumps(OF_CRUFT | {"template": 1}), f"{DAMAGED}it names no template; "),
        (".cruft.json", json.dumps(OF_CRUFT | {"commit": None}), f"{DAMAGED}it names no commit; "),
        (".cruft.json", json.dumps(OF_CRUFT | {"commit": "main"}), f"{DAMAGED}it names no commit; "),
        (".cruft.json", b"\xff", f"{DAMAGED}'utf-8' codec"),
        ("pyproject.toml", OF_TEMPLATE, "✓ the template's version is 1.2.3, from https://example.com/me/mine"),
        ("pyproject.toml", "[tool", "✗ pyproject.toml cannot be read, so the template's version is unknown: "),
        ("pyproject.toml", "tool = 1\n", "✗ pyproject.toml has no version and address of the template "),
        ("elsewhere", "", "✗ pyproject.toml cannot be read, so the template's version is unknown: [Errno 2] "),
        ("elsewhere", "", "\N{EN DASH} there is no .cruft.json: cruft update works once "),
    ],
)
def test_doctor_says_where_a_project_comes_from_or_what_is_damaged(tmp_path: Path, file: str, content, words: str):
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    program = "import sys; from pathlib import Path; from local_test.doctor import SIGNS, origin\n"
    program += "for finding in origin(Path(sys.argv[1])): print(SIGNS[finding.ok], finding.text)"
    command = [sys.executable, "-c", program, tmp_path]
    result = subprocess.run(command, cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 2
    assert [line for line in result.stdout.splitlines() if line.startswith(words)], result.stdout


def test_doctor_describes_a_container_that_keeps_no_log(images: Images):
    """As those are that a failed build of Docker's classic builder leaves."""
    container = images.client.containers.run(
        images.of(None), ["true"], detach=True, log_config=LogConfig(type="none"), name=f"no-log-{uuid.uuid4().hex[:8]}"
    )
    try:
        program = "import sys, docker; from local_test.doctor import described\n"
        program += "print(described(docker.from_env().containers.get(sys.argv[1])))"
        command = [sys.executable, "-c", program, container.id]
        result = subprocess.run(command, cwd=LOCAL_TEST.parent, capture_output=True, text=True, check=False)
    finally:
        container.remove(force=True, v=True)
    assert result.returncode == 0, result.stderr
    assert "its log cannot be read: configured logging driver does not support reading" in result.stdout


@pytest.fixture
def image_for_arm64(images: Images) -> Iterator[str]:
    """An empty image that says that it is for linux/arm64, which the classic builder cannot make on another machine."""
    config = {"architecture": "arm64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
    name = f"sm-algo-test-{uuid.uuid4().hex[:8]}:latest"
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": []}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file, content in (("config.json", config), ("manifest.json", manifest)):
            member, data = tarfile.TarInfo(file), json.dumps(content).encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    images.client.images.load(buffer.getvalue())
    yield name
    images.client.images.remove(name)


def test_an_image_for_graviton_passes_where_it_is_meant_and_its_limits_are_said(project: Project, image_for_arm64: str):
    selected = ("local_test", "--engine", "docker", "--image", image_for_arm64, "-k", "test_platform")
    (message,) = project.local_test(*selected).failed.values()
    assert 'for linux/arm64; on a linux/amd64 machine it ends with "exec format error"' in message
    assert "run the suite with PLATFORM=linux/arm64 (make) or --platform linux/arm64 (pytest)" in message
    meant = project.local_test(*selected, "--platform", "linux/arm64")
    assert meant.passed == ["test_platform"]
    assert "linux/arm64: it serves on Graviton instances only" in meant.output
    assert "SageMaker does not train with it" in meant.output


class Gateway(threading.Thread):
    """Another way to the Docker daemon, which ends when a container is asked to start for the `last`-th time."""

    def __init__(self, path: Path, last: int):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.last = last
        self.connections: list[socket.socket] = []
        self.start()

    def run(self) -> None:
        """Pass on what comes over each connection."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect("/var/run/docker.sock")
                self.connections += [client, daemon]
                for ends in ((client, daemon), (daemon, client)):
                    threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket) -> None:
        """Pass on what comes from one end."""
        with suppress(OSError):
            while content := source.recv(65536):
                self.last -= content.startswith(b"POST") and b"/start " in content
                if not self.last:
                    self.close()
                target.sendall(content)
            target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections, and accept no more."""
        for end in (self.listener, *self.connections):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()


def test_a_daemon_that_is_lost_ends_the_run_in_a_sentence(project: Project, images: Images, monkeypatch):
    path = Path(tempfile.mkdtemp()) / "docker.sock"  # short, as the names of sockets must be
    gateway = Gateway(path, last=3)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    outcome = project.local_test("local_test", "--engine", "docker", "--image", images.of(None), expected=INTERRUPTED)
    gateway.close()
    assert len(outcome.failed) == 1
    assert "test_becomes_healthy" not in outcome.passed, "the run should have ended before"
    assert "the Docker daemon has stopped answering in the middle of the run" in outcome.output
    assert "Traceback" not in outcome.output
