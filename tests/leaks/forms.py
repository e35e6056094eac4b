"""Classes, keys and values that do each thing that a leak could hide behind."""

from typing import Any, Protocol, TypedDict

from cano.store import MemoryStore


class Value: ...


class Other: ...


class Text(str): ...


class Row(TypedDict):
    a: int


class Open(Protocol):
    def close(self) -> None: ...


class Raising(type):
    def __instancecheck__(cls, value: object) -> bool:
        raise ZeroDivisionError


class Asked(metaclass=Raising): ...


class Answering(type):
    def __instancecheck__(cls, value: object) -> bool:
        return True


class Anything(metaclass=Answering): ...


class Deep:
    def __deepcopy__(self, memo: Any) -> "Deep":
        return Deep()


class Uncopyable:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("no")


class Failing:
    def __deepcopy__(self, memo: Any) -> Any:
        raise ZeroDivisionError


class Turncoat:
    def __deepcopy__(self, memo: Any) -> Any:
        return 1


class Unprintable:
    def __repr__(self) -> str:
        raise ZeroDivisionError


class Sub(MemoryStore): ...
