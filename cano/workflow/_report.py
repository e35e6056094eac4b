"""What happened in a run."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from cano.workflow._trail import TimedPath

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """One state that a run entered, and the seconds that it stayed there (0.0 in an exit state)."""

    state: S
    label: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunReport(Generic[S]):
    """What happened in a run.

    ``state`` is the exit state that it reached. ``path`` are the states that it entered, in order; of a long run only the first
    128 and the last 128, and ``omitted`` counts those in between. ``seconds`` is the time of the whole run, set-up and teardown
    of resources included. ``run_id`` is unique across processes.
    """

    state: S
    path: tuple[Step[S], ...]
    omitted: int
    seconds: float
    run_id: str


def report_of(state: S, timed: TimedPath, seconds: float, run_id: str) -> RunReport[S]:
    """Make the report of a run that has ended in ``state``."""
    timed.thin(0)
    path = tuple(Step(node.state, node.label, spent) for node, spent in zip(timed.nodes, timed.seconds, strict=True))
    return RunReport(state, path, timed.omitted, seconds, run_id)
