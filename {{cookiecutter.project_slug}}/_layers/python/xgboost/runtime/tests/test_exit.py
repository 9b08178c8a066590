"""XGBoost ends a program by C's exit, in a thread of its own, when it hears that another host has failed."""


def test_there_is_a_failure_file_though_the_program_is_ended_past_python(start, tmp_path):
    program = start(
        "train",
        """
        import ctypes
        import threading
        import time

        from runtime.distributed import distribution

        def train(channels, hyperparameters, job):
            distribution.NEWS = 0.1
            distribution.await_news_before_exit()
            threading.Thread(target=ctypes.CDLL(None).exit, args=(255,)).start()
            time.sleep(60)
        """,
    )
    log, _ = program.communicate(timeout=30)
    assert program.returncode == 1, log
    assert (tmp_path / "output/failure").read_text().startswith("HostLost: another host has failed")
