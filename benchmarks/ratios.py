"""Two expressions timed in turn, and the median of their paired ratios.

Absolute times do not repeat on a shared machine, and neither does the ratio of two times that were taken minutes apart. So the
two are timed one after the other, each with its loop, at least 25 times, and each pair gives one ratio. Names are global. The clock
counts the processor's time of this process: what others do with the core in between is not in the figures.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from timeit import Timer
from typing import Literal, Protocol

ROUNDS = 25
SAMPLE = 0.010  # seconds that one timing lasts at least: long against the clock, short against a change of the machine's mood

TICK = 1e-9  # a clock that has not moved meanwhile has moved by less than it can tell


@dataclass(frozen=True, slots=True)
class Goal:
    """What a case has to reach: a ratio of times, a speed-up, or nanoseconds over the other expression."""

    kind: Literal["at most", "at least", "over"]
    limit: float

    def __str__(self) -> str:
        match self.kind:
            case "at most":
                return f"at most {self.limit:g}×"
            case "at least":
                return f"at least {self.limit:g}× faster"
            case "over":
                return f"at most +{self.limit:g} ns"


@dataclass(frozen=True, slots=True)
class Case:
    """One row: ``ours`` beside ``other``, both statements over the names that ``names()`` makes anew for this case.

    ``fresh`` is run before each timing and is not timed. ``ours_does`` and ``other_does`` say how many operations one run of
    the statement does; times are given per operation.
    """

    name: str
    ours: str
    against: str
    other: str
    names: Callable[[], dict[str, object]]
    goal: Goal | None = None
    fresh: str = "pass"
    ours_does: int = 1
    other_does: int = 1

    def timers(self) -> tuple[Timer, Timer]:
        """Compile both statements over one set of names."""
        names = self.names()
        return (
            Timer(self.ours, self.fresh, time.process_time, names),
            Timer(self.other, self.fresh, time.process_time, names),
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of one case: seconds per operation, their paired ratio and their paired difference."""

    name: str
    against: str
    goal: Goal | None
    ours: float
    other: float
    ratio: float
    over: float

    @property
    def reached(self) -> str:
        """What was measured, in the unit of the goal."""
        match self.goal:
            case Goal("over"):
                return f"{self.over * 1e9:+.0f} ns"
            case Goal("at least"):
                return f"{1 / self.ratio:.1f}× faster"
            case None if self.ratio < 0.5:
                return f"{1 / self.ratio:.1f}× faster"
            case _:
                return f"{self.ratio:.2f}×"

    def excess(self) -> float | None:
        """By which factor the goal is missed; 1 or less where it is met, ``None`` where there is none."""
        match self.goal:
            case Goal("at most", limit):
                return self.ratio / limit
            case Goal("at least", limit):
                return self.ratio * limit
            case Goal("over", limit):
                return self.over * 1e9 / limit
            case _:
                return None


class Timed(Protocol):
    """What can be timed: a statement of ``timeit``, or anything else that runs so many times and says how long it took."""

    def timeit(self, number: int, /) -> float:
        """Run it so many times; seconds."""
        ...


def loops(timer: Timed, seconds: float) -> int:
    """Find how often a statement has to run until one timing lasts ``seconds``."""
    number = 1
    while (taken := timer.timeit(number)) < seconds:
        number = max(number + 1, min(number * 10, round(1.1 * number * seconds / max(taken, 1e-9))))
    return number


def in_turn(ours: Timed, other: Timed, *, rounds: int, seconds: float) -> list[tuple[float, float]]:
    """Time both in turn, ``rounds`` times: pairs of seconds for one run of each."""
    ours_loops, other_loops = loops(ours, seconds), loops(other, seconds)
    return [
        (max(ours.timeit(ours_loops), TICK) / ours_loops, max(other.timeit(other_loops), TICK) / other_loops) for _ in range(rounds)
    ]


def measure(case: Case, *, rounds: int = ROUNDS, seconds: float = SAMPLE) -> Result:
    """Time both statements of a case in turn, ``rounds`` times."""
    taken = in_turn(*case.timers(), rounds=rounds, seconds=seconds)
    pairs = [(ours / case.ours_does, other / case.other_does) for ours, other in taken]
    return Result(
        case.name,
        case.against,
        case.goal,
        ours=median(a for a, _ in pairs),
        other=median(b for _, b in pairs),
        ratio=median(a / b for a, b in pairs),
        over=median(a - b for a, b in pairs),
    )
