"""How much work gets done as threads are added: nine reads to a write, over 1,000 keys, beside two dicts.

Each thread has a handle of its own on the one store (``clone()``). The dict with a lock takes it for every read and write; the
bare dict is what the interpreter allows at best.
"""

import time
from collections.abc import Callable
from statistics import median
from threading import Barrier, Lock, Thread
from typing import Any

from benchmarks.effort import Effort
from benchmarks.growth import Figure
from cano.store import MemoryStore

COUNTS = (1, 2, 3, 4, 6, 8)
ROUNDS = 5
KEYS = 1_000
READS, WRITES = 900, 100  # in a turn of the loop

STORE = "MemoryStore"
LOCKED = "dict with threading.Lock"
BARE = "dict alone"

# What a thread does with its handle ``m``. Written out, so that no call of a function stands between it and the operation.
WORK = """
def work(m, going):
    turns = 0
    while going:
        for key in reads:
            {read}
        for key in writes:
            {write}
        turns += 1
    return turns
"""
STATEMENTS = {
    STORE: ("m.get(key, int)", "m.put(key, 7)"),
    LOCKED: ("with lock: m[key]", "with lock: m[key] = 7"),
    BARE: ("m[key]", "m[key] = 7"),
}


def worker(name: str, keys: list[str]) -> Callable[[Any, list[bool]], int]:
    """Write the function that a thread runs; it returns how often it went round."""
    read, write = STATEMENTS[name]
    names: dict[str, Any] = {"reads": (keys * 2)[:READS], "writes": keys[-WRITES:], "lock": Lock()}
    exec(WORK.format(read=read, write=write), names)
    work: Callable[[Any, list[bool]], int] = names["work"]
    return work


def throughput(name: str, count: int, span: float) -> float:
    """Let ``count`` threads work for ``span`` seconds; return the operations of all of them in a second."""
    keys = [f"key {i}" for i in range(KEYS)]
    data = {key: 1_000_000 + i for i, key in enumerate(keys)}
    shared: Any = MemoryStore(data) if name == STORE else data
    work = worker(name, keys)
    going = [True]
    start = Barrier(count + 1)
    turns: list[int] = []

    def run(handle: Any) -> None:
        start.wait()
        turns.append(work(handle, going))

    threads = [Thread(target=run, args=(shared.clone() if name == STORE else shared,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(span)
    going.clear()
    for thread in threads:
        thread.join()
    return sum(turns) * (READS + WRITES) / (time.perf_counter() - began)


def measure(effort: Effort) -> Figure:
    """Measure each kind in turn for each number of threads, and take the median."""
    figure: Figure = {name: [] for name in STATEMENTS}
    for count in COUNTS:
        taken: dict[str, list[float]] = {name: [] for name in STATEMENTS}
        for _ in range(min(ROUNDS, effort.rounds)):
            for name, each in taken.items():
                each.append(throughput(name, count, effort.span / 8))
        for name, each in taken.items():
            figure[name].append((count, median(each)))
    return figure
