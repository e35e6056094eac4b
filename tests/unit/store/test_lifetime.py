"""How stores and values die: by count, by the collector, and in very long chains."""

import gc
import weakref
from typing import Any

import pytest

from cano.store import Key, MemoryStore
from tests.unit.store.alone import alone


class Node:
    link: Any = None


def gone(seen: list[weakref.ref[Any]]) -> bool:
    gc.collect()
    return all(each() is None for each in seen)


def test_a_store_in_itself_is_collected() -> None:
    """A handle under a key of its own store is garbage when nobody else holds it."""
    store = MemoryStore()
    store.put("me", store)
    store.put("again", store.clone())
    store.put("listed", [store, {"me": store}])
    node = Node()
    store.put("node", node)
    node.link = store
    seen: list[weakref.ref[Any]] = [weakref.ref(store), weakref.ref(node)]
    del store, node
    assert gone(seen)


def test_a_cycle_through_two_stores_and_an_appended_list_is_collected() -> None:
    """Stores that hold each other go, and so does what lies in their lists."""
    one, other = MemoryStore(), MemoryStore()
    node = Node()
    one.append("log", other)
    one.append("log", node)
    other.put("back", (one.clone(),))
    seen: list[weakref.ref[Any]] = [weakref.ref(one), weakref.ref(other), weakref.ref(node)]
    del one, other, node
    assert gone(seen)


def test_a_cycle_is_not_collected_while_any_handle_lives() -> None:
    """One handle outside keeps all data."""
    store = MemoryStore()
    node = Node()
    node.link = store
    store.put("node", node)
    outside = store.clone()
    seen = weakref.ref(node)
    del store, node
    gc.collect()
    assert seen() is outside.get_shared("node")
    outside.clear()
    gc.collect()
    assert seen() is None


@pytest.mark.usefixtures("mortal_classes")
def test_a_cycle_through_a_subclass_and_its_class_is_collected() -> None:
    """A class that holds a store of itself, or a key of itself, is garbage, too."""

    class Own(MemoryStore):
        pass

    class Named:
        pass

    store = Own()
    store.me = store  # type: ignore[attr-defined]
    Own.default = store  # type: ignore[attr-defined]
    Named.KEY = Key("named", Named)  # type: ignore[attr-defined]
    store.put("named", Named())
    seen: list[weakref.ref[Any]] = [weakref.ref(store), weakref.ref(Own), weakref.ref(Named)]
    del store, Own, Named
    assert gone(seen)


def test_a_finalizer_in_a_garbage_cycle_can_still_use_the_store() -> None:
    """``__del__`` of a value in a collected cycle finds all data in place."""
    seen = []

    class Last:
        def __init__(self, store: MemoryStore) -> None:
            self.store = store

        def __del__(self) -> None:
            self.store.append("log", "last")
            seen.append((self.store.get("log"), self.store.len()))

    store = MemoryStore({"data": [1]})
    store.put("last", Last(store))
    del store
    gc.collect()
    assert seen == [(["last"], 3)]


def test_the_collector_sees_what_a_store_holds() -> None:
    """Every value is reachable by ``gc.get_referents`` from a handle, so that nothing in use is taken for garbage."""
    store = MemoryStore()
    value = [1]
    store.put("key", value)
    found: list[Any] = [store]
    for each in found:
        if each is value:
            break
        if len(found) < 100:
            found.extend(
                part for part in gc.get_referents(each) if not isinstance(part, type) and all(part is not known for known in found)
            )
    assert any(each is value for each in found)


CHAINS = {
    "stores": "store = MemoryStore({'k': store})",
    "handles": "store = MemoryStore({'k': store.clone()})",
    "a subclass": "store = Sub({'k': store})",
    "stores in tuples in dicts in lists": "store = MemoryStore({'k': [({'k': store},)]})",
    "stores in appended lists": "new = MemoryStore(); new.append('log', store); store = new",
    "stores in objects": "new = MemoryStore({'k': Sub()}); new.get_shared('k').link = store; store = new",
}


ENDS = {
    "del store": "del store",
    "clear": "store.clear()",
    "remove": "store.remove('k'); store.remove('log')",
    "put": "store.put('k', 1); store.put('log', 1)",
    "collect": "store.me = store; del store; gc.collect()",
}


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_of_100_000_stores_dies_without_a_crash(chain: str) -> None:
    """A chain dies by count or by the collector, in every way to end it, without using up the C stack."""
    lines = ["import gc", "class Sub(MemoryStore): pass"]
    for end in ENDS.values():
        lines += [
            "store = MemoryStore()",
            "for _ in range(100_000):",
            f"    {CHAINS[chain]}",
            "first = store",
            "store = Sub({'k': first, 'log': [first]})",
            "first = new = None",
            end,
        ]
    alone("\n".join(lines), seconds=60)


@pytest.mark.parametrize("kind", ["[deep]", "(deep,)", "{'k': deep}", "Node(deep)", "frozenset([deep])"])
def test_a_value_nested_100_000_deep_dies_without_a_crash(kind: str) -> None:
    """Removing, clearing, replacing and dropping a very deep value is an ordinary operation (pitfall C4)."""
    lines = ["import gc", "class Node:", "    def __init__(self, link): self.link = link"]
    for end in (
        "store.clear()",
        "store.remove('k')",
        "store.put('k', 1)",
        "held = store.get_shared('k'); del store; del held",
        "store.me = store; del store; gc.collect()",
    ):
        lines += [
            f"deep = {'()' if kind.startswith('frozenset') else '[]'}",
            "for _ in range(100_000):",
            f"    deep = {kind}",
            "store = type('Sub', (MemoryStore,), {})({'k': deep})",
            "del deep",
            end,
        ]
    alone("\n".join(lines), seconds=60)


def test_a_handle_that_the_collector_is_taking_apart_does_not_crash() -> None:
    """A weakref callback that reaches a half-collected handle gets an answer or an error, never a crash.

    The weak references are made by a finalizer, so the collector has not cleared them when it breaks the cycle.
    """
    alone(
        """
import gc, weakref
gc.disable()
late = []
class Value: pass
def called(_):
    store = late[0]()
    if store is not None:
        try:
            late.append(store.len())
            store.put("x", 1); store.append("y", 1); store.keys(); store.clear(); store.clone().get("x", default=1)
        except Exception as error:
            late.append(error)
class Early:
    def __del__(self):
        late.append(weakref.ref(self.store))
        late.extend(weakref.ref(value, called) for value in self.values)
store = MemoryStore()
early = Early()
early.values = [Value(), Value()]
early.store = store
store.put("one", early.values[0])
store.put("two", early.values[1])
store.put("early", early)
early.cycle = [store]
early.cycle.append(early.cycle)
del store, early
gc.collect()
assert len(late) > 3, "no callback ran"
"""
    )


def test_a_store_that_lives_until_the_interpreter_ends_does_no_harm() -> None:
    """Finalizers that use a global store while the interpreter goes down neither crash nor hang."""
    alone(
        """
class Last:
    def __del__(self):
        store.append("log", 1)
        store.get("log", list)
        store.put("last", store)
store = MemoryStore()
store.put("last", Last())
store.put("me", store)
keep = [Last(), store.clone()]
keep.append(keep)
"""
    )
