"""SIGURG makes a program write the stack of each of its threads to standard error.

This shows why a training or a request hangs. Programs without a handler ignore this signal, so that local_test may send
it in any image when its time is up.
"""

import faulthandler
import signal


def show_at_signal() -> None:
    """Show the stacks at SIGURG, in this process and in those that are forked from it."""
    faulthandler.register(signal.SIGURG, all_threads=True)
