"""Records with postponed annotations, which inherit from another module (pitfall D3)."""

from __future__ import annotations

from typing import Annotated, Generic, NotRequired, Required, TypedDict, TypeVar

import typing_extensions

from tests.unit.store import postponed_base
from tests.unit.store.postponed_base import Part as OtherPart

T = TypeVar("T")


class Part: ...


class Record(postponed_base.Record):
    own: Part
    other: NotRequired[OtherPart]


class Sparse(TypedDict, total=False):
    name: Required[str]
    age: int
    tags: Annotated[NotRequired[list[str]], "short"]
    id: Annotated[Required[int], "unique"]


class Tree(TypedDict):
    value: int
    kids: NotRequired[list[Tree]]


class Frozen(typing_extensions.TypedDict):
    name: typing_extensions.ReadOnly[str]
    age: typing_extensions.ReadOnly[NotRequired[int]]


class Holder(typing_extensions.TypedDict, Generic[T]):
    value: T
    values: NotRequired[list[T]]


class Lost(TypedDict):
    name: str
    part: NotRequired[list[Missing]]  # type: ignore[name-defined]  # noqa: F821
