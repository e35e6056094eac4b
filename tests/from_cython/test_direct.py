"""The C functions of ``cano.store.direct`` (store 17): each does what the method of its name does."""

import gc
import sys
import threading
from collections.abc import Callable
from enum import IntEnum, StrEnum
from types import ModuleType
from typing import Any, Literal

import pytest

from cano.errors import KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore
from tests.threads.meeting import together


class Name(StrEnum):
    N = "n"


class Level(IntEnum):
    HIGH = 7


class Half(float):
    def __float__(self) -> float:
        raise AssertionError("nobody asks")


LOCK = threading.Lock()  # which nobody can copy


def items() -> dict[str, Any]:
    return {"n": 3, "x": 0.5, "log": ["a"], "nested": {"rows": [[1], [2]]}, "flag": True, "lock": LOCK, "none": None}


KEYS: list[Any] = ["n", "log", "nested", "lock", "absent", Name.N, Key("n", int), Key("n", str), Key("absent", int), None, 3, b"n"]
FORMS: list[Any] = [int, str, object, None, list[str], dict[str, list[list[int]]], Literal[3], list, "int", (int, str)]
LISTS: list[Any] = [Key("log", list[str]), Key("log", list[int]), Key("new", list[str]), Key("new", int)]
MORE: dict[str, list[tuple[Any, ...]]] = {  # what may stand behind the key
    "get": [(), *((form,) for form in FORMS), (int, "default"), ("int", "default")],
    "get_shared": [(), *((form,) for form in FORMS), (int, "default")],
    "pop": [(), *((form,) for form in FORMS), (int, "default")],
    "setdefault": [(9,), *((9, form) for form in FORMS)],
    "put": [(9,), (None,)],
    "append": [("b",)],
    "remove": [()],
    "contains_key": [()],
}


def outcome(call: Callable[..., object], *args: object, **named: object) -> object:
    """Give what a call returned, or the kind and the facts of what it raised."""
    try:
        return call(*args, **named)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error), error.args


@pytest.mark.parametrize("key", [*KEYS, *LISTS], ids=repr)
@pytest.mark.parametrize("name", MORE)
def test_a_function_does_what_the_method_does(faces: ModuleType, name: str, key: object) -> None:
    """Result, error with its facts, and what is in the store afterwards are those of the method."""
    for more in MORE[name]:
        stored = items()
        by_method, by_function = MemoryStore(stored), MemoryStore(stored | {"log": ["a"]})
        named = {"default": more[1]} if name in {"get", "get_shared", "pop"} and len(more) == 2 else {}
        expected = outcome(getattr(by_method, name), key, *(more[:1] if named else more), **named)
        found = outcome(getattr(faces, name), by_function, key, *more)
        assert repr(found) == repr(expected), more
        assert repr(sorted(by_function.snapshot().items())) == repr(sorted(by_method.snapshot().items())), more


def test_a_shared_read_and_a_pop_give_the_stored_object_itself(faces: ModuleType) -> None:
    """``get_shared``, ``setdefault`` and ``pop`` copy nothing; ``get`` hands out a copy."""
    store = MemoryStore({"log": ["a"]})
    log = store.get_shared("log", list)
    assert faces.get_shared(store, "log", list) is log
    assert faces.setdefault(store, "log", [], list) is log
    assert faces.get(store, "log", list) is not log
    assert faces.pop(store, "log", list) is log


@pytest.mark.parametrize("number", [0, 1, -1, 7, 2**30, -(2**31), 2**62, 2**63 - 1, -(2**63), True, Level.HIGH], ids=repr)
def test_an_int_comes_back_as_a_c_number(faces: ModuleType, number: int) -> None:
    """Every int of 64 bits is told from an error, -1 included; a bool and a subclass count."""
    assert faces.get_int(MemoryStore({"n": number}), "n") == int(number)


@pytest.mark.parametrize("number", [0.0, -1.0, 1e308, float("inf"), Half(0.5)], ids=repr)
def test_a_float_comes_back_as_a_c_number(faces: ModuleType, number: float) -> None:
    """Every float is told from an error, -1.0 included; a subclass counts, and is not asked."""
    assert faces.get_float(MemoryStore({"x": number}), "x") == number


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**200])
def test_an_int_that_does_not_fit_is_an_overflow_that_names_its_key(faces: ModuleType, number: int) -> None:
    """Nothing is cut off: the error names the key."""
    with pytest.raises(OverflowError, match=r"^key 'n': the int does not fit into 64 bits"):
        faces.get_int(MemoryStore({"n": number}), "n")


