"""The job: three states, each of which reads a number from the run's state, computes, and writes the number back.

The work is so small that nearly all the time is the engine's. A run begins with a number of its own and ends with :func:`result`
of it, which everybody who measures checks.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

STEPS = 3
NUMBER = 20  # what a run that is timed begins with

# What the second state awaits before it computes; where time is measured there is none, and every engine asks for it alike.
Wait = Callable[[], Awaitable[None]] | None
# A whole run, from its number to its result.
Run = Callable[[int], Awaitable[int]]
SyncRun = Callable[[int], int]


class Stage(Enum):
    """The states, for those engines whose states may be of any kind."""

    INGEST = auto()
    TRANSFORM = auto()
    LOAD = auto()
    DONE = auto()


def result(number: int) -> int:
    """Say what a run that begins with this number ends with."""
    return (number + 1) * 2 - 3
