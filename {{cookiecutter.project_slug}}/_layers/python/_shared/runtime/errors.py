"""Errors whose message is a sentence for the user."""


class UserError(Exception):
    """An error that the user has to correct: a bad hyperparameter, a missing channel, unusable data.

    The message says what is wrong, where, and what to do. It becomes the job's FailureReason, without a
    traceback.
    """


class HostLost(UserError):
    """Another host of the job has failed or died, and the job cannot continue without it."""


class InputError(ValueError):
    """Data that cannot be read: the message names the line or row, the value and what was expected.

    It is answered with status 400 in serving, and fails the job in training.
    """


class FormatError(Exception):
    """Predictions that do not fit into the format that the client asked for: answered with status 406."""
