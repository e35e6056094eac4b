"""Whatever code runs within a transaction may use the transaction, the store and other transactions (store 10, store 15)."""

import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cano.errors import CommitConflict, StoreError
from cano.store import Key, MemoryStore, Transaction
from tests.threads.deadline import ends
from tests.threads.operations import OPERATIONS, STEPS
from tests.threads.test_reentry_callbacks import checking, copied, names, shown
from tests.unit.store.alone import alone

Use = Callable[[], None]


def finalized(use: Use) -> Any:
    class Finalized:
        def __del__(self) -> None:
            use()

    return Finalized()


def referred(use: Use) -> tuple[Any, Any]:
    class Referred: ...

    value = Referred()
    return value, weakref.ref(value, lambda _: use())


def in_a_thread(use: Use) -> None:
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()


def cycle(use: Use) -> None:
    garbage = [finalized(use)]
    garbage.append(garbage)
    del garbage
    gc.collect()


def displaced_own_write(tx: Transaction, use: Use) -> None:
    tx.put("own", finalized(use))
    tx.put("own", 1)


def removed_own_write(tx: Transaction, use: Use) -> None:
    value, reference = referred(use)
    tx.put("own", value)
    del value
    tx.remove("own")
    del reference


def displaced_from_the_store(store: MemoryStore, use: Use) -> None:
    store.put("elsewhere", finalized(use))
    store.put_many({"elsewhere": 1})


