"""How throughput goes with the number of threads that meet in one store, one dict, or nowhere: 1, 2 and 4 on two cores.

What is written to by several cores is what keeps them apart, so each line leaves one such thing in place and no other. Each thread
has code, keys and handle of its own unless the line says what it shares; values lie on cache lines of their own.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from threading import Barrier, Lock, Thread
from typing import Any

from benchmarks.cores import rounds
from benchmarks.effort import Effort
from benchmarks.growth import Figure, Point
from cano.store import MemoryStore

COUNTS = (1, 2, 4)
ROUNDS = 7
TURN = 1_000  # operations between two looks whether it goes on
APART = 64  # integers made one after the other, of which one is kept: no two that are kept share a cache line

DIFFERENT = "get, different keys"
SAME = "get, one key, immortal value"
MORTAL = "get, one key, any other value"
SHARED = "get, through one shared handle"
PUT = "put, different keys"
MIX = "nine get and a put, different keys"
DICT = "d.get, one dict"
LOCKED = "one dict with threading.Lock"
LOCKED_MIX = "nine reads and a write, the same with a lock"
OWN = "d.get, a dict each"

GOAL = 1.7  # times the throughput of one thread that two reach
GOALS = {DIFFERENT: GOAL, SAME: GOAL}
CONTROL = "control"  # the line that tells of the rounds: undisturbed, thrown away, the middle of their controls


@dataclass(frozen=True, slots=True)
class Subject:
    """What a thread does: ``before`` makes its handle, ``each`` are ten operations over the key ``{key}``, written out."""

    before: str
    each: tuple[str, ...]
    one_key: bool = False


def subject(before: str, *each: str, one_key: bool = False) -> Subject:
    """Repeat the operations until they are ten."""
    return Subject(before, each * (10 // len(each)), one_key)


READ, LOCKED_READ = "get({key!r}, int)", "with lock: d[{key!r}]"
HANDLE = "m = s.clone(); get, put = m.get, m.put"
SUBJECTS = {
    DIFFERENT: subject(HANDLE, READ),
    SAME: subject(HANDLE, READ, one_key=True),
    MORTAL: subject(HANDLE, READ.replace("{key!r}", "'mortal'"), one_key=True),
    SHARED: subject("m = s", "m.get({key!r}, int)"),
    PUT: subject(HANDLE, "put({key!r}, 7)"),
    MIX: subject(HANDLE, *[READ] * 9, "put({key!r}, 7)"),
    DICT: subject("get = d.get", "get({key!r})"),
    LOCKED: subject("d, lock = given", LOCKED_READ),
    LOCKED_MIX: subject("d, lock = given", *[LOCKED_READ] * 9, "with lock: d[{key!r}] = 7"),
    OWN: subject("get = dict(d).get", "get({key!r})"),
}

WORK = """
def work(s, d, given, going, start):
    {before}
    start()
    turns, began = 0, clock()
    while going:
        for _ in repeat:
            {each}
        turns += 1
    return turns * {turn} / (clock() - began)
"""

Work = Callable[[MemoryStore, dict[str, int], object, list[bool], Callable[[], object]], float]


def worker(name: str, number: int) -> Work:
    """Write the function of one thread, in a namespace of its own; it returns how many operations it did in a second."""
    what = SUBJECTS[name]
    key = "key 0" if what.one_key else f"key {number}"
    each = "\n            ".join(line.format(key=key) for line in what.each)
    names: dict[str, Any] = {"clock": time.perf_counter, "repeat": tuple(range(TURN // len(what.each)))}
    exec(WORK.format(before=what.before, each=each, turn=TURN), names)
    work: Work = names["work"]
    return work


def data(name: str) -> dict[str, int]:
    """Make the values: a small integer, which is immortal without a GIL, where one key is read, and otherwise large ones."""
    large = iter([1_000_000 + i for i in range((max(COUNTS) + 1) * APART)][::APART])
    keys = [sys.intern(f"key {number}") for number in range(max(COUNTS))]  # as a literal is
    return {"mortal": next(large)} | {key: 7 if SUBJECTS[name].one_key else next(large) for key in keys}


def throughput(name: str, count: int, span: float) -> float:
    """Let ``count`` threads work for ``span`` seconds; return the operations of all of them in a second."""
    values = data(name)
    store, lock = MemoryStore(values), Lock()
    start = Barrier(count + 1)
    going = [[True] for _ in range(count)]
    rates: list[float] = []

    def run(number: int) -> None:
        rates.append(worker(name, number)(store, values, (values, lock), going[number], start.wait))

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    time.sleep(span)
    for each in going:
        each.clear()
    for thread in threads:
        thread.join()
    return sum(rates)


def measure(effort: Effort) -> Figure:
    """Measure each subject at each number of threads, one right after the other, and one thread once more.

    A point holds the number of threads, the operations in a second, and these in times of one thread's in the same round, each
    the middle of the rounds that count.
    """

    def once(name: str) -> list[float]:
        one, *more, again = [throughput(name, count, effort.span / 16) for count in (*COUNTS, COUNTS[0])]
        return [max(one, again), *more]  # a core that was slow for a moment makes two look better

    taken = rounds(list(SUBJECTS), min(ROUNDS, effort.rounds), once, span=effort.span / 40)
    figure: Figure = {}
    for name, each in taken.items():
        points: list[Point] = [
            (count, median(rates[at] for rates in each.kept), median(rates[at] / max(rates[0], 1.0) for rates in each.kept))
            for at, count in enumerate(COUNTS)
        ]
        figure[name] = points
        figure[f"{CONTROL}, {name}"] = [each.point]
    return figure
