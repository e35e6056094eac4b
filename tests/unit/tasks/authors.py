"""Tasks whose annotations are text that only this module can resolve (F1)."""

from __future__ import annotations

import typing
from typing import Literal, Optional

from tests.unit.stages import Stage as Phase
from tests.unit.tasks.decorators import traced, traced_plainly


class Pool:
    """A class that no other module has imported under this name."""


@traced
async def decorated(pool: Pool) -> Literal[Phase.DONE]:
    """Say where it goes in names of this module."""
    assert isinstance(pool, Pool)
    return Phase.DONE


@traced
@traced
async def decorated_twice(pool: Optional[Pool], *, extra: "Pool" = None) -> Literal[Phase.DONE]:  # type: ignore[assignment]  # noqa: UP037
    """The same, two decorators deep."""
    assert isinstance(pool, Pool)
    return Phase.DONE


@traced_plainly
async def decorated_plainly(pool: Pool) -> Literal[Phase.DONE]:
    """A task under a decorator that is a plain def."""
    assert isinstance(pool, Pool)
    return Phase.DONE


class Decorated:
    """A class task whose run is decorated."""

    @traced
    async def run(self, pool: Pool) -> Literal[Phase.DONE]:
        """Go on."""
        assert isinstance(pool, Pool)
        return Phase.DONE


class Body:
    """A class task whose annotations name what stands in its body."""

    class Inner:
        """A class of the body."""

    async def list(self) -> Phase:
        """Have the name of a type that annotations use."""
        raise AssertionError

    async def run(self, inner: Inner, many: list[int], pool: Pool) -> Literal[Phase.DONE]:  # type: ignore[valid-type]
        """Get one of them."""
        assert isinstance(inner, Body.Inner)
        return Phase.DONE

    async def __call__(self, inner: Inner | None) -> Phase:
        """The same for a callable object."""
        raise AssertionError

    @classmethod
    async def of_class(cls, inner: Inner) -> Phase:
        """The same for a method of the class."""
        return Phase.DONE


class Below(Body):
    """A class that has another class of that name; the inherited run means that of its own body."""

    class Inner:  # type: ignore[assignment]
        """Another class."""


async def unknown(pool: Nowhere) -> Literal[Phase.DONE]:  # type: ignore[name-defined]  # noqa: F821
    """Name something that nobody has defined."""
    return Phase.DONE


async def unknown_inside(pool: typing.Union[int, "Nowhere"]) -> Literal[Phase.DONE]:  # type: ignore[name-defined]  # noqa: F821, UP037
    """The same inside a union."""
    return Phase.DONE


async def unknown_return(pool: int) -> Literal[Nowhere.DONE]:  # type: ignore[name-defined]  # noqa: F821
    """The same in the return annotation."""
    raise AssertionError


async def good_one_among_bad(pool: Pool, other: Nowhere) -> Phase:  # type: ignore[name-defined]  # noqa: F821
    """The error names the right parameter."""
    return Phase.DONE
