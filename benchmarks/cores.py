"""Whether two cores are free: two processes at once, which no lock of an interpreter joins, beside one alone.

A neighbour who takes part of a core looks just like a lock that two threads share. So what threads do together is measured in
rounds with this control before and after each, and a round counts only if both found the cores free.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from typing import Generic, TypeVar

FREE, MOST = 1.9, 2.1  # times the work of one process that two do at once where both have a core; more, and the one was slowed
SPAN = 0.05  # seconds that a process of the control works
LATELY = 8  # looks: the machine's speed may change
TRIES = 3  # rounds that are tried for each that is wanted

T = TypeVar("T")


def work(until: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """Look up a key in a dict of one's own until then; return how many thousand times in a second of ``clock``."""
    data = {"key": 7}
    turns, began = 0, clock()
    while time.perf_counter() < until:
        for _ in repeat(None, 1_000):
            data.get("key")
        turns += 1
    return turns / max(clock() - began, 1e-9)


def together(count: int, span: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """Let so many processes work at once, each a fork of this one, which has to have one thread; add up what they did."""
    until = time.perf_counter() + span
    told: list[int] = []
    children: list[int] = []
    for _ in range(count):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write, repr(work(until, clock)).encode())
            finally:
                os._exit(0)
        os.close(write)
        told.append(read)
        children.append(child)
    done = 0.0
    for read, child in zip(told, children, strict=True):
        done += float(os.read(read, 100) or b"0")
        os.close(read)
        os.waitpid(child, 0)
    return done


@dataclass(slots=True)
class Control:
    """Sets what two processes do in a second beside what one did lately, at best, in a second that it had a core."""

    span: float = SPAN
    alone: deque[float] = field(default_factory=lambda: deque(maxlen=LATELY))

    def look(self) -> float:
        """Say how many times the work of one process two do at once: 2 where both cores are free."""
        if not hasattr(os, "fork"):
            return 0.0
        self.alone.append(together(1, self.span, time.process_time))
        return together(2, self.span) / max(*self.alone, 1e-9)


def free(patience: float) -> bool:
    """Wait for at most ``patience`` seconds until both cores are free three times in a row."""
    control, row = Control(), 0
    until = time.monotonic() + patience
    while row < 3:
        row = row + 1 if control.look() >= FREE else 0
        if row == 0:
            if time.monotonic() >= until:
                return False
            time.sleep(0.5)
    return True


def load() -> str:
    """Say what a control finds before the run."""
    control = Control()
    found = min(control.look() for _ in range(3))
    verdict = "quiet" if found >= FREE else "BUSY: take the figures as rough"
    return f"two processes did {found:.2f} times the work of one on {os.cpu_count()} cores before the run ({verdict})"


@dataclass(frozen=True, slots=True)
class Rounds(Generic[T]):
    """What the rounds gave that count; how many were undisturbed, how many thrown away, and the middle of the controls."""

    kept: Sequence[T]
    good: int
    thrown: int
    control: float

    @property
    def point(self) -> tuple[float, ...]:
        """Write down how good the rounds were, as a point of a figure."""
        return float(self.good), float(self.thrown), self.control


def rounds(subjects: Sequence[str], wanted: int, measure: Callable[[str], T], *, span: float = SPAN) -> dict[str, Rounds[T]]:
    """Measure the subjects in turn until each has ``wanted`` undisturbed rounds or has been tried three times as often.

    A single round, which only shows that it runs, is tried once. Where none was undisturbed, those with the best controls
    count, as many as were wanted, and it is said that none was.
    """
    control = Control(span)
    taken: dict[str, list[tuple[float, T]]] = {subject: [] for subject in subjects}
    before = control.look()
    for _ in range(TRIES * wanted if wanted > 1 else 1):
        for subject, each in taken.items():
            if sum(map(good, each)) >= wanted:
                continue
            gave = measure(subject)
            after = control.look()
            each.append((max(before, after, key=lambda found: abs(found - 2)), gave))
            before = after
    return {subject: chosen(each, wanted) for subject, each in taken.items()}


def good(taken: tuple[float, object]) -> bool:
    """Tell whether a round counts, by its worse control."""
    return FREE <= taken[0] <= MOST


def chosen(taken: Sequence[tuple[float, T]], wanted: int) -> Rounds[T]:
    """Take the rounds whose controls were good, or those that come nearest."""
    kept = [each for each in taken if good(each)]
    nearest = kept or sorted(taken, key=lambda each: abs(each[0] - 2))[:wanted]
    return Rounds([gave for _, gave in nearest], len(kept), len(taken) - len(kept), median(found for found, _ in nearest))
