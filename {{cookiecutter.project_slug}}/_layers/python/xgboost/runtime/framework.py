"""What is true of this framework. It imports nothing, since the numeric libraries must come late."""

# It trains on several hosts together: distributed/distribution.py.
DISTRIBUTES = True
# It trains in a process of its own for each GPU of a host: distributed/launcher.py.
PROCESS_PER_GPU = False
# Its threads do not survive a fork, after which a worker would wait for ever: each loads the model itself.
LOADS_IN_WORKERS = False
# It has packages for GPUs: requirements-gpu.txt.
GPU_PACKAGES = True
# Its users expect named columns in a data frame (polars), where others get a numpy array with fields.
DATA_FRAMES = False
# It computes in float32, so that no larger number may come in.
SINGLE_PRECISION = True
