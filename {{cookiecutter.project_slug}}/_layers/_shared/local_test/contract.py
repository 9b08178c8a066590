"""The constants of the contract that several modules use, each with its clause; contract.md has the sources.

The runtimes do not import them, and local_test imports nothing of a runtime: it works on any image.
"""

ML = "/opt/ml"  # where SageMaker puts the files of a job, and the model (T6)
PORT = 8080  # of a server, unless SAGEMAKER_BIND_TO_PORT names another (I7)
MEGABYTE = 1 << 20  # bytes
PAYLOAD = 25 * MEGABYTE  # the largest request to an endpoint (I13)
SERVERLESS_PAYLOAD = 4 * MEGABYTE  # the largest one to a serverless endpoint (I20)
REASON = 1024  # characters of FailureReason, and of a Processing job's ExitMessage (T32, PR5)
INVOCATION = 60  # seconds that SageMaker waits for an answer (I13)
STOP_TRAINING = 120  # seconds between SIGTERM and SIGKILL of a training job (T4)
STOP_SERVING = 30  # seconds between SIGTERM and SIGKILL of a server (I5)
