"""What the documents show of two builds of one CPython, without a GIL and with it, made alike by ``.ci/build-python``."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from benchmarks import scaling, tail
from benchmarks.cores import FREE
from benchmarks.growth import Figure
from benchmarks.latency import CLOCK
from benchmarks.parts import MOST_BYTES, THOUSAND, pair
from benchmarks.picture import Axis, Line, lines
from benchmarks.ratios import Result
from benchmarks.results import Results, read
from benchmarks.table import duration, facts, lined_up, met, summary

FREE_THREADED = "cpython-3.13.5t-linux-x86_64"
WITH_GIL = "cpython-3.13.5-linux-x86_64"
NOT_YET = "- not measured yet"
ROUGH = "~"  # beside a figure
PICTURE = "scaling"
SHOWN = f"![Operations of all threads together, by their number](pictures/{PICTURE}.svg)"
# A colour each; without a GIL drawn through, with it dashed.
DRAWN = {
    scaling.DIFFERENT: "get, own handles",
    scaling.SHARED: "get, one shared handle",
    scaling.DICT: "d.get, one dict",
    scaling.LOCKED: "dict with a lock",
}


Named = Sequence[tuple[str, Results]]  # results, each with what a table calls its build; one alone has no name


class Builds(NamedTuple):
    """The results of both builds."""

    free: Results
    gil: Results

    @property
    def named(self) -> Named:
        """Give both with what they are called in a table."""
        return ("no GIL", self.free), ("GIL", self.gil)


def read_builds() -> Builds | None:
    """Read the results of both, if both are there."""
    free, gil = read(FREE_THREADED), read(WITH_GIL)
    return Builds(free, gil) if free and gil else None


def facts_table(builds: Builds) -> str:
    """List on what each was measured."""
    return "\n\n".join(
        f"{name}:\n\n{facts(results)}" for name, results in (("Without a GIL", builds.free), ("With it", builds.gil))
    )


def bytes_over(results: Results) -> float:
    """Say how many bytes an entry of the store takes beyond a dict's, at worst."""
    store, plain = (dict(map(pair, results.figures["memory"][f"{who}, allocated"])) for who in ("MemoryStore", "dict"))
    return max(store[size] - plain[size] for size in store if size >= THOUSAND)


def rows_table(builds: Builds) -> str:
    """Lay out the rows that have a goal, each build beside its own dict, and count the goals."""
    other: dict[tuple[str, str], Result] = {(row.name, row.against): row for row in builds.gil.rows}
    head = ("operation", "against", "goal", *(f"{name}{what}" for name, _ in builds.named for what in ("", ", time", ", met")))
    body = [
        (row.name, row.against, str(row.goal), *(cell for each in pairs for cell in (each.reached, duration(each.ours), met(each))))
        for row in builds.free.rows
        if row.goal is not None and (beside := other.get((row.name, row.against))) is not None
        for pairs in [(row, beside)]
    ]
    weighed = [f"{name} {bytes_over(results):+.1f}" for name, results in builds.named]
    counted = [f"{name}: {summary(results.rows)}" for name, results in builds.named]
    closing = f"Bytes per entry beyond a dict's, at worst (goal: at most {MOST_BYTES:+}): {', '.join(weighed)}."
    return "\n\n".join([lined_up([head, *body]), closing, *counted])


def rounds_words(figures: Iterable[tuple[str, Figure]], control: str) -> str:
    """Say how many rounds counted, and on what cores."""
    said, rough = [], False
    for name, figure in figures:
        every = [points[0] for line, points in figure.items() if line.startswith(control)]
        good, thrown = sum(point[0] for point in every), sum(point[1] for point in every)
        lowest, rough = min(point[2] for point in every), rough or not all(point[0] for point in every)
        said.append(f"{name}: {good:.0f} rounds count, {thrown:.0f} were thrown away; middle of the controls {lowest:.2f} at least")
    told = f"A control of {FREE} is asked for. " + ". ".join(said) + "."
    return f"{told} {ROUGH} NOISY: no round of the line was undisturbed, and it shows those that came nearest." if rough else told


