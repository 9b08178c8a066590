"""What algorithm.py may import. All else in runtime/ is private, and may change with an update of the template."""

from runtime import adapter
from runtime.adapter import predicted
from runtime.data.tables import Table, matrix, read_csv
from runtime.distributed import consensus, distribution
from runtime.distributed.shares import Share
from runtime.errors import InputError, UserError
from runtime.serving import libsvm
from runtime.serving.defaults import default_input_fn, default_output_fn
from runtime.training.booster_parameters import BoosterParameters, Objective
from runtime.training.boosting import boost
from runtime.training.channels import Channel, Channels
from runtime.training.job import Job
from runtime.training.labelled import Labelled, read_labelled

__all__ = [
    "BoosterParameters",
    "Channel",
    "Channels",
    "InputError",
    "Job",
    "Labelled",
    "Objective",
    "Share",
    "Table",
    "UserError",
    "adapter",
    "boost",
    "consensus",
    "default_input_fn",
    "default_output_fn",
    "distribution",
    "libsvm",
    "matrix",
    "predicted",
    "read_csv",
    "read_labelled",
]
