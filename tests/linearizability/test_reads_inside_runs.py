"""What a function reads inside ``transact`` is of one moment also in the runs that come to nothing (store 15)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from cano.store import MemoryStore, Transaction
from tests.threads.meeting import hasty_switching, together


def put_both(store: MemoryStore, n: int) -> None:
    store.put_many({"a": n, "b": n})


def transact_both(store: MemoryStore, n: int) -> None:
    def change(tx: Transaction) -> None:
        tx.put("a", n)
        tx.put("b", n)

    store.transact(change)


def come_and_go(store: MemoryStore, n: int) -> None:
    """Both are there, or neither is."""

    def change(tx: Transaction) -> None:
        tx.remove("a")
        tx.remove("b")

    put_both(store, n)
    store.transact(change)


def grow_both(store: MemoryStore, n: int) -> None:
    def change(tx: Transaction) -> None:
        tx.append("a", n % 3)
        time.sleep(0)
        tx.append("b", n % 3)

    store.transact(change)
    if n % 20 == 0:
        store.clear()


READS: dict[str, Callable[[Transaction, str], Any]] = {
    "get": lambda tx, key: tx.get(key, default=None),
    "get_shared": lambda tx, key: tx.get_shared(key, default=None),
    "get_many": lambda tx, key: tx.get_many([key]).get(key),
    "contains_key": lambda tx, key: tx.contains_key(key),
    "in": lambda tx, key: key in tx,
    "pop": lambda tx, key: tx.pop(key, default=None),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("write", [put_both, transact_both, come_and_go, grow_both])
def test_two_keys_that_are_written_together_are_read_together(write: Callable[[MemoryStore, int], None], read: str) -> None:
    """A function compares them in each of its runs, and never sees a difference; some of its runs were void."""
    store = MemoryStore()
    written: list[None] = []
    begun: list[None] = []
    compared: list[bool] = []

    def writer() -> None:
        while len(compared) < 100:
            write(store, len(written))
            written.append(None)

    def compare(tx: Transaction) -> None:
        begun.append(None)
        one, before = READS[read](tx, "a"), len(written)
        for _ in range(20):  # until the other one has written, or leaves room
            time.sleep(0)
            if len(written) > before:
                break
        compared.append(one == READS[read](tx, "b"))

    def reader() -> None:
        while len(compared) < 100:
            store.transact(compare)

    with hasty_switching():
        together(writer, reader)
    assert all(compared)
    assert len(begun) > len(compared)


@pytest.mark.parametrize("read", READS)
def test_a_read_beside_an_outdated_one_ends_the_run_on_the_spot(read: str) -> None:
    """The line after the second read is not reached in a run whose first read no longer holds, whatever kind the second is."""
    store = MemoryStore({"a": 0, "b": 0})
    begun: list[int] = []
    reached: list[int] = []

    def change(tx: Transaction) -> None:
        begun.append(tx.get("a", int))
        if len(begun) == 1:
            put_both(store, 1)
        READS[read](tx, "b")
        reached.append(begun[-1])

    store.transact(change)
    assert begun == [0, 1]
    assert reached == [1]
