"""The exceptions that local_test raises for its user."""


class SetupError(Exception):
    """Something local_test needs is missing on this machine or in this project; the text says what to do."""


class EngineLost(SetupError):
    """The engine has stopped working in the middle of a run, which cannot continue."""
