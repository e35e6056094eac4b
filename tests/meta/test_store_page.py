"""docs/store.md says of each call of the store what its docstring says, and what a call that goes wrong really raises."""

import builtins
import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

import cano.errors
from cano.store import Key, MemoryStore, Transaction
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
STORE, TRANSACTION = PAGE.split("### The calls of a transaction")
NAMED = r"`(\w+(?:Error|Found|Mismatch|Conflict|Closed))`"

TEXT, LOG = Key("text", str), Key("text", list[int])


def rows(table: str) -> dict[str, set[str]]:
    """Give the errors of each row of a table of calls, by the first call that stands in it."""
    found = re.findall(r"^\| `(?:tx\.|copy\.)?(\w+)\(.*\|([^|]*)\|$", table, re.MULTILINE)
    return {name: set(re.findall(NAMED, raised)) for name, raised in found}


def calls(table: str) -> set[str]:
    """Name every call that stands in the first column of a table, operators by the method that they call."""
    first = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    names = {name for cell in first for name in re.findall(r"`(?:store\.|tx\.|copy\.|pickle\.)?(\w+)\(", cell)}
    return names | ({"in"} if any(" in " in cell for cell in first) else set())


def documented(of: object) -> set[str]:
    """Name the errors under ``Raises:`` in a docstring."""
    text = getattr(of, "__doc__", None) or ""
    named = re.findall(r"^ +((?:[A-Z]\w+, )*[A-Z]\w+): ", text.partition("Raises:")[2], re.MULTILINE)
    return {name for names in named for name in names.split(", ")}


def generator() -> Any:
    yield 1


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(2_000):
        value = [value]
    return value


class Busy(type):
    """A class whose check puts another value in the place of the one that it is asked about."""

    def __instancecheck__(cls, value: object) -> bool:
        STORES[-1].put("n", object())
        return True


class Other(metaclass=Busy):
    pass


STORES: list[MemoryStore] = []  # the store that ``Busy`` writes to


def past(tx: Transaction) -> None:
    """Read a key, then write it past the transaction."""
    tx.get("n")
    STORES[-1].put("n", object())
    tx.get("text")


# For each call one way to each of its errors, in a store with a number, a text, a value that cannot be copied and a deep one.
PROVOKED: dict[str, dict[str, Callable[[Any], object]]] = {
    "MemoryStore": {"TypeMismatch": lambda s: type(s)({TEXT: 1}), "TypeError": lambda s: type(s)([1])},
    "get": {
        "KeyNotFound": lambda s: s.get("none"),
        "TypeMismatch": lambda s: s.get("n", str),
        "CopyError": lambda s: s.get("generator"),
        "RecursionError": lambda s: s.get("deep"),
        "TypeError": lambda s: s.get("n", 3),
    },
    "get_shared": {
        "KeyNotFound": lambda s: s.get_shared("none"),
        "TypeMismatch": lambda s: s.get_shared("n", str),
        "TypeError": lambda s: s.get_shared("n", 3),
    },
    "put": {"TypeMismatch": lambda s: s.put(TEXT, 1)},
    "append": {"AppendTypeMismatch": lambda s: s.append("n", 1), "TypeMismatch": lambda s: s.append(LOG, "no number")},
    "remove": {},
    "pop": {
        "KeyNotFound": lambda s: s.pop("none"),
        "TypeMismatch": lambda s: s.pop("n", str),
        "CommitConflict": lambda s: s.pop("n", Other),
        "TypeError": lambda s: s.pop("n", 3),
    },
    "setdefault": {"TypeMismatch": lambda s: s.setdefault("n", "x", str), "TypeError": lambda s: s.setdefault("n", 1, 3)},
    "modify": {
        "KeyNotFound": lambda s: s.modify("none", str),
        "TypeMismatch": lambda s: s.modify("n", str, int),
        "CopyError": lambda s: s.modify("generator", str),
        "RecursionError": lambda s: s.modify("deep", str),
        "CommitConflict": lambda s: s.modify("n", lambda n: s.put("n", object())),
        "TypeError": lambda s: s.modify("n", lambda n: (yield)),
    },
    "put_many": {"TypeMismatch": lambda s: s.put_many({TEXT: 1}), "TypeError": lambda s: s.put_many({1: 1})},
    "transact": {"CommitConflict": lambda s: s.transact(past), "TypeError": lambda s: s.transact(lambda tx: (yield))},
    "contains_key": {},
    "keys": {},
    "snapshot": {},
    "len": {},
    "is_empty": {},
    "clear": {},
    "clone": {},
    "repr": {},
    "copy": {"TypeError": copy.copy},
    "deepcopy": {"TypeError": copy.deepcopy},
    "dumps": {"TypeError": pickle.dumps},
}
OF_TX: dict[str, dict[str, Callable[[Any], object]]] = {
    "get": PROVOKED["get"],
    "get_shared": PROVOKED["get_shared"],
    "get_many": {
        "TypeMismatch": lambda tx: tx.get_many([Key("n", str)]),
        "CopyError": lambda tx: tx.get_many(["generator"]),
        "RecursionError": lambda tx: tx.get_many(["deep"]),
        "TypeError": lambda tx: tx.get_many("n"),
    },
    "put": PROVOKED["put"],
    "append": PROVOKED["append"],
    "remove": {},
    "pop": {
        "KeyNotFound": lambda tx: tx.pop("none"),
        "TypeMismatch": lambda tx: tx.pop("n", str),
        "CopyError": lambda tx: tx.pop("generator"),
        "RecursionError": lambda tx: tx.pop("deep"),
        "TypeError": lambda tx: tx.pop("n", 3),
    },
    "contains_key": {},
    "repr": {},
    "copy": {"TypeError": copy.copy},
    "deepcopy": {"TypeError": copy.deepcopy},
    "dumps": {"TypeError": pickle.dumps},
}
KINDS = {"store": (MemoryStore, STORE, PROVOKED), "transaction": (Transaction, TRANSACTION, OF_TX)}
each_kind = pytest.mark.parametrize("kind", KINDS)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@each_kind
def test_every_public_method_has_its_row(kind: str) -> None:
    """The tables name each method, the operators and what is refused, and nothing that is not there."""
    cls, table, provoked = KINDS[kind]
    named = calls(table)
    assert public(cls) <= named
    assert named - public(cls) - {"MemoryStore", "iter", "bool", "repr", "in", "copy", "deepcopy", "dumps"} == set()
    assert public(cls) <= provoked.keys()


