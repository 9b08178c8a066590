"""XGBoost ends a program from a thread of its own when another host fails: there is a failure file all the same."""

import sys

import pytest

from runtime.testing import train_on_hosts

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def test_who_has_failed_is_named_though_xgboost_ends_the_program_first(project, tmp_path):
    folder = project(
        """
        from xgboost import collective

        def train(channels, hyperparameters, job):
            if not job.is_first:
                collective.signal_error()  # as XGBoost does where it fails; all hosts hear of it at once
                raise RuntimeError("out of luck")
            while True:
                pass
        """
    )
    with pytest.raises(AssertionError) as caught:  # its message is the logs
        train_on_hosts(tmp_path, {}, [{}, {}], project=folder)
    assert "XGBoost ends this program" in str(caught.value)
    failures = [file.read_text() for file in sorted(tmp_path.glob("127.*/output/failure"))]
    assert len(failures) == 2
    assert failures[0].startswith("HostLost: host 127.") and "RuntimeError: out of luck" in failures[0]
    assert failures[1].startswith("RuntimeError: out of luck")
