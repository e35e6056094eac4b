"""Values, keys and classes whose every hook raises: what the store must not touch shows itself."""

from enum import Enum, StrEnum
from typing import Any, NoReturn


class Touched(BaseException):
    """Raised by a hook that nobody may call; no ``except Exception`` can hide it."""


def touch(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise Touched


class Untouchable:
    """A value that can be held, copied by the protocol of ``copy`` and let go, and nothing else."""

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = touch  # type: ignore[assignment]
    __hash__ = __bool__ = __repr__ = __str__ = __len__ = __iter__ = __contains__ = __call__ = touch  # type: ignore[assignment]
    __index__ = __format__ = __getitem__ = __add__ = __iadd__ = __enter__ = __await__ = touch


class HostileText(str):
    """A ``str`` whose text can only be had without its own code."""

    __slots__ = ()
    __eq__ = __ne__ = __lt__ = __hash__ = __str__ = __repr__ = __len__ = __iter__ = __getitem__ = __contains__ = touch  # type: ignore[assignment]
    __format__ = __add__ = __mod__ = encode = lower = startswith = __reduce_ex__ = __getnewargs__ = touch  # type: ignore[assignment]


class Unprintable:
    """A key that is no ``str`` and cannot even be printed."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("repr")


class ActsAsText:
    """Claims to be a ``str`` by ``__class__`` and is none."""

    @property
    def __class__(self) -> Any:
        return str

    @__class__.setter
    def __class__(self, new: Any) -> None:
        raise AssertionError


class Color(StrEnum):
    RED = "red"


class OldColor(str, Enum):  # noqa: UP042 the way before StrEnum, still found
    RED = "red"


class Number(int):
    pass


class Listed(list[Any]):
    pass
