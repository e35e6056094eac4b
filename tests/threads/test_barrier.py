"""Threads from a barrier, on every pair of operations and on the promises that only threads can break (store 2 and 8)."""

import threading
import time
from collections.abc import Callable
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.threads.meeting import together
from tests.threads.operations import OPERATIONS
from tests.threads.pausing import PAUSING

pytestmark = pytest.mark.usefixtures("hasty")

MET = OPERATIONS | PAUSING
PAIRS = list(combinations_with_replacement(MET, 2))


def told(thing: object) -> Any:
    """A result, or what a store holds, without what is made anew each time."""
    if isinstance(thing, MemoryStore):
        return told(thing.snapshot())
    if isinstance(thing, dict):
        return {key: told(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [told(each) for each in thing]
    return thing if isinstance(thing, int | str | None) else type(thing)


def fresh() -> MemoryStore:
    return MemoryStore({"list": [1, 2, 3], "other": {"a": 1}})


@cache
def in_order(first: str, second: str) -> Any:
    """What two operations return one after the other, and what they leave."""
    store = fresh()
    results = MET[first](store), MET[second](store)
    return told(results[0]), told(results[1]), told(store)


@pytest.mark.parametrize("names", PAIRS, ids=" x ".join)
def test_any_two_operations_that_meet_happen_in_one_order_or_the_other(names: tuple[str, str]) -> None:
    """What two operations that meet return and leave is what they do one after the other, this way round or that."""
    rounds = 12
    stores = [fresh() for _ in range(rounds)]
    at = [-1, -1]
    results: tuple[list[object], list[object]] = ([], [])

    def work(me: int) -> None:
        operation = MET[names[me]]
        for number, store in enumerate(stores):
            at[me] = number
            while at[1 - me] < number:
                time.sleep(0)
            results[me].append(operation(store))

    together(lambda: work(0), lambda: work(1))
    one, other, left = in_order(names[0], names[1])
    possible = [(one, other, left), tuple(in_order(names[1], names[0])[at] for at in (1, 0, 2))]
    for first, second, store in zip(*results, stores, strict=True):
        assert (told(first), told(second), told(store)) in possible


@pytest.mark.parametrize("names", PAIRS, ids=" x ".join)
def test_any_two_operations_may_go_on_meeting(names: tuple[str, str]) -> None:
    """Two threads that each repeat one operation on one store both come to their end, and the store is usable."""
    store = fresh()
    handles = store.clone(), store.clone()

    def repeat(index: int) -> None:
        operation = MET[names[index]]
        for _ in range(40):
            operation(handles[index])

    together(lambda: repeat(0), lambda: repeat(1))
    store.put("after", 1)
    assert store.get("after", int) == 1


def test_appends_from_many_threads_lose_nothing() -> None:
    """ST-7: N appends from any number of threads leave N items, each thread's in its own order."""
    store = MemoryStore()
    together(*(lambda worker=worker: [store.append("log", (worker, n)) for n in range(2_000)] for worker in range(4)))
    log = store.get("log", list)
    assert len(log) == 8_000
    for worker in range(4):
        assert [n for who, n in log if who == worker] == list(range(2_000))


def test_appends_beside_readers_that_hold_the_list_lose_nothing() -> None:
    """A list handed out is a snapshot that never changes, while other threads append and none of their items is lost."""
    store = MemoryStore({"log": []})
    done = threading.Event()

    def write(worker: int) -> None:
        for n in range(1_500):
            store.append("log", (worker, n))

    def look() -> None:
        while not done.is_set():
            held = store.get_shared("log", list)
            size, text = len(held), list(held)
            copy = store.get("log", list)
            assert len(copy) >= size
            assert len(held) == size
            assert held == text

    def writers() -> None:
        try:
            together(lambda: write(0), lambda: write(1))
        finally:
            done.set()

    together(writers, look, look)
    assert len(store.get("log", list)) == 3_000


def test_first_appends_to_a_key_meet() -> None:
    """Threads that all create the list under one key by their first append end up with one list of all items."""
    store = MemoryStore()
    for _ in range(200):
        store.clear()
        together(*(lambda worker=worker: store.append("log", worker) for worker in range(4)))
        assert sorted(store.get("log", list)) == [0, 1, 2, 3]


def test_a_reader_sees_a_whole_value() -> None:
    """A value is never torn: a reader gets one of the objects that were put."""
    store = MemoryStore({"pair": (0, 0)})
    done = threading.Event()

    def write() -> None:
        for n in range(20_000):
            store.put("pair", (n, n))
        done.set()

    def look() -> None:
        while not done.is_set():
            left, right = store.get("pair", tuple)
            assert left == right

    together(write, look)


def test_keys_of_a_store_that_is_being_rewritten_are_all_real() -> None:
    """keys() and snapshot() are of one moment: a pair that is put and removed in order is never seen the wrong way round."""
    store = MemoryStore({f"fixed{n}": n for n in range(50)})
    done = threading.Event()

    def write() -> None:
        for _ in range(3_000):
            store.put("first", 1)
            store.put("second", 2)
            store.remove("second")
            store.remove("first")
        done.set()

    def look() -> None:
        while not done.is_set():
            keys = store.keys()
            assert len(set(keys)) == len(keys)
            assert "second" not in keys or "first" in keys
            seen = store.snapshot()
            assert "second" not in seen or "first" in seen
            assert {f"fixed{n}" for n in range(50)} <= seen.keys()

    together(write, look, look)


def test_a_list_edited_in_place_by_its_owner_is_copied_as_it_was_at_one_moment() -> None:
    """A get beside a thread that grows and shrinks the stored containers themselves gives copies, and never crashes."""
    inner: dict[object, object] = {n: [n] for n in range(20)}
    outer: list[object] = [inner, [inner], {"inner": inner}]
    store = MemoryStore({"graph": outer})
    done = threading.Event()

    def edit() -> None:
        for n in range(4_000):
            inner[n] = [n]
            inner.pop(n - 20, None)
            outer.append([n])
            if len(outer) > 30:
                del outer[10:]
        done.set()

    def look() -> None:
        while not done.is_set():
            copy = store.get("graph", list)
            assert copy[0] is copy[1][0] is copy[2]["inner"]
            assert copy[0] is not inner

    together(edit, look)


WRITERS: dict[str, Callable[[MemoryStore, int], object]] = {
    "put": lambda store, n: store.put("written", n),
    "put_many": lambda store, n: store.put_many({"written": n, "also": n}),
    "pop and setdefault": lambda store, n: (store.pop("written", default=None), store.setdefault("written", n)),
    "modify": lambda store, n: store.modify("written", lambda _: n, default=None),
    "transact": lambda store, n: store.transact(lambda tx: (tx.contains_key("written"), tx.put("written", n))),
}


@pytest.mark.parametrize("write", WRITERS)
def test_a_stream_of_readers_does_not_starve_a_writer(write: str) -> None:
    """B5: a write beside threads that read without pause comes to its end, every time."""
    store = MemoryStore({f"key{n}": n for n in range(100)})
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            store.get("key1")
            store.keys()
            store.transact(lambda tx: (tx.get("key1"), tx.get_many(["key2", "written"])))

    readers = [threading.Thread(target=look, daemon=True) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for n in range(50):
            writer = threading.Thread(target=WRITERS[write], args=(store, n), daemon=True)
            writer.start()
            writer.join(60)
            assert store.get("written", int) == n
    finally:
        done.set()
        for reader in readers:
            reader.join()
