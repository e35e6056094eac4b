"""The checker itself, on histories written by hand: what no single thread could have made is found, and nothing else (store 15)."""

from collections.abc import Callable
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.linearizability.checker import Event, State, conflicts, linearized
from tests.linearizability.histories import step
from tests.linearizability.operations import CELLS, KEYS, Operation, swap
from tests.linearizability.reference import ABSENT, state_of

ZERO, ONE, TWO = CELLS
Call = tuple[int, int, int, Callable[[Any], object], Any]  # thread, called, returned, what, its result
START = {"x": ZERO, "y": ZERO}


def put(key: str, value: Any) -> Callable[[Any], object]:
    return lambda store: store.put(key, value)


def get(key: str) -> Callable[[Any], object]:
    return lambda store: store.get(key, default=None)


def advance(key: str) -> Callable[[Any], object]:
    return lambda store: store.modify(key, advanced)


def advanced(cell: Any) -> Any:
    return cell.next()


def put_both(value: Any) -> Callable[[Any], object]:
    return lambda store: store.put_many({"x": value, "y": value})


def both(store: Any) -> object:
    return store.transact(lambda tx: (tx.get("x", default=None), tx.get("y", default=None)))


def explained(*calls: Call, start: dict[str, Any] = START) -> list[tuple[Event, State]] | None:
    events = [
        Event(who, Operation(f"call {at}", act), called, returned, result)
        for at, (who, called, returned, act, result) in enumerate(calls)
    ]
    return linearized(events, state_of(start, KEYS), step)


POSSIBLE: dict[str, list[Call]] = {
    "nothing": [],
    "one after the other": [(0, 0, 1, put("x", ONE), None), (1, 2, 3, get("x"), ONE)],
    "a read beside a write sees it": [(0, 0, 3, put("x", ONE), None), (1, 1, 2, get("x"), ONE)],
    "or does not": [(0, 0, 3, put("x", ONE), None), (1, 1, 2, get("x"), ZERO)],
    "updates beside each other": [(0, 0, 3, advance("x"), TWO), (1, 1, 2, advance("x"), ONE), (0, 4, 5, get("x"), TWO)],
    "a value that went and came back": [
        (0, 0, 9, advance("x"), ONE),  # it looked at c0, which is there again when it commits
        (1, 1, 2, put("x", TWO), None),
        (1, 3, 4, put("x", ZERO), None),
        (1, 10, 11, get("x"), ONE),
    ],
    "an update before all of that": [(0, 0, 9, advance("x"), ONE), (1, 1, 2, put("x", ZERO), None), (1, 10, 11, get("x"), ZERO)],
    "put_many as a whole": [(0, 0, 9, put_both(ONE), None), (1, 1, 2, both, (ZERO, ZERO)), (1, 3, 4, both, (ONE, ONE))],
    "an order that only the last read tells": [
        (0, 0, 5, put("x", ONE), None),
        (1, 0, 5, put("x", TWO), None),
        (2, 0, 5, put("x", ZERO), None),
        (2, 6, 7, get("x"), TWO),
    ],
    "steps back are needed": [
        (0, 0, 9, put("x", ONE), None),
        (1, 1, 8, put("x", ONE), None),
        (2, 2, 3, get("x"), ONE),
        (2, 4, 5, get("x"), ONE),
        (2, 10, 11, get("x"), ONE),
    ],
}
IMPOSSIBLE: dict[str, list[Call]] = {
    "a lost update": [(0, 0, 3, advance("x"), ONE), (1, 1, 2, advance("x"), ONE)],
    "an update lost at the end": [(0, 0, 3, advance("x"), ONE), (1, 1, 2, advance("x"), TWO), (0, 4, 5, get("x"), ONE)],
    "a stale read": [(0, 0, 1, put("x", ONE), None), (1, 2, 3, get("x"), ZERO)],
    "a read that goes back": [(0, 0, 9, put("x", ONE), None), (1, 1, 2, get("x"), ONE), (1, 3, 4, get("x"), ZERO)],
    "two readers who disagree about the order": [
        (0, 0, 9, put("x", ONE), None),
        (1, 0, 9, put("x", TWO), None),
        (2, 1, 2, get("x"), ONE),
        (2, 3, 4, get("x"), TWO),
        (3, 1, 2, get("x"), TWO),
        (3, 3, 4, get("x"), ONE),
    ],
    "a torn put_many": [(0, 0, 9, put_both(ONE), None), (1, 1, 2, get("x"), ONE), (1, 3, 4, get("y"), ZERO)],
    "read skew within a transaction": [(0, 0, 9, put_both(ONE), None), (1, 1, 2, both, (ZERO, ONE))],
    "write skew": [
        (0, 0, 9, lambda store: store.transact(lambda tx: tx.put("x", tx.get("y").next())), None),
        (1, 0, 9, lambda store: store.transact(lambda tx: tx.put("y", tx.get("x").next())), None),
        (0, 10, 11, both, (ONE, ONE)),
    ],
    "a swap that doubles": [
        (0, 0, 9, put("x", ONE), None),
        (1, 1, 8, lambda store: store.transact(lambda tx: swap("x", "y", tx)), (ZERO, ZERO)),
        (0, 10, 11, both, (ONE, ONE)),
    ],
    "one value popped twice": [
        (0, 0, 9, lambda store: store.pop("x"), ZERO),
        (1, 0, 9, lambda store: store.pop("x"), ZERO),
    ],
    "a value out of nowhere": [(0, 0, 1, put("x", ONE), None), (1, 0, 1, get("x"), TWO)],
    "an error without a reason": [(0, 0, 1, lambda store: store.get("x"), ("KeyNotFound", "x"))],
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_a_history_that_one_thread_could_have_made_is_explained(name: str) -> None:
    """Calls that overlap may have happened in any order, and one that fits is returned."""
    order = explained(*POSSIBLE[name])
    assert order is not None
    assert len(order) == len(POSSIBLE[name])


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_history_that_no_thread_could_have_made_is_found(name: str) -> None:
    """Where no order gives what the calls returned, there is no explanation."""
    assert explained(*IMPOSSIBLE[name]) is None


def test_conflicts_are_changes_of_one_key_that_overlap() -> None:
    """A read, a write of another key, one that changes nothing and one that came later are none."""
    start = state_of(START, KEYS)
    for calls, expected in (
        ([(0, 0, 3, put("x", ONE), None), (1, 1, 2, put("x", TWO), None)], 1),
        ([(0, 0, 3, put("x", ONE), None), (1, 1, 2, put("y", TWO), None)], 0),
        ([(0, 0, 3, put("x", ONE), None), (1, 1, 2, get("x"), ONE)], 0),
        ([(0, 0, 1, put("x", ONE), None), (1, 2, 3, put("x", TWO), None)], 0),
        ([(0, 0, 3, put("x", ZERO), None), (1, 1, 2, put("x", ZERO), None)], 0),
    ):
        order = explained(*calls)
        assert order is not None
        assert conflicts(order, start) == expected


def test_the_reference_and_the_store_agree_where_nothing_comes_in_between() -> None:
    """A state is told by what is under each key, absence included."""
    assert state_of(MemoryStore(START).snapshot(), KEYS) == (ZERO, ZERO, ABSENT)
