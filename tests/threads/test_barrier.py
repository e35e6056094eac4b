"""Threads from a barrier, on every pair of operations and on the promises that only threads can break (store 2 and 8)."""

import threading
from itertools import combinations_with_replacement

import pytest

from cano.store import MemoryStore
from tests.threads.meeting import together
from tests.threads.operations import OPERATIONS

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("names", list(combinations_with_replacement(OPERATIONS, 2)), ids=" x ".join)
def test_any_two_operations_may_meet(names: tuple[str, str]) -> None:
    """Two threads that each repeat one operation on one store both come to their end, and the store is usable."""
    store = MemoryStore({"list": [1, 2, 3], "other": {"a": 1}})
    handles = store.clone(), store.clone()

    def repeat(index: int) -> None:
        operation = OPERATIONS[names[index]]
        for _ in range(60):
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


def test_a_stream_of_readers_does_not_starve_a_writer() -> None:
    """B5: a put beside threads that read without pause comes to its end, every time."""
    store = MemoryStore({f"key{n}": n for n in range(100)})
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            store.get("key1")
            store.keys()

    readers = [threading.Thread(target=look, daemon=True) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for n in range(50):
            writer = threading.Thread(target=store.put, args=("written", n), daemon=True)
            writer.start()
            writer.join(60)
            assert store.get("written", int) == n
    finally:
        done.set()
        for reader in readers:
            reader.join()
