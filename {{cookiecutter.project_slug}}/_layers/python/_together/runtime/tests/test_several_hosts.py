"""What holds for every algorithm that trains on several hosts."""

import sys

import pytest

from runtime.testing import train_on_hosts

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def test_files_that_train_leaves_itself_are_kept_of_the_first_host_only(project, tmp_path):
    folder = project(
        """
        import os
        from pathlib import Path

        def train(channels, hyperparameters, job):
            (job.model_folder / "weights").touch()
            (job.model_folder / "vocabulary").touch()
            Path(os.environ["SM_MODEL_DIR"], "notes").touch()

        def model_fn(folder):
            return sorted(os.listdir(folder))
        """
    )
    (tmp_path / "tmp").mkdir()
    first, second = train_on_hosts(tmp_path, {}, [{}, {}], project=folder, TMPDIR=str(tmp_path / "tmp"))
    assert first.model == ["notes", "vocabulary", "weights"]
    assert second.model == []
    assert not list((tmp_path / "tmp").glob("model-*"))


def test_a_crash_while_python_closes_down_does_not_fail_the_job(project, tmp_path):
    folder = project(
        """
        import atexit
        import os
        import sys
        from pathlib import Path

        from runtime.distributed import distribution

        class Crash:
            def __del__(self, abort=os.abort):
                abort()

        sys.crash = Crash()  # what sys has is let go last, and for certain
        # As a library does when algorithm.py imports it.
        atexit.register(Path(os.environ["SAGEMAKER_BASE_DIR"], "goodbye").touch)

        def train(channels, hyperparameters, job):
            assert distribution.total([1.0]) == 2
            (job.model_folder / "model").touch()

        def model_fn(folder):
            return os.listdir(folder)
        """
    )
    train_on_hosts(tmp_path, {}, [{}, {}], project=folder)
    assert len(list(tmp_path.glob("*/goodbye"))) == 2
