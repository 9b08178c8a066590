"""local_test catches broken projects: each mutant fails the checks of the clause that it breaks, and no others."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from template import CONTEXT, MATRIX
from test_project import outcomes


def change(name: str, before: str, after: str) -> Callable[[Path], None]:
    """A mutation: in a file of the project, replace some text that stands there exactly once."""

    def mutate(project: Path) -> None:
        file = project / name
        text = file.read_text()
        assert text.count(before) == 1, f"{name} no longer holds, exactly once: {before}"
        file.write_text(text.replace(before, after))

    return mutate


def crlf(project: Path) -> None:
    """What git on Windows, or a download of the zip, makes of a script."""
    script = project / "runtime/train"
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))


# The server starts at once and the model is loaded by the first request, as in most samples.
LAZY = """    import dataclasses

    eager, loaded = steps, []

    def predict_fn(features, model):
        if not model:
            model.append(eager.model_fn(str(paths.model)))
        return eager.predict_fn(features, model[0])

    app = create_app(loaded, dataclasses.replace(eager, predict_fn=predict_fn), settings)
"""

# The server never gets to know of SIGTERM.
DEAF = """    from granian.server import common

    common.set_main_signals = lambda *_: signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from granian import Granian
"""

# The server does not notice that its workers have died.
BLIND = """    from granian.server import common

    def wait_for_sigterm(self, *_):
        while not self.interrupt_signal:
            time.sleep(0.1)

    common.AbstractServer._serve_loop = wait_for_sigterm
    from granian import Granian
