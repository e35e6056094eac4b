"""One value of each kind that a copy must not spoil, and its description (pitfall C3)."""

import array
import copy
import dataclasses
import enum
import fractions
import io
import re
import types
import uuid
import weakref
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from cano.store import Key
from tests.unit.store.hostile import Color, Listed, Number


class SubDict(dict[Any, Any]): ...


class SubSet(set[Any]): ...


class SubFrozenSet(frozenset[Any]): ...


class SubTuple(tuple[Any, ...]): ...


class SubDeque(deque[Any]): ...


class SubArray(array.array):  # type: ignore[type-arg]
    ...


class SubText(str): ...


class SubBytes(bytes): ...


class SubBytearray(bytearray): ...


class SubFloat(float): ...


class Reduced(dict[Any, Any]):
    def __reduce__(self) -> Any:
        return (Reduced, (), {"kept": True}, None, iter([("only", [1])]))


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


class SlottedAndDict(Slotted):
    def __init__(self, a: Any) -> None:
        super().__init__(a)
        self.c = [a]


@dataclasses.dataclass
class Plain:
    a: list[int]
    b: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: list[int]


class Level(enum.IntEnum):
    LOW = 1


class Flag(enum.Flag):
    A = 1
    B = 2


class WithState:
    def __init__(self) -> None:
        self.value = [1]

    def __getstate__(self) -> Any:
        return [self.value]

    def __setstate__(self, state: Any) -> None:
        self.value = state[0]
        self.restored = True


class WithNewArguments:
    def __new__(cls, value: Any) -> "WithNewArguments":
        self = super().__new__(cls)
        self.value = value
        return self

    value: Any

    def __getnewargs__(self) -> Any:
        return (self.value,)


Pair = namedtuple("Pair", "a b")  # the old form, on purpose


def with_attribute(value: Any) -> Any:
    value.note = ["an attribute"]
    return value


def make_values() -> dict[str, Any]:
    ordered = OrderedDict([("z", [1]), ("a", [2])])
    ordered.move_to_end("z")
    return {
        "list": [1, [2], "x"],
        "dict": {"z": [1], 1: {}, (1, 2): 3, None: [None]},
        "tuple": ([1], 2),
        "tuple of plain values": (1, ("a", (None,))),
        "empty containers": [[], {}, (), set(), frozenset()],
        "set": {1, "a", (1, 2)},
        "set with tuples of objects": {(1, frozenset({2}))},
        "frozenset": frozenset({1, (2, 3)}),
        "bytearray": bytearray(b"abc"),
        "list subclass": with_attribute(Listed([[1]])),
        "dict subclass": with_attribute(SubDict(a=[1])),
        "set subclass": with_attribute(SubSet({1})),
        "frozenset subclass": with_attribute(SubFrozenSet({1})),
        "tuple subclass": with_attribute(SubTuple(([1],))),
        "deque subclass": with_attribute(SubDeque([[1]], 2)),
        "array subclass": with_attribute(SubArray("i", [1, 2])),
        "str subclass": with_attribute(SubText("x")),
        "bytes subclass": with_attribute(SubBytes(b"x")),
        "bytearray subclass": with_attribute(SubBytearray(b"x")),
        "int subclass": with_attribute(Number(3)),
        "float subclass": with_attribute(SubFloat(3)),
        "dict with its own reduce": Reduced(a=1),
        "defaultdict": defaultdict(list, a=[1]),
        "OrderedDict": ordered,
        "Counter": Counter("abca"),
        "UserDict": UserDict(a=[1]),
        "namedtuple": Pair([1], 2),
        "deque": deque([[1], [2]], maxlen=2),
        "array": array.array("d", [1, 2]),
        "slots": Slotted([1]),
        "slots and dict": SlottedAndDict([1]),
        "dataclass": Plain([1], b={2}),
        "frozen dataclass": Frozen([1]),
        "IntEnum": Level.LOW,
        "Flag": Flag.A | Flag.B,
        "StrEnum": Color.RED,
        "state": WithState(),
        "new arguments": WithNewArguments([1]),
        "function": with_attribute,
        "class": Plain,
        "module function": copy.deepcopy,
        "bound method": [1].append,
        "range": range(3),
        "slice": slice([1], 2),
        "Decimal": Decimal("1.50"),
        "Fraction": fractions.Fraction(1, 3),
        "datetime": datetime(2013, 1, 1, tzinfo=UTC),
        "path": PurePosixPath("a/b"),
        "uuid": uuid.UUID(int=3),
        "pattern": re.compile("a+"),
        "exception": ValueError("x", [1]),
        "namespace": types.SimpleNamespace(a=[1]),
        "weak reference": weakref.ref(Plain),
        "io": io.StringIO("text"),
        "union": int | None,
        "alias": list[int],
        "key": Key("a", int),
        "property": property(len),
        "ellipsis": [..., NotImplemented],
        "memo of itself": {1: {2: {3: {}}}},
    }


def described(value: Any, depth: int = 6) -> Any:
    """A value as nested plain tuples: class, content and attributes, in order."""
    kind = type(value)
    if depth == 0 or kind in {str, int, float, bool, bytes, type(None), complex, type}:
        return value
    parts: list[Any] = [kind]
    if isinstance(value, dict | UserDict):
        parts += [(described(key, depth - 1), described(each, depth - 1)) for key, each in value.items()]
    elif isinstance(value, set | frozenset):
        parts += sorted(repr(described(each, depth - 1)) for each in value)
    elif isinstance(value, list | tuple | deque | array.array):
        parts += [described(each, depth - 1) for each in value]
    elif isinstance(value, str | bytes | bytearray | int | float | Decimal | io.StringIO):
        parts.append(
            value.getvalue()
            if isinstance(value, io.StringIO)
            else kind.__mro__[-2](value)
            if kind.__mro__[-2] in {int, float}
            else repr(value)
        )
    elif isinstance(value, BaseException):
        parts.append(described(value.args, depth - 1))
    elif not hasattr(value, "__dict__") and not hasattr(kind, "__slots__"):
        parts.append(repr(value))
    parts.append(getattr(value, "maxlen", None))
    parts.append(getattr(value, "default_factory", None))
    if isinstance(value, enum.Enum | types.FunctionType | type | types.MethodType):
        return [*parts, id(value)]
    for slot in ("a", "b", "c"):
        if slot in getattr(kind, "__slots__", ()) or slot in getattr(kind.__mro__[1], "__slots__", ()):
            parts.append((slot, described(getattr(value, slot, "unset"), depth - 1)))
    parts.append({name: described(each, depth - 1) for name, each in getattr(value, "__dict__", {}).items()})
    return parts
