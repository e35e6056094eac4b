"""What all errors of the library have in common."""

from typing import Any, ClassVar, Self

from cano._text import portable


class CanoError(Exception):
    """The root of all errors that the library itself raises."""

    category: ClassVar[str] = "generic"

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith(f"{_ROOM}."):
            cls.__module__ = _ROOM  # where tracebacks and pickles are to name it

    def _parts(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of its class that make the error, and what was added to it since."""
        return self.args, {**self.__dict__, "__cause__": self.__cause__, "__suppress_context__": self.__suppress_context__}

    def __reduce__(self) -> tuple[Any, ...]:
        arguments, state = self._parts()
        return type(self), tuple(map(portable, arguments)), {name: portable(value) for name, value in state.items()}

    def __copy__(self) -> Self:
        arguments, state = self._parts()
        copy = type(self)(*arguments)
        copy.__setstate__(state)
        return copy

    def __deepcopy__(self, memo: object, /) -> Self:
        return self.__copy__()  # its facts are not for changing


_ROOM = __name__.rpartition(".")[0]
CanoError.__module__ = _ROOM
