"""``get``, ``get_shared`` and their ``default`` (store 5 and store 7)."""

import copy
import math
from typing import Any

import pytest

from cano.errors import KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Touched, Untouchable, touch

READS = ["get", "get_shared"]
FALSY: list[Any] = [
    None,
    0,
    False,
    "",
    b"",
    0.0,
    math.nan,
    (),
    [],
    {},
    set(),
    NotImplemented,
    ...,
    TypeError,
    TypeError("an error"),
]
PLAIN: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**70,
    0.0,
    -0.0,
    math.inf,
    1j,
    "",
    "text",
    "\ud800",
    b"",
    b"bytes",
    ...,
    NotImplemented,
    int,
    len,
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_an_immutable_value_comes_back_as_it_is(read: str, value: Any) -> None:
    """Both reads return the very object that was put, if nobody could change it."""
    store = MemoryStore()
    store.put("key", value)
    assert getattr(store, read)("key") is value
    assert getattr(store, read)("key", type(value)) is value


def test_a_read_does_not_take_the_value_out() -> None:
    """What was read can be read again, by either read, in any order."""
    store = MemoryStore({"key": [1]})
    assert [store.get("key"), store.get_shared("key"), store.get("key", list), store.get_shared("key", list)] == [[1]] * 4


def test_get_shared_returns_the_object_that_was_put() -> None:
    """``get_shared`` copies nothing: it is the object of ``put``, each time, through each handle."""
    value = bytearray(1_000_000)
    store = MemoryStore()
    store.put("dataset", value)
    assert store.get_shared("dataset") is value
    assert store.get_shared("dataset", bytearray) is store.clone().get_shared(Key("dataset", bytearray))


def test_get_returns_a_new_object_each_time() -> None:
    """Two copies of one value share nothing with each other or with the stored object."""
    value: list[list[int]] = [[1], [2]]
    store = MemoryStore({"key": value})
    one, other = store.get("key", list), store.get("key", list)
    assert one == other == value
    assert len({id(part) for whole in (one, other, value) for part in (whole, *whole)}) == 9


def test_what_the_caller_does_to_a_copy_does_not_reach_the_store() -> None:
    """A copy can be changed at any depth, and the stored value stays."""
    store = MemoryStore({"key": {"a": [{"b": {1, 2}}], "c": bytearray(b"x")}})
    mine = store.get("key")
    mine["a"][0]["b"].add(3)
    mine["a"].append(4)
    mine["c"][:] = b"changed"
    mine["d"] = 5
    assert store.get_shared("key") == {"a": [{"b": {1, 2}}], "c": bytearray(b"x")}


def test_what_a_holder_changes_in_place_all_holders_see() -> None:
    """``get_shared`` hands out the object itself, so the caller's own edits are visible; ``get`` then copies them."""
    store = MemoryStore({"key": [1]})
    store.get_shared("key").append(2)
    assert store.get_shared("key") == store.get("key") == [1, 2]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("default", FALSY, ids=repr)
def test_a_default_is_returned_as_it_is(read: str, default: Any) -> None:
    """A default stands in for a missing key: the same object, not copied, not checked, whatever its truth or type."""
    store = MemoryStore()
    assert getattr(store, read)("missing", default=default) is default
    assert getattr(store, read)("missing", int, default=default) is default
    assert getattr(store, read)(Key("missing", int), default=default) is default
    assert store.is_empty()


@pytest.mark.parametrize("read", READS)
def test_a_default_is_not_touched(read: str) -> None:
    """None of a default's own methods is called, whether it is needed or not."""
    store = MemoryStore({"here": 1})
    default = Untouchable()
    assert getattr(store, read)("missing", int, default=default) is default
    assert getattr(store, read)("here", int, default=default) == 1


@pytest.mark.parametrize("read", READS)
def test_a_default_does_not_excuse_a_value_of_the_wrong_type(read: str) -> None:
    """A default is for a missing key only: a wrong type under the key is an error still."""
    store = MemoryStore({"key": "text"})
    with pytest.raises(TypeMismatch):
        getattr(store, read)("key", int, default=0)
    with pytest.raises(TypeMismatch):
        getattr(store, read)(Key("key", int), default=0)


@pytest.mark.parametrize("read", READS)
def test_a_stored_none_is_a_value(read: str) -> None:
    """A key that holds None is not missing, and its default is not used."""
    store = MemoryStore({"key": None})
    assert getattr(store, read)("key", default=1) is None
    assert getattr(store, read)("key", type(None), default=1) is None
    assert store.contains_key("key")


@pytest.mark.parametrize("read", READS)
def test_a_missing_key_is_an_error(read: str) -> None:
    """Without a default a missing key is ``KeyNotFound``, which is a ``KeyError``, too; nothing is created."""
    store = MemoryStore()
    with pytest.raises(KeyNotFound):
        getattr(store, read)("missing")
    with pytest.raises(KeyError):
        getattr(store, read)("missing", int)
    with pytest.raises(KeyNotFound):
        getattr(store, read)(Key("missing", int))
    assert store.keys() == []


@pytest.mark.parametrize("read", READS)
def test_only_the_type_of_a_value_is_looked_at(read: str) -> None:
    """A read runs none of ``==``, ``bool``, ``repr``, ``hash``, ``len`` and ``iter`` of a value, matching or not."""
    value = Untouchable()
    store = MemoryStore({"key": value, "list": [value, (value,)]})
    assert type(getattr(store, read)("key", Untouchable)) is Untouchable
    assert type(getattr(store, read)("list", list)[0]) is Untouchable
    with pytest.raises(TypeMismatch) as caught:
        getattr(store, read)("key", int)
    assert str(caught.value).endswith("Untouchable")


def test_get_looks_at_the_class_before_it_copies() -> None:
    """A wrong class costs no copy: the value's copy code does not run, and it need not be copyable."""

    class Costly:
        __deepcopy__ = __copy__ = __reduce_ex__ = touch  # type: ignore[assignment]

    store = MemoryStore({"key": Costly(), "generator": (each for each in ())})
    with pytest.raises(TypeMismatch):
        store.get("key", int)
    with pytest.raises(TypeMismatch):
        store.get("generator", list)
    with pytest.raises(Touched):
        store.get("key", Costly)


def test_get_shared_needs_no_copyable_value() -> None:
    """A generator, a lock or a class that forbids copying is read by ``get_shared`` as it is."""
    generator = (each for each in ())
    store = MemoryStore({"key": generator})
    assert store.get_shared("key") is generator


def test_get_checks_the_copy_and_not_only_the_original() -> None:
    """If copying makes something of another type, that is a ``TypeMismatch`` that names the type of the copy."""

    class Turncoat:
        def __deepcopy__(self, memo: Any) -> Any:
            return "something else"

    store = MemoryStore({"key": Turncoat()})
    assert store.get("key") == "something else" == copy.deepcopy(store.get_shared("key"))
    with pytest.raises(TypeMismatch) as caught:
        store.get("key", Turncoat)
    assert (caught.value.expected, caught.value.found) == (Turncoat, str)
    with pytest.raises(TypeMismatch):
        store.get(Key("key", Turncoat))


def test_get_returns_what_the_copy_code_returned() -> None:
    """A value whose ``__deepcopy__`` returns itself, or None, is taken at its word."""

    class Singleton:
        def __deepcopy__(self, memo: Any) -> Any:
            return self

    class Nothing:
        def __deepcopy__(self, memo: Any) -> Any:
            return None

    single = Singleton()
    store = MemoryStore({"single": single, "nothing": Nothing()})
    assert store.get("single", Singleton) is single
    assert store.get("nothing") is None
