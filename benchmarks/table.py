"""The one table: what was measured, beside what, with which goal, on which machine."""

from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.machine import Machine
from benchmarks.ratios import ROUNDS, Result
from cano._version import __version__

HEAD = ("operation", "time", "against", "time", "measured", "goal", "met")
WITHIN = 1.5  # a miss by less is said to be near
UNDISTURBED = 0.98  # of its core


def duration(seconds: float) -> str:
    """Write a time per operation with its unit, to three digits."""
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def met(result: Result) -> str:
    """Say whether a goal was reached, and if not, by which factor it was missed."""
    excess = result.excess()
    if excess is None:
        return ""
    if excess <= 1:
        return "yes"
    return f"no, by {excess:.2f}×" if excess <= WITHIN else f"NO, by {excess:.2f}×"


def row(result: Result) -> tuple[str, ...]:
    """Write one result."""
    case = result.case
    goal = "" if case.goal is None else str(case.goal)
    return case.name, duration(result.ours), case.against, duration(result.other), result.reached, goal, met(result)


def grid(results: Sequence[Result]) -> str:
    """Lay out the results as a Markdown table that can be read in a terminal, too."""
    rows = [HEAD, *(row(result) for result in results)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |" for cells in rows]
    lines.insert(1, "|-" + "-|-".join("-" * width for width in widths) + "-|")
    return "\n".join(lines)


def summary(results: Sequence[Result]) -> str:
    """Count the goals that were reached and missed."""
    excesses = [excess for result in results if (excess := result.excess()) is not None]
    reached = sum(excess <= 1 for excess in excesses)
    near = sum(1 < excess <= WITHIN for excess in excesses)
    by_more = len(excesses) - reached - near
    return f"{len(results)} rows; {len(excesses)} goals: {reached} met, {near} missed by less than {WITHIN}×, {by_more} by more."


def page(results: Sequence[Result], machine: Machine, *, share: float) -> str:
    """Write the table with all that is needed to judge it; ``share`` is the part of its core that the process had."""
    disturbed = "" if share >= UNDISTURBED else ", DISTURBED by others: take the figures as rough"
    facts = [
        f"cano {__version__} · {datetime.now(UTC):%Y-%m-%d} · {machine.interpreter}",
        f"{machine.cpu} · {machine.system}",
        f"{machine.load} · {machine.pinned} · the process had {share:.0%} of it{disturbed}",
        f"Times per operation, with the loop; medians of {ROUNDS} pairs, taken in turn. Trust the ratios, not the times.",
        'Goals are stated for CPython 3.13. "By hand" is benchmarks/by_hand.py: a lock, a dict and a type check.',
    ]
    return "\n".join([*(f"- {fact}" for fact in facts), "", grid(results), "", summary(results)])
