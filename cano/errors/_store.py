"""Errors of the store."""

from cano._text import did_you_mean, name_of
from cano.errors._base import CanoError


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
        return f"key {self.key!r} is not in the store{did_you_mean(str(self.key), self.known)}"


class TypeMismatch(StoreError, TypeError):
    """The value under ``key`` is not of the type ``expected``.

    ``found`` is the class that was met instead, ``where`` the way to it from the value (``"['rows'][3]"``; empty for the value
    itself), ``detail`` what there is to be said of it besides its class.
    """

    def __init__(self, key: str, expected: object, found: type, where: str = "", detail: str = "") -> None:
        super().__init__(key, expected, found, where, detail)
        self.key = key
        self.expected = expected
        self.found = found
        self.where = where
        self.detail = detail

    def __str__(self) -> str:
        hint = "; a default is given by keyword: default=None" if self.expected is None else ""
        found = " ".join(filter(None, (name_of(self.found), self.detail, f"at {self.where}" if self.where else "")))
        return f"key {self.key!r}: expected {name_of(self.expected)}, found {found}{hint}"


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
        kind = "a subclass of list" if list in getattr(self.found, "__mro__", ()) else "no list"
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


class CommitConflict(StoreError, RuntimeError):
    """A change was given up after ``runs`` runs of its function, because what it reads under ``key`` moved each time.

    ``own``: the function moved it itself, through the store.
    """

    def __init__(self, key: str, runs: int, own: bool) -> None:
        super().__init__(key, runs, own)
        self.key = key
        self.runs = runs
        self.own = own

    def __str__(self) -> str:
        if self.own:
            return (
                f"key {self.key!r}: the function changes it through the store itself, after it has read it, in each of its runs; "
                "let it return the new value (modify) or write through what it was given (transact)"
            )
        return f"key {self.key!r}: another writer came first in all of {self.runs:,} runs; nothing has changed"


class TransactionClosed(StoreError, RuntimeError):
    """A transaction was used after its function had returned."""

    def __str__(self) -> str:
        return "the transaction is over, since its function has returned: read and write in the function that transact calls"


class LockError(StoreError, RuntimeError):
    """pthread refused the lock with the error number ``errno``; the operation did nothing."""

    def __init__(self, errno: int, reason: str) -> None:
        super().__init__(errno, reason)
        self.errno = errno
        self.reason = reason

    def __str__(self) -> str:
        return f"the store's lock was refused: {self.reason} (errno {self.errno}); nothing was read or written"
