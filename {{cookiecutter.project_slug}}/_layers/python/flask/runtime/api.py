"""What algorithm.py may import. The rest of runtime/ is private, and may change with an update of the template."""

from runtime import adapter
from runtime.data.tables import Table, matrix, read_csv
from runtime.errors import InputError, UserError
from runtime.serving.defaults import default_input_fn, default_output_fn
from runtime.training.channels import Channel, Channels
from runtime.training.job import Job

__all__ = [
    "Channel",
    "Channels",
    "InputError",
    "Job",
    "Table",
    "UserError",
    "adapter",
    "default_input_fn",
    "default_output_fn",
    "matrix",
    "read_csv",
]
