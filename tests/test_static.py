"""Tier 0: the rules of this repository that can be checked in the sources."""

import ast
import re
import runpy
import tomllib
from itertools import combinations
from pathlib import PurePosixPath

import pytest
from binaryornot.check import is_binary
from template import CONTEXT, FACTS, GROUPS, LANGUAGES, LAYERS, MATRIX, ROOT, files, layers, own_layers, rendered

from hooks import post_gen_project
from hooks.post_gen_project import STRAY


def test_the_choices_are_the_folders():
    folders = {
        (language.name, folder.name)
        for language in LAYERS.iterdir()
        if language.is_dir() and language.name != "_shared"
        for folder in language.iterdir()
    }
    assert {folder for folder in folders if folder[1][0] not in "._"} == set(MATRIX)
    assert {name for _, name in folders if name.startswith("_")} - STRAY == {"_shared", *GROUPS}


def test_groups_are_folders_for_some_frameworks_of_one_language():
    for facts in FACTS.values():
        for group in facts["groups"]:
            assert (LAYERS / facts["language"] / group).is_dir()


def test_every_choice_is_offered_once_and_has_a_label():
    labels = CONTEXT["__prompts__"]["framework"]
    assert CONTEXT["framework"] == list(FACTS)
    assert set(labels) == {"__prompt__", *CONTEXT["framework"]}
    for language, framework in MATRIX:
        assert labels[framework].startswith(f"{LANGUAGES[language]['name']}: ")


def test_every_public_answer_has_a_label():
    asked = {name for name in CONTEXT if not name.startswith("_")}
    assert asked == set(CONTEXT["__prompts__"])


def facts_of(path):
    """Return the constants of a framework.py."""
    return {node.targets[0].id.lower(): node.value.value for node in ast.parse(path.read_text()).body[1:]}


def test_the_facts_of_a_framework_are_the_same_in_the_project_and_in_the_table(language, framework):
    own = LAYERS / language / framework / "runtime"
    expected = {name: value for name, value in FACTS[framework].items() if name not in ("language", "groups")}
    if (own / "framework.py").exists():
        assert facts_of(own / "framework.py") == expected
    else:
        found = re.findall(r"^ +(\w+) = (TRUE|FALSE)\b", (own / "framework.R").read_text(), re.MULTILINE)
        assert {name: value == "TRUE" for name, value in found} == expected


