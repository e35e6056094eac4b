"""The store that a user would otherwise write: a lock, a dict and a type check."""

import copy
from threading import Lock
from typing import Any


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
            raise TypeError(f"{key!r} is a {type(value).__name__}, not a {kind.__name__}")
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
