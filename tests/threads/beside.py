"""Threads that read something while others change it."""

import threading
from collections.abc import Callable
from itertools import count

from tests.threads.meeting import together


def beside(change: Callable[[int], object], read: Callable[[int], object], *, looks: int) -> None:
    """Let two threads ``read``, each ``looks`` times, while two more ``change``, each time with the next number, until then.

    Changes may fail by each other: their IndexError, KeyError, RuntimeError and ValueError are let go.
    """
    left = [looks, looks]
    over = threading.Event()

    def changer() -> None:
        for number in count():
            if over.is_set():
                return
            try:
                change(number)
            except (LookupError, RuntimeError, ValueError):
                continue

    def reader(which: int) -> None:
        try:
            for number in range(looks):
                read(number)
            left[which] = 0
        finally:
            if left[which] or not any(left):  # it has failed, or is the last
                over.set()

    together(changer, changer, lambda: reader(0), lambda: reader(1))
