"""Dataclasses of dependencies whose annotations are text that only this module can resolve (F1)."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field, make_dataclass
from typing import Annotated

from tests.unit.tasks import authors as elsewhere

Cup = elsewhere.Pool


@dataclass
class Base:
    """A dataclass whose fields are filled here and in other modules."""

    pool: Cup


@dataclass
class Everything(Base):
    """Every kind of field, in text."""

    cups: Annotated[Cup, "pool"]
    used: InitVar[Cup | None]
    inner: Base
    made: list[int] = field(default_factory=list)
    never: Cup = field(init=False)
    limit: int = field(default=5, kw_only=True)

    def __post_init__(self, used: Cup | None) -> None:
        self.never = used or self.pool

    class Body:
        """A class of the body."""

    own: Body | None = None


@dataclass
class Unknown:
    """A dataclass that names something nobody has defined."""

    pool: Nowhere  # type: ignore[name-defined]  # noqa: F821


@dataclass(init=False)
class Handwritten:
    """A dataclass whose ``__init__`` is its author's."""

    total: int

    def __init__(self, n: int, *more: int, pool: Cup, **others: int) -> None:
        self.total = n
        self.pool = pool


Typeless = make_dataclass("Typeless", ["pool"])
