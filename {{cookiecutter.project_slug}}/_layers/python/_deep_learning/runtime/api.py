"""What algorithm.py may import, besides runtime.text where there is one.

All else in runtime/ is private, and may change with an update of the template.
"""

from runtime import adapter
from runtime.data.columns import Columns
from runtime.data.tables import Table, matrix, read_csv
from runtime.distributed import consensus, distribution
from runtime.distributed.shares import Share
from runtime.errors import InputError, UserError
from runtime.serving.defaults import default_input_fn, default_output_fn
from runtime.training.channels import Channel, Channels
from runtime.training.early_stopping import EarlyStopping
from runtime.training.job import Job

__all__ = [
    "Channel",
    "Channels",
    "Columns",
    "EarlyStopping",
    "InputError",
    "Job",
    "Share",
    "Table",
    "UserError",
    "adapter",
    "consensus",
    "default_input_fn",
    "default_output_fn",
    "distribution",
    "matrix",
    "read_csv",
]
