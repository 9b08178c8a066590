"""Errors whose message is a sentence for the user."""


class UserError(Exception):
    """The job was asked for something impossible: a bad hyperparameter, a missing channel, unusable data.

    The message says what is wrong, where, and what to do. It becomes the job's FailureReason as it stands,
    without a traceback.
    """


class HostLost(UserError):
    """Another host of the job has failed or died, and none can go on without it."""


class InputError(ValueError):
    """Data that cannot be read: the message names the line or row, the value and what was expected.

    While serving it is answered with status 400, while training it fails the job.
    """


class FormatError(Exception):
    """Predictions that the format which the client asked for cannot hold: answered with status 406."""
