"""Bytes that an entry takes beyond its key and value, in the store and in a dict, from 10 keys to 10 million.

Both double when they are full, so the figure is a saw-tooth and is taken at many sizes. ``tracemalloc`` sees every byte that is
allocated; what the process takes from the system is read beside it, where that can be read. Each is measured in a fresh process,
and keys and values are there before it begins.
"""

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.effort import Effort
from benchmarks.growth import Figure, Point
from cano.store import MemoryStore

MOST = 10_000_000
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)  # of each power of ten
# Makes one, and keeps it by its method.
SUBJECTS: dict[str, Callable[[], Callable[[str, int], None]]] = {
    "MemoryStore": lambda: MemoryStore().put,
    "dict": lambda: dict[str, int]().__setitem__,
}
STATM = Path("/proc/self/statm")


def sizes(most: int) -> list[int]:
    """Name the numbers of keys at which is measured."""
    every = (round(step * 10**power) for power in range(1, 10) for step in STEPS)
    return [size for size in every if size <= most]


def resident() -> int:
    """Say how many bytes the process holds in memory."""
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced() -> int:
    """Say how many bytes are allocated."""
    return tracemalloc.get_traced_memory()[0]


def fill(put: Callable[[str, int], None], most: int, weigh: Callable[[], int]) -> list[Point]:
    """Fill something key by key, and weigh it at each size: bytes per entry."""
    keys = [f"key {i}" for i in range(most)]
    points: list[Point] = []
    done = 0
    before = weigh()
    for mark in sizes(most):
        for i in range(done, mark):
            put(keys[i], 7)
        done = mark
        points.append((mark, (weigh() - before) / mark))
    return points


def measure(effort: Effort) -> Figure:
    """Weigh both in fresh processes, by the allocator and, where the system tells, by what the process holds."""
    figure: Figure = {}
    ways = ("allocated", "resident") if STATM.exists() else ("allocated",)
    for way in ways:
        for subject in SUBJECTS:
            command = [sys.executable, "-m", "benchmarks.memory", subject, str(min(MOST, effort.most)), way]
            told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]).stdout
            figure[f"{subject}, {way}"] = [tuple(point) for point in json.loads(told)]
    return figure


if __name__ == "__main__":
    _, what, upto, how = sys.argv
    if how == "allocated":
        tracemalloc.start()
    print(json.dumps(fill(SUBJECTS[what](), int(upto), traced if how == "allocated" else resident)))
