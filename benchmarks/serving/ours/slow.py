"""An algorithm as unkind to /ping as can be: each prediction holds the interpreter for SECONDS, without a pause."""

import time

from iris import Hyperparameters, train  # noqa: F401

SECONDS = 0.2


def predict(model, features):
    """Compute for a while, then predict."""
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        pass
    return model.predict(features)
