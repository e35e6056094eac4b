"""What the engines took, as it is kept, and the table and picture that are made of it: none of the engines has to be there."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results as kept
from benchmarks.documents import FOLDER, MARKED, ROOT
from benchmarks.peers.job import STEPS
from benchmarks.peers.subjects import LOOP, OURS, SUBJECTS, Subject
from benchmarks.picture import COLOURS, WIDTH, Axis, stroke, svg, text
from benchmarks.results import Results
from benchmarks.table import facts, lined_up

MEASURED = "peers-cpython-3.13.0-linux-x86_64"  # the results that the page shows
PAGE = ROOT / "docs" / "peers.md"
PICTURE = "peers"
ONE_ONLY, THREADS = "one at a time", "a thread each"  # where no runs could be weighed
BEST, FLIGHT = "best", "in flight"  # the figures beside the rows


@dataclass(frozen=True, slots=True)
class Peers:
    """A whole run: which version of each package was measured, and what it took."""

    versions: dict[str, str]
    results: Results

    def dumps(self) -> str:
        """Write it as JSON, the results as :mod:`benchmarks.results` writes them."""
        return f'{{\n"versions": {json.dumps(self.versions, indent=1)},\n"results": {self.results.dumps().rstrip()}\n}}\n'

    def flight(self, label: str) -> tuple[float, ...]:
        """Say how many runs were in flight and how many bytes each took, allocated and resident; empty if none could be."""
        points = self.results.figures[FLIGHT].get(label)
        return tuple(points[0]) if points else ()


def loads(words: str) -> Peers:
    """Read what ``dumps`` has written."""
    told = json.loads(words)
    return Peers(told["versions"], kept.loads(json.dumps(told["results"])))


def path_of(slug: str) -> Path:
    """Say where results of this name lie."""
    return kept.FOLDER / f"{slug}.json"


def read(slug: str = MEASURED) -> Peers | None:
    """Read the results of this name, if there are any."""
    path = path_of(slug)
    return loads(path.read_text(encoding="utf-8")) if path.exists() else None


def digits(number: float) -> str:
    """Write a number to three digits, without an exponent."""
    return f"{number:.2f}" if number < 9.995 else f"{number:.1f}" if number < 99.95 else f"{float(f'{number:.3g}'):,.0f}"


def kilobytes(bytes_each: float) -> str:
    """Write what a run takes, in thousands of bytes."""
    return f"{bytes_each / 1000:.1f}"


def cells(peers: Peers, subject: Subject) -> list[str]:
    """Write one row of the table."""
    row = peers.results.row(subject.label, LOOP)
    best = peers.results.figures[BEST][subject.label][0][0]
    flight = peers.flight(subject.label)
    runs, *weights = flight or (0,)
    in_flight = [f"{runs:,.0f}", *map(kilobytes, weights)] if flight else [ONE_ONLY if not subject.flies else THREADS]
    named = [subject.label, peers.versions.get(subject.package, ""), subject.api, subject.own]
    times = [digits(row.ours * 1e6), digits(best * 1e6), f"{digits(row.ratio)}×"]
    return [*named, *times, *in_flight, *[""] * (3 - len(in_flight))]


def table(peers: Peers) -> str:
    """Lay out what each form of each engine took."""
    named = ["engine", "version", "calls", "a run's own"]
    head = [*named, "µs a step", "at best", "beside the loop", "runs at once", "kB each", "resident"]
    return lined_up([head, *(cells(peers, subject) for subject in SUBJECTS)])


def colour(subject: Subject) -> str:
    """Tell ours from the others, and the loop from both."""
    return "#888" if subject.label == LOOP else COLOURS[0] if subject.package == OURS else COLOURS[1]


def panel(name: str, values: dict[str, float], left: float, right: float, written: Callable[[float], str]) -> list[str]:
    """Draw bars over a logarithmic axis, each at the height of its engine; who has no value has no bar."""
    top, each = 72, 24
    axis = Axis(name, written, log=True)
    ticks = axis.ticks(list(values.values()))
    bottom = top + each * len(SUBJECTS)

    def at(value: float) -> float:
        return left + axis.place(value, ticks) * (right - left)

    parts = [text(left, top - 22, axis.name)]
    for tick in ticks:
        parts += [stroke(at(tick), top - 4, at(tick), bottom), text(at(tick), bottom + 18, f"{tick:g}", anchor="middle")]
    for number, subject in enumerate(SUBJECTS):
        y = top + each * number
        if subject.label in values:
            value = values[subject.label]
            end = at(value)
            parts += [
                f'<rect x="{left:.1f}" y="{y + 3}" width="{end - left:.1f}" height="{each - 7}" fill="{colour(subject)}"/>',
                text(end + 6, y + 16, axis.written(value)),
            ]
    return parts


def picture(peers: Peers) -> str:
    """Draw the time of a step and the memory of a run in flight side by side.

    The time is the ratio to the loop, which was taken in turn: a machine that changes its speed between two rows does not move it.
    """
    times = {subject.label: peers.results.row(subject.label, LOOP).ratio for subject in SUBJECTS if subject.label != LOOP}
    weights = {subject.label: peers.flight(subject.label)[1] / 1000 for subject in SUBJECTS if peers.flight(subject.label)}
    names = [text(204, 72 + 24 * number + 16, subject.label, anchor="end") for number, subject in enumerate(SUBJECTS)]
    height = 72 + 24 * len(SUBJECTS)
    return svg(
        f"The same job of {STEPS} steps in each engine, beside a hand-written loop",
        [
            *names,
            *panel("time of a step, the loop's is 1", times, 212, 500, digits),
            *panel("kB for each run that waits", weights, 580, WIDTH - 60, lambda value: f"{value:.1f}"),
            text(
                20,
                height + 48,
                "logarithmic: ten times as much from one line to the next · no bar: one at a time, or a thread each",
            ),
        ],
        height=height + 62,
    )


TABLES: dict[str, Callable[[Peers], str]] = {
    "facts": lambda peers: facts(peers.results),
    "peers": table,
}


def filled(words: str, peers: Peers) -> str:
    """Put the parts between their marks."""
    return MARKED.sub(lambda found: f"{found[1]}\n\n{TABLES[found['name']](peers)}\n\n{found[4]}", words)


def write() -> list[str]:
    """Fill the page and draw the picture; return the names of those that have changed."""
    peers = read()
    if peers is None:
        return []
    new = {PAGE: filled(PAGE.read_text(encoding="utf-8"), peers), FOLDER / f"{PICTURE}.svg": picture(peers)}
    changed = []
    for path, words in new.items():
        if not path.exists() or path.read_text(encoding="utf-8") != words:
            path.write_text(words, encoding="utf-8")
            changed.append(path.relative_to(ROOT).as_posix())
    return changed