HOSTS: dict[str, Callable[[MemoryStore, Transaction, Use], object]] = {
    "__deepcopy__ in tx.get": lambda store, tx, use: (tx.put("value", copied(use)), tx.get("value")),
    "__deepcopy__ in tx.pop": lambda store, tx, use: (tx.put("value", copied(use)), tx.pop("value")),
    "__deepcopy__ in tx.get_many": lambda store, tx, use: (tx.put("value", copied(use)), tx.get_many(["list", "value", "count"])),
    "__instancecheck__ in tx.get": lambda store, tx, use: tx.get("value", checking(use)),
    "__instancecheck__ in tx.get_shared": lambda store, tx, use: tx.get_shared("value", checking(use)),
    "__instancecheck__ in tx.pop": lambda store, tx, use: tx.pop("value", checking(use)),
    "__instancecheck__ in tx.put": lambda store, tx, use: tx.put(Key("value", checking(use)), 1),
    "__instancecheck__ in tx.append": lambda store, tx, use: tx.append(Key("list", checking(use)), 1),
    "__instancecheck__ in tx.get_many": lambda store, tx, use: tx.get_many(["list", Key("value", checking(use)), "count"]),
    "the keys of tx.get_many": lambda store, tx, use: tx.get_many(names(use, "value")),
    "__repr__ of no key": lambda store, tx, use: STEPS["tx.get"](tx) and tx.put(shown(use), 1),
    "a displaced write of its own": lambda store, tx, use: displaced_own_write(tx, use),
    "a removed write of its own": lambda store, tx, use: removed_own_write(tx, use),
    "a value that the store lets go": lambda store, tx, use: displaced_from_the_store(store, use),
    "a value that the commit lets go": lambda store, tx, use: (store.put("value", finalized(use)), tx.put("value", 1)),
    "a write that never lands": lambda store, tx, use: (tx.put("value", finalized(use)), 1 // 0),
    "a modify of the store": lambda store, tx, use: store.modify("elsewhere", lambda _: use(), default=1),
    "a transaction within": lambda store, tx, use: store.transact(lambda inner: (inner.put("elsewhere", inner.get("list")), use())),
    "a transaction of another store": lambda store, tx, use: MemoryStore().transact(lambda inner: (inner.put("list", [1]), use())),
    "a thread": lambda store, tx, use: in_a_thread(use),
    "a collection": lambda store, tx, use: cycle(use),
}
INNER: dict[str, Callable[[MemoryStore, Transaction], object]] = {
    **{name: lambda store, tx, call=call: call(store) for name, call in OPERATIONS.items()},
    **{name: lambda store, tx, call=call: call(tx) for name, call in STEPS.items()},
    "write, then read": lambda store, tx: (store.put("list", [0]), STEPS["tx.get_many"](tx)),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a run that is void ends in a finalizer, too
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # and in a thread
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("host", HOSTS)
def test_code_that_runs_within_a_transaction_may_use_it(host: str, inner: str) -> None:
    """No hang; the writes of the last run land all, if the function returned, or none."""
    start = {"list": [1], "value": [1], "count": 1, "free": 0}
    store = MemoryStore(start)
    used: list[int] = []
    runs: list[Transaction] = []

    def change(tx: Transaction) -> None:
        busy = False

        def use() -> None:
            nonlocal busy
            used.append(1)
            if not busy:
                busy = True
                try:
                    INNER[inner](store, tx)
                finally:
                    busy = False

        runs.append(tx)
        tx.put("free", tx.get("free", int) + 1)
        tx.put("first", len(runs))
        HOSTS[host](store, tx, use)
        tx.put("last", len(runs))

    def case() -> None:
        try:
            store.transact(change)
            landed = True
        except (StoreError, TypeError, ZeroDivisionError) as error:
            landed = False
            strange = isinstance(error, CommitConflict) and not error.own
            assert not strange, "a conflict with nobody"
        assert used
        seen = store.snapshot()
        # What the function did through the store itself, a ``clear`` above all, came before or after.
        assert seen.get("first") == seen.get("last")
        if landed and "first" in seen:
            assert seen["last"] == len(runs)
        if not landed:
            assert "first" not in seen
        assert store.transact(lambda tx: (tx.put("after", 1), tx.get("after"))[1]) == 1

    ends(case)
    runs.clear()


@pytest.mark.parametrize("hook", ["setprofile", "settrace"])
def test_a_trace_function_may_use_the_store(hook: str) -> None:
    """A profiler or a debugger that looks into the store at every call, C functions included, does not hang it."""
    store = MemoryStore({"list": [1]})
    seen: list[int] = []
    switch = getattr(sys, hook)

    def watch(*_: object) -> Any:
        switch(None)
        seen.append(len(store))
        store.modify("seen", lambda n: n + 1, default=0)
        switch(watch)
        return watch

    def case() -> None:
        switch(watch)
        try:
            for operation in OPERATIONS.values():
                operation(store)
            for step in STEPS.values():
                store.transact(step)
        finally:
            switch(None)

    ends(case)
    assert seen
    assert store.get("list", default=None) is None or store.get("list")


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """Let the collector run at nearly every allocation of a container."""
    before = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("eager_collector")
@pytest.mark.parametrize("step", STEPS)
def test_the_collector_may_run_in_any_step_of_a_transaction(step: str) -> None:
    """A finalizer that uses the transaction which is under way, run by the collector in the middle of its methods, does no harm."""
    store = MemoryStore({"list": [1, 2, 3], "new": 1})
    ran: list[int] = []

    def case() -> None:
        for _ in range(100):

            def change(tx: Transaction) -> None:
                class Cycle:
                    def __init__(self) -> None:
                        self.me = self

                    def __del__(self) -> None:
                        ran.append(1)
                        STEPS["tx.append to nothing"](tx)
                        store.put("from a finalizer", [1])

                Cycle()
                STEPS[step](tx)
                Cycle()
                STEPS["tx.get_many"](tx)

            store.transact(change)

    ends(case)
    gc.collect()
    assert ran


@pytest.mark.parametrize("call", ["modify", "transact"])
def test_others_go_on_while_a_function_runs(call: str) -> None:
    """B2: while the function of transact or modify is under way, other threads read and write the store to their end."""
    store = MemoryStore({"n": 0, "list": [1]})
    ended: list[str] = []

    def others() -> None:
        def work() -> None:
            store.put("busy", 1)
            for name, operation in OPERATIONS.items():
                if name != "clear":
                    operation(store)
            ended.append("other")

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        for name, operation in OPERATIONS.items():
            if name != "clear":
                operation(store)
        thread.join(20)
        assert not thread.is_alive(), "another thread waits for the function"

    def case() -> None:
        if call == "modify":
            store.modify("n", lambda n: (others(), n + 1)[1])
        else:
            store.transact(lambda tx: (others(), tx.put("n", tx.get("n", int) + 1)))

    ends(case)
    assert ended == ["other"]
    assert store.get("n") == 1


def test_a_signal_handler_may_use_the_store() -> None:
    """A handler that comes at any moment, often, and calls every operation, hangs nothing and loses no update."""
    assert hasattr(signal, "setitimer")
    alone(
        """
import signal
from cano.errors import CommitConflict
from tests.threads.operations import OPERATIONS, STEPS
store = MemoryStore({"list": [1], "n": 0})
calls = [operation for name, operation in OPERATIONS.items() if name != "clear"]
came = busy = own = 0
def handler(*_):
    global came, busy
    if not busy:
        busy = 1
        came += 1
        store.modify("n", lambda n: n + 1)
        for call in calls:
            call(store)
        busy = 0
def counted():
    global own
    try:
        store.modify("n", lambda n: n + 1)
    except CommitConflict:  # the handler came in three runs in a row
        return
    own += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while came < 200:
    for call in calls:
        call(store)
    for step in STEPS.values():
        try:
            store.transact(step)
        except CommitConflict:
            pass
    counted()
signal.setitimer(signal.ITIMER_REAL, 0)
assert store.get("n") == own + came, (store.get("n"), own, came)
""",
        checkout=True,
        seconds=60,
    )
