"""A program that hangs can be asked where: at SIGURG its stacks are in the log."""

import os
import signal
import socket
import subprocess
import time

from runtime.tests.programs import PATIENCE


def line(process: subprocess.Popen, words: str) -> str:
    """Wait for a line of the log that holds these words. Raises StopIteration when the log ends before."""
    return next(line for line in process.stdout if words in line)


def test_a_training_shows_where_it_stands_and_goes_on(start):
    process = start(
        "train",
        """
        import time

        def train(channels, hyperparameters, job):
            print("started", flush=True)
            while not job.stopping:
                time.sleep(0.05)
            (job.model_folder / "model").touch()
        """,
    )
    line(process, "started")
    process.send_signal(signal.SIGURG)
    assert "algorithm.py" in line(process, "in train")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def ask(port: int, body: str) -> socket.socket:
    """Send a request as soon as the server listens; the connection on which its answer would come."""
    request = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            connection.sendall((request + body).encode())
            return connection


def test_a_worker_whose_prediction_hangs_shows_where(start):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start(
        "serve",
        """
        import os
        import time

        def model_fn(folder):
            return None

        def predict(model, features):
            print("worker", os.getpid(), flush=True)
            time.sleep(600)
        """,
        SAGEMAKER_BIND_TO_PORT=str(port),
        SAGEMAKER_MODEL_SERVER_WORKERS="1",
    )
    line(server, "listening")
    with ask(port, "1\n"):
        worker = int(line(server, "worker ").split()[-1])
        assert worker != server.pid
        os.kill(worker, signal.SIGURG)
        assert "algorithm.py" in line(server, "in predict")
