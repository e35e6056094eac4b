"""Values and type forms that match, that do not, and that the store refuses to guess about."""

import collections
import enum
import numbers
import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar, Union, runtime_checkable

import typing_extensions

from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Color, Listed, Number


class Base: ...


class Derived(Base): ...


class Row(TypedDict):
    name: str


class Sparse(TypedDict, total=False):
    name: str


class ExtensionRow(typing_extensions.TypedDict):
    name: str


class Closable(Protocol):
    def close(self) -> None: ...


@runtime_checkable
class Checkable(Protocol):
    def close(self) -> None: ...


class Closes:
    def close(self) -> None: ...


class Box(typing.Generic[typing.TypeVar("T")]):  # type: ignore[misc]
    ...


class Point(typing.NamedTuple):
    x: int


T = TypeVar("T")
anyof: Any = Union  # under another name, so that no checker tries to resolve what is meant to be unresolvable
maybe: Any = Optional
listof: Any = list
UserId = NewType("UserId", int)
YES: list[tuple[Any, Any]] = [
    (1, int),
    (True, int),
    (True, bool),
    (1, object),
    (1, Hashable),
    (1, numbers.Integral),
    (1.5, float),
    (Number(1), int),
    (Color.RED, str),
    (Color.RED, Color),
    (Color.RED, enum.Enum),
    ("text", Sequence),
    ([1], list),
    ([1], Sequence),
    (Listed([1]), list),
    ({}, Mapping),
    (collections.OrderedDict(), dict),
    (Derived(), Base),
    (Closes(), Checkable),
    (int, type),
    (None, type(None)),
    (None, None),
    (1, Any),
    (None, Any),
    (Point(1), Point),
    (Point(1), tuple),
    (Box(), Box),
    (1, int | None),
    (None, int | None),
    (None, Optional[int]),
    ("a", Union[int, str]),
    (1, int | Sequence | None),
    (len, Callable),
    (len, types.BuiltinFunctionType),
    ([], list | dict),
    (Key("a", int), Key),
    (ValueError(), Exception),
    (1, int | Any),
]
NO: list[tuple[Any, Any]] = [
    (3, float),
    (1, bool),
    (1.0, int),
    (1, complex),
    ("1", int),
    (1, str),
    (b"a", str),
    ("a", bytes),
    (bytearray(), bytes),
    ([], tuple),
    ((), list),
    ([], Listed),
    (1, Number),
    ("red", Color),
    (None, int),
    (0, type(None)),
    (0, None),
    (Base(), Derived),
    (Base(), Checkable),
    ({}, collections.OrderedDict),
    ((1,), Point),
    (Derived, Base),
    (int, int),
    (1.5, int | None),
    ([], Hashable),
    ("a", int | float),
    (MemoryStore(), dict),
    (MemoryStore(), Mapping),
    (False, None),
]
REFUSED: list[Any] = [
    list[int],
    dict[str, int],
    tuple[int, ...],
    tuple[()],
    set[str],
    type[int],
    listof["Missing"],
    typing.List[int],  # noqa: UP006
    typing.List,  # noqa: UP006
    typing.Dict,  # noqa: UP006
    typing.Callable,
    Callable[[int], str],
    Box[int],
    Sequence[int],
    collections.deque[int],
    Literal[1],
    Literal["a", None],
    Annotated[int, "positive"],
    UserId,
    Row,
    Sparse,
    ExtensionRow,
    Closable,
    T,
    typing.Final,
    typing.ClassVar[int],
    typing.NoReturn,
    typing.Never,
    typing.Self,
    typing.Protocol,
    typing.LiteralString,
    typing_extensions.TypeForm[int],
    typing.Optional,
    typing.Union,
    "int",
    "Missing",
    "",
    typing.ForwardRef("Missing"),
    (int, str),
    (),
    (int,),
    [int, str],
    {int},
    0,
    1,
    1.5,
    True,
    False,
    b"int",
    ...,
    NotImplemented,
    object(),
    lambda value: True,
    len,
    Base(),
    int | list[int],
    anyof[int, "Missing"],
    list[int] | None,
    Optional[Literal[1]],
    Union[Row, None],
    Union[int, Closable],
    types,
    Key("key", int),
]
if hasattr(typing, "TypeAliasType"):
    REFUSED.append(typing.TypeAliasType("Alias", int))