def roughly(figure: Figure, control: str) -> str:
    """Mark a line of which no round was undisturbed, by the line that tells of its rounds."""
    return "" if figure[control][0][0] else ROUGH


def stands(name: str, figure: Figure) -> list[str]:
    """Write the throughput of one thread, and the others' in times of it."""
    points, mark = figure[name], roughly(figure, f"{scaling.CONTROL}, {name}")
    cells = [f"{points[0][1] / 1e6:.1f}{mark}", *(f"{point[2]:.2f}×{mark}" for point in points[1:])]
    goal = scaling.GOALS.get(name)
    return [*cells, "" if goal is None else f"at least {goal:g}×: {'yes' if points[1][2] >= goal else 'NO'}"]


def scaling_table(named: Named) -> str:
    """Lay out the throughput by number of threads; the goal is the first build's, which has no GIL."""
    figures = [(name, results.figures["scaling"]) for name, results in named]
    counts = [f"{count} threads" for count in scaling.COUNTS[1:]]
    head = ["operation", *(f"{what} {name}".strip() for name, _ in figures for what in ("millions a second,", *counts)), "goal"]
    body = []
    for subject in scaling.SUBJECTS:
        cells = [stands(subject, figure) for _, figure in figures]
        body.append([subject, *(cell for *each, _ in cells for cell in each), cells[0][-1]])
    return "\n\n".join([lined_up([head, *body]), rounds_words(figures, scaling.CONTROL)])


def tail_table(named: Named) -> str:
    """Lay out the percentiles of single reads beside writers, and how the tail stands to the middle with and without the clock."""
    figures = [(name, results.figures["tail"]) for name, results in named]
    head = ["read", "beside", "build", "p50", "p99", "p99.9", "worst", "p99.9 / p50", "without the clock's p50", "goal"]
    body = []
    for subject, (what, beside) in tail.SUBJECTS.items():
        for name, figure in figures:
            taken = dict(map(pair, figure[subject]))
            clock = dict(map(pair, figure[f"{CLOCK}, {beside}"]))[50.0]
            net = taken[50.0] - clock
            times = [duration(taken[place]) for place in tail.SHOWN]
            bare = f"{(taken[99.9] - clock) / net:.1f}×" if net > 0 and what != CLOCK else ""
            ratio = round(taken[99.9] / taken[50.0], 1)
            asked = name == named[0][0] and what.startswith("store.")
            goal = f"at most {tail.GOAL}×: {'yes' if ratio <= tail.GOAL else 'NO'}" if asked else ""
            mark = roughly(figure, f"{tail.CONTROL}, {subject}")
            body.append([what, beside, f"{name}{mark}", *times, f"{ratio:.1f}×", bare, goal])
    return "\n\n".join([lined_up([head, *body]), rounds_words(figures, tail.CONTROL)])


TABLES: dict[str, Callable[[Builds], str]] = {
    "builds": facts_table,
    "builds, the store": rows_table,
    "builds, threads": lambda builds: f"{SHOWN}\n\n{scaling_table(builds.named)}",
    "builds, tail": lambda builds: tail_table(builds.named),
}
# The same of one build.
ALONE: dict[str, Callable[[Named], str]] = {"scaling": scaling_table, "tail": tail_table}


def scaling_picture(builds: Builds) -> str:
    """Draw the throughput over the number of threads, on both builds."""
    parts = [
        Line(f"{words}, {name}", [(count, each / 1e6) for count, each, _ in figure[subject]], colour, dashed=name == "GIL")
        for name, results in builds.named
        for figure in [results.figures["scaling"]]
        for colour, (subject, words) in enumerate(DRAWN.items())
    ]
    across = Axis("threads, on two cores", lambda value: f"{value:.0f}", marks=range(1, max(scaling.COUNTS) + 1))
    return lines("Operations of all threads together", across, Axis("millions a second", lambda value: f"{value:,.0f}"), parts)


PICTURES: dict[str, Callable[[Builds], str]] = {PICTURE: scaling_picture}


def part(name: str, builds: Builds | None) -> str:
    """Make the part of this name, which is a table between empty lines."""
    return f"\n\n{TABLES[name](builds) if builds else NOT_YET}\n\n"
