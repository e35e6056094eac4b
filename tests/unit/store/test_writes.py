"""``put``, ``remove``, ``clear``, and the questions about what is there (store 3)."""

from typing import Any

import pytest

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Untouchable


def test_put_returns_nothing_and_replaces_whatever_was_there() -> None:
    """A key takes a value of any type after a value of any other type."""
    store = MemoryStore()
    for value in (1, "text", None, [1], {}, Untouchable(), int, store):
        assert store.put("key", value) is None  # type: ignore[func-returns-value]
        assert store.get_shared("key") is value
    assert store.len() == 1


def test_put_keeps_a_reference_and_copies_nothing() -> None:
    """What was put is the caller's own object, so that his later edits are seen."""
    value = [1]
    store = MemoryStore()
    store.put("key", value)
    value.append(2)
    assert store.get_shared("key") is value
    assert store.get("key") == [1, 2]


def test_put_of_the_object_that_is_there_already_changes_nothing() -> None:
    """A value survives being replaced by itself, also when the store is its only holder."""
    store = MemoryStore()
    store.put("key", [object()])
    for _ in range(3):
        store.put("key", store.get_shared("key"))
    assert len(store.get_shared("key")) == 1


def test_writes_touch_no_value() -> None:
    """No hook of a value runs when it is put, replaced, appended, taken in a snapshot, removed or cleared."""
    store = MemoryStore({"a": Untouchable()})
    store.put("a", Untouchable())
    store.put("a", Untouchable())
    store.append("list", Untouchable())
    store.append("list", Untouchable())
    assert store.contains_key("a")
    assert set(store.snapshot()) == {"a", "list"}
    store.remove("a")
    store.clear()
    assert store.is_empty()


def test_a_displaced_value_dies_at_once() -> None:
    """Nothing of the store keeps a value after it was replaced, removed or cleared."""
    died: list[str] = []

    class Mortal:
        def __init__(self, name: str) -> None:
            self.name = name

        def __del__(self) -> None:
            died.append(self.name)

    store = MemoryStore()
    for name in ("replaced", "removed"):
        store.put("key", Mortal(name))
    assert died == ["replaced"]
    store.remove("key")
    assert died == ["replaced", "removed"]
    store.put("key", Mortal("cleared"))
    store.append("list", Mortal("in a list"))
    store.clear()
    assert sorted(died[2:]) == ["cleared", "in a list"]


def test_a_finalizer_of_a_displaced_value_finds_the_store_changed_and_usable() -> None:
    """The write is done when the old value dies, so its finalizer sees the new one and may write, too."""
    store = MemoryStore()
    seen: list[Any] = []

    class Nosy:
        def __del__(self) -> None:
            seen.append(store.get_shared("key", default="nothing"))
            store.put("from finalizer", len(seen))

    store.put("key", Nosy())
    store.put("key", 2)
    store.put("key", Nosy())
    store.remove("key")
    store.put("key", Nosy())
    store.clear()
    assert seen == [2, "nothing", "nothing"]
    assert store.snapshot() == {"from finalizer": 3}


def test_removing_a_missing_key_is_silent() -> None:
    """``remove`` returns None whether the key was there or not, and leaves the others."""
    store = MemoryStore({"a": 1, "b": 2})
    assert store.remove("a") is None  # type: ignore[func-returns-value]
    assert store.remove("a") is None  # type: ignore[func-returns-value]
    store.remove(Key("never", int))
    assert store.snapshot() == {"b": 2}


def test_a_removed_key_can_be_put_again() -> None:
    """Nothing of a removed value comes back."""
    store = MemoryStore({"log": [1]})
    store.remove("log")
    store.append("log", 2)
    assert store.get("log") == [2]


def test_clear_empties_the_store_for_every_handle() -> None:
    """``clear`` removes all keys at once, and the store goes on working, for old handles too."""
    store = MemoryStore({str(number): number for number in range(1000)})
    other = store.clone()
    assert store.clear() is None  # type: ignore[func-returns-value]
    assert (len(other), other.keys(), other.snapshot(), other.is_empty()) == (0, [], {}, True)
    store.clear()
    other.put("again", 1)
    assert store.snapshot() == {"again": 1}


@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_every_way_to_ask_for_the_size_gives_the_same_answer(size: int) -> None:
    """``len()``, ``.len()``, ``is_empty()``, truth, ``keys()``, ``iter()`` and ``snapshot()`` agree."""
    store = MemoryStore({str(number): number for number in range(size)})
    assert len(store) == store.len() == len(store.keys()) == len(list(store)) == len(store.snapshot()) == size
    assert store.is_empty() is (size == 0)
    assert bool(store) is (size > 0)
    assert repr(store) == f"<MemoryStore: {size} {'key' if size == 1 else 'keys'}>"


def test_contains_key_answers_by_key_alone() -> None:
    """``contains_key`` and ``in`` are True for a key with any value, None too, and False for a value."""
    store = MemoryStore({"a": None, "b": 0})
    assert store.contains_key("a") is True
    assert store.contains_key("c") is False
    assert "a" in store
    assert "b" in store
    assert "A" not in store
    assert "" not in store
    assert Key("a", int) in store


def test_keys_are_a_list_of_one_moment() -> None:
    """``keys()`` is a new list each time: later writes do not reach it, and editing it does not reach the store."""
    store = MemoryStore({"a": 1, "b": 2})
    keys = store.keys()
    store.put("c", 3)
    assert type(keys) is list
    assert sorted(keys) == ["a", "b"]
    keys.clear()
    assert sorted(store.keys()) == ["a", "b", "c"]


def test_the_store_can_be_changed_while_it_is_iterated() -> None:
    """``iter(store)`` walks the keys of the moment when it was made, whatever is written meanwhile."""
    store = MemoryStore({str(number): number for number in range(100)})
    seen = []
    for key in store:
        seen.append(key)
        store.remove(key)
        store.put("new " + key, 0)
    assert sorted(seen) == sorted(map(str, range(100)))
    assert len(store) == 100
    for _ in store:
        store.clear()
    assert store.is_empty()


def test_a_snapshot_is_a_dict_of_the_stored_objects() -> None:
    """``snapshot()`` holds the objects themselves in a dict of the caller's own."""
    value = [1]
    store = MemoryStore({"a": value, "b": 2})
    taken = store.snapshot()
    assert type(taken) is dict
    assert taken == {"a": value, "b": 2}
    assert taken["a"] is value
    store.put("a", "other")
    taken["c"] = 3
    assert taken["a"] is value
    assert store.snapshot() == {"a": "other", "b": 2}


def test_put_under_a_typed_key_refuses_another_type_and_changes_nothing() -> None:
    """A ``TypeMismatch`` of ``put`` leaves the old value, or the absence, as it was."""
    store = MemoryStore()
    count: Any = Key("count", int)
    with pytest.raises(TypeMismatch):
        store.put(count, "three")
    assert store.is_empty()
    store.put(count, 3)
    with pytest.raises(TypeMismatch) as caught:
        store.put(count, 3.0)
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("count", int, float)
    assert store.get(count) == 3


def test_a_plain_put_may_break_what_a_typed_key_promises_and_the_read_says_so() -> None:
    """Typed and plain keys are one slot: a plain ``put`` is not checked, and the typed read is."""
    store = MemoryStore()
    store.put("count", "three")
    with pytest.raises(TypeMismatch):
        store.get(Key("count", int))
    assert store.get("count") == "three"
