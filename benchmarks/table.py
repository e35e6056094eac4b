"""Tables in Markdown that can be read in a terminal, too, and the page of a run: what was measured, beside what, where."""

from collections.abc import Sequence

from benchmarks.ratios import ROUNDS, Result
from benchmarks.results import Results

HEAD = ("operation", "time", "against", "time", "measured", "goal", "met")
WITHIN = 1.5  # a miss by less is said to be near


def duration(seconds: float) -> str:
    """Write a time per operation with its unit, to three digits."""
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def lined_up(rows: Sequence[Sequence[str]]) -> str:
    """Lay out a head and rows as a Markdown table whose columns line up."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |" for cells in rows]
    lines.insert(1, "|-" + "-|-".join("-" * width for width in widths) + "-|")
    return "\n".join(lines)


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
    goal = "" if result.goal is None else str(result.goal)
    return result.name, duration(result.ours), result.against, duration(result.other), result.reached, goal, met(result)


def grid(results: Sequence[Result]) -> str:
    """Lay out the results as a table."""
    return lined_up([HEAD, *(row(result) for result in results)])


def summary(results: Sequence[Result]) -> str:
    """Count the goals that were reached and missed."""
    excesses = [excess for result in results if (excess := result.excess()) is not None]
    reached = sum(excess <= 1 for excess in excesses)
    near = sum(1 < excess <= WITHIN for excess in excesses)
    by_more = len(excesses) - reached - near
    return f"{len(results)} rows; {len(excesses)} goals: {reached} met, {near} missed by less than {WITHIN}×, {by_more} by more."


def facts(results: Results) -> str:
    """List on what it was measured, and what speaks against it."""
    machine = results.machine
    lines = [
        f"cano {results.cano} · {results.date} · {machine.interpreter}",
        f"{machine.cpu} · {machine.system}",
        f"{machine.load} · {machine.pinned} · the process had {results.share:.0%} of it"
        f" · a fixed loop took {results.spread:.2f} times its best at worst",
    ]
    if results.disturbed:
        lines.append(f"NOISY, take the figures as rough: {'; '.join(results.disturbed)}")
    return "\n".join(f"- {line}" for line in lines)


def page(results: Results) -> str:
    """Write the table with all that is needed to judge it."""
    notes = [
        f"Times per operation, with the loop; medians of {ROUNDS} pairs, taken in turn (fewer in a short run). Trust the ratios.",
        'Goals are stated for CPython 3.13. "By hand" is benchmarks/by_hand.py: a lock, a dict and a type check.',
    ]
    return "\n".join([facts(results), *(f"- {note}" for note in notes), "", grid(results.rows), "", summary(results.rows)])
