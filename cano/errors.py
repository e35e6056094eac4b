"""Every error that cano raises, with its facts as attributes.

An error holds objects and writes its sentence when it is printed. Its fields go to ``Exception.args``, so an error survives
``pickle`` and ``copy``, together with its cause and its notes. Each class is also the built-in error that it specialises.
"""

from difflib import get_close_matches
from typing import Any, ClassVar


def did_you_mean(given: str, known: tuple[str, ...]) -> str:
    """End a sentence with the nearest known names, or with nothing if none is near."""
    near = get_close_matches(given, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def name_of(form: object) -> str:
    """Name a type or another type form as a reader would write it."""
    if isinstance(form, type):
        return form.__qualname__ if form.__module__ == "builtins" else f"{form.__module__}.{form.__qualname__}"
    return repr(form)


class CanoError(Exception):
    """The root of all errors that the library itself raises."""

    category: ClassVar[str] = "generic"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {**self.__dict__, "__cause__": self.__cause__, "__suppress_context__": self.__suppress_context__}
        return type(self), self.args, state


class StoreError(CanoError):
    """A store operation could not be done; the store is as it was before."""

    category = "store"


class KeyNotFound(StoreError, KeyError):
    """The key is not in the store.

    ``key`` is the key that was asked for, ``known`` the keys that the store held then (none of them if it held more than
    256: an error that is caught and forgotten must stay cheap).
    """

    def __init__(self, key: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(key, known)
        self.key = key
        self.known = known

    def __str__(self) -> str:
        return f"key {self.key!r} is not in the store{did_you_mean(self.key, self.known)}"


class TypeMismatch(StoreError, TypeError):
    """The value under ``key`` is of the class ``found`` and not of the type ``expected``."""

    def __init__(self, key: str, expected: object, found: type) -> None:
        super().__init__(key, expected, found)
        self.key = key
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"key {self.key!r}: expected {name_of(self.expected)}, found {name_of(self.found)}"


class AppendTypeMismatch(StoreError, TypeError):
    """``append`` found a value of the class ``found`` under ``key`` and only appends to an exact ``list``."""

    def __init__(self, key: str, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    @property
    def expected(self) -> type:
        """The only type that ``append`` extends."""
        return list

    def __str__(self) -> str:
        kind = "a subclass of list" if issubclass(self.found, list) else "no list"
        return f"key {self.key!r}: append needs an exact list, found {name_of(self.found)}, which is {kind}; the value is unchanged"


class CopyError(StoreError, TypeError):
    """The value under ``key``, of the class ``found``, cannot be copied, so ``get`` cannot hand out a copy."""

    def __init__(self, key: str, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    def __str__(self) -> str:
        why = f" ({self.__cause__})" if self.__cause__ is not None else ""
        return f"key {self.key!r}: {name_of(self.found)} cannot be copied{why}; use get_shared to read the stored object itself"


class LockError(StoreError, RuntimeError):
    """pthread refused the lock with the error number ``errno``; the operation did nothing."""

    def __init__(self, errno: int, reason: str) -> None:
        super().__init__(errno, reason)
        self.errno = errno
        self.reason = reason

    def __str__(self) -> str:
        return f"the store's lock was refused: {self.reason} (errno {self.errno}); nothing was read or written"
