"""Error handling: every store error, what it says, what it knows, and what to do about it."""

import errno
from collections.abc import Callable
from functools import partial
from threading import Lock

from cano import AppendTypeMismatch, CanoError, CopyError, KeyNotFound, LockError, MemoryStore, StoreError, TypeMismatch


def key_not_found(store: MemoryStore) -> None:
    """The key does not exist: ask first, give a default, or catch the error. It is a KeyError, too."""
    try:
        store.get("recrods", list[int])
    except KeyNotFound as error:
        print(f"KeyNotFound: {error}")
        print(f"  key={error.key!r}, is a KeyError: {isinstance(error, KeyError)}")
    print(f"  with a default: {store.get('recrods', list[int], default=[])}")


def type_mismatch(store: MemoryStore) -> None:
    """The value is of another type: use one type per key in all stages; a typed key says it in one place."""
    try:
        store.get("records", str)
    except TypeMismatch as error:
        print(f"TypeMismatch: {error}")
        print(f"  expected={error.expected}, found={error.found}, is a TypeError: {isinstance(error, TypeError)}")


def append_type_mismatch(store: MemoryStore) -> None:
    """The key holds no list: to use one key for a single value and a collection is a mistake in the program."""
    try:
        store.append("status", "finished")
    except AppendTypeMismatch as error:
        print(f"AppendTypeMismatch: {error}")
        print(f"  the value is as it was: {store.get('status', str)!r}")


def copy_error(store: MemoryStore) -> None:
    """The value cannot be copied: read the stored object itself."""
    store.put("guard", Lock())
    try:
        store.get("guard")
    except CopyError as error:
        print(f"CopyError: key={error.key!r}, found={error.found.__name__}")
    print(f"  shared: {store.get_shared('guard') is store.get_shared('guard')}")


def lock_error() -> None:
    """The operating system refused the lock: the operation did nothing. Log it and restart; it can hardly be provoked.

    No exception and no dead thread can leave the lock unusable, because none of your code runs while it is held.
    """
    try:
        raise LockError(errno.EAGAIN, "too many readers")
    except LockError as error:
        print(f"LockError: {error}")


def one_root(store: MemoryStore) -> None:
    """All of them are a StoreError, and that is a CanoError: one clause catches what you have no plan for."""
    attempts: list[Callable[[], object]] = [
        partial(store.get, "nothing"),
        partial(store.get, "status", int),
        partial(store.append, "status", 1),
    ]
    for attempt in attempts:
        try:
            attempt()
        except CanoError as error:
            print(f"  {type(error).__name__}: store error {isinstance(error, StoreError)}, category {error.category}")


def main() -> None:
    store = MemoryStore()
    store.put("records", [1, 2, 3])
    store.put("status", "running")
    key_not_found(store)
    type_mismatch(store)
    append_type_mismatch(store)
    copy_error(store)
    lock_error()
    print("One root:")
    one_root(store)


if __name__ == "__main__":
    main()
