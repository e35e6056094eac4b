"""How long single reads take while another thread writes without pause: the middle, the tail, and the worst.

Each read is timed by itself with ``time.perf_counter_ns``, whose own price is in every figure and is shown as a line of its own.
"""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from threading import Thread
from typing import Any

from benchmarks.effort import Effort
from benchmarks.growth import Figure, Point
from benchmarks.store_cases import holders

PERCENTILES = (50.0, 99.0, 99.9, 99.99)
WORST = 100.0
INTERVALS = (0.005, 0.0005)  # seconds after which a waiting thread asks for the GIL: CPython's own, and a tenth of it
COUNTED = 100_000  # nanoseconds up to which reads are counted and not kept

STORE = "store.get(key, int)"
BARE = "d.get(key)"
HAND = "by hand"
CLOCK = "the clock alone"

READ = """
def read(until):
    counts, late = [0] * counted, []
    while (began := clock()) < until:
        {statement}
        taken = clock() - began
        if taken < counted:
            counts[taken] += 1
        else:
            late.append(taken)
    return counts, late
"""
WRITE = """
def write(going):
    while going:
        {statement}
"""
STATEMENTS = {
    STORE: ("s.get('count', int)", "s.put('count', 7)"),
    BARE: ("d.get('count')", "d['count'] = 7"),
    HAND: ("h.get('count', int)", "h.put('count', 7)"),
    CLOCK: ("pass", "d['count'] = 7"),
}

Reads = tuple[list[int], list[int]]


def percent(value: float) -> str:
    """Name a percentile."""
    return "worst" if value == WORST else f"p{value:g}"


def line(subject: str, interval: float) -> str:
    """Name what was read, and the GIL's switch interval meanwhile."""
    return f"{subject}, {interval * 1e3:g} ms"


def reads(subject: str, span: float) -> Reads:
    """Read for ``span`` seconds beside a writer: how often each number of nanoseconds came, and the few that took longer."""
    read, write = STATEMENTS[subject]
    names: dict[str, Any] = {**holders({"count": 1_234_567}), "clock": time.perf_counter_ns, "counted": COUNTED}
    exec(READ.format(statement=read) + WRITE.format(statement=write), names)
    reader: Callable[[int], Reads] = names["read"]
    going = [True]
    writer = Thread(target=names["write"], args=(going,))
    writer.start()
    try:
        return reader(time.perf_counter_ns() + round(span * 1e9))
    finally:
        going.clear()
        writer.join()


def percentiles(counts: list[int], late: list[int]) -> Iterator[Point]:
    """Find the percentiles and the worst, in seconds, of reads that were counted by nanosecond or kept."""
    below = list(accumulate(counts))
    kept = sorted(late)
    number = below[-1] + len(kept)
    for percent in PERCENTILES:
        rank = min(number - 1, int(number * percent / 100))
        nanoseconds = next(i for i, upto in enumerate(below) if upto > rank) if rank < below[-1] else kept[rank - below[-1]]
        yield percent, nanoseconds * 1e-9
    worst = kept[-1] if kept else max(i for i, often in enumerate(counts) if often)
    yield WORST, worst * 1e-9


def measure(effort: Effort) -> Figure:
    """Measure each subject at each switch interval."""
    figure: Figure = {}
    before = sys.getswitchinterval()
    try:
        for interval in INTERVALS:
            sys.setswitchinterval(interval)
            for subject in STATEMENTS:
                figure[line(subject, interval)] = list(percentiles(*reads(subject, max(effort.span, 0.02))))
    finally:
        sys.setswitchinterval(before)
    return figure