@each_kind
def test_a_row_names_the_errors_that_the_docstring_names(kind: str) -> None:
    """Whoever reads the page or calls ``help`` learns the same."""
    cls, table, _ = KINDS[kind]
    for name, raised in rows(table).items():
        if name in public(cls):
            assert documented(getattr(cls, name)) == raised, name


@each_kind
def test_a_row_names_the_errors_that_are_tried_below(kind: str) -> None:
    """No row promises an error that no call raises."""
    _, table, provoked = KINDS[kind]
    listed = rows(table)
    assert {name: set(provoked[name]) for name in listed} == listed


TRIED = [(kind, name, error) for kind in KINDS for name, ways in KINDS[kind][2].items() for error in ways]


@pytest.mark.parametrize(("kind", "name", "error"), TRIED)
def test_each_error_of_a_row_is_raised_and_changes_nothing(kind: str, name: str, error: str) -> None:
    """The very class that the row names comes out of the call, and the store holds what it held."""
    call = KINDS[kind][2][name][error]
    known = {"n": 1, "text": "a", "generator": generator(), "deep": deep()}
    store = MemoryStore(known)
    STORES[:] = [store]
    expected = getattr(cano.errors, error, None) or getattr(builtins, error)

    def step(tx: Transaction) -> None:
        with pytest.raises(expected) as caught:
            call(tx)
        assert type(caught.value) is expected

    if kind == "transaction":
        store.transact(step)
    else:
        with pytest.raises(expected) as caught:
            call(store)
        assert type(caught.value) is expected
    found = store.snapshot()
    assert found.keys() == known.keys()
    assert [key for key in known if found[key] is not known[key] and error != "CommitConflict"] == []


def test_what_every_call_can_raise_stands_once() -> None:
    """The list above the tables is that of the two classes' docstrings."""
    shared = STORE.partition("\n| call |")[0].partition("each call can raise:")[2]
    assert set(re.findall(r"^- " + NAMED, shared, re.MULTILINE)) == documented(MemoryStore)
    closed = re.findall(NAMED, TRANSACTION.partition("\n| call |")[0].partition("each call can raise")[2])
    assert set(closed) - {"StoreError"} == {"TypeError", "TransactionClosed"}
    assert documented(Transaction) == {"TypeError", "StoreError"}
    assert issubclass(cano.errors.TransactionClosed, cano.errors.StoreError)
