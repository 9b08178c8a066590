"""The one exception that local_test raises for its user."""


class SetupError(Exception):
    """Something local_test needs is missing on this machine or in this project; the text says what to do."""
