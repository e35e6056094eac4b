"""All kinds of runs that are interrupted, and how many points each has: the numbers are written down, so that none gets lost."""

import asyncio
import sys
from typing import NamedTuple

from tests.unit.cancellation import resource_scenes, scenes, split_scenes

KINDS = {**scenes.SCENES, **resource_scenes.SCENES, **split_scenes.SCENES}


class Numbers(NamedTuple):
    """How many suspensions a run has, how many steps of the scene's own, and how many turns of the loop it takes."""

    run: int
    code: int
    turn: int


NUMBERS = {
    "chain": Numbers(4, 8, 4),
    "busy chain": Numbers(1, 3, 1),
    "retries": Numbers(7, 6, 18),
    "refused retry": Numbers(3, 4, 3),
    "timed attempt": Numbers(4, 6, 4),
    "late attempt": Numbers(12, 14, 12),
    "long clean-up": Numbers(3, 5, 3),
    "late run": Numbers(8, 9, 8),
    "stubborn": Numbers(2, 4, 2),
    "defiant": Numbers(2, 3, 2),
    "thread": Numbers(5, 8, 0),
    "listening thread": Numbers(2, 0, 0),
    "queued thread": Numbers(1, 0, 0),
    "nested": Numbers(15, 29, 28),
    "sub-workflow": Numbers(15, 29, 28),
    "failing sub-workflow": Numbers(17, 28, 28),
    "branches of workflows": Numbers(3, 25, 14),
    "shared": Numbers(3, 14, 10),
    "own": Numbers(7, 16, 7),
    "both": Numbers(7, 20, 14),
    "failing": Numbers(7, 20, 14),
    "failing set-up": Numbers(5, 12, 10),
    "failing shared set-up": Numbers(1, 8, 6),
    "failing teardown": Numbers(7, 18, 12),
    "first to leave": Numbers(4, 17, 8),
    "first and last": Numbers(5, 21, 12),
    "amid another's set-up": Numbers(4, 13, 6),
    "amid another's task": Numbers(3, 9, 3),
    "in a block": Numbers(5, 18, 8),
    "service": Numbers(3, 14, 10),
    "health": Numbers(1, 27, 20),
    "all": Numbers(2, 17, 6),
    "all, failing": Numbers(2, 17, 6),
    "any": Numbers(3, 26, 10),
    "quorum": Numbers(3, 30, 13),
    "percentage": Numbers(3, 30, 13),
    "partial results": Numbers(3, 30, 13),
    "partial timeout": Numbers(3, 30, 13),
    "out of time": Numbers(2, 26, 12),
    "queue": Numbers(5, 22, 10),
    "short queue": Numbers(5, 27, 15),
    "instant": Numbers(1, 5, 1),
    "instant failure": Numbers(1, 5, 5),
    "instant success": Numbers(2, 7, 6),
    "conditions": Numbers(2, 23, 17),
    "lost": Numbers(2, 8, 7),
    "amid resources": Numbers(7, 34, 17),
    "threads": Numbers(3, 5, 0),
}

# Where all tasks begin at once, each probe does, in two tasks, and the run that comes first is a step further.
EAGER = {
    "amid another's set-up": Numbers(4, 14, 7),
    "health": Numbers(1, 27, 18),
}

# On Python 3.11 no task begins at once: the owner of the shared resources and the branches begin in the turn after they were made,
# the split has to wait for branches that never wait, and its timer has begun before they have.
OLD = {
    "nested": Numbers(16, 29, 32),
    "sub-workflow": Numbers(16, 29, 32),
    "failing sub-workflow": Numbers(18, 28, 32),
    "branches of workflows": Numbers(3, 24, 15),
    "shared": Numbers(3, 14, 11),
    "both": Numbers(7, 20, 15),
    "failing": Numbers(7, 20, 15),
    "failing set-up": Numbers(5, 12, 11),
    "failing shared set-up": Numbers(1, 8, 7),
    "failing teardown": Numbers(7, 18, 13),
    "first to leave": Numbers(4, 17, 9),
    "first and last": Numbers(5, 21, 13),
    "in a block": Numbers(5, 19, 9),
    "service": Numbers(3, 14, 11),
    "all": Numbers(2, 17, 7),
    "all, failing": Numbers(2, 17, 7),
    "any": Numbers(3, 26, 11),
    "quorum": Numbers(3, 30, 14),
    "percentage": Numbers(3, 30, 14),
    "partial results": Numbers(3, 30, 14),
    "partial timeout": Numbers(3, 28, 13),
    "out of time": Numbers(2, 24, 12),
    "queue": Numbers(5, 22, 13),
    "short queue": Numbers(5, 27, 17),
    "instant": Numbers(2, 5, 3),
    "instant failure": Numbers(2, 6, 7),
    "instant success": Numbers(3, 8, 8),
    "conditions": Numbers(2, 23, 18),
    "lost": Numbers(2, 8, 8),
    "amid resources": Numbers(7, 34, 19),
}


def numbers_of(kind: str) -> Numbers:
    """Return the numbers of a kind on this Python, on this loop."""
    if sys.version_info < (3, 12):
        return OLD.get(kind, NUMBERS[kind])
    return NUMBERS[kind] if asyncio.get_running_loop().get_task_factory() is None else EAGER.get(kind, NUMBERS[kind])
