"""Cases of growing size, as lines of a figure: for each size the time of ours, of the other, and the ratio of the pairs."""

from collections.abc import Iterable

from benchmarks.effort import Effort
from benchmarks.ratios import Case, measure

# A line has a name and points; a point is where it lies and what was measured there.
Point = tuple[float, ...]
Figure = dict[str, list[Point]]

LARGE = 100_000  # from here on a round takes long and scatters little


def rounds(size: int, effort: Effort) -> int:
    """Choose how often something of this size is measured."""
    if size > 10 * LARGE:
        return max(1, effort.rounds // 8)
    return max(1, effort.rounds // 3) if size >= LARGE else effort.rounds


def add(figure: Figure, size: int, cases: Iterable[Case], effort: Effort) -> None:
    """Measure the cases, and put each as a point on the line of its name."""
    for case in cases:
        result = measure(case, rounds=rounds(size, effort), seconds=effort.sample)
        figure.setdefault(case.name, []).append((size, result.ours, result.other, result.ratio))
