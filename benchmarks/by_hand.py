"""The store that a user would otherwise write: a lock, a dict and a type check."""

import copy
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any


def _misfit(key: str, value: object, kind: type) -> TypeError:
    return TypeError(f"{key!r} is a {type(value).__name__}, not a {kind.__name__}")


class ByHand:
    """What most code bases have somewhere. ``get`` copies nothing, so the comparison is kind to it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._data: dict[str, Any] = {}

    def get(self, key: str, kind: type = object) -> Any:
        """Return the value under ``key`` if it is of the class ``kind``."""
        with self._lock:
            value = self._data[key]
        if not isinstance(value, kind):
            raise _misfit(key, value, kind)
        return value

    def get_copy(self, key: str, kind: type = object) -> Any:
        """Return a copy, as a user writes it who has to keep the store from being changed from outside."""
        return copy.deepcopy(self.get(key, kind))

    def put(self, key: str, value: object) -> None:
        """Put ``value`` under ``key``."""
        with self._lock:
            self._data[key] = value

    def append(self, key: str, item: object) -> None:
        """Append to the list under ``key``, or begin one."""
        with self._lock:
            if key not in self._data:
                self._data[key] = [item]
            elif isinstance(self._data[key], list):
                self._data[key].append(item)
            else:
                raise TypeError(f"{key!r} is no list")

    def remove(self, key: str) -> None:
        """Remove ``key`` if it is there."""
        with self._lock:
            self._data.pop(key, None)

    def pop(self, key: str, kind: type = object) -> Any:
        """Take the value under ``key`` out if it is of the class ``kind``."""
        with self._lock:
            value = self._data[key]
            if not isinstance(value, kind):
                raise _misfit(key, value, kind)
            del self._data[key]
        return value

    def setdefault(self, key: str, value: object, kind: type = object) -> Any:
        """Return the value under ``key``, after putting ``value`` there if nothing was."""
        with self._lock:
            value = self._data.setdefault(key, value)
        if not isinstance(value, kind):
            raise _misfit(key, value, kind)
        return value

    def put_many(self, items: Mapping[str, object]) -> None:
        """Put all ``items`` at one moment."""
        with self._lock:
            self._data.update(items)

    def modify(self, key: str, fn: Callable[[Any], Any], kind: type = object) -> Any:
        """Replace the value under ``key`` by what ``fn`` makes of it. All others wait while ``fn`` runs."""
        with self._lock:
            value = self._data[key]
            if not isinstance(value, kind):
                raise _misfit(key, value, kind)
            value = self._data[key] = fn(value)
        return value

    def transact(self, fn: Callable[[dict[str, Any]], Any]) -> Any:
        """Let ``fn`` read and write several keys while all others wait. What it has written stays if it raises."""
        with self._lock:
            return fn(self._data)

    def contains_key(self, key: str) -> bool:
        """Tell whether ``key`` is there."""
        with self._lock:
            return key in self._data

    def keys(self) -> list[str]:
        """List the keys of one moment."""
        with self._lock:
            return list(self._data)

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._data.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._data)
