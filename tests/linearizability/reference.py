"""The store as one thread would write it: a dict and what each method means."""

from collections.abc import Callable, Hashable, Mapping
from copy import deepcopy
from typing import Any

from cano.errors import AppendTypeMismatch, KeyNotFound, TypeMismatch
from tests.linearizability.checker import State

NOT_GIVEN: Any = object()


def frozen(value: Any) -> Hashable:
    """A value or a result as something that never changes."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return frozenset((key, frozen(each)) for key, each in value.items())
    return frozenset(value) if isinstance(value, set) else getattr(value, "frozen_as", value)


class Reference:
    """One store, and what a transaction sees of it, too: nothing comes in between where there is one thread."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def found(self, key: str, form: Any, default: Any) -> Any:
        if key not in self.data:
            if default is NOT_GIVEN:
                raise KeyNotFound(key)
            return default
        if form is not None and not isinstance(self.data[key], form):
            raise TypeMismatch(key, form, type(self.data[key]))
        return self.data[key]

    def get(self, key: str, form: Any = None, *, default: Any = NOT_GIVEN) -> Any:
        return deepcopy(self.found(key, form, default))

    def get_shared(self, key: str, form: Any = None, *, default: Any = NOT_GIVEN) -> Any:
        return self.found(key, form, default)

    def put(self, key: str, value: Any) -> None:
        self.data[key] = value

    def append(self, key: str, item: Any) -> None:
        there = self.data.get(key, [])
        if type(there) is not list:
            raise AppendTypeMismatch(key, type(there))
        self.data[key] = [*there, item]

    def remove(self, key: str) -> None:
        self.data.pop(key, None)

    def pop(self, key: str, form: Any = None, *, default: Any = NOT_GIVEN) -> Any:
        value = self.found(key, form, default)
        self.data.pop(key, None)
        return value

    def setdefault(self, key: str, value: Any, form: Any = None) -> Any:
        if form is not None and key not in self.data and not isinstance(value, form):
            raise TypeMismatch(key, form, type(value))
        self.data.setdefault(key, value)
        return self.found(key, form, NOT_GIVEN)

    def modify(self, key: str, fn: Callable[[Any], Any], form: Any = None, *, default: Any = NOT_GIVEN) -> Any:
        new = fn(deepcopy(self.found(key, form, default)))
        if form is not None and not isinstance(new, form):
            raise TypeMismatch(key, form, type(new))
        self.data[key] = new
        return new

    def put_many(self, mapping: Mapping[str, Any]) -> None:
        self.data.update(mapping)

    def get_many(self, keys: list[str]) -> dict[str, Any]:
        return {key: deepcopy(self.data[key]) for key in keys if key in self.data}

    def transact(self, fn: Callable[[Any], Any]) -> Any:
        tx = Reference(dict(self.data))
        result = fn(tx)
        self.data = tx.data
        return result

    def contains_key(self, key: str) -> bool:
        return key in self.data

    def keys(self) -> list[str]:
        return list(self.data)

    def snapshot(self) -> dict[str, Any]:
        return dict(self.data)

    def clear(self) -> None:
        self.data.clear()

    def __len__(self) -> int:
        return len(self.data)


ABSENT = "absent"


def state_of(data: Mapping[str, Any], keys: tuple[str, ...]) -> State:
    return tuple(frozen(data[key]) if key in data else ABSENT for key in keys)


def reference_in(state: State, keys: tuple[str, ...]) -> Reference:
    thawed = {key: list(value) if isinstance(value, tuple) else value for key, value in zip(keys, state, strict=True)}
    return Reference({key: value for key, value in thawed.items() if value is not ABSENT})
