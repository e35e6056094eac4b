"""Run ids: unique in this process, across processes, and after a fork."""

import itertools
import os

_prefix = ""
_numbers = itertools.count(1)


def _renew() -> None:
    global _prefix, _numbers
    _prefix = os.urandom(8).hex()
    _numbers = itertools.count(1)


_renew()
os.register_at_fork(after_in_child=_renew)


def new_run_id() -> str:
    """Return an id that no other run has. Safe from any thread."""
    return f"{_prefix}-{next(_numbers)}"
