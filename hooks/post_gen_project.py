"""Lay the chosen layers over the common files, and prove that the project is complete.

Cookiecutter renders this file as a Jinja template and runs it with its own
interpreter from the root of the new project: standard library only, offline.
The answers enter once, as JSON on a line of its own, so that any answer is safe
and this file is valid Python unrendered.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ANSWERS = r"""
{{ cookiecutter | tojson }}
"""

# Left behind by tools in a checkout that is used as the template; no part of a project.
STRAY = {"__pycache__", ".pytest_cache", ".ruff_cache", ".venv", ".DS_Store"}

# In README.md, the line that the description of the example takes the place of, and the file that has it in a layer.
EXAMPLE_LINE, EXAMPLE = b"<!-- example -->", "example.md"

# The checksums of the template's own files, as sha256sum writes them: `make doctor` finds what was edited.
CHECKSUMS = "local_test/checksums.txt"
# Those of them that cookiecutter renders.
RENDERED = ("Makefile", "pyproject.toml")

# What every project has, whatever its language; a pattern must match at least one file.
REQUIRED = (
    "README.md",
    "LICENSE",
    "Makefile",
    "pyproject.toml",
    "language.mk",
    "Dockerfile",
    ".dockerignore",
    ".gitignore",
    ".gitattributes",
    ".pre-commit-config.yaml",
    ".github/workflows/ci.yml",
    ".github/dependabot.yml",
    "build_and_push.sh",
    "runtime/train",
    "runtime/serve",
    "runtime/describe",
    "runtime/adapter.*",
    "runtime/api.*",
    "runtime/framework.*",
    "tests/**/test?algorithm.*",
    "local_test/requirements.txt",
    "sample/sample.toml",
    "sample/train/*",
    "sample/processing/*",
    EXAMPLE,
)

# What a framework has that these facts of it are true of.
REQUIRED_BY_FACT = {
    "distributes": "runtime/distributed/distribution.*",
    "process_per_gpu": "runtime/distributed/launcher.*",
    "gpu_packages": "requirements-gpu.txt",
}

INTERPRETERS = {".py": "python", ".sh": "bash", ".R": "Rscript"}

# Docker answers in some 50 ms while the layers are laid; one that hangs must not hold up the generation.
DOCKER_SECONDS = 0.5


def layers(root: Path, answers: dict) -> list[Path]:
    """Return the folders to lay down, the most general first; a group is what some of a language's frameworks share."""
    language, framework = root / answers["language"], answers["framework"]
    groups = [language / name for name in answers["_frameworks"][framework]["groups"]]
    return [root / "_shared", language / "_shared", *groups, language / framework]


def required(answers: dict) -> list[str]:
    """Return the patterns of what a project with these answers must have."""
    facts, language = answers["_frameworks"][answers["framework"]], answers["_languages"][answers["language"]]
    by_fact = [pattern for fact, pattern in REQUIRED_BY_FACT.items() if facts[fact]]
    return [*REQUIRED, language["algorithm"], language["packages"], *language["tools"], *by_fact]


def lay(layer: Path, project: Path) -> list[Path]:
    """Move every file of a layer to its place in the project; return the places."""
    laid = []
    for file in sorted(path for path in layer.rglob("*") if not path.is_dir()):
        inside = file.relative_to(layer)
        if STRAY.isdisjoint(inside.parts):
            target = project / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            laid.append(file.replace(target))
    return laid


def missing(project: Path, patterns: list[str]) -> list[str]:
    """Return one line for each pattern that no file of the project has."""
    return [f"{pattern} is missing" for pattern in patterns if not any(project.glob(pattern))]


def describe_example(project: Path) -> None:
    """Move the description of the example into README.md."""
    example, readme = project / EXAMPLE, project / "README.md"
    readme.write_bytes(readme.read_bytes().replace(EXAMPLE_LINE, example.read_bytes().strip(), 1))
    example.unlink()


def write_checksums(project: Path, laid: list[Path], yours: list[str]) -> None:
    """Write the checksums of the files that an update of the template may change, in order of their names."""
    files = [*(project / name for name in RENDERED), *laid]
    theirs = sorted(file for file in files if file.relative_to(project).parts[0] not in yours)
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.as_posix()}\n" for file in theirs]
    (project / CHECKSUMS).write_bytes("".join(lines).encode())


