"""The operations of which histories are made, with values and functions that pause, so that others come in between.

Each is a function of a store. It is called with the real one, and with the sequential reference, where nothing pauses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from tests.linearizability.crew import Refusal, pause

KEYS = ("x", "y", "z")


class Cell:
    """One of very few values, each a single object: that a value goes and comes back is the normal case."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __deepcopy__(self, memo: object) -> "Cell":
        pause()
        return self

    def __repr__(self) -> str:
        return f"c{self.number}"

    def next(self) -> "Cell":
        return CELLS[(self.number + 1) % len(CELLS)]


CELLS = [Cell(number) for number in range(3)]
LIST = [CELLS[0]]  # put again and again, and always held by us: no operation may ever change it


class Mortal:
    """A value that is made for one put, and pauses when it dies: after the operation that let go of it has let go of the lock.

    The records hold its name in its place, so that it does not die somewhere else.
    """

    frozen_as = "mortal"

    def __deepcopy__(self, memo: object) -> "Mortal":
        pause()
        return Mortal()

    def __del__(self) -> None:
        pause()


class Asked(type):
    def __instancecheck__(cls, instance: object) -> bool:
        pause()
        return type(instance) is Cell


class AnyCell(metaclass=Asked):
    """A form that pauses while it is asked about a value."""


