"""The tail of a single read beside writers that never pause: of other keys, of the same key, and two of them.

As in ``latency``, each read is timed by itself and the clock's own price is in every figure, and shown alone. Here each thread has
a handle of its own, as a program without a GIL gives it, and rounds count only if two cores were free.
"""

import time
from collections.abc import Callable
from statistics import median
from threading import Barrier, Thread
from typing import Any

from benchmarks.cores import rounds
from benchmarks.effort import Effort
from benchmarks.growth import Figure
from benchmarks.latency import BARE, CLOCK, COUNTED, HAND, PERCENTILES, STORE, WORST, Reads, percentiles
from benchmarks.parts import pair
from benchmarks.store_cases import holders

ROUNDS = 5
OTHER, SAME, TWO = "a writer of another key", "a writer of the same key", "two writers of the same key"
BESIDE = {OTHER: (1, "other"), SAME: (1, "count"), TWO: (2, "count")}
SHOWN = (50.0, 99.0, 99.9, WORST)
GOAL = 3  # times the middle that 99.9 of 100 reads take at most where two cores are free
CONTROL = "control"

WORK = """
def read(s, d, h, start, until):
    {handle}
    counts, late = [0] * counted, []
    now = clock
    start()
    while (began := now()) < until:
        {read}
        taken = now() - began
        if taken < counted:
            counts[taken] += 1
        else:
            late.append(taken)
    return counts, late

def write(s, d, h, going, start):
    {handle}
    start()
    while going:
        for _ in repeat:
            {write}
"""
STATEMENTS = {
    STORE: ("m = s.clone(); get, put = m.get, m.put", "get('count', int)", "put({key!r}, 7)"),
    BARE: ("get = d.get", "get('count')", "d[{key!r}] = 7"),
    HAND: ("get, put = h.get, h.put", "get('count', int)", "put({key!r}, 7)"),
    CLOCK: ("pass", "pass", "d[{key!r}] = 7"),
}
SUBJECTS = {f"{subject}, {beside}": (subject, beside) for beside in BESIDE for subject in STATEMENTS}


def functions(subject: str, key: str) -> dict[str, Callable[..., Any]]:
    """Write reader and writer, in a namespace that no other thread has."""
    handle, read, write = STATEMENTS[subject]
    names: dict[str, Any] = {"clock": time.perf_counter_ns, "counted": COUNTED, "repeat": (None,) * 100}
    exec(WORK.format(handle=handle, read=read, write=write.format(key=key)), names)
    return names


def reads(name: str, span: float) -> Reads:
    """Read for ``span`` seconds beside the writers: how often each number of nanoseconds came, and the few that took longer."""
    subject, beside = SUBJECTS[name]
    count, key = BESIDE[beside]
    held = holders({"count": 7, "other": 7})
    given = (held["s"], held["d"], held["h"])
    start = Barrier(count + 1)
    going = [[True] for _ in range(count)]
    threads = [Thread(target=functions(subject, key)["write"], args=(*given, each, start.wait)) for each in going]
    for thread in threads:
        thread.start()
    try:
        gave: Reads = functions(subject, key)["read"](*given, start.wait, time.perf_counter_ns() + round(span * 1e9))
        return gave
    finally:
        for each in going:
            each.clear()
        for thread in threads:
            thread.join()


def measure(effort: Effort) -> Figure:
    """Measure each subject beside each kind of writers: the middle of the rounds that count, and the worst of all of them."""

    def once(name: str) -> dict[float, float]:
        return dict(map(pair, percentiles(*reads(name, max(effort.span / 8, 0.02)))))

    taken = rounds(list(SUBJECTS), min(ROUNDS, effort.rounds), once, span=effort.span / 40)
    figure: Figure = {}
    for name, each in taken.items():
        figure[name] = [
            (place, (max if place == WORST else median)(points[place] for points in each.kept)) for place in (*PERCENTILES, WORST)
        ]
        figure[f"{CONTROL}, {name}"] = [each.point]
    return figure