"""

# name -> (mutation, the checks that must fail, words that their messages must hold)
PYTHON = {
    "the failure file is not written": (
        change(
            "runtime/training.py", "failure.write(paths.failure, explained(error, paths))", "explained(error, paths)"
        ),
        {"test_failure_file"},
        ["/opt/ml/output/failure"],
    ),
    "ping is 200 before the model is loaded": (
        change("runtime/serving.py", "    app = create_app(load_model(steps, paths), steps, settings)\n", LAZY),
        {"test_broken_model_is_never_healthy"},
        ["/ping", "Load the model before"],
    ),
    "garbage is answered with 500": (
        change("runtime/application.py", "raise BadRequest(str(error)) from error", "raise RuntimeError from error"),
        {"test_garbage"},
        ["500 Internal", "answer with 400"],
    ),
    "training ignores SIGTERM": (
        change(
            "runtime/stopping.py",
            "signal.signal(signal.SIGTERM, stop)",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        ),
        {"test_sigterm_ends_training"},
        ["SIGTERM"],
    ),
    "serving ignores SIGTERM": (
        change("runtime/serving.py", "    from granian import Granian\n", DEAF),
        {"test_sigterm_drains"},
        ["SIGTERM"],
    ),
    "dead workers are not replaced": (
        change("runtime/serving.py", "    from granian import Granian\n", BLIND),
        {"test_killed_workers"},
        ["kill -9"],
    ),
    "train has Windows line ends": (crlf, {"test_train_can_be_started"}, ["Windows line endings", "Save it with LF"]),
    "the model folder is written to while serving": (
        change(
            "runtime/application.py",
            "            features = handlers.input_fn(body, content_type)\n",
            "            from runtime.paths import Paths\n\n"
            '            (Paths.from_environment().model / "cache").write_bytes(body)\n'
            "            features = handlers.input_fn(body, content_type)\n",
        ),
        {"test_model_folder_is_left_alone"},
        ["/opt/ml/model", "read-only"],
    ),
    "text/csv; charset=utf-8 is refused": (
        change("runtime/application.py", "if media_type.lower() not in MEDIA_TYPES:", "if header not in MEDIA_TYPES:"),
        {"test_content_type_with_parameters"},
        ["charset=utf-8", "415"],
    ),
}


R = {
    "the failure file is not written": (
        change("runtime/training.R", "  write_failure(paths$failure, error)\n", ""),
        {"test_failure_file"},
        ["/opt/ml/output/failure"],
    ),
    "garbage is answered with 500": (
        change("runtime/application.R", 'if (inherits(error, "InputError")) 400L else error$status', "error$status"),
        {"test_garbage"},
        ["500 Internal", "answer with 400"],
    ),
    "training ignores SIGTERM": (
        change("runtime/train", "trap stop TERM\n", "trap '' TERM\n"),
        {"test_sigterm_ends_training"},
        ["SIGTERM"],
    ),
    "train has Windows line ends": (crlf, {"test_train_can_be_started"}, ["Windows line endings", "Save it with LF"]),
    "text/csv; charset=utf-8 is refused": (
        change(
            "runtime/application.R", "if (!media_type %in% names(media_types))", "if (!header %in% names(media_types))"
        ),
        {"test_content_type_with_parameters"},
        ["charset=utf-8", "415"],
    ),
}

TOGETHER = {
    "every host saves the model": (
        change("runtime/training.py", "    if not job.is_first:\n", "    if False:\n"),
        {"test_one_host_writes_the_model"},
        ["/opt/ml/model", "first of hosts"],
    ),
    "nobody hears of a host that dies": (
        change("runtime/cluster.py", "        if not self._leaving:\n", "        if False:\n"),
        {"test_last_host_dies", "test_first_host_dies"},
        ["/opt/ml/output/failure does not mention"],
    ),
    "each host trains alone on its share": (
        change(
            "runtime/distribution.py",
            "    if not dist.is_initialized():\n        return network\n",
            "    return network\n",
        ),
        {"test_same_model_as_on_one_host"},
        ["hosts_tolerance"],
    ),
    "a checkpoint forgets the optimizer's state": (
        change("algorithm.py", '        optimizer.load_state_dict(state["optimizer"])\n', ""),
        {"test_resumes_from_checkpoint"},
        ["validation:mse"],
    ),
}

# The frameworks on which mutants are tried, for the defects are in what frameworks share, and the arguments of make;
# checks that take long run where mutants are meant for them.
MUTANTS = {"flask": PYTHON, "plumber": R, "pytorch": TOGETHER}
OTHERS = ["ARGS=--stop-within 10 -k 'not test_resumes'"]
ARGUMENTS = {"pytorch": ["HOSTS=2", "ARGS=-k 'test_hosts or test_resumes'"]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every mutant on its framework."""
    if "mutant" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(language, framework, mutant, id=f"{framework}-{mutant}")
        for language, framework in MATRIX
        for mutant in MUTANTS.get(framework, ())
    ]
    metafunc.parametrize(("language", "framework", "mutant"), cases, scope="session")


def test_every_language_has_mutants():
    assert {language for language, framework in MATRIX if framework in MUTANTS} == set(CONTEXT["_languages"])
    assert set(MUTANTS) <= {framework for _, framework in MATRIX}


def test_a_mutant_fails_the_clause_that_it_breaks(framework: str, mutant: str, project: Path, tmp_path: Path):
    mutate, checks, words = MUTANTS[framework][mutant]
    subprocess.run(["make", "environment", "local_test/.venv/ready"], cwd=project, check=True, capture_output=True)
    broken = shutil.copytree(project, tmp_path / "broken", ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    for environment in (".venv", "local_test/.venv"):
        if (project / environment).exists():
            (broken / environment).symlink_to(project / environment)
    mutate(broken)

    result = subprocess.run(
        ["make", "local-test", "ENGINE=process", *ARGUMENTS.get(framework, OTHERS)],
        cwd=broken,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert set(outcomes(broken)["failed"]) == checks, result.stdout
    cases = ET.parse(broken / "local_test/junit.xml").iter("testcase")
    messages = [case.find("failure").text for case in cases if case.find("failure") is not None]
    assert all(any(word in message for message in messages) for word in words), messages