class Slow(Mapping[str, Any]):
    """A mapping that pauses while it is read."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.items_ = items

    def __getitem__(self, key: str) -> Any:
        pause()
        return self.items_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


def advanced(value: Any) -> Any:
    """What a function of ``modify`` makes of a value: the next cell, or a list with one more."""
    pause()
    if isinstance(value, list):
        value.append(CELLS[1])
        pause()
        return value
    return value.next() if isinstance(value, Cell) else CELLS[0]


def refused(value: Any) -> Any:
    pause()
    raise Refusal


# Functions for ``transact``, of two keys.


def swap(one: str, other: str, tx: Any) -> object:
    mine, theirs = tx.get_shared(one, default=None), tx.get(other, default=None)
    pause()
    for key, value in ((one, theirs), (other, mine)):
        if value is None:
            tx.remove(key)
        else:
            tx.put(key, value)
    return mine, theirs


def transfer(one: str, other: str, tx: Any) -> object:
    taken = tx.get(one, AnyCell)
    tx.put(one, taken.next())
    pause()
    given = tx.get(other, AnyCell, default=CELLS[0])
    tx.put(other, given.next())
    return taken, given, tx.get(one)


def look(one: str, other: str, tx: Any) -> object:
    first = tx.get_shared(one, default=None)
    first = tuple(first) if isinstance(first, list) else first
    pause()
    second = tx.contains_key(other)
    pause()
    return first, second, tx.get(one, default=None), tx.get(other, default=None)


def look_at_many(one: str, other: str, tx: Any) -> object:
    there = tx.contains_key(one)
    pause()
    return there, tx.get_many([one, other, "z"])


def toggle(one: str, other: str, tx: Any) -> object:
    there = tx.contains_key(one)
    pause()
    if there:
        tx.remove(one)
        tx.put(other, CELLS[2])
    else:
        tx.put(one, CELLS[1])
        tx.remove(other)
    return there


def log(one: str, other: str, tx: Any) -> object:
    tx.append(one, CELLS[0])
    pause()
    tx.append(one, CELLS[2])
    return tx.get(one), tx.contains_key(other)


def move(one: str, other: str, tx: Any) -> object:
    taken = tx.pop(one)
    pause()
    tx.put(other, taken)
    return tx.contains_key(one), tx.get(other)


def give_up(one: str, other: str, tx: Any) -> object:
    tx.put(one, CELLS[2])
    tx.remove(other)
    pause()
    raise Refusal


def blind(one: str, other: str, tx: Any) -> object:
    tx.put(one, CELLS[1])
    pause()
    tx.put(other, CELLS[1])
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    name: str
    act: Callable[[Any], object]

    def __repr__(self) -> str:
        return self.name


def of_one_key(key: str) -> dict[str, Callable[[Any], object]]:
    return {
        f"get({key})": lambda store: store.get(key),
        f"get({key}, AnyCell)": lambda store: store.get(key, AnyCell),
        f"get({key}, default)": lambda store: store.get(key, default=None),
        f"get_shared({key})": lambda store: store.get_shared(key),
        f"get_shared({key}, AnyCell)": lambda store: store.get_shared(key, AnyCell, default=None),
        f"put({key}, c0)": lambda store: store.put(key, CELLS[0]),
        f"put({key}, c1)": lambda store: store.put(key, CELLS[1]),
        f"put({key}, list)": lambda store: store.put(key, LIST),
        f"put({key}, mortal)": lambda store: store.put(key, Mortal()),
        f"append({key}, c0)": lambda store: store.append(key, CELLS[0]),
        f"append({key}, c1)": lambda store: store.append(key, CELLS[1]),
        f"remove({key})": lambda store: store.remove(key),
        f"contains_key({key})": lambda store: store.contains_key(key),
        f"pop({key})": lambda store: store.pop(key),
        f"pop({key}, AnyCell)": lambda store: store.pop(key, AnyCell, default=None),
        f"setdefault({key}, c2)": lambda store: store.setdefault(key, CELLS[2]),
        f"setdefault({key}, c0, AnyCell)": lambda store: store.setdefault(key, CELLS[0], AnyCell),
        f"setdefault({key}, list, AnyCell)": lambda store: store.setdefault(key, LIST, AnyCell),
        f"modify({key})": lambda store: store.modify(key, advanced),
        f"modify({key}, AnyCell)": lambda store: store.modify(key, advanced, AnyCell),
        f"modify({key}, default)": lambda store: store.modify(key, advanced, default=CELLS[2]),
        f"modify({key}, default list)": lambda store: store.modify(key, advanced, default=LIST),
        f"modify({key}, refused)": lambda store: store.modify(key, refused),
    }


def of_two_keys(one: str, other: str) -> dict[str, Callable[[Any], object]]:
    bodies = (swap, transfer, look, look_at_many, toggle, log, move, give_up, blind)
    return {
        f"put_many({one}, {other}: c2)": lambda store: store.put_many({one: CELLS[2], other: CELLS[2]}),
        f"put_many({one}: list, {other}: c0)": lambda store: store.put_many(Slow({one: LIST, other: CELLS[0]})),
    } | {
        f"transact({body.__name__} {one} {other})": lambda store, body=body: store.transact(lambda tx: body(one, other, tx))
        for body in bodies
    }


OF_ALL: dict[str, Callable[[Any], object]] = {
    "keys()": lambda store: set(store.keys()),
    "len()": len,
    "snapshot()": lambda store: store.snapshot(),
    "clear()": lambda store: store.clear(),
}


def catalogue() -> list[list[Operation]]:
    """The operations in groups, of which each is drawn from equally often."""
    reads: list[Operation] = []
    writes: list[Operation] = []
    runs: list[Operation] = []
    many: list[Operation] = []
    for key in KEYS[:2]:
        for name, act in of_one_key(key).items():
            group = runs if name.startswith("modify") else reads if name.startswith(("get", "contains")) else writes
            group.append(Operation(name, act))
    for one, other in product(KEYS, KEYS):
        if one != other:
            many += [Operation(name, act) for name, act in of_two_keys(one, other).items()]
    others = [Operation(name, act) for name, act in OF_ALL.items()]
    return [reads, writes, writes, runs, runs, many, many, many, others]


GROUPS = catalogue()
STARTS: list[dict[str, Any]] = [
    {},
    {"x": CELLS[0]},
    {"x": CELLS[0], "y": CELLS[0]},
    {"x": LIST, "y": CELLS[1]},
    {"y": LIST, "z": LIST},
]


def programs(choice: Random, threads: int) -> list[list[Operation]]:
    """Draw what each thread does."""
    return [[choice.choice(choice.choice(GROUPS)) for _ in range(choice.randint(3, 5))] for _ in range(threads)]
