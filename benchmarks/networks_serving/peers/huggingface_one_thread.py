"""The same pipeline, computing with one thread in each worker: with more they wait for one another by spinning."""

import torch
from huggingface_model import load, predict  # noqa: F401

torch.set_num_threads(1)
