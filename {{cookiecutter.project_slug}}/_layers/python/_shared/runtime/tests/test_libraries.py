"""Shared libraries that are missing: one sentence says what to install, wherever the algorithm is loaded."""

import sys

import pytest

from runtime.distributed.cluster import free_port

GOMP = "libgomp.so.1: cannot open shared object file: No such file or directory"
DO = (
    "the shared library libgomp.so.1 is missing: write its Debian package, libgomp1, into system-packages.txt and "
    "build the image again (without an image: apt-get install libgomp1)"
)


def ended(start, program: str, code: str) -> str:
    """Run one of the runtime's programs, which must fail; returns its log."""
    process = start(program, code, SAGEMAKER_BIND_TO_PORT=str(free_port()))
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 1, log
    return log


@pytest.mark.parametrize(
    ("program", "says"), [("train", "UserError"), ("serve", "cannot serve"), ("describe", "cannot describe")]
)
@pytest.mark.parametrize("kind", ["OSError", "ImportError"])
def test_its_debian_package_is_named(start, tmp_path, program, says, kind):
    assert ended(start, program, f"raise {kind}({GOMP!r})\n") == f"{says}: {DO}\n"
    if program == "train":
        assert (tmp_path / "output/failure").read_text() == f"UserError: {DO}"


def test_also_when_training_imports_it_late_and_its_package_has_words_of_its_own(start):
    words = f"could not be loaded: ['{GOMP}']"
    code = f"def train(channels, hyperparameters):\n    raise ValueError({words!r})\n"
    assert ended(start, "train", code).endswith(f"UserError: {DO}\n")


@pytest.mark.skipif(sys.platform == "darwin", reason="the loader of macOS has other words")
def test_of_a_library_that_is_not_known_it_is_said_where_to_look(start):
    log = ended(start, "train", "import ctypes\nctypes.CDLL('libunheard-of.so.7')\n")
    assert log.startswith("UserError: the shared library libunheard-of.so.7 is missing: ")
    assert "https://packages.debian.org/search?searchon=contents&keywords=libunheard-of.so.7 finds" in log


@pytest.mark.parametrize("name", ["/opt/program/libmine.so", "libcuda.so.1"])
def test_no_package_has_a_file_of_the_algorithms_own_or_a_driver(start, name):
    log = ended(start, "train", f"raise OSError('{name}: cannot open shared object file')\n")
    assert "algorithm.py" in log and "system-packages.txt" not in log