@pytest.mark.parametrize(
    ("read", "kind", "value"), [("get_int", int, 1.0), ("get_int", int, "1"), ("get_float", float, 1), ("get_float", float, None)]
)
def test_a_value_of_another_type_is_a_mismatch(faces: ModuleType, read: str, kind: type, value: object) -> None:
    """No number is made of what is none: the error holds key, type asked for and class found."""
    with pytest.raises(TypeMismatch) as caught:
        getattr(faces, read)(MemoryStore({"n": value}), "n")
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("n", kind, type(value))


@pytest.mark.parametrize("read", ["get_int", "get_float"])
def test_a_number_that_is_not_there_is_not_found(faces: ModuleType, read: str) -> None:
    """The error offers the near miss, as that of the method does."""
    with pytest.raises(KeyNotFound, match="did you mean 'count'"):
        getattr(faces, read)(MemoryStore({"count": 1}), "cuont")


def test_a_typed_key_is_checked_in_a_typed_read(faces: ModuleType) -> None:
    """What the key's type refuses is no number of it, though it is one."""
    store = MemoryStore({"n": 3})
    assert faces.get_int(store, Key("n", int)) == 3
    with pytest.raises(TypeMismatch):
        faces.get_int(store, Key("n", Literal[1, 2]))
    with pytest.raises(TypeMismatch):
        faces.get_float(store, Key("n", int))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("get", ()),
        ("get_shared", ()),
        ("get_int", ()),
        ("get_float", ()),
        ("put", (1,)),
        ("append", (1,)),
        ("pop", ()),
        ("setdefault", (1,)),
        ("remove", ()),
        ("contains_key", ()),
    ],
)
def test_none_in_the_place_of_a_store_is_an_error(faces: ModuleType, name: str, more: tuple[Any, ...]) -> None:
    """A C variable of the type may hold None, and that is never looked into."""
    with pytest.raises(TypeError, match=r"^a store is needed, got None$"):
        getattr(faces, name)(None, "n", *more)
    with pytest.raises(TypeError, match="'store' has incorrect type"):
        getattr(faces, name)({"n": 1}, "n", *more)


def test_no_reference_is_lost_or_kept(faces: ModuleType) -> None:
    """After calls of each function, failed ones too, key and value are held as often as before."""
    key, value, store = "".join(["fresh ", "key"]), object(), MemoryStore()
    before = sys.getrefcount(key), sys.getrefcount(value)
    for _ in range(100):
        faces.put(store, key, value)
        assert faces.get_shared(store, key) is value
        assert faces.get_shared(store, key, object, None) is value
        assert faces.setdefault(store, key, None) is value
        assert faces.contains_key(store, key)
        for read in (faces.get_int, faces.get_float):
            with pytest.raises(TypeMismatch):
                read(store, key)
        assert faces.pop(store, key) is value
        for read in (faces.get, faces.get_int):
            with pytest.raises(KeyNotFound):
                read(store, key)
        faces.append(store, key, value)
        faces.remove(store, key)
        faces.remove(store, key)
    gc.collect()
    assert (sys.getrefcount(key), sys.getrefcount(value)) == before


def test_appends_from_many_threads_lose_nothing(faces: ModuleType) -> None:
    """Functions and methods exclude one another: the items of both are all there, and readers see numbers throughout."""
    store = MemoryStore({"n": 0})

    def write(append: Callable[..., None]) -> None:
        for number in range(500):
            append("log", number)
            faces.put(store, "n", number)

    def read() -> None:
        for _ in range(500):
            assert 0 <= faces.get_int(store, "n") < 500

    together(lambda: write(store.append), lambda: write(lambda *args: faces.append(store, *args)), read)
    assert sorted(store.get("log", list[int])) == sorted([*range(500), *range(500)])


def test_a_finalizer_of_what_is_removed_may_use_the_store(faces: ModuleType) -> None:
    """Values die after the unlock, in functions as in methods."""
    store = MemoryStore()
    seen = []

    class Last:
        def __del__(self) -> None:
            seen.append(faces.contains_key(store, "n"))

    faces.put(store, "n", Last())
    faces.remove(store, "n")
    faces.put(store, "n", Last())
    faces.put(store, "n", 1)
    assert seen == [False, True]


def test_a_class_of_c_fields_can_have_a_store(faces: ModuleType) -> None:
    """Where a ``cdef class`` cannot derive from the store, it holds one."""
    counter = faces.Counter(MemoryStore({"count": 40}))
    counter.count(2)
    assert counter.store.get("count", int) == 42


def test_a_method_of_a_python_subclass_is_not_asked(faces: ModuleType) -> None:
    """A function goes to the data; who wants the override calls the method."""
    store = faces.Loud({"n": 3})
    assert store.get("n") == "loud"
    assert faces.get(store, "n") == 3
