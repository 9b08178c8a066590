"""The Amazon SageMaker contract for a Python algorithm: `train` and `serve`.

To write an algorithm you need not read it: edit `algorithm.py`.

    api.py          what algorithm.py may import; testing.py: what its tests may use; everything else is private
    training/       `train`: program.py starts and ends a job, job.py is what an algorithm sees of it
    serving/        `serve`: program.py starts the server, answer.py is the answer to a request
    data/           texts and bytes to tables, the same for channels and requests
    distributed/    several hosts and GPUs
    adapter.py      how the framework keeps a model (protocol.py); framework.py: its facts
    lock.py         `make lock`
"""
