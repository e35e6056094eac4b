"""Bytes that a run takes while it waits: many runs at once, each in its second state, all of them awaiting one event.

``tracemalloc`` sees every byte that is allocated; what the process takes from the system is read beside it. Each is measured in a
fresh process, once a few runs have gone through, so that what an engine makes once is not in the figure. The asyncio task of a run
and what the event holds for each that waits are in it, and are the same for all that have coroutines.
"""

import asyncio
import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.memory import STATM, resident, traced
from benchmarks.peers.job import result
from benchmarks.peers.subjects import SUBJECTS, Subject

WARM = 10  # runs before the first is weighed
WAYS = ("allocated", "resident")


class Gate:
    """The event that the runs wait for, and how many of them do."""

    def __init__(self, runs: int) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self.left = runs

    async def wait(self) -> None:
        """Wait with the others."""
        self.left -= 1
        if self.left == 0:
            self.full.set()
        await self.open.wait()


def weigh(how: str) -> int:
    """Say how many bytes there are, once all is collected that nobody holds."""
    gc.collect()
    return traced() if how == "allocated" else resident()


def check(outcomes: list[int]) -> None:
    """See whether all runs that began with 0, 1, 2 … have ended as they should.

    Raises: ValueError.
    """
    if outcomes != [result(number) for number in range(len(outcomes))]:
        raise ValueError("a run ended with another result than it should")


async def waiting(subject: Subject, runs: int, how: str) -> float:
    """Weigh runs that are coroutines, and see them through."""
    gate = Gate(WARM)
    run = subject.run(lambda: gate.wait())
    gate.open.set()
    check(list(await asyncio.gather(*map(run, range(WARM)))))
    gate = Gate(runs)
    before = weigh(how)
    tasks = [asyncio.ensure_future(run(number)) for number in range(runs)]
    await gate.full.wait()
    taken = weigh(how) - before
    gate.open.set()
    check([await task for task in tasks])
    return taken / runs


def held(subject: Subject, runs: int, how: str) -> float:
    """Weigh runs that are objects, left in their second state, and take them to their end."""
    begin, end = subject.halves()
    check([end(begin(number)) for number in range(WARM)])
    before = weigh(how)
    begun = [begin(number) for number in range(runs)]
    taken = weigh(how) - before
    check([end(each) for each in begun])
    return taken / runs


def weighed(subject: Subject, runs: int, how: str) -> float:
    """Weigh in this process: bytes per run."""
    return held(subject, runs, how) if subject.held else asyncio.run(waiting(subject, runs, how))


def measure(subject: Subject, runs: int, say: Callable[[str], None] = lambda words: None) -> tuple[float, ...]:
    """Weigh in fresh processes, by the allocator and, where the system tells, by what the process holds."""
    taken = []
    for how in WAYS if STATM.exists() else WAYS[:1]:
        say(f"{subject.label}: {runs:,} runs at once, {how}")
        command = [sys.executable, "-m", "benchmarks.peers.flight", str(SUBJECTS.index(subject)), str(runs), how]
        told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
        taken.append(float(json.loads(told)))
    return tuple(taken)


if __name__ == "__main__":
    _, what, number_of_runs, way = sys.argv
    if way == "allocated":
        tracemalloc.start()
    print(json.dumps(weighed(SUBJECTS[int(what)], int(number_of_runs), way)))
