"""Where a program stands: at SIGURG it writes the stack of each of its threads to standard error.

So a training or a request that hangs can be asked why. It is this signal because programs that do not know it ignore
it: local_test, which asks when its time is up, may do so in any image.
"""

import faulthandler
import signal


def show_at_signal() -> None:
    """Show the stacks at SIGURG, in this process and in those that are forked from it."""
    faulthandler.register(signal.SIGURG, all_threads=True)
