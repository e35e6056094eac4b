"""The four promises of ``append`` (store 8)."""

from collections import UserList, deque
from collections.abc import Callable, MutableSequence, Sequence
from typing import Any

import pytest

from cano.errors import AppendTypeMismatch, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.alone import alone
from tests.unit.store.hostile import Listed, Number


def address(store: MemoryStore, key: str) -> int:
    """Where the stored list lies; nobody holds it when this returns."""
    return id(store.get_shared(key))


def test_append_creates_a_list_of_one() -> None:
    """An absent key gets a new list with the item in it (ST-5); ``append`` returns nothing."""
    store = MemoryStore()
    assert store.append("log", "first") is None  # type: ignore[func-returns-value]
    store.append("log", "second")
    assert store.get_shared("log") == ["first", "second"]
    assert type(store.get_shared("log")) is list


@pytest.mark.parametrize("item", [None, [], [1, 2], (1,), "text", {}, ...], ids=repr)
def test_append_adds_the_item_itself(item: Any) -> None:
    """An item is added as one object, by reference, whatever it is: a list is not spread, None is an item."""
    store = MemoryStore()
    store.append("log", item)
    store.append("log", item)
    log = store.get_shared("log")
    assert len(log) == 2
    assert log[0] is log[1] is item


def test_an_owned_list_grows_in_place() -> None:
    """Promise 1: while nobody else holds the list it is the same object, so 100,000 appends copy nothing."""
    store = MemoryStore()
    store.append("log", 0)
    before = address(store, "log")
    for number in range(1, 100_000):
        store.append("log", number)
    assert address(store, "log") == before
    assert store.get_shared("log") == list(range(100_000))


def test_the_list_of_a_get_shared_is_a_stable_snapshot() -> None:
    """Promise 3 (ST-4, ST-8): a handle taken at any moment keeps its content while the store goes on."""
    store = MemoryStore()
    taken: list[list[int]] = []
    for number in range(50):
        store.append("log", number)
        taken.append(store.get_shared("log"))
    assert [len(each) for each in taken] == list(range(1, 51))
    assert all(each == list(range(len(each))) for each in taken)
    assert len(set(map(id, taken))) == 50


def test_a_list_that_was_put_stays_as_its_owner_knows_it() -> None:
    """Promise 3: a list that the caller put and still holds is not changed by ``append``."""
    mine = [1]
    store = MemoryStore()
    store.put("log", mine)
    store.append("log", 2)
    assert mine == [1]
    assert store.get("log") == [1, 2]
    mine.append(99)
    assert store.get("log") == [1, 2]


@pytest.mark.parametrize("holder", ["snapshot", "iterator", "tuple", "same list under two keys", "attribute", "another store"])
def test_whoever_holds_the_list_in_whatever_way_keeps_it_unchanged(holder: str) -> None:
    """Promise 3 holds for a list that is only reachable through something else."""
    store = MemoryStore({"log": [1]})
    keep: Any
    if holder == "snapshot":
        keep = store.snapshot()
    elif holder == "iterator":
        keep = iter(store.get_shared("log"))
    elif holder == "tuple":
        keep = (store.get_shared("log"),)
    elif holder == "same list under two keys":
        store.put("other", store.get_shared("log"))
        keep = None
    elif holder == "attribute":
        keep = type("Holder", (), {"log": store.get_shared("log")})
    else:
        keep = MemoryStore({"log": store.get_shared("log")})
    store.append("log", 2)
    store.append("log", 3)
    assert store.get("log") == [1, 2, 3]
    seen: dict[str, Callable[[], Any]] = {
        "snapshot": lambda: keep["log"],
        "iterator": lambda: list(keep),
        "tuple": lambda: keep[0],
        "same list under two keys": lambda: store.get("other"),
        "attribute": lambda: keep.log,
        "another store": lambda: keep.get("log"),
    }
    assert seen[holder]() == [1]


def test_a_list_is_copied_once_and_then_owned_again() -> None:
    """Promise 3: the copy for a holder is made at the first append after it, not at each."""
    store = MemoryStore()
    store.append("log", 0)
    held = store.get_shared("log")
    store.append("log", 1)
    owned = address(store, "log")
    assert owned != id(held)
    for number in range(2, 100):
        store.append("log", number)
        assert address(store, "log") == owned
    assert held == [0]


def test_a_reader_that_has_let_go_costs_nothing() -> None:
    """When the handle is gone before the next append, the list grows in place again."""
    store = MemoryStore({"log": [0]})
    before = address(store, "log")
    for number in range(1, 100):
        assert len(store.get_shared("log")) == number
        assert len(store.snapshot()["log"]) == number
        assert len(store.get("log")) == number
        store.append("log", number)
    assert address(store, "log") == before


def test_a_copy_from_get_does_not_count_as_a_holder() -> None:
    """``get`` hands out another list, so the store's own grows in place beside it."""
    store = MemoryStore()
    store.append("log", [0])
    before = address(store, "log")
    mine = store.get("log")
    store.append("log", [1])
    assert address(store, "log") == before
    assert mine == [[0]]


