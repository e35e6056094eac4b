"""The parts of the documents that are made of results: tables by name, and single figures in a line of text."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from benchmarks import copy_cases, run_cases, store_cases, threads, workflow_cases
from benchmarks.growth import Point
from benchmarks.latency import percent
from benchmarks.ratios import Case, Result
from benchmarks.results import Results
from benchmarks.store_cases import HAND
from benchmarks.table import duration, facts, lined_up, summary

# What a reader of the README wants to know first.
FIRST = (
    ("get(key, int)", "d.get(key)"),
    ("get(key, int)", HAND),
    ("get(KEY), typed key", "d.get(key)"),
    ("get_shared(key, list)", "d.get(key)"),
    ("key in store", "key in d"),
    ("put(key, v), existing key", "d[key] = v"),
    ("put(key, v), existing key", HAND),
    ("append(key, x), nobody looks", "d[key].append(x)"),
    ("append(key, x), nobody looks", HAND),
    ("modify(key, fn)", "d[key] = fn(d[key])"),
    ("keys() of 1,000", "list(d)"),
    ("get(list of 1,000 integers)", "copy.deepcopy"),
    ("get(nested dicts and lists)", "copy.deepcopy"),
    ("transition, enum, declared target", "hand-written loop"),
    ("transition, enum, anywhere", "hand-written loop"),
    ("transition, strings, declared target", "hand-written loop"),
    ("a whole one-state run", "hand-written loop"),
)
MOST_BYTES = 16  # that an entry of the store may take beyond a dict's
THOUSAND = 1_000  # from here on the store's fixed part weighs nothing


def chosen(results: Results, cases: Iterable[Case], *, by_hand: bool) -> list[Result]:
    """Pick the rows of these cases, those that stand beside the store by hand or the others.

    A case that is younger than the results is not among them until it is measured.
    """
    labels = {(case.name, case.against) for case in cases}
    return [row for row in results.rows if (row.name, row.against) in labels and (row.against == HAND) is by_hand]


def compared(rows: Sequence[Result], beside: Results | None) -> str:
    """Lay out rows with what another interpreter gave for the same."""
    other = {(row.name, row.against): row.reached for row in beside.rows} if beside else {}
    version = f"on {beside.machine.interpreter.partition(',')[0]}" if beside else "elsewhere"
    head = ("operation", "time", "against", "time", "measured", "goal", version)
    body = [
        (
            row.name,
            duration(row.ours),
            row.against,
            duration(row.other),
            row.reached,
            str(row.goal or ""),
            other.get((row.name, row.against), ""),
        )
        for row in rows
    ]
    return lined_up([head, *body])


def first(results: Results, beside: Results | None) -> str:
    """Lay out the table of the README."""
    rows = [results.row(*label) for label in FIRST]
    return lined_up(
        [("what", "against", "measured", "goal"), *((row.name, row.against, row.reached, str(row.goal or "")) for row in rows)]
    )


def at(points: Iterable[Point], where: float) -> Point | None:
    """Find what was measured at a place, if anything was."""
    return next((point for point in points if point[0] == where), None)


def grown(results: Results, figure: str, what: str, *, faster: bool) -> str:
    """Lay out a figure of growing cases: at each size the time, and how it stands to the other."""
    drawn = results.figures[figure]
    places = sorted({point[0] for points in drawn.values() for point in points})

    def cell(point: Point | None) -> str:
        if point is None:
            return ""
        _, ours, _, ratio = point
        stands = f"{1 / ratio:.1f}× faster" if faster and ratio < 0.5 else f"{ratio:.2f}×"
        return f"{duration(ours)} ({stands})"

    head = [what, *drawn]
    return lined_up([head, *([f"{place:,.0f}", *(cell(at(points, place)) for points in drawn.values())] for place in places)])


def threads_table(results: Results, beside: Results | None) -> str:
    """Lay out the throughput by number of threads."""
    drawn = results.figures["threads"]
    counts = [count for count, _ in drawn[threads.STORE]]
    body = [[f"{count:.0f}", *(f"{dict(map(pair, drawn[name]))[count] / 1e6:.1f}" for name in drawn)] for count in counts]
    return lined_up([["threads", *drawn], *body])


def pair(point: Point) -> tuple[float, float]:
    """Take place and first measure of a point."""
    return point[0], point[1]


def latency_table(results: Results, beside: Results | None) -> str:
    """Lay out the percentiles of single reads beside a writer."""
    drawn = results.figures["latency"]
    head = ["read, switch interval", *(percent(place) for place, _ in next(iter(drawn.values())))]
    return lined_up([head, *([name, *(duration(taken) for _, taken in points)] for name, points in drawn.items())])


def memory_table(results: Results, beside: Results | None) -> str:
    """Lay out the bytes per entry at the powers of ten, with the mean and the worst difference of all sizes."""
    drawn = results.figures["memory"]
    ways = [way for way in ("allocated", "resident") if f"dict, {way}" in drawn]
    ours = {way: dict(map(pair, drawn[f"MemoryStore, {way}"])) for way in ways}
    dicts = {way: dict(map(pair, drawn[f"dict, {way}"])) for way in ways}
    sizes = list(ours["allocated"])
    head = ["keys", *(column for way in ways for column in (f"store, {way}", f"dict, {way}", "difference"))]

    def difference(way: str, size: float) -> float:
        return ours[way][size] - dicts[way][size]

    def cells(size: float) -> list[str]:
        row = [f"{size:,.0f}"]
        for way in ways:
            if way == "resident" and size < 100 * THOUSAND:  # fewer than the pages of a fresh process can tell
                row += ["", "", ""]
            else:
                row += [f"{ours[way][size]:.1f}", f"{dicts[way][size]:.1f}", f"{difference(way, size):+.1f}"]
        return row

    powers = [10**power for power in range(1, 10)]
    large = [size for size in sizes if size >= THOUSAND] or sizes
    over = [difference("allocated", size) for size in large]
    closing = (
        f"Over all {len(large)} sizes from {large[0]:,.0f} keys on: "
        f"{mean(over):+.1f} bytes an entry on average, {max(over):+.1f} at worst (goal: at most {MOST_BYTES:+})."
    )
    return lined_up([head, *(cells(size) for size in sizes if size in powers)]) + f"\n\n{closing}"


def lock_table(results: Results, beside: Results | None) -> str:
    """Lay out what of a call is the lock."""
    drawn = results.figures.get("lock", {})
    return lined_up(
        [["call", "time", "of it pthread"], *([name, duration(p[0][0]), duration(p[0][1])] for name, p in drawn.items())]
    )


TABLES: dict[str, Callable[[Results, Results | None], str]] = {
    "facts": lambda results, _: facts(results),
    "facts of the other interpreter": lambda _, beside: facts(beside) if beside else "- not measured yet",
    "goals": lambda results, _: summary(results.rows),
    "first": first,
    "beside a dict": lambda results, beside: compared(chosen(results, store_cases.CASES, by_hand=False), beside),
    "by hand": lambda results, beside: compared(chosen(results, [*store_cases.CASES, *copy_cases.CASES], by_hand=True), beside),
    "copies": lambda results, beside: compared(chosen(results, copy_cases.CASES, by_hand=False), beside),
    "engine": lambda results, beside: compared(chosen(results, workflow_cases.CASES, by_hand=False), beside),
    "runs": lambda results, beside: compared(chosen(results, run_cases.CASES, by_hand=False), beside),
    "lock": lock_table,
    "keys": lambda results, _: grown(results, "keys", "keys", faster=False),
    "values": lambda results, _: grown(results, "values", "elements", faster=True),
    "threads": threads_table,
    "latency": latency_table,
    "memory": memory_table,
}


def figure(results: Results, label: str) -> str:
    """Give one figure by the label of its row, ``operation | against``."""
    name, _, against = label.partition(" | ")
    return results.row(name, against).reached


def part(results: Results, beside: Results | None, name: str) -> str:
    """Make the part of this name: a figure in a line of text, or a table between empty lines."""
    if " | " in name:
        return figure(results, name)
    return f"\n\n{TABLES[name](results, beside)}\n\n"
