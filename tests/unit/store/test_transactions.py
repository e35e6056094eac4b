"""``transact``: reads of one moment, writes that land at one moment, runs that are void (store 15, store 16)."""

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import AppendTypeMismatch, CommitConflict, KeyNotFound, TransactionClosed, TypeMismatch
from cano.store import Key, MemoryStore, Transaction

COUNT = Key("count", int)
LOG = Key("log", list)


def test_all_writes_land_when_the_function_returns_and_its_result_is_handed_on() -> None:
    """Nothing is seen outside before the function has returned; then everything is there."""
    store = MemoryStore({"a": 1, "gone": 2, "log": [1]})

    def change(tx: Transaction) -> str:
        tx.put("a", tx.get("a", int) + 1)
        tx.put(COUNT, 5)
        tx.remove("gone")
        tx.append("log", 2)
        tx.append("new", 1)
        assert store.snapshot() == {"a": 1, "gone": 2, "log": [1]}
        return "done"

    assert store.transact(change) == "done"
    assert store.snapshot() == {"a": 2, "count": 5, "log": [1, 2], "new": [1]}


def test_reads_see_the_own_writes() -> None:
    """What was put, appended, removed or popped is what every later read of the same transaction finds."""

    def change(tx: Transaction) -> None:
        tx.put("a", [1])
        tx.append("a", 2)
        assert tx.get("a") == tx.get_shared("a") == [1, 2]
        assert tx.get("a") is not tx.get_shared("a")
        assert tx.pop("a") == [1, 2]
        assert not tx.contains_key("a")
        assert "a" not in tx
        assert tx.get("a", default=None) is None
        assert tx.get_many(["a", COUNT]) == {"count": 7}

    store = MemoryStore({"count": 7})
    store.transact(change)
    assert store.snapshot() == {"count": 7}


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_exception_changes_nothing_and_propagates(kind: type[BaseException]) -> None:
    """Whatever the function raises is raised by ``transact``, and none of its writes is there."""
    store = MemoryStore({"a": 1})

    def change(tx: Transaction) -> None:
        tx.put("a", 2)
        tx.put("b", 2)
        raise kind("own")

    with pytest.raises(kind, match="own"):
        store.transact(change)
    assert store.snapshot() == {"a": 1}


def test_a_run_that_was_overtaken_runs_again() -> None:
    """A write between a read and the commit makes the run void: it is run again on what is there now."""
    store = MemoryStore({"n": 0})
    runs: list[int] = []

    def change(tx: Transaction) -> None:
        seen = tx.get("n", int)
        runs.append(seen)
        if len(runs) == 1:
            store.put("n", 10)
        tx.put("n", seen + 1)

    store.transact(change)
    assert runs == [0, 10]
    assert store.get("n") == 11


@pytest.mark.parametrize("absent", [True, False])
def test_that_nothing_was_there_is_a_read_too(absent: bool) -> None:
    """A key that has appeared, or has gone, since it was looked for makes the run void."""
    store = MemoryStore({} if absent else {"k": 1})
    seen: list[bool] = []

    def change(tx: Transaction) -> None:
        seen.append(tx.contains_key("k"))
        if len(seen) == 1:
            if absent:
                store.put("k", 1)
            else:
                store.remove("k")
        tx.put("found", seen[-1])

    store.transact(change)
    assert seen == [not absent, absent]
    assert store.get("found") is absent


def test_a_function_that_swallows_the_end_of_its_run_has_not_escaped() -> None:
    """Every later call of a void transaction raises again, nothing of it lands, and the function runs again."""
    store = MemoryStore({"a": 1, "b": 1})
    ended: list[type[BaseException]] = []

    def change(tx: Transaction) -> str:
        tx.get("a")
        if not ended:
            store.put("a", 2)
            for call in (lambda: tx.get("b"), lambda: tx.put("b", 2), lambda: tx.get_many(["a"]), lambda: tx.append("c", 1)):
                try:
                    call()
                except BaseException as error:  # noqa: BLE001 - as a careless function would
                    ended.append(type(error))
            return "void"
        return "valid"

    assert store.transact(change) == "valid"
    assert len(ended) == 4
    assert not any(issubclass(kind, Exception) for kind in ended)
    assert store.snapshot() == {"a": 2, "b": 1}


def test_a_function_that_keeps_changing_what_it_has_read_is_told_so() -> None:
    """Three runs in a row that fail by writes of their own thread alone are a ``CommitConflict`` that names the key."""
    store = MemoryStore({"a": 0})

    def change(tx: Transaction) -> None:
        tx.put("b", tx.get("a", int))
        store.modify("a", lambda n: n + 1, int)

    with pytest.raises(CommitConflict, match=r"key 'a'.* through the store itself") as caught:
        store.transact(change)
    assert (caught.value.key, caught.value.runs, caught.value.own) == ("a", 3, True)
    assert store.snapshot() == {"a": 3}


