"""Run ids: unique in this process, across processes, and after a fork."""

import itertools
import os
import threading


class _Series(threading.local):
    """The ids of one thread: without a GIL, threads that count by one counter may get one number twice."""

    def __init__(self) -> None:
        self.prefix = os.urandom(8).hex()
        self.numbers = itertools.count(1)


def _renew() -> None:
    global _series
    _series = _Series()


_series = _Series()
os.register_at_fork(after_in_child=_renew)


def new_run_id() -> str:
    """Return an id that no other run has. Safe from any thread, from finalizers and signal handlers."""
    series = _series
    return f"{series.prefix}-{next(series.numbers)}"
