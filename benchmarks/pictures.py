"""The pictures of the documents, each drawn from one figure of the results."""

from collections.abc import Callable

from benchmarks import keys, latency, memory, store_cases, threads, values
from benchmarks.parts import chosen, pair
from benchmarks.picture import Axis, Bar, Line, bars, lines
from benchmarks.ratios import Result
from benchmarks.results import Results
from benchmarks.table import duration


def number(value: float) -> str:
    """Write a count at an axis."""
    return f"{value:,.0f}"


def cost_picture(results: Results) -> str:
    """Draw what each call takes in times of the dict's expression."""
    rows = [row for row in chosen(results, store_cases.CASES, by_hand=False) if row.goal is not None and row.goal.kind == "at most"]

    def bar(row: Result) -> Bar:
        return Bar(row.name, row.ratio, row.reached, None if row.goal is None else row.goal.limit)

    return bars(
        "Time of a call, in times of the bare expression on a dict",
        "dotted: the dict itself · black mark: the goal · orange: beyond it",
        [bar(row) for row in rows],
    )


def keys_picture(results: Results) -> str:
    """Draw the time of a call over the number of keys."""
    drawn = results.figures["keys"]
    names = {keys.READ: "d.get(key)", keys.REPLACE: "d[key] = v"}
    parts = [
        line
        for colour, (name, plain) in enumerate(names.items())
        for line in (
            Line(name, [(size, ours) for size, ours, _, _ in drawn[name]], colour),
            Line(plain, [(size, other) for size, _, other, _ in drawn[name]], colour, dashed=True),
        )
    ]
    return lines(
        "Time of a call over the number of keys, asked for at random", Axis("keys", number, log=True), Axis("", duration), parts
    )


def values_picture(results: Results) -> str:
    """Draw the time of a read over the size of the value."""
    drawn = results.figures["values"]
    parts = [
        Line(values.COPY, [pair(point) for point in drawn[values.COPY]], 0),
        Line("deepcopy, the same list", [(size, other) for size, _, other, _ in drawn[values.COPY]], 0, dashed=True),
        Line(values.NESTED, [pair(point) for point in drawn[values.NESTED]], 1),
        Line("deepcopy, the same rows", [(size, other) for size, _, other, _ in drawn[values.NESTED]], 1, dashed=True),
        Line(values.SHARED, [pair(point) for point in drawn[values.SHARED]], 2),
    ]
    return lines(
        "Time of a read over the size of the value", Axis("elements", number, log=True), Axis("", duration, log=True), parts
    )


def threads_picture(results: Results) -> str:
    """Draw the throughput over the number of threads."""
    parts = [
        Line(name, [(count, each / 1e6) for count, each in points], colour, dashed=name != threads.STORE)
        for colour, (name, points) in enumerate(results.figures["threads"].items())
    ]
    across = Axis("threads", number, marks=range(1, max(threads.COUNTS) + 1))
    return lines("Operations of all threads together, nine reads to a write", across, Axis("millions a second", number), parts)


def latency_picture(results: Results) -> str:
    """Draw the percentiles of single reads beside a busy writer, at the interpreter's own switch interval."""
    subjects = (latency.STORE, latency.BARE, latency.HAND, latency.CLOCK)
    places = {latency.percent(place): index for index, place in enumerate([*latency.PERCENTILES, latency.WORST])}
    names = list(places)
    parts = [
        Line(
            subject,
            [
                (places[latency.percent(place)], taken)
                for place, taken in results.figures["latency"][latency.line(subject, latency.INTERVALS[0])]
            ],
            colour,
            dashed=subject != latency.STORE,
        )
        for colour, subject in enumerate(subjects)
    ]
    across = Axis("of all reads", lambda index: names[round(index)], marks=range(len(names)))
    return lines("Time of a read while another thread writes without pause", across, Axis("", duration, log=True), parts)


def memory_picture(results: Results) -> str:
    """Draw the bytes per entry over the number of keys."""
    parts = [
        Line(
            subject, [pair(point) for point in results.figures["memory"][f"{subject}, allocated"]], colour, dashed=subject == "dict"
        )
        for colour, subject in enumerate(memory.SUBJECTS)
    ]
    return lines("Bytes per entry, beyond key and value", Axis("keys", number, log=True), Axis("bytes", number), parts)


PICTURES: dict[str, Callable[[Results], str]] = {
    "cost": cost_picture,
    "keys": keys_picture,
    "values": values_picture,
    "threads": threads_picture,
    "latency": latency_picture,
    "memory": memory_picture,
}
