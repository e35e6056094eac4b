"""The function of ``modify`` and ``transact`` runs without any lock: it may call everything, and others go on (store 14, 15)."""

import threading
import time
from collections.abc import Callable

import pytest

from cano.store import MemoryStore, Transaction
from tests.threads.meeting import together
from tests.threads.operations import OPERATIONS

pytestmark = pytest.mark.usefixtures("hasty")


def by_modify(store: MemoryStore, inside: Callable[[], None]) -> None:
    def change(count: int) -> int:
        inside()
        return count + 1

    store.modify("count", change, int)


def by_transact(store: MemoryStore, inside: Callable[[], None]) -> None:
    def change(tx: Transaction) -> None:
        count = tx.get("count", int)
        inside()
        tx.put("count", count + 1)

    store.transact(change)


def by_both(store: MemoryStore, inside: Callable[[], None]) -> None:
    """A transaction inside of a modify inside of a transaction."""
    store.put("depth", 0)
    store.transact(
        lambda tx: (tx.get("list", default=None), store.modify("depth", lambda n: (by_transact(store, inside), n + 1)[1]))
    )


@pytest.mark.parametrize("act", [by_modify, by_transact, by_both])
def test_a_function_may_call_everything_while_others_write_and_read(act: Callable[[MemoryStore, Callable[[], None]], None]) -> None:
    """B2: it calls each operation, nested ones included, and computes until 50 updates and 50 reads of others are through."""
    store = MemoryStore({"count": 0, "list": [1]})
    begun = threading.Event()
    updates: list[int] = []
    reads: list[int] = []

    def inside() -> None:
        if not begun.is_set():
            for operation in OPERATIONS.values():
                operation(store)
            store.transact(lambda tx: (tx.put("nested", tx.contains_key("list")), store.modify("other", lambda n: n, default=1)))
            store.put("count", 0)  # one of the operations has cleared the store
            if act is by_both:
                store.put("depth", 0)  # the same object that was there, so that this is no reason to run again
            begun.set()
        while len(updates) < 50 or len(reads) < 50:
            sum(range(100))

    def write() -> None:
        begun.wait(60)
        while len(updates) < 50:
            updates.append(store.modify("count", lambda n: n + 1, int))

    def read() -> None:
        begun.wait(60)
        while len(reads) < 50:
            reads.append(store.get("count", int))

    together(lambda: act(store, inside), write, read)
    assert store.get("count") == 51
    assert reads == sorted(reads)


def test_two_functions_that_wait_for_each_other_both_come_to_their_end() -> None:
    """B2: no run keeps another one out, be it on the same key: each goes on only when the other one is amid its own."""
    store = MemoryStore({"count": 0})
    amid = threading.Event(), threading.Event()

    def work(me: int) -> None:
        def change(count: int) -> int:
            amid[me].set()
            assert amid[1 - me].wait(60)
            return count + 1

        store.modify("count", change, int)

    together(lambda: work(0), lambda: work(1))
    assert store.get("count") == 2


def test_sums_over_several_keys_stay_what_they_are() -> None:
    """Threads that move amounts between accounts in transactions, some nested in a modify of a log, lose and make nothing."""
    names = [f"account{n}" for n in range(4)]
    store = MemoryStore(dict.fromkeys(names, 100) | {"log": []})
    done: list[int] = []

    def move(worker: int) -> None:
        for n in range(300):
            source, target = names[(worker + n) % 4], names[(worker + 2 * n + 1) % 4]

            def change(tx: Transaction, source: str = source, target: str = target) -> None:
                amount = min(3, tx.get(source, int))
                tx.put(source, tx.get(source, int) - amount)
                time.sleep(0)
                tx.put(target, tx.get(target, int) + amount)
                tx.append("log", amount)

            store.transact(change)
        done.append(worker)

    def audit() -> None:
        while len(done) < 3:
            sums = store.transact(lambda tx: (sum(tx.get_many(names).values()), sum(tx.get(name, int) for name in names)))
            assert sums == (400, 400)
            snapshot = store.snapshot()
            assert sum(snapshot[name] for name in names) == 400

    together(lambda: move(0), lambda: move(1), lambda: move(2), audit)
    assert len(store.get("log", list)) == 900
