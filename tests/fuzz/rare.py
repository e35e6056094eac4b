"""Types that the readable model does not know: aliases, forward references, what the store refuses, and nonsense."""

from collections import ChainMap, Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, ClassVar, Final, Generic, LiteralString, Never, ParamSpec, Protocol, Self, TypeVar, runtime_checkable

from typing_extensions import TypeAliasType, TypedDict

from tests.properties.form_model import Base

_T = TypeVar("_T")
_P = ParamSpec("_P")


class Mine(Generic[_T]):
    """A class of the user's own that takes types in brackets."""


class Named(Protocol):
    name: str


@runtime_checkable
class Closing(Protocol):
    def close(self) -> None: ...


class Lost(TypedDict):
    # To both checkers an error, as it is to be.
    there: "Nowhere"  # type: ignore[name-defined] # noqa: F821 a reference that names nothing


class Told(Exception):
    """Raised by a type's own check."""


class Refusing(type):
    """A class whose every question is an error of its own."""

    def __instancecheck__(cls, value: object) -> bool:
        raise Told

    def __hash__(cls) -> int:
        raise Told

    def __eq__(cls, other: object) -> bool:
        raise Told


class Refused(metaclass=Refusing): ...


class Lying:
    """An object that says that it is of another class."""

    @property
    def __class__(self) -> Any:
        return Base

    @__class__.setter
    def __class__(self, other: object) -> None: ...


class Items(list[Any]):
    """A list whose own code is not to be run."""

    def __iter__(self) -> Iterator[Any]:
        raise Told

    def __len__(self) -> int:
        raise Told


# A checker follows an alias that speaks of itself only where it is written with ``type``, which 3.11 has not.
Tree = TypeAliasType("Tree", "list[Tree] | int")  # type: ignore[misc]
Nest = TypeAliasType("Nest", "dict[str, Nest]")  # type: ignore[misc]
Loop = TypeAliasType("Loop", "Loop | int")  # type: ignore[misc]
Pairs = TypeAliasType("Pairs", list[tuple[_T, _T]], type_params=(_T,))

LEAVES: dict[str, Any] = {
    "tree": Tree,
    "nest": Nest,
    "loop": Loop,
    "pairs": Pairs,
    "pairs_of_int": Pairs[int],
    "pairs_of_tree": Pairs[Tree],
    "counter": Counter[str],
    "chain": ChainMap[str, int],
    "type_of_any": type[Any],
    "hashable": Hashable,
    "closing": Closing,
    "named": Named,
    "lost": Lost,
    "mine": Mine,
    "mine_of_int": Mine[int],
    "iterable": Iterable[int],
    "iterator": Iterator[int],
    "callable": Callable[[int], int],
    "variable": _T,
    "parameters": _P,
    "never": Never,
    "self": Self,
    "literal_string": LiteralString,
    "class_variable": ClassVar[int],
    "final": Final[int],
    "refused": Refused,
    "three": 3,
    "dots": ...,
    "words": "Base",
    "no_words": "no name at all",
    "in_a_list": [int],
    "in_a_tuple": (int, str),
    "in_a_dict": {"name": int},
    "function": len,
}


def wrapped(form: Any, times: int) -> Any:
    """Put a type into lists within lists."""
    for _ in range(times):
        form = list[form]
    return form


def buried(value: Any, times: int) -> Any:
    """Put a value into lists within lists."""
    for _ in range(times):
        value = [value]
    return value


def endless() -> list[Any]:
    """Make a list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made