def interpreter(file: Path) -> str:
    """Return the name of the program that reads a script, by suffix or first line; "" for other files."""
    if file.suffix in INTERPRETERS:
        return INTERPRETERS[file.suffix]
    with file.open("rb") as content:
        shebang = content.readline(200)
    if not shebang.startswith(b"#!"):
        return ""
    if shebang.rstrip().endswith(b"/sh"):
        return "bash"  # which reads sh, too
    return next((name for name in INTERPRETERS.values() if name.encode() in shebang), "")


def python_fault(file: Path) -> str:
    """Return why a Python file does not compile, or ""; nothing is written."""
    try:
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{file}:{error.lineno}: {error.msg}"
    except ValueError as error:  # a NUL byte, or not UTF-8
        return f"{file}: {error}"
    return ""


def start_parser(command: list[str]) -> subprocess.Popen | None:
    """Start a language's own parser; None where that language is not installed."""
    if os.name != "posix" or not shutil.which(command[0]):  # on Windows "bash" may be another machine's
        return None
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def parser_fault(parser: subprocess.Popen | None) -> str:
    """Return what a parser complains of, or ""."""
    if parser is None:
        return ""
    output = parser.communicate()[0].decode("utf-8", "replace").strip()
    return output or f"{parser.args!r} failed" if parser.returncode else ""


def broken(files: list[Path]) -> list[str]:
    """Return one line (or the parser's own lines) for each script that its language cannot parse."""
    scripts = {name: [file for file in files if interpreter(file) == name] for name in INTERPRETERS.values()}
    # The other languages' parsers work while Python compiles.
    parsers = [start_parser(["bash", "-n", str(file)]) for file in scripts["bash"]]
    if scripts["Rscript"]:  # R starts slowly: once for all files
        parse = "for (file in commandArgs(TRUE)) parse(file)"
        parsers.append(start_parser(["Rscript", "--vanilla", "-e", parse, *map(str, scripts["Rscript"])]))
    faults = [python_fault(file) for file in scripts["python"]]
    faults += [parser_fault(parser) for parser in parsers]
    return [fault for fault in faults if fault]


def make_executable(files: list[Path]) -> None:
    """Make the scripts executable: a courtesy, lost in zip archives, on which nothing depends."""
    for file in files:
        with file.open("rb") as content:
            if content.read(2) == b"#!":
                file.chmod(file.stat().st_mode | 0o111)


def ask_docker() -> subprocess.Popen | None:
    """Start asking whether Docker runs, as the Makefile will; None where it is not installed."""
    if not shutil.which("docker"):
        return None
    quiet = subprocess.DEVNULL  # and a session of its own, so that no ssh:// engine can ask for a password
    return subprocess.Popen(["docker", "info"], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def docker_state(asked: subprocess.Popen | None) -> str:
    """Return "running", "not running" or "not installed"."""
    if asked is None:
        return "not installed"
    try:
        return "not running" if asked.wait(DOCKER_SECONDS) else "running"
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.wait()
        return "not running"


def next_steps(answers: dict, docker: str) -> str:
    """Return what to do now, and what this machine lacks for it."""
    slug, algorithm = answers["project_slug"], answers["_languages"][answers["language"]]["algorithm"]
    lines = [
        f"{slug} is complete: {answers['language']}, {answers['framework']}. Next:",
        f"    cd {slug}",
        "    make local-test        train, serve and check it as SageMaker would",
        f"Then make it yours: edit {algorithm}.",
    ]
    if not shutil.which("make"):
        lines.append("make is not installed: install it first.")
    if docker != "running":
        lines.append(f"Docker is {docker}: make local-test will run train and serve as local processes.")
    lines.append(f"What else it can do, and how: {answers['_template_address']}")
    return "\n".join(lines)


def main() -> None:
    """Shape the project in the current folder; exit with the reasons where it is not complete."""
    answers = json.loads(ANSWERS)
    language, framework = answers["language"], answers["framework"]
    project, root = Path(), Path("_layers")

    docker = ask_docker()
    laid = [file for layer in layers(root, answers) for file in lay(layer, project)]
    shutil.rmtree(root, ignore_errors=True)

    faults = missing(project, required(answers)) + broken(laid)
    state = docker_state(docker)
    if faults:
        sys.exit("\n  ".join([f"The template's {language}/{framework} is not complete:", *faults]))
    describe_example(project)
    laid.remove(project / EXAMPLE)
    write_checksums(project, laid, answers["_yours"])
    make_executable(laid)
    print(next_steps(answers, state))


if __name__ == "__main__":
    main()
