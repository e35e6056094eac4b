"""What ``get`` asks an object that is to be copied, and in which order: as ``copy.deepcopy`` does (store 4)."""

import copy
import copyreg
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from cano.errors import CopyError
from cano.store import MemoryStore
from tests.unit.store.hostile import Color

ASKED: list[str] = []
T = TypeVar("T")


class Asked:
    """Notes each attribute that is looked up on it or its copies, and each call of its own code."""

    def __init__(self, part: Any) -> None:
        self.part = part

    def __getattribute__(self, name: str) -> Any:
        ASKED.append(name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        ASKED.append(f"set {name}")
        super().__setattr__(name, value)


class Made(Asked):
    def __new__(cls, *args: Any) -> "Made":
        ASKED.append(f"new {args}")
        return super().__new__(cls)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (1, [2])


class Keyed(Asked):
    def __new__(cls, *args: Any, **named: Any) -> "Keyed":
        ASKED.append(f"new {args} {named}")
        return super().__new__(cls)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (1, [2]), {"named": [3]}


class Slotted(Asked):
    __slots__ = ("more",)


class Evasive:
    """Has any attribute but those that the protocol asks for."""

    def __getattr__(self, name: str) -> Any:
        ASKED.append(name)
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class OwnDict:
    """Shows another dict than the one it has."""

    shown: ClassVar[dict[str, Any]] = {}

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        ASKED.append("__dict__")
        return self.shown


class LateSlots:
    """Names its slots when it is made already, so that they are attributes that are set one by one."""

    def __setattr__(self, name: str, value: Any) -> None:
        ASKED.append(f"set {name}")
        super().__setattr__(name, value)


LateSlots.__slots__ = ("part",)  # type: ignore[attr-defined]


class Parametrised(Generic[T]):
    def __init__(self) -> None:
        self.part = [1]


class OwnClass:
    """Says that it is of another class, and one that has ``__reduce__``."""

    @property
    def __class__(self) -> Any:
        ASKED.append("__class__")
        return Evasive


class Meta(type):
    def __hash__(cls) -> int:
        ASKED.append("hash")
        return super().__hash__()

    def __getattribute__(cls, name: str) -> Any:
        ASKED.append(f"class {name}")
        return super().__getattribute__(name)


class OfMeta(metaclass=Meta): ...


class Borrowed(Asked):
    """Its instances differ from their class: they carry the method that is asked for."""


def with_own(name: str, method: Callable[..., Any]) -> Any:
    made = Borrowed([1])
    setattr(made, name, method)
    return made


def described(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [type(value), *map(described, value)]
    return [
        type(value),
        {name: type(each) if callable(each) else repr(each) for name, each in getattr(value, "__dict__", {}).items()},
    ]


def with_part(made: Any) -> Any:
    made.part = [1]
    return made


def slotted() -> Slotted:
    made = Slotted([1])
    made.more = [2]
    return made


OBJECTS: dict[str, Callable[[], Any]] = {
    "attributes": lambda: Asked([1]),
    "new with arguments": lambda: Made([1]),
    "new with named arguments": lambda: Keyed([1]),
    "attributes and slots": slotted,
    "slots that were named late": lambda: with_part(LateSlots()),
    "a generic class": Parametrised[int],
    "a __getattr__": Evasive,
    "a __dict__ of its own": OwnDict,
    "a __class__ of its own": OwnClass,
    "a metaclass": OfMeta,
    "a class with a metaclass": lambda: OfMeta,
    "a __deepcopy__ on the instance": lambda: with_own("__deepcopy__", lambda memo: ["made", len(memo) > 0]),
    "another's __deepcopy__ on the instance": lambda: with_own("__deepcopy__", Color.RED.__deepcopy__),
    "a __reduce_ex__ on the instance": lambda: with_own("__reduce_ex__", lambda protocol: (list, ([protocol],))),
    "no __reduce_ex__": lambda: with_own("__reduce_ex__", None),
    "no __reduce_ex__ but __reduce__": lambda: type(
        "Reduces", (), {"__reduce_ex__": None, "__reduce__": lambda self: (list, ([1],))}
    )(),
    "nothing at all": lambda: type("Mute", (), {"__reduce_ex__": None, "__reduce__": None})(),
    "a frozen set of objects": lambda: frozenset([Color.RED, (1, Color.RED)]),
}
REDUCED: dict[str, Any] = {
    "arguments": (list, ([1],)),
    "no state": (list, ([1],), None, None, None),
    "a list instead of a tuple": [list, [[1]]],
    "an iterator as arguments": (list, iter([[1]])),
    "a text": "name",
    "a false state": (OwnDict, (), {}),
    "a state of pairs": (Evasive, (), [("a", 1)]),
    "two states": (Evasive, (), ({"a": 1}, {"b": 2})),
    "state for a list": (list, (), {"a": 1}),
    "items for a list": (list, (), None, [1, [2]]),
    "items for a dict": (dict, (), None, None, [(1, [2])]),
    "items that are no pairs": (dict, (), None, None, [(1, 2, 3)]),
    "itself": (lambda: Color.RED, ()),
    "one part": (list,),
    "six parts": (list, (), None, None, None, None),
    "nothing": (),
    "no arguments": (list, None),
    "no function": (3, ()),
    "too many arguments": (list, (1, 2)),
    "a number": 3,
}


@contextmanager
def asked() -> Iterator[list[str]]:
    ASKED.clear()
    questions: list[str] = []
    yield questions
    questions += ASKED


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_is_asked_what_deepcopy_asks_it(kind: str) -> None:
    """The same attributes are looked up and the same code is called in the same order, with the same outcome."""
    value = OBJECTS[kind]()
    copy.deepcopy([value]) if kind != "nothing at all" else None  # what classes remember is remembered now
    with asked() as expected_questions:
        try:
            expected = copy.deepcopy([value])
        except copy.Error:
            expected = None
    with asked() as questions:
        store = MemoryStore({"key": [value]})
        if expected is None:
            with pytest.raises(CopyError):
                store.get("key")
        else:
            result = store.get("key")
    assert questions == expected_questions
    if expected is not None:
        assert described(result) == described(expected)
        assert (result[0] is value) == (expected[0] is value)


@pytest.mark.parametrize("kind", REDUCED)
def test_what_an_object_reduces_itself_to_is_read_as_deepcopy_reads_it(kind: str) -> None:
    """Any answer of ``__reduce_ex__`` gives what ``copy.deepcopy`` makes of it, or an error where that is one."""

    class Reduces:
        def __reduce_ex__(self, protocol: Any) -> Any:
            return copy.copy(REDUCED[kind]) if kind != "an iterator as arguments" else (list, iter([[1]]))

    value = Reduces()
    store = MemoryStore({"key": [value]})
    try:
        expected = copy.deepcopy([value])
    except (TypeError, copy.Error):
        with pytest.raises(CopyError):
            store.get("key")
    except Exception as error:  # noqa: BLE001 whatever deepcopy raises is what is expected
        with pytest.raises(type(error)):
            store.get("key")
    else:
        result = store.get("key")
        assert described(result) == described(expected)
        assert (result[0] is value) == (expected[0] is value)


def test_copyreg_is_respected_for_classes_and_sets() -> None:
    """A function registered with ``copyreg`` is asked, also for the built-in sets."""

    class Registered: ...

    before = dict(copyreg.dispatch_table)
    try:
        for kind in (Registered, set, frozenset):
            copyreg.pickle(kind, lambda value: (list, ([type(value).__name__],)))  # type: ignore[arg-type]
        value: list[Any] = [Registered(), {1}, frozenset({2})]
        result = MemoryStore({"key": value}).get("key")
        assert result == copy.deepcopy(value) == [["Registered"], ["set"], ["frozenset"]]
    finally:
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(before)
    assert MemoryStore({"key": value}).get("key")[1:] == value[1:]


def test_a_class_registered_in_the_copy_module_is_respected() -> None:
    """What a program has put into the table of the ``copy`` module is called, with the memo."""

    class Registered: ...

    table: dict[type, Any] = copy._deepcopy_dispatch  # type: ignore[attr-defined]
    value = [Registered()]
    table[Registered] = lambda value, memo: ["made", type(memo)]
    try:
        assert MemoryStore({"key": value}).get("key") == copy.deepcopy(value) == [["made", dict]]
    finally:
        del table[Registered]
    assert type(MemoryStore({"key": value}).get("key")[0]) is Registered


def test_arguments_of_a_copy_are_a_tuple_of_its_own() -> None:
    """An exception's ``args`` are made anew, as they are by ``copy.deepcopy``."""
    error = ValueError("text", 1)
    assert copy.deepcopy(error).args is not error.args
    assert MemoryStore({"key": error}).get("key").args is not error.args


class Fleeting:
    """Has a ``__setstate__`` for so many looks, as if another thread then took it off the class."""

    looks = 0

    def __init__(self) -> None:
        self.part = [1]

    def __getattribute__(self, name: str) -> Any:
        if name != "__setstate__":
            return object.__getattribute__(self, name)
        if Fleeting.looks == 0:
            raise AttributeError(name)
        Fleeting.looks -= 1
        return lambda state: object.__getattribute__(self, "__dict__").update(state, by="setstate")


@pytest.mark.parametrize(("looks", "by"), [(0, None), (1, None), (2, "setstate")])
def test_a_setstate_that_goes_between_two_looks_is_not_missed(looks: int, by: str | None) -> None:
    """The state is given by it if it is there when it is called, and else as to an object without one."""
    store = MemoryStore({"key": Fleeting()})
    Fleeting.looks = looks
    found = store.get("key", Fleeting)
    assert (found.part, vars(found).get("by")) == ([1], by)