def imports(path):
    """Yield the modules that a Python file imports at its top."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.frameworks([pair for pair in MATRIX if pair[0] == "python"])
def test_an_example_imports_nothing_of_the_runtime_that_is_private(language, framework):
    public = {"runtime", "runtime.api", "runtime.testing"}
    for folder in own_layers(language, framework):
        for name, path in files(folder).items():
            if path.suffix == ".py" and not name.startswith("runtime/"):
                assert {module for module in imports(path) if module.startswith("runtime")} <= public, name


def test_layers_add_and_never_override(language, framework):
    parts = {name: set(map(str.lower, files(folder))) for name, folder in layers(language, framework).items()}
    parts["rendered"] = set(map(str.lower, rendered()))
    for one, other in combinations(parts, 2):
        assert not parts[one] & parts[other], f"{one} and {other} both bring these files"


def test_layers_hold_no_jinja():
    for name, path in files(LAYERS).items():
        text = path.read_bytes()
        assert b"{%" not in text and b"cookiecutter." not in text, name


def test_few_files_are_rendered_and_none_has_branches():
    assert len(rendered()) <= 8
    for name, path in rendered().items():
        assert "{%" not in path.read_text(), name


def test_rendered_files_are_not_taken_for_binary():
    """Cookiecutter copies what looks binary without rendering it, e.g. a Makefile that starts with PACK."""
    assert not [name for name, path in rendered().items() if is_binary(str(path))]


def test_file_names_work_everywhere(language, framework):
    names = [
        *rendered(),
        *(name for folder in layers(language, framework).values() for name in files(folder)),
    ]
    for name in names:
        assert len(name) < 150, name
        assert not re.search(r'[<>:"|?*\\]', name), name
        assert not any(part.endswith((".", " ")) for part in PurePosixPath(name).parts), name


def test_text_files_have_unix_line_endings():
    for name, path in files(ROOT / "hooks").items() | files(LAYERS).items() | rendered().items():
        content = path.read_bytes()
        if b"\0" not in content:
            assert b"\r" not in content, name


@pytest.mark.parametrize("hook", sorted((ROOT / "hooks").glob("*.py")), ids=lambda path: path.stem)
def test_hooks_are_python_before_they_are_rendered(hook):
    assert ast.parse(hook.read_text())


def test_scripts_are_executable_in_the_repository():
    scripts = [path for path in files(LAYERS).values() if path.read_bytes().startswith(b"#!")]
    assert not [path for path in scripts if not path.stat().st_mode & 0o100]
    assert {path.name for path in scripts} >= {"train", "serve", "build_and_push.sh"}


# What bash 3.2, GNU make 3.81 and the tools of macOS lack.
NEWER_BASH = (
    r"\b(mapfile|readarray|coproc)\b|(declare|local) -[An]|\$\{!?\w+(\[.\])?(\^|,)|&>>|\|&|\[\[ -v|wait -n|@Q\}"
)
NEWER_MAKE = r"\.ONESHELL|\$\((file|guile) |^\w+ *(!=|::=)|^(undefine|private|load) |^define \w+ *[:?+]?="
NOT_IN_MACOS = r"\bsed -i\b(?!\.)|readlink -f|xargs -[rad]|grep -\w*P|date -d|stat -c|\b(timeout|flock|setsid|nproc) "


def test_makefiles_and_scripts_keep_to_what_macos_has():
    """Nothing runs on macOS here; the old make and bash were built from their sources and tried once."""
    shebangs = (b"#!/bin/sh", b"#!/usr/bin/env bash")
    scripts = [one for one in files(LAYERS).values() if one.suffix == ".sh" or one.read_bytes().startswith(shebangs)]
    makefiles = [one for one in (rendered() | files(LAYERS)).values() if one.name in ("Makefile", "language.mk")]
    assert len(scripts) > 8 and len(makefiles) == 1 + len(LANGUAGES)
    for newer, paths in ((NEWER_BASH, scripts), (NEWER_MAKE, makefiles)):
        for path in paths:
            assert not re.search(f"{newer}|{NOT_IN_MACOS}", path.read_text(), re.MULTILINE), path


CONTRACT = runpy.run_path(LAYERS / "_shared/local_test/contract.py")
ML, PORT, REASON, INVOCATION = (CONTRACT[name] for name in ("ML", "PORT", "REASON", "INVOCATION"))


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("python/_shared/runtime/paths.py", f'os.environ.get("SAGEMAKER_BASE_DIR", "{ML}")'),
        ("r/_shared/runtime/paths.R", f'Sys.getenv("SAGEMAKER_BASE_DIR", "{ML}")'),
        ("r/_shared/runtime/train", f"${{SAGEMAKER_BASE_DIR:-{ML}}}"),
        ("python/_shared/runtime/serving/settings.py", f'"SAGEMAKER_BIND_TO_PORT", {PORT})'),
        ("r/_shared/runtime/serving/settings.R", f'"SAGEMAKER_BIND_TO_PORT", {PORT}L)'),
        ("python/_shared/runtime/serving/settings.py", f"if batch else {INVOCATION})"),
        ("r/_shared/runtime/serving/settings.R", f"if (batch) 3600L else {INVOCATION}L)"),
        ("python/_shared/runtime/training/failure.py", f"LIMIT = {REASON} "),
        ("r/_shared/runtime/training/failure.R", f"failure_limit <- {REASON} "),
    ],
)
def test_the_runtimes_have_the_constants_of_the_contract(file, line):
    """They cannot import them: local_test works on any image, and the runtimes need no local_test."""
    assert line in (LAYERS / file).read_text()


def test_nginx_ends_before_sagemaker_kills_the_server():
    text = (LAYERS / "_shared/runtime/serving/nginx.conf").read_text()
    assert int(re.search(r"worker_shutdown_timeout (\d+)s;", text)[1]) < CONTRACT["STOP_SERVING"]


def constant(file, name):
    """Return the value of a constant in a Python file of the layers."""
    body = ast.parse((LAYERS / file).read_text()).body
    return next(node.value.value for node in body if isinstance(node, ast.Assign) and node.targets[0].id == name)


def test_what_scripts_and_images_say_is_what_local_test_and_cloud_look_for():
    promises = constant("_shared/local_test/engines/docker.py", "PROMISES")
    label = constant("_shared/cloud/declaration.py", "LABEL")
    schema = constant("_shared/cloud/image.py", "SCHEMA_2")
    for language in LANGUAGES:
        assert f"{promises}=true" in (LAYERS / language / "_shared/Dockerfile").read_text()
    assert f"'{label}=%s'" in (LAYERS / "_shared/cloud/label.sh").read_text()
    push = (LAYERS / "_shared/build_and_push.sh").read_text()
    assert f"label={label}=" in push and f"accepted={schema}\n" in push


def test_the_sources_and_the_projects_are_linted_by_the_same_rules():
    here = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    there = tomllib.loads((LAYERS / "python/_shared/ruff.toml").read_text())
    del there["extend-include"]  # scripts without a suffix, which ruff finds here by that file
    del here["lint"]["per-file-ignores"], there["lint"]["per-file-ignores"]  # the files lie elsewhere
    assert here == there
    assert tomllib.loads((ROOT / "air.toml").read_text()) == tomllib.loads((LAYERS / "r/_shared/air.toml").read_text())


def test_the_example_is_the_same_in_every_language():
    """Where two frameworks learn from the same file they must give the same answer, to 1e-6."""
    by_file: dict[bytes, dict[str, str]] = {}
    for language, framework in MATRIX:
        own = {name: path for folder in own_layers(language, framework) for name, path in files(folder).items()}
        sample = tomllib.loads(own["sample/sample.toml"].read_text())
        first = sample["requests"][0]
        channels = tuple(f"sample/{channel}/" for channel in sample["training"]["channels"])
        data = b"".join(path.read_bytes() for name, path in own.items() if name.startswith(channels))
        by_file.setdefault(data, {})[framework] = (first["body"], first.get("answer"), first.get("tolerance"))
    shared = next(answers for answers in by_file.values() if len(answers) > 1)
    assert set(shared) == {"flask", "plumber"}
    assert set(shared.values()) == {("1\n", "881.3428400857504\n", 1e-6)}


def test_tools_that_are_pinned_twice_are_pinned_alike():
    def pins(path):
        return dict(line.split("==") for line in path.read_text().splitlines() if "==" in line)

    here = pins(ROOT / "tests/requirements.txt")
    for language in LANGUAGES:
        assert pins(LAYERS / language / "_shared/runtime/tests/requirements.txt").items() <= here.items()
    assert pins(LAYERS / "_shared/local_test/requirements.txt").items() <= here.items()
    for name in ("_shared/runtime/requirements.txt", "flask/requirements.txt"):  # whose types mypy reads
        theirs = pins(LAYERS / "python" / name)
        assert {package: here[package] for package in theirs.keys() & here.keys()}.items() <= theirs.items()


def test_a_framework_has_the_same_versions_for_both_devices_or_knows_only_one(language, framework):
    """TensorFlow's package for CPUs has a name of its own: tensorflow-cpu."""
    pin = re.compile(r"^([\w-]+?)(?:-cpu)?(?:\[.+\])?==([\w.]+)", re.MULTILINE)
    files = [file for folder in own_layers(language, framework) for file in folder.glob("requirements-*.txt")]
    pins = {file.stem.removeprefix("requirements-"): set(pin.findall(file.read_text())) for file in files}
    assert pins == {} or (set(pins) == {"cpu", "gpu"} and pins["cpu"] == pins["gpu"] != set())


def test_what_post_gen_requires_is_in_the_layers(language, framework):
    """Each required pattern is met by exactly one layer, so that a missing file is the fault of one."""
    required = post_gen_project.required(CONTEXT | {"language": language, "framework": framework})
    parts = {name: files(folder) for name, folder in layers(language, framework).items()}
    parts["rendered"] = rendered()
    for pattern in required:
        owners = [name for name, names in parts.items() if any(matches(one, pattern) for one in names)]
        assert len(owners) == 1, f"{pattern}: {owners}"


def matches(name: str, pattern: str) -> bool:
    """Return whether a relative name matches a pattern of pathlib's glob."""
    expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.fullmatch(expression, name) is not None
