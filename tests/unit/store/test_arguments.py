"""Too few, too many and misnamed arguments: each is a ``TypeError`` and changes nothing (pitfall A3) (store 1 and 2)."""

from collections.abc import Callable
from typing import Any

import pytest

from cano.errors import KeyNotFound
from cano.store import MemoryStore

WRONG: dict[str, Callable[[Any], object]] = {
    "get()": lambda store: store.get(),
    "get(k, T, d)": lambda store: store.get("a", int, 0),
    "get(key=)": lambda store: store.get(key="a"),
    "get(k, form=)": lambda store: store.get("a", form=int),
    "get(k, type=)": lambda store: store.get("a", type=int),
    "get(k, Default=)": lambda store: store.get("a", Default=1),
    "get(k, default twice)": lambda store: store.get("a", int, 0, default=1),
    "get_shared()": lambda store: store.get_shared(),
    "get_shared(k, T, d)": lambda store: store.get_shared("a", int, 0),
    "get_shared(key=)": lambda store: store.get_shared(key="a"),
    "get_shared(k, form=)": lambda store: store.get_shared("a", form=int),
    "put()": lambda store: store.put(),
    "put(k)": lambda store: store.put("a"),
    "put(k, v, x)": lambda store: store.put("a", 2, 3),
    "put(k, value=)": lambda store: store.put("a", value=2),
    "put(**)": lambda store: store.put(a=2),
    "append()": lambda store: store.append(),
    "append(k)": lambda store: store.append("l"),
    "append(k, a, b)": lambda store: store.append("l", 1, 2),
    "append(k, item=)": lambda store: store.append("l", item=2),
    "remove()": lambda store: store.remove(),
    "remove(k, d)": lambda store: store.remove("a", None),
    "remove(key=)": lambda store: store.remove(key="a"),
    "contains_key()": lambda store: store.contains_key(),
    "contains_key(a, b)": lambda store: store.contains_key("a", "b"),
    "keys(x)": lambda store: store.keys("a"),
    "len(x)": lambda store: store.len(1),
    "is_empty(x)": lambda store: store.is_empty(1),
    "clear(x)": lambda store: store.clear("a"),
    "clear(key=)": lambda store: store.clear(key="a"),
    "clone(x)": lambda store: store.clone(1),
    "snapshot(x)": lambda store: store.snapshot(1),
    "pop()": lambda store: store.pop(),
    "pop(k, T, d)": lambda store: store.pop("a", int, 1),
    "pop(key=)": lambda store: store.pop(key="a"),
    "pop(k, form=)": lambda store: store.pop("a", form=int),
    "pop(k, None)": lambda store: store.pop("a", None),
    "setdefault(k)": lambda store: store.setdefault("a"),
    "setdefault(k, v, T, x)": lambda store: store.setdefault("a", 1, int, 2),
    "setdefault(k, default=)": lambda store: store.setdefault("a", default=1),
    "modify(k)": lambda store: store.modify("a"),
    "modify(k, f, T, d)": lambda store: store.modify("a", str, int, 1),
    "modify(k, fn=)": lambda store: store.modify("a", fn=str),
    "modify(f, k)": lambda store: store.modify(str, "a"),
    "put_many()": lambda store: store.put_many(),
    "put_many(m, m)": lambda store: store.put_many({"a": 2}, {"b": 3}),
    "put_many(**)": lambda store: store.put_many(a=2),
    "put_many(mapping=)": lambda store: store.put_many(mapping={"a": 2}),
    "transact()": lambda store: store.transact(),
    "transact(f, x)": lambda store: store.transact(lambda tx: tx.put("a", 2), 1),
    "transact(fn=)": lambda store: store.transact(fn=lambda tx: tx.put("a", 2)),
    "transact(f of nothing)": lambda store: store.transact(lambda: 1),
    "transact(f of two)": lambda store: store.transact(lambda tx, other: tx.put("a", 2)),
    "pop unbound": lambda store: MemoryStore.pop({"a": 1}, "a"),  # type: ignore[call-overload]
    "transact unbound on None": lambda store: MemoryStore.transact(None, lambda tx: 1),  # type: ignore[arg-type]
    "put_many unbound": lambda store: MemoryStore.put_many({"a": 1}),  # type: ignore[call-arg, arg-type]
    "put unbound": lambda store: MemoryStore.put("a", 1),  # type: ignore[call-overload]
    "get unbound on a dict": lambda store: MemoryStore.get({"a": 1}, "a"),  # type: ignore[call-overload]
    "len unbound on None": lambda store: MemoryStore.len(None),  # type: ignore[arg-type]
    "clear unbound on None": lambda store: MemoryStore.clear(None),  # type: ignore[arg-type]
    "contains unbound on None": lambda store: MemoryStore.__contains__(None, "a"),  # type: ignore[arg-type]
    "store[k]": lambda store: store["a"],
    "store[k] = v": lambda store: store.__setitem__("a", 1),
    "MemoryStore(a, b)": lambda store: MemoryStore({}, {}),  # type: ignore[call-arg]
    "MemoryStore(mapping=)": lambda store: MemoryStore(mapping={}),  # type: ignore[call-arg]
    "MemoryStore(**)": lambda store: MemoryStore(a=1),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_is_refused_and_changes_nothing(call: str) -> None:
    """Arity, positional defaults, named positionals and foreign receivers are ``TypeError`` (or a missing method)."""
    store = MemoryStore({"a": 1, "l": [1]})
    with pytest.raises((TypeError, AttributeError)):
        WRONG[call](store)
    assert store.snapshot() == {"a": 1, "l": [1]}


def test_a_store_made_without_init_is_an_empty_store() -> None:
    """``MemoryStore.__new__`` alone gives a store that works (pitfall A3)."""
    store = MemoryStore.__new__(MemoryStore)
    with pytest.raises(KeyNotFound):
        store.get("x")
    store.append("x", 1)
    assert store.get("x") == [1]


def test_a_store_has_no_attributes_of_its_own() -> None:
    """A mistyped attribute is an error; a method cannot be replaced on a store or on the class."""
    store: Any = MemoryStore()
    with pytest.raises(AttributeError):
        store.count = 1
    with pytest.raises(AttributeError):
        store.get = None
    with pytest.raises(TypeError):
        MemoryStore.get = None  # type: ignore[assignment, method-assign]
