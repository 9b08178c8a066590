"""Switches a defect on: one function of the programs is replaced by one that makes a mistake, as users make it.

The file `defect` beside this one holds the mistake's name, which is that of the function in training_defects.py or
serving_defects.py that makes it. The programs themselves know nothing of it.
"""

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from types import ModuleType

SWITCH = Path(__file__).with_name("defect")
REPLACED: dict[str, Callable] = {}  # what each defect takes the place of


def in_place_of(sound: Callable) -> Callable[[Callable], Callable]:
    """Mark a function as a defect: it replaces `sound`, which it gets as its first argument."""

    def mark(defect: Callable) -> Callable:
        REPLACED[defect.__name__] = sound
        return defect

    return mark


def switch_on(module: ModuleType) -> None:
    """Let the defect that is asked for take its place, if it is one of this module's."""
    wanted = SWITCH.read_text().strip() if SWITCH.exists() else ""
    defect = getattr(module, wanted, None)
    if defect is None:
        return
    sound = REPLACED[wanted]
    *owners, name = sound.__qualname__.split(".")
    owner = reduce(getattr, owners, sys.modules[sound.__module__])
    setattr(owner, name, lambda *arguments: defect(sound, *arguments))
