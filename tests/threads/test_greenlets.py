"""Runs of greenlets, which switch inside of a function and end in any order, on one C stack (store 14 and 15)."""

import gc
import os
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import pytest

from cano.store import MemoryStore, Transaction

greenlet: Any = pytest.importorskip("greenlet")
pytestmark = pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer takes a switch for an overflow"
)


def by_modify(store: MemoryStore, key: str, inside: Callable[[], object]) -> None:
    def change(n: int) -> int:
        inside()
        return n + 1

    store.modify(key, change, int)


def by_transact(store: MemoryStore, key: str, inside: Callable[[], object]) -> None:
    def change(tx: Transaction) -> None:
        n = tx.get(key, int)
        inside()
        tx.put(key, n + 1)
        inside()

    store.transact(change)


ACTS = pytest.mark.parametrize("act", [by_modify, by_transact])


def suspended(call: Callable[[], object]) -> Any:
    """A greenlet that has begun the call, and waits where it has switched back."""
    started = greenlet.greenlet(call)
    started.switch()
    return started


def back() -> None:
    greenlet.getcurrent().parent.switch()


def finish(one: Any) -> None:
    while not one.dead:
        one.switch()


@ACTS
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_runs_that_are_interleaved_end_in_any_order(act: Callable[[MemoryStore, str, Any], None], order: tuple[int, ...]) -> None:
    """Three of one thread, each on a key of its own, are finished first, last or in between; all land, and others go on."""
    store = MemoryStore({"0": 0, "1": 0, "2": 0})
    for number in range(20):
        runs = [suspended(lambda key=str(at): act(store, key, back)) for at in range(3)]
        store.put("beside", number)
        for at in order:
            finish(runs[at])
            store.put("beside", number)
    assert store.snapshot() == {"0": 20, "1": 20, "2": 20, "beside": 19}


@ACTS
def test_a_run_that_another_greenlet_overtakes_runs_again(act: Callable[[MemoryStore, str, Any], None]) -> None:
    """No update is lost between greenlets of one thread."""
    store = MemoryStore({"n": 0})
    waiting = suspended(lambda: act(store, "n", back))
    act(store, "n", lambda: None)
    finish(waiting)
    assert store.get("n") == 2


@ACTS
def test_a_greenlet_that_is_dropped_amid_its_run_has_changed_nothing(act: Callable[[MemoryStore, str, Any], None]) -> None:
    """Its run ends by GreenletExit, in whatever order; the store goes on as if it had never begun."""
    store = MemoryStore({"n": 0})
    kept = [suspended(lambda: act(store, "n", back)) for _ in range(3)]
    del kept[1]
    gc.collect()
    store.put("beside", 1)
    kept.clear()
    gc.collect()
    act(store, "n", lambda: None)
    assert store.snapshot() == {"n": 1, "beside": 1}


def test_a_transaction_that_is_overtaken_while_it_copies_a_value_runs_again() -> None:
    """A copy that switches away in the middle is not put together with a later read of something newer."""

    class Switching:
        def __deepcopy__(self, memo: object) -> "Switching":
            back()
            return self

    def read(tx: Transaction) -> Iterator[Any]:
        return iter([tx.get("pair"), tx.get("other")])

    store = MemoryStore({"pair": [1, Switching(), 1], "other": 1})
    seen: list[Any] = []
    waiting = suspended(lambda: seen.extend(store.transact(read)))
    store.put_many({"pair": [2, 2], "other": 2})
    finish(waiting)
    assert (seen[0], seen[1]) == ([2, 2], 2)