def test_a_transaction_is_over_when_its_function_has_returned() -> None:
    """Every method raises ``TransactionClosed`` then, and nobody makes a transaction by hand."""
    store = MemoryStore({"a": 1})
    tx: Any = store.transact(lambda tx: tx)
    for call in (
        lambda: tx.get("a"),
        lambda: tx.get_shared("a"),
        lambda: tx.get_many(["a"]),
        lambda: tx.put("a", 1),
        lambda: tx.append("l", 1),
        lambda: tx.remove("a"),
        lambda: tx.pop("a"),
        lambda: tx.contains_key("a"),
        lambda: "a" in tx,
    ):
        with pytest.raises(TransactionClosed, match="the transaction is over"):
            call()
    made: Any = Transaction
    with pytest.raises(TypeError, match="made by store"):
        made()
    with pytest.raises(TransactionClosed):
        Transaction.__new__(Transaction).get("a")


def test_errors_of_a_transaction_are_those_of_the_store() -> None:
    """A missing key, a wrong type and an append to no list are raised by ``tx`` as by the store, and change nothing."""
    store = MemoryStore({"count": "text", "log": (1,)})
    wrong: Any = COUNT
    for call, kind in (
        (lambda tx: tx.get("cuont"), KeyNotFound),
        (lambda tx: tx.get(COUNT), TypeMismatch),
        (lambda tx: tx.pop(COUNT), TypeMismatch),
        (lambda tx: tx.put(wrong, "x"), TypeMismatch),
        (lambda tx: tx.append("log", 1), AppendTypeMismatch),
        (lambda tx: tx.append(wrong, 1), TypeMismatch),
        (lambda tx: tx.get(5), TypeError),
        (lambda tx: tx.get_many("ab"), TypeError),
    ):
        with pytest.raises(kind):
            store.transact(call)
    assert store.snapshot() == {"count": "text", "log": (1,)}


async def test_an_async_function_is_refused() -> None:
    """A coroutine would run after the transaction is over: it is a ``TypeError``, and no warning that nobody awaited it."""

    async def change(tx: Transaction) -> None:
        tx.put("a", 1)

    with pytest.raises(TypeError, match="is async"):
        MemoryStore().transact(change)  # type: ignore[unused-coroutine]


def test_a_finalizer_that_writes_through_the_same_transaction_is_seen() -> None:
    """The collector may run while a key is looked for; what a finalizer puts there, through ``tx``, is what is found."""
    done: list[str] = []

    class Writes:
        def __init__(self, tx: Transaction, key: str) -> None:
            self.me, self.tx, self.key = self, tx, key

        def __del__(self) -> None:
            with suppress(TransactionClosed):  # the last one is collected when all is over
                self.tx.put(self.key, 1)
                done.append(self.key)

    def change(tx: Transaction) -> str:
        for pad in range(400):
            gc.disable()
            gc.collect()
            key = f"key {pad}"
            hash(key)
            Writes(tx, key)
            kept: list[list[int]] = [[] for _ in range(110)]  # so that the next list is allocated, not taken from those at hand
            gc.set_threshold(gc.get_count()[0] + pad % 8, 10, 10)
            gc.enable()
            assert tx.get_shared(key, default=None) in (None, 1)
            gc.disable()
            del kept
        return "done"

    was, threshold = gc.isenabled(), gc.get_threshold()
    try:
        assert MemoryStore().transact(change) == "done"
    finally:
        gc.set_threshold(*threshold)
        if was:
            gc.enable()
    assert done


def test_a_missing_key_is_not_offered_for_itself() -> None:
    """The near misses of a read in a transaction are what it would find: with its own writes, without what it has removed."""
    store = MemoryStore({"count": 1, "counter": 2})

    def change(tx: Transaction) -> None:
        tx.put("counts", 1)
        tx.remove("count")
        tx.get("count")

    with pytest.raises(KeyNotFound) as caught:
        store.transact(change)
    assert set(caught.value.known) == {"counter", "counts"}


def test_a_generator_is_refused_for_a_function() -> None:
    """Of a function with a ``yield`` in it nothing has run when it returns: it is a ``TypeError``, and nothing has changed."""
    store = MemoryStore({"n": 1})

    def change(tx: Any) -> Any:
        store.put("n", 2)
        yield tx

    calls: list[Callable[[], object]] = [lambda: store.transact(change), lambda: store.modify("n", change)]
    for call in calls:
        with pytest.raises(TypeError, match="is a generator"):
            call()
    other = (each for each in "ab")
    assert store.transact(lambda tx: other) is other
    assert store.snapshot() == {"n": 1}
