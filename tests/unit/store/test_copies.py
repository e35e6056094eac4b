"""What ``get`` copies: kinds of values one by one (pitfall C3); random graphs are in tests/properties (store 4)."""

import copy
import io
import socket
import threading
import types
from collections import deque
from dataclasses import dataclass
from typing import Any

import pytest

from cano.errors import CopyError, StoreError
from cano.store import MemoryStore
from tests.unit.store.hostile import Color
from tests.unit.store.kinds import Plain, described, make_values

KINDS = list(make_values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_what_deepcopy_makes(kind: str) -> None:
    """Type, content, order, attributes and bounds of a copy are those of ``copy.deepcopy``; so is whether it is a new object."""
    value = make_values()[kind]
    expected = copy.deepcopy(value)
    for wrapped, unwrap in (
        (value, lambda whole: whole),
        ([value], lambda whole: whole[0]),
        ({"k": value}, lambda whole: whole["k"]),
        ((value, []), lambda whole: whole[0]),
        ([[value], value], lambda whole: whole[0][0]),
    ):
        result = unwrap(MemoryStore({"key": wrapped}).get("key"))  # type: ignore[no-untyped-call]
        assert type(result) is type(expected)
        assert described(result) == described(expected)
        assert (result is value) == (expected is value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_original_is_as_it_was_after_a_copy(kind: str) -> None:
    """Copying changes nothing in the stored value, and a second copy is like the first."""
    value = make_values()[kind]
    before = described(value)
    store = MemoryStore({"key": value})
    first, second = store.get("key"), store.get("key")
    assert described(value) == before
    assert described(first) == described(second)
    assert store.get_shared("key") is value


def test_sharing_inside_a_value_is_kept() -> None:
    """Two references to one object are two references to one copy, across lists, dicts, tuples and objects."""
    inner: list[int] = [1]
    pair = (inner, inner)
    store = MemoryStore({"key": [inner, {"k": inner}, pair, pair, Plain(inner), deque([inner])]})
    whole = store.get("key")
    one = whole[0]
    assert one is not inner
    assert all(each is one for each in (whole[1]["k"], *whole[2], whole[4].a, whole[5][0]))
    assert whole[2] is whole[3]


def test_two_values_of_a_store_are_copied_apart() -> None:
    """Sharing between two keys is not kept: each ``get`` is a copy of its own."""
    inner: list[int] = [1]
    store = MemoryStore({"a": [inner], "b": [inner]})
    assert store.get("a")[0] is not store.get("b")[0]


def test_cycles_are_copied_as_cycles() -> None:
    """A value that contains itself, directly or through others, comes back with its cycle closed inside the copy."""
    straight: list[Any] = [1]
    straight.append(straight)
    by_dict: dict[str, Any] = {}
    by_dict["me"] = by_dict
    by_tuple: Any = ([],)
    by_tuple[0].append(by_tuple)
    by_object = Plain([])
    by_object.b = {"up": [by_object]}
    store = MemoryStore({"list": straight, "dict": by_dict, "tuple": by_tuple, "object": by_object})
    whole: Any = store.get("list", list)
    assert whole is not straight
    assert whole[1] is whole
    whole = store.get("dict", dict)
    assert whole is not by_dict
    assert whole["me"] is whole
    whole = store.get("tuple", tuple)
    assert whole is not by_tuple
    assert whole[0][0] is whole
    whole = store.get("object", Plain)
    assert whole is not by_object
    assert whole.b["up"][0] is whole


def test_a_tuple_of_immutable_values_is_not_copied() -> None:
    """As with ``copy.deepcopy``, a tuple is itself if nothing in it had to be copied."""
    flat, nested, mixed = (1, "a"), ((1,), (Color.RED, int)), (1, [])
    store = MemoryStore({"flat": flat, "nested": nested, "mixed": mixed, "both": [flat, mixed, mixed]})
    assert store.get("flat") is flat
    assert store.get("nested") is nested
    assert store.get("mixed") is not mixed
    both = store.get("both")
    assert both[0] is flat
    assert both[1] is both[2] is not mixed


def test_keys_of_a_dict_are_copied_as_deepcopy_does() -> None:
    """A key that is an object becomes a new key; its copy is the one that is shared with the rest of the value."""
    key = Plain.__new__(type("Hashable", (Plain,), {"__hash__": object.__hash__, "__eq__": object.__eq__}))
    key.a = [1]
    store = MemoryStore({"key": {key: key, (key, 1): key.a}})
    whole: dict[Any, Any] = store.get("key")
    (first, value), (second, inner) = whole.items()
    assert first is value is second[0] is not key
    assert inner is first.a is not key.a


def generator() -> Any:
    yield 1


UNCOPYABLE: dict[str, Any] = {
    "generator": generator,
    "lock": threading.Lock,
    "socket": socket.socket,
    "thread local": threading.local,
    "file": lambda: io.TextIOWrapper(io.FileIO(__file__)),
    "module": lambda: io,
    "store": MemoryStore,
    "frame": lambda: __import__("sys")._getframe(),
    "memoryview": lambda: memoryview(b"x"),
    "dict view": lambda: {}.keys(),
    "mapping proxy": lambda: types.MappingProxyType({}),
}


@pytest.mark.parametrize("depth", ["bare", "in a list", "in a dict in a tuple", "in an object"])
@pytest.mark.parametrize("kind", UNCOPYABLE)
def test_a_value_that_cannot_be_copied_is_an_error_that_points_to_get_shared(kind: str, depth: str) -> None:
    """A ``CopyError`` with key, class and cause; the value can be read by ``get_shared`` before and after."""
    value = UNCOPYABLE[kind]()
    stored: Any = {
        "bare": value,
        "in a list": [value],
        "in a dict in a tuple": ({"k": value},),
        "in an object": types.SimpleNamespace(a=value),
    }[depth]
    store = MemoryStore({"key": stored})
    try:
        with pytest.raises(CopyError, match="get_shared") as caught:
            store.get("key", type(stored))
        assert isinstance(caught.value, StoreError)
        assert (caught.value.key, caught.value.found) == ("key", type(stored))
        assert caught.value.__cause__ is not None
        assert store.get_shared("key") is stored
    finally:
        if hasattr(value, "close"):
            value.close()


@pytest.mark.parametrize(
    "error", [ValueError, KeyError, AttributeError, ZeroDivisionError, KeyboardInterrupt, SystemExit, MemoryError, RecursionError]
)
@pytest.mark.parametrize("place", ["bare", "in a list", "in a dict", "as a key", "in a tuple", "in a set"])
def test_an_error_of_the_value_s_own_copy_code_reaches_the_caller(error: type[BaseException], place: str) -> None:
    """What ``__deepcopy__`` raises comes out as it is, from any depth, and the store holds the value still."""

    class Failing:
        def __deepcopy__(self, memo: Any) -> Any:
            raise error("from the copy")

    value = Failing()
    stored: Any = {
        "bare": value,
        "in a list": [[], value],
        "in a dict": {1: [], 2: value},
        "as a key": {value: []},
        "in a tuple": ([], value),
        "in a set": {value},
    }[place]
    store = MemoryStore({"key": stored})
    with pytest.raises(error, match="from the copy"):
        store.get("key")
    assert store.get_shared("key") is stored
    store.put("key", 1)
    assert store.get("key") == 1


def test_copy_code_may_use_the_store() -> None:
    """``__deepcopy__`` runs outside the lock: it may read, replace and remove the very value, and the copy is what it was."""

    class Meddler:
        def __deepcopy__(self, memo: Any) -> Any:
            inner.append(store.get("other"))
            store.put("key", "replaced")
            store.append("log", 1)
            store.remove("other")
            return "copied"

    inner: list[Any] = []
    store = MemoryStore({"other": [5]})
    store.put("key", [[1], Meddler(), [2]])
    assert store.get("key", list) == [[1], "copied", [2]]
    assert inner == [[5]]
    assert store.snapshot() == {"key": "replaced", "log": [1]}


def test_copy_code_may_take_its_own_store_apart() -> None:
    """``clear`` from ``__deepcopy__`` lets go of the value that is being copied, and the copy is made all the same."""

    class Clearing:
        def __deepcopy__(self, memo: Any) -> Any:
            store.clear()
            return self

    store = MemoryStore()
    store.put("key", [Clearing(), {1: [2]}, ([3],), {4}])
    assert store.get("key", list)[1:] == [{1: [2]}, ([3],), {4}]


def test_a_key_that_hashes_anew_ends_up_once_and_with_a_copy() -> None:
    """A dict whose key has another hash than when it was put in is copied as ``deepcopy`` does, entry for entry."""

    class Restless:
        turn = 0

        def __hash__(self) -> int:
            Restless.turn += 1
            if Restless.turn > 1_000:
                raise AssertionError("it goes on for ever")
            return Restless.turn

        def __deepcopy__(self, memo: object) -> "Restless":
            return self

    inner = [1]
    stored: dict[Any, Any] = {Restless(): inner, "a": inner, (1, Restless()): inner, "b": [2]}
    result = MemoryStore({"key": stored}).get("key", dict)
    assert len(result) == len(copy.deepcopy(stored)) == 4
    assert [value is inner for value in result.values()] == [False] * 4


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_a_refusal_that_is_no_type_error_says_where_it_happened(kind: type[Exception]) -> None:
    """It reaches the caller as it is, since it may be the value's own, with one note that names the key and the way out."""

    class Refuses:
        error = kind("not to be copied")

        def __reduce_ex__(self, protocol: object) -> Any:
            raise self.error

    store = MemoryStore({"key": [Refuses()]})
    for _ in range(2):
        with pytest.raises(kind, match="not to be copied") as caught:
            store.get("key")
        assert caught.value.__notes__ == [
            "raised while what is under the key 'key' was copied; get_shared reads the stored object itself"
        ]


def test_a_note_never_takes_the_place_of_the_error() -> None:
    """An exception that takes no notes, or that is raised under one key after the other, reaches the caller as it is."""

    @dataclass(frozen=True)
    class Frozen(ValueError):
        code: int = 1

    class Noteless(RuntimeError):
        __notes__ = None  # type: ignore[assignment]

    class Raises:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def __deepcopy__(self, memo: object) -> Any:
            raise self.error

    for error in (Frozen(3), Noteless("own"), ValueError("same")):
        store = MemoryStore({f"key {n}": Raises(error) for n in range(3)})
        for n in range(3):
            with pytest.raises(type(error)) as caught:
                store.get(f"key {n}")
            assert caught.value is error
        assert len(error.__dict__["__notes__"]) == 1