def test_items_are_not_copied_when_the_list_is() -> None:
    """The store's new list holds the same items as the one that somebody holds."""
    item = [1]
    store = MemoryStore({"log": [item]})
    held = store.get_shared("log")
    store.append("log", item)
    assert store.get_shared("log")[0] is store.get_shared("log")[1] is held[0] is item


def test_a_list_can_be_appended_to_itself() -> None:
    """Pitfall A3: the item is the old list as it was, not a cycle."""
    store = MemoryStore()
    store.append("l", 1)
    store.append("l", store.get_shared("l"))
    assert store.get("l") == [1, [1]]
    store.append("l", store.get_shared("l"))
    assert store.get("l") == [1, [1], [1, [1]]]


NO_LISTS: list[Any] = [
    None,
    1,
    "text",
    b"bytes",
    (1,),
    {1: 2},
    {1},
    bytearray(b"x"),
    deque([1]),
    range(3),
    Listed([1]),
    UserList([1]),
    list,
    [].append,
]


@pytest.mark.parametrize("value", NO_LISTS, ids=lambda value: f"{type(value).__name__}")
def test_only_an_exact_list_is_appended_to(value: Any) -> None:
    """Promise 4 (ST-6): anything else, a subclass of list too, is refused and stays the same, unchanged object."""
    store = MemoryStore({"key": value})
    before = repr(value)
    with pytest.raises(AppendTypeMismatch) as caught:
        store.append("key", 1)
    assert (caught.value.key, caught.value.found, caught.value.expected) == ("key", type(value), list)
    assert "key 'key'" in str(caught.value)
    assert type(value).__qualname__ in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert store.get_shared("key") is value
    assert repr(value) == before


def test_the_code_of_a_list_subclass_does_not_run() -> None:
    """Promise 4: a subclass is refused without asking it anything, also when the store is its only holder."""
    asked = []

    class Nosy(list[int]):
        def __getattribute__(self, name: str) -> Any:
            asked.append(name)
            return super().__getattribute__(name)

        def append(self, item: int) -> None:
            asked.append("append")

        def __iter__(self) -> Any:
            asked.append("iter")
            return super().__iter__()

    store = MemoryStore()
    store.put("key", Nosy([1]))
    with pytest.raises(AppendTypeMismatch, match="subclass of list"):
        store.append("key", 2)
    assert asked == []


def test_a_failed_append_keeps_no_reference_to_the_item() -> None:
    """An item that was refused dies with its caller."""
    died = []

    class Item:
        def __del__(self) -> None:
            died.append(1)

    store = MemoryStore({"key": "no list"})
    with pytest.raises(AppendTypeMismatch):
        store.append("key", Item())
    assert died == [1]


@pytest.mark.parametrize("form", [list, object, Sequence, MutableSequence, list | None, Any], ids=str)
def test_a_typed_key_whose_type_admits_a_list_can_be_appended_to(form: Any) -> None:
    """``append`` looks at whether the key's type admits a list, present or not."""
    store = MemoryStore()
    key: Any = Key("log", form)
    store.append(key, 1)
    store.append(key, 2)
    assert store.get(key) == [1, 2]


@pytest.mark.parametrize("form", [int, tuple, Listed, Number, dict | None, None], ids=str)
def test_a_typed_key_whose_type_admits_no_list_cannot_be_appended_to(form: Any) -> None:
    """A typed key that says "no list" is a ``TypeMismatch``, and nothing is created or changed."""
    store = MemoryStore()
    key: Any = Key("log", form)
    with pytest.raises(TypeMismatch) as caught:
        store.append(key, 1)
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("log", form, list)
    assert store.is_empty()
    store.put("log", [1])
    with pytest.raises(TypeMismatch):
        store.append(key, 1)
    assert store.get("log") == [1]


def test_a_typed_key_meets_what_a_plain_put_left_there() -> None:
    """What is no list is an ``AppendTypeMismatch`` under a typed key, too."""
    store = MemoryStore({"log": "text"})
    with pytest.raises(AppendTypeMismatch):
        store.append(Key("log", list), 1)


def test_appends_to_different_keys_do_not_meet() -> None:
    """Each key has its own list."""
    store = MemoryStore()
    for number in range(1000):
        store.append(f"log {number % 10}", number)
    assert [store.get(f"log {digit}") for digit in range(10)] == [list(range(digit, 1000, 10)) for digit in range(10)]


def test_an_append_while_the_collector_runs_loses_nothing() -> None:
    """Finalizers that append to the very list in the middle of its growth leave every item in it."""
    out = alone(
        """
import gc
store = MemoryStore()
made = 0
class Trash:
    def __init__(self): self.me = self
    def __del__(self):
        global made
        made += 1
        store.append("log", made)
        store.get_shared("log", list)
gc.set_threshold(3, 2, 2)
for number in range(20_000):
    Trash()
    store.append("log", -number)
    held = store.get_shared("log") if number % 100 == 0 else None
gc.collect()
log = store.get("log")
assert [each for each in log if each > 0] == list(range(1, made + 1)), "a finalizer's item is lost"
assert [-each for each in log if each <= 0] == list(range(20_000)), "an item is lost"
print(made)
""",
        seconds=60,
    )
    assert int(out) == 20_000
