"""What algorithm.py may import. All else in runtime/ is private, and may change with an update of the template."""

from runtime import adapter
from runtime.data.tables import Table, matrix, read_csv
from runtime.errors import InputError, UserError
from runtime.training.channels import Channel, Channels
from runtime.training.job import Job

__all__ = ["Channel", "Channels", "InputError", "Job", "Table", "UserError", "adapter", "matrix", "read_csv"]
