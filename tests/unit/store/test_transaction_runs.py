"""Runs of a transaction that are void, given up, or end in every way a function can end (store 15, store 16)."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from cano.errors import CommitConflict, CopyError, TransactionClosed, TypeMismatch
from cano.store import Key, MemoryStore, Transaction
from tests.unit.store.alone import alone

COUNT = Key("count", int)


def in_another_thread(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def overtaken_once(store: MemoryStore, end: Callable[[Transaction], object]) -> list[int]:
    """Run a function whose first run is overtaken before it calls ``end``; return the value of ``a`` that each run has read."""
    seen: list[int] = []

    def change(tx: Transaction) -> None:
        seen.append(tx.get("a", int))
        tx.put("seen", seen[-1])
        if len(seen) == 1:
            store.put("a", 2)
            end(tx)

    store.transact(change)
    return seen


def swallow_and_raise(tx: Transaction) -> None:
    try:
        tx.get("b", default=None)
    except BaseException as error:
        raise ValueError("of a careless function") from error


def raise_in_finally(tx: Transaction) -> None:
    try:
        tx.get("b", default=None)
    finally:
        raise LookupError("of a clean-up")


def return_in_finally(tx: Transaction) -> None:
    try:
        tx.get("b", default=None)
    except BaseException:  # noqa: BLE001 - as a careless function would
        return


def write_in_finally(tx: Transaction) -> None:
    try:
        tx.get("b", default=None)
    finally:
        tx.put("clean", 1)


def in_a_task_group(tx: Transaction) -> None:
    async def look() -> None:
        tx.get("b", default=None)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(look())

    asyncio.run(main())


def in_a_group_by_hand(tx: Transaction) -> None:
    errors: list[BaseException] = [ValueError()]
    try:
        tx.get("b", default=None)
    except BaseException as error:  # noqa: BLE001 - as a careless function would
        errors.append(error)
    raise BaseExceptionGroup("all", [BaseExceptionGroup("inner", errors), OSError()])


def in_a_generator(tx: Transaction) -> None:
    def values() -> Iterator[object]:
        yield tx.get("b", default=None)

    list(values())


def in_a_copy(tx: Transaction) -> None:
    class Looking:
        def __deepcopy__(self, memo: object) -> object:
            return tx.get("b", default=None)

    tx.put("value", [Looking()])
    tx.get("value")


def in_another_transaction(tx: Transaction) -> None:
    MemoryStore().transact(lambda inner: (inner.put("x", 1), tx.get("b", default=None)))


ENDS: dict[str, Callable[[Transaction], object]] = {
    "a read": lambda tx: tx.get("b", default=None),
    "a shared read": lambda tx: tx.get_shared("b", default=None),
    "a read of many": lambda tx: tx.get_many(["b"]),
    "a look": lambda tx: "b" in tx,
    "an append": lambda tx: tx.append("b", 1),
    "a pop": lambda tx: tx.pop("b", default=None),
    "its return": lambda tx: None,
    "a write": lambda tx: tx.put("c", 1),
    "swallowed, another error": swallow_and_raise,
    "an error in finally": raise_in_finally,
    "a return out of the except": return_in_finally,
    "a write in finally": write_in_finally,
    "in a task group": in_a_task_group,
    "in an exception group": in_a_group_by_hand,
    "in a generator": in_a_generator,
    "in a copy": in_a_copy,
    "in a transaction of another store": in_another_transaction,
    "in an exception of its own": lambda tx: in_a_thread_of_its_own(tx),
}


def in_a_thread_of_its_own(tx: Transaction) -> None:
    errors: list[BaseException] = []

    def look() -> None:
        try:
            tx.get("b", default=None)
        except BaseException as error:  # noqa: BLE001 - raised again where it can be seen
            errors.append(error)

    in_another_thread(look)
    raise errors[0]


@pytest.mark.parametrize("end", ENDS)
def test_an_overtaken_run_leaves_nothing_however_it_ends(end: str) -> None:
    """Errors, clean-ups, groups, generators, other threads: the run is void, the function runs again on what is there."""
    store = MemoryStore({"a": 1})
    assert overtaken_once(store, ENDS[end]) == [1, 2]
    assert store.snapshot() == {"a": 2, "seen": 2}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("grouped", [True, False])
def test_an_interruption_of_an_overtaken_run_reaches_the_caller(kind: type[BaseException], grouped: bool) -> None:
    """What is to end the program or the task is not swallowed because the run was void, alone or in a group."""
    store = MemoryStore({"a": 1})

    def interrupted(tx: Transaction) -> None:
        try:
            tx.get("b", default=None)
        finally:
            raise BaseExceptionGroup("all", [kind(), ValueError()]) if grouped else kind()

    with pytest.raises(BaseExceptionGroup if grouped else kind):
        overtaken_once(store, interrupted)
    assert store.snapshot() == {"a": 2}


def test_a_function_may_raise_a_group_of_its_own() -> None:
    """A group of errors out of a run that was not overtaken reaches the caller as it is."""
    store = MemoryStore({"a": 1})
    for group in (ExceptionGroup("own", [ValueError()]), BaseExceptionGroup("own", [KeyboardInterrupt()])):

        def broken(tx: Transaction, group: BaseException = group) -> None:
            tx.put("a", 2)
            raise group

        with pytest.raises(BaseExceptionGroup, match="own") as caught:
            store.transact(broken)
        assert caught.value is group
    assert store.snapshot() == {"a": 1}


def test_all_reads_of_a_run_are_of_one_moment() -> None:
    """Two keys that are always written together are never seen apart, not even by a run that is given up."""
    store = MemoryStore({"a": 0, "b": 0})
    runs: list[tuple[int, int]] = []

    def look(tx: Transaction) -> None:
        first = tx.get("a", int)
        if len(runs) < 3 and first < 3:
            store.put_many({"a": first + 1, "b": first + 1})
        runs.append((first, tx.get("b", int)))

    with pytest.raises(CommitConflict):
        store.transact(look)
    assert runs == []
    store.transact(look)
    assert runs == [(3, 3)]


def test_a_run_that_only_reads_stands_as_of_its_last_read() -> None:
    """What is written after the last read, before the function returns, makes no reading run void."""
    store = MemoryStore({"a": 1, "b": 2})
    runs: list[int] = []

    def look(tx: Transaction) -> tuple[int, int]:
        seen = tx.get("a", int), tx.get("b", int)
        runs.append(1)
        store.put_many({"a": 3, "b": 4})
        return seen

    assert store.transact(look) == (1, 2)
    assert len(runs) == 1


@pytest.mark.parametrize("no_function", [None, 1, "len", [], {}], ids=type)
def test_what_cannot_be_called_is_a_type_error(no_function: Any) -> None:
    """It changes nothing, and says what was given."""
    store = MemoryStore({"a": 1})
    with pytest.raises(TypeError, match="not callable"):
        store.transact(no_function)
    assert store.snapshot() == {"a": 1}


async def test_an_async_function_is_refused_whatever_it_is_wrapped_in() -> None:
    """A partial, an object, a lambda that return a coroutine: a ``TypeError``, nothing lands, nothing is left to be awaited."""

    async def later(tx: Transaction) -> None:
        tx.put("a", 2)

    class Later:
        async def __call__(self, tx: Transaction) -> None:
            tx.put("a", 2)

    functions: tuple[Any, ...] = (later, partial(later), Later(), lambda tx: (tx.put("b", 1), later(tx))[1])
    store = MemoryStore({"a": 1})
    for fn in functions:
        with pytest.raises(TypeError, match=r"transact runs a plain function, and .* is async"):
            store.transact(fn)
    assert store.snapshot() == {"a": 1}


def test_a_generator_that_is_handed_out_finds_its_transaction_over() -> None:
    """What a function returns may run later: it is told that the transaction is over, and nothing of it lands."""
    store = MemoryStore({"a": 1})

    def each(tx: Transaction) -> Iterator[object]:
        tx.put("a", 2)
        yield tx.get("a")

    with pytest.raises(TypeError, match="is a generator, of which nothing has run"):
        store.transact(each)
    with pytest.raises(TransactionClosed):
        list(store.transact(lambda tx: each(tx)))
    assert store.snapshot() == {"a": 1}


def test_each_run_has_a_transaction_of_its_own() -> None:
    """The transaction of a void run is over when the next one begins, and none of its writes is in it."""
    store = MemoryStore({"a": 1})
    kept: list[Transaction] = []

    def change(tx: Transaction) -> None:
        kept.append(tx)
        tx.get("a")
        if len(kept) == 1:
            tx.put("of the first run", 1)
            store.put("a", 2)
        else:
            with pytest.raises(TransactionClosed):
                kept[0].get("a")
            assert "of the first run" not in tx
        tx.put("b", 1)

    store.transact(change)
    assert len(kept) == 2
    assert store.snapshot() == {"a": 2, "b": 1}


def test_a_transaction_within_a_transaction_of_the_same_store_is_one_of_its_own() -> None:
    """The inner one lands at once, and overtakes the outer one if it writes what that has read."""
    store = MemoryStore({"a": 1, "b": 1})
    runs: list[int] = []

    def outer(tx: Transaction) -> None:
        runs.append(tx.get("a", int))
        if len(runs) == 1:
            store.transact(lambda inner: inner.put("a", inner.get("a", int) + 1))
        store.transact(lambda inner: inner.put("free", 1))
        tx.put("b", tx.get("b", int) + 1)

    store.transact(outer)
    assert runs == [1, 2]
    assert store.snapshot() == {"a": 2, "b": 2, "free": 1}


def test_the_end_of_the_outer_run_passes_through_the_inner_one() -> None:
    """A read of the outer transaction within the inner one ends the outer run; the inner one lands nothing and is not repeated."""
    store, other = MemoryStore({"a": 1}), MemoryStore()
    runs: list[str] = []

    def inner(inner_tx: Transaction, tx: Transaction) -> None:
        runs.append("inner")
        inner_tx.put("x", 1)
        tx.get("b", default=None)

    def outer(tx: Transaction) -> None:
        runs.append("outer")
        tx.get("a")
        if len(runs) == 1:
            store.put("a", 2)
        for each in (store, other):
            each.transact(partial(inner, tx=tx))

    store.transact(outer)
    assert runs == ["outer", "inner", "outer", "inner", "inner"]
    assert (store.get("x"), other.get("x")) == (1, 1)


def test_two_stores_do_not_land_together() -> None:
    """A transaction is of one store: what the function writes into another one is there, whatever becomes of the run."""
    store, other = MemoryStore({"a": 1}), MemoryStore()

    def change(tx: Transaction) -> None:
        tx.put("a", 2)
        other.put("seen", 1)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        store.transact(change)
    assert (store.get("a"), other.get("seen")) == (1, 1)


def test_a_conflict_names_the_key_that_moved() -> None:
    """Of many keys that were read, the error names the one that the function itself keeps writing."""
    store = MemoryStore({f"key {n}": n for n in range(50)})

    def change(tx: Transaction) -> None:
        tx.get_many(store.keys())
        store.modify("key 33", lambda n: n + 1)
        tx.put("done", 1)

    with pytest.raises(CommitConflict, match="'key 33'") as caught:
        store.transact(change)
    assert (caught.value.key, caught.value.own, caught.value.runs) == ("key 33", True, 3)
    assert "done" not in store


def test_what_the_last_run_raised_is_what_counts() -> None:
    """A function that is overtaken first and fails then raises its own error, with no sign of the void run on it."""
    store = MemoryStore({"a": 1, "generator": (each for each in ())})
    runs: list[int] = []

    def change(tx: Transaction) -> None:
        runs.append(tx.get("a", int))
        if len(runs) == 1:
            store.put("a", 2)
        tx.get("generator")

    with pytest.raises(CopyError) as caught:
        store.transact(change)
    assert runs == [1, 2]
    assert isinstance(caught.value.__cause__, TypeError)
    assert caught.value.__context__ is caught.value.__cause__
    with pytest.raises(TypeMismatch):
        store.transact(lambda tx: (tx.put("b", 1), tx.get("a", str)))
    assert "b" not in store


def test_a_forked_child_can_use_a_store_amid_the_transactions_of_other_threads() -> None:
    """Runs of threads that are not in the child are nobody's there: its own begin, land and conflict as ever."""
    alone(
        """
import os, threading, warnings
from cano.errors import CommitConflict
store = MemoryStore({"a": 0})
inside, go = threading.Event(), threading.Event()
def wait(tx):
    tx.get("a"); inside.set(); go.wait()
threads = [threading.Thread(target=store.transact, args=(wait,)),
           threading.Thread(target=lambda: store.modify("a", lambda n: (inside.set(), go.wait(), n)[2]))]
for thread in threads:
    inside.clear(); thread.start(); inside.wait()
warnings.simplefilter("ignore")
child = os.fork()
if not child:
    code = 1
    try:
        for _ in range(100):
            store.transact(lambda tx: tx.put("a", tx.get("a") + 1))
            store.modify("a", lambda n: n + 1)
        other = threading.Thread(target=lambda: store.modify("a", lambda n: n + 1))
        other.start(); other.join()
        try:
            store.modify("a", lambda n: store.put("a", n + 1))
        except CommitConflict as error:
            code = 0 if store.get("a") == 204 and error.own else 2
    finally:
        os._exit(code)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
go.set()
for thread in threads: thread.join()
assert code == 0, code
assert store.get("a") == 0
"""
    )
