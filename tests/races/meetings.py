"""Threads that meet in every operation of the store, for ThreadSanitizer to watch; run.py says how.

Each meeting is bounded, starts its threads from a barrier, and gives each of them handles of its own. A race is reported when two
threads have touched the same memory with nothing between them that puts one before the other, even if all went well; so few rounds
are enough. The watched interpreter is slow: nothing is imported here that the store does not import itself.
"""

import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from cano.errors import CommitConflict, TypeMismatch
from cano.store import Key, MemoryStore, Transaction
from tests.threads.meeting import together
from tests.threads.operations import OPERATIONS, STEPS

THREADS = 3


def meet(work: Callable[[int], object], threads: int = THREADS) -> None:
    """Run ``work`` in some threads at once, each of which gets its number."""
    together(*(lambda number=number: work(number) for number in range(threads)))


def turned(calls: Iterable[Any], number: int, round_: int) -> list[Any]:
    """The same calls in another order for each thread and round, so that every two of them meet."""
    order = list(calls)
    start = (number * len(order) // THREADS + round_ * (number + 1)) % len(order)
    order = order[start:] + order[:start]
    return order[::-1] if (number + round_) % 2 else order


def every_operation() -> None:
    """All operations, on the same few keys."""
    store = MemoryStore({"list": [1, 2, 3], "other": {"a": 1}})
    handles = [store.clone() for _ in range(THREADS)]

    def work(number: int) -> None:
        for round_ in range(40):
            for operation in turned(OPERATIONS.values(), number, round_):
                operation(handles[number])

    meet(work)


def reads_beside_writes() -> None:
    """Values of each kind are read, whole and by type, while they are put, popped and set anew."""
    values: dict[str, Any] = {"int": 7, "text": "seven", "list": [1, [2], 3], "dict": {"a": [1], "b": {"c": 2}}, "pair": (1, [2])}
    count, rows = Key("int", int), Key("list", list[Any])
    store = MemoryStore(values)
    handles = [store.clone() for _ in range(4)]

    def write(store: MemoryStore) -> None:
        for round_ in range(150):
            for key in values:
                store.put(key, [round_, [round_]] if key == "list" else values[key])
            store.put(count, round_)
            store.pop("dict", default=None)
            store.setdefault("dict", {"a": [round_]})
            store.setdefault(rows, [0])
            store.put_many({"text": "eight", rows: [round_]})
            store.remove("pair")

    def read(store: MemoryStore) -> None:
        for _ in range(150):
            for key in values:
                store.get(key, default=None)
                store.get_shared(key, default=None)
            assert isinstance(store.get(count), int)
            store.get(rows)
            store.get("dict", dict[str, Any], default=None)
            store.contains_key("pair")

    meet(lambda number: (read if number % 2 else write)(handles[number]), 4)


def appends_beside_readers() -> None:
    """Several threads append to one list, while others take it, hold it and copy it, and one begins it anew."""
    store = MemoryStore({"log": []})
    handles = [store.clone() for _ in range(4)]

    def write(store: MemoryStore) -> None:
        for item in range(600):
            store.append("log", item)
            if item % 150 == 149:
                store.put("log", [item])

    def read(store: MemoryStore) -> None:
        for look in range(200):
            held = store.get_shared("log", list)
            size = len(held)
            assert len(list(held)) == size
            if look % 3 == 0:
                store.get("log", list)
            if look % 5 == 0:
                held = store.snapshot()["log"]
            if look % 7 == 0:
                store.transact(lambda tx: tx.append("log", "tx"))

    meet(lambda number: (read if number % 2 else write)(handles[number]), 4)


def counted(store: MemoryStore) -> None:
    """Ways to count that conflict with one another."""

    def both(tx: Transaction) -> None:
        tx.put("a", tx.get("a", int) + 1)
        tx.put("b", tx.get_many(["a", "b"])["b"] + 1)
        tx.append("log", 1)

    store.modify("a", lambda n: n + 1, int)
    store.transact(both)
    store.transact(lambda tx: (tx.get("a"), tx.get("b"), "log" in tx))


def conflicts() -> None:
    """Runs of ``modify`` and ``transact`` overtake one another and ask for room, beside plain writes."""
    rounds = 150
    store = MemoryStore({"a": 0, "b": 0, "log": []})
    handles = [store.clone() for _ in range(THREADS + 1)]

    def work(number: int) -> None:
        for round_ in range(rounds):
            if number == THREADS:
                handles[number].put_many({"c": round_, "log": []})
            else:
                counted(handles[number])

    meet(work, THREADS + 1)
    assert store.get("a", int) == rounds * THREADS * 2
    assert store.get("b", int) == rounds * THREADS


def asking_for_room() -> None:
    """A run that is overtaken again and again makes others wait, who look for its end without the lock."""
    store = MemoryStore({"hot": 0})
    handles = [store.clone() for _ in range(THREADS)]

    def work(number: int) -> None:
        for _ in range(15):
            runs: list[int] = []

            def overtaken(seen: int, runs: list[int] = runs) -> int:
                runs.append(seen)
                if len(runs) < 10:
                    together(lambda: handles[number].put("hot", len(runs)))
                return seen + 1

            handles[number].modify("hot", overtaken, int) if number == 0 else handles[number].put("hot", 0)

    meet(work)


def a_transaction_of_another_thread() -> None:
    """The steps of one transaction in several threads, while it ends."""
    store = MemoryStore({"list": [1, 2, 3]})

    def step_by_step(tx: Transaction, number: int, round_: int) -> None:
        for step in turned(STEPS.values(), number, round_):
            try:
                step(tx)
            except BaseException as error:
                if type(error).__name__ != "Stale":  # which ends the run, and is for nobody else
                    raise

    def work(number: int) -> None:
        handle = store.clone()
        for round_ in range(8):
            others: list[threading.Thread] = []

            def run(tx: Transaction, round_: int = round_, others: list[threading.Thread] = others) -> None:
                others.extend(threading.Thread(target=step_by_step, args=(tx, other, round_)) for other in range(2))
                for other in others[-2:]:
                    other.start()
                step_by_step(tx, number, round_)
                if round_ % 2:
                    raise ArithmeticError

            with suppress(CommitConflict, ArithmeticError):
                handle.transact(run)
            for other in others:
                other.join()

    meet(work, 2)


def a_table_that_grows_and_shrinks() -> None:
    """Entries move to a larger table and to a smaller one, and up where one is taken out, beside those who search."""
    store = MemoryStore({"stays": 1})
    handles = [store.clone() for _ in range(THREADS)]

    def remove_many(tx: Transaction) -> None:
        for n in range(200):
            tx.remove(f"many{n}")

    def write(store: MemoryStore) -> None:
        for round_ in range(6):
            for n in range(100):
                store.put(f"key{n}", n)
            if round_ % 3 == 0:
                store.clear()
                store.put("stays", 1)
            for n in range(100):
                store.remove(f"key{n}")
            store.put_many({f"many{n}": n for n in range(200)})
            store.transact(remove_many)

    def read(store: MemoryStore) -> None:
        for n in range(700):
            store.get("stays", default=0)
            store.get(f"key{n % 100}", default=0)
            if n % 20 == 0:
                assert len(store.snapshot()) + len(store.keys()) + len(store) >= 0

    meet(lambda number: (read if number else write)(handles[number]))


def forms_made_at_once() -> None:
    """The same new forms are read, kept and used by all threads at once, and forgotten when their classes die."""
    store = MemoryStore({"numbers": [1, 2], "words": {"a": ["b"]}, "pair": (1, "a"), "kinds": []})
    kinds = [type("Kind", (), {}) for _ in range(25)]
    passing: list[list[Any]] = [[] for _ in kinds]

    def work(number: int) -> None:
        handle = store.clone()
        for at, kind in enumerate(kinds):
            form: Any = kind
            handle.put("kinds", [form()])
            asked: dict[str, Any] = {
                "numbers": list[int | form],
                "words": dict[str, list[str | form]],
                "pair": tuple[int, form | str],
            }
            for key, each in asked.items():
                handle.get(key, each)
                handle.get_shared(key, each)
            handle.get("kinds", list[Any])
            with suppress(TypeMismatch):  # another thread has put its own there
                handle.get_shared("kinds", list[form])
            typed: Key[Any] = Key("numbers", list[int | form])
            handle.get(typed)
            own: Any = type("Own", (), {})
            passing[at].append(own)
            handle.get("numbers", list[int | own], default=None)
            passing[at - 1].clear()
            if at % 10 == number:
                gc.collect()

    meet(work)


class Row:
    """Copied by its attributes."""

    def __init__(self) -> None:
        self.part = [1]


def copies_of_what_changes() -> None:
    """Containers and objects are copied and checked while those who hold them change them."""
    inner: dict[Any, Any] = {n: [n] for n in range(10)}
    outer: list[Any] = [inner, [inner], Row(), (1, [2])]
    store = MemoryStore({"graph": outer, "row": outer[2]})
    handles = [store.clone() for _ in range(THREADS)]

    def edit() -> None:
        for n in range(200):
            inner[n] = [n]
            inner.pop(n - 10, None)
            outer.append([n])
            if len(outer) > 20:
                del outer[10:]
            outer[2].part = [n]

    def read(store: MemoryStore) -> None:
        for _ in range(100):
            store.get("graph", list)
            store.get_shared("graph", list[Any])
            store.get("row", Row)

    meet(lambda number: read(handles[number]) if number else edit())


def stores_that_die() -> None:
    """Handles and stores come to their end in one thread, or by the collector, while others use the same data."""
    shared = [MemoryStore({"list": [1]}) for _ in range(60)]
    alive: list[list[Any]] = [[store.clone() for store in shared] for _ in range(THREADS)]
    shared.clear()

    def work(number: int) -> None:
        while alive[number]:
            store = alive[number].pop()
            store.append("list", number)
            store.put(f"self{number}", store.clone())  # a cycle
            store.get("list", list)
            store.put("other", MemoryStore({"number": number}))
            store.get_shared("other").get("number")
            if len(alive[number]) % 20 == number:
                gc.collect()

    meet(work)
    gc.collect()


def forks_in_between() -> None:
    """A child of a process whose threads write makes its lock anew. ThreadSanitizer lets it start no threads."""
    store = MemoryStore({"pair": (0, 0), "log": []})
    done = threading.Event()

    def write(store: MemoryStore, done: threading.Event) -> None:
        n = 0
        while not done.is_set():
            n += 1
            store.put("pair", (n, n))
            store.append("log", n)
            store.get_shared("log")
            if n % 50 == 0:
                store.put("log", [])

    def look(store: MemoryStore) -> None:
        left, right = store.get("pair", tuple)
        assert left == right
        store.append("log", "child")
        store.modify("count", lambda n: n + 1, default=0)

    writers = [threading.Thread(target=write, args=(store.clone(), done)) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                code = 1
                try:
                    look(store)
                    code = 0
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        for writer in writers:
            writer.join()


MEETINGS = [
    every_operation,
    reads_beside_writes,
    appends_beside_readers,
    conflicts,
    asking_for_room,
    a_transaction_of_another_thread,
    a_table_that_grows_and_shrinks,
    forms_made_at_once,
    copies_of_what_changes,
    stores_that_die,
    forks_in_between,
]


def main(names: list[str]) -> None:
    """Hold the meetings of these names, or all; say each name before, so that a report follows the name that it belongs to."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork: they are the test
    for meeting in MEETINGS:
        if not names or meeting.__name__ in names:
            print("meeting", meeting.__name__, flush=True)
            meeting()
    assert not getattr(sys, "_is_gil_enabled", lambda: True)(), "a GIL came back, so no threads have met"
    print("all have met", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
