"""XGBoost ends a program from a thread of its own when another host fails: there is a failure file all the same."""

import sys

import pytest

from runtime.testing import train_on_hosts

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address only")


def test_who_has_died_is_named_though_xgboost_hears_of_it_first(project, tmp_path):
    folder = project(
        """
        import os
        import signal
        import time

        from runtime.distributed import distribution
        from runtime.distributed.cluster import Cluster

        end = Cluster._end

        def late(*arguments):
            time.sleep(2)
            end(*arguments)

        Cluster._end = late

        def train(channels, hyperparameters, job):
            if job.hosts.rank == 2:
                time.sleep(1)
                os.kill(os.getpid(), signal.SIGKILL)
            distribution.total([1.0])
        """
    )
    with pytest.raises(AssertionError):
        train_on_hosts(tmp_path, {}, [{}, {}, {}], project=folder)
    failures = [file.read_text() for file in tmp_path.glob("127.*/output/failure")]
    assert len(failures) == 2, "a host has ended without a failure file"
    assert all(text.startswith("HostLost: host 127.") and ".3 died" in text for text in failures)
