"""Values and type forms that match, that do not, and that the store refuses to guess about."""

import collections
import enum
import numbers
import types
import typing
from collections.abc import AsyncIterator, Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
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
aliased: Any = typing_extensions.TypeAliasType
boxof: Any = Box
unpacked: Any = typing_extensions.Unpack
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
    listof["Missing"],
    anyof[int, listof["Missing"]],
    listof[T],
    list[Closable],
    list[boxof[int]],
    list[Callable[[int], str]],
    tuple[int, *tuple[str, ...]],
    tuple[unpacked[tuple[str, ...]]],
    type[Checkable],
    type[Row],
    type[list[int]],
    Callable[[int], str],
    Callable[..., Any],
    typing.Callable[[int], str],
    boxof[int],
    Iterable[int],
    Iterator[int],
    Generator[int, None, None],
    typing.Iterable[int],
    AsyncIterator[int],
    typing.Pattern[str],
    Literal[1.5],  # type: ignore[valid-type]
    Literal[Number(1)],  # type: ignore[valid-type]
    Closable,
    T,
    typing.AnyStr,
    typing.Final,
    typing.Final[int],
    typing.ClassVar[int],
    typing.Required[int],
    typing.NoReturn,
    typing.Never,
    typing.Self,
    typing.Protocol,
    typing.LiteralString,
    typing_extensions.LiteralString,
    typing_extensions.TypeForm[int],
    typing_extensions.TypeIs[int],
    typing.Literal,
    typing.TypedDict,
    typing.NamedTuple,
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
    int | Callable[[], int],
    Any | Closable,
    anyof[int, "Missing"],
    list[Closable] | None,
    Optional[Literal[1.5]],  # type: ignore[valid-type]
    Union[Row, T],
    Union[int, Closable],
    NewType("Odd", "int"),  # type: ignore[misc]
    Annotated[Closable, "positive"],
    aliased("Itself", "Itself"),
    aliased("Either", "Either | int"),
    aliased("Nowhere", "list[Missing]"),
    aliased("Variable", listof[T], type_params=(T,)),
    types,
    Key("key", int),
]
