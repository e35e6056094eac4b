"""Forms that ask for a look inside, with values that pass and values that do not, and where those fail."""

import collections
import enum
import types
import typing
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Collection, Hashable, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, NewType, Optional, Union

import typing_extensions

from tests.unit.store.forms import Base, Checkable, Closes, Derived, Point
from tests.unit.store.hostile import Color, Listed, Number, touch


class Level(enum.IntEnum):
    LOW = 1


class Shut(list[Any]):
    """A list whose own code must not run, as long as the list can be read without it."""

    __iter__ = __len__ = __getitem__ = __contains__ = __eq__ = __bool__ = touch  # type: ignore[assignment]


class ShutDict(dict[Any, Any]):
    __iter__ = __len__ = __getitem__ = __contains__ = keys = items = values = get = __eq__ = touch  # type: ignore[assignment]


class ShutSet(set[Any]):
    __iter__ = __len__ = __contains__ = __eq__ = __and__ = copy = touch  # type: ignore[assignment]


class ShutTuple(tuple[Any, ...]):
    __iter__ = __len__ = __getitem__ = __contains__ = __eq__ = touch  # type: ignore[assignment]


class ShutDeque(deque[Any]):
    __iter__ = __len__ = __getitem__ = __contains__ = __eq__ = copy = touch  # type: ignore[assignment]


UserId = NewType("UserId", int)
OwnerId = NewType("OwnerId", UserId)
Names = NewType("Names", list[str])
FITS: list[tuple[Any, Any]] = [
    ([], list[int]),
    ([1, True, Number(2)], list[int]),
    ([1], typing.List[int]),  # noqa: UP006
    ([1], typing.List),  # noqa: UP006
    ({}, typing.Dict),  # noqa: UP006
    ((), typing.Tuple),  # noqa: UP006
    (int, typing.Type),  # noqa: UP006
    (len, typing.Callable),
    ([1], typing.Sequence[int]),
    ([1, None], list[int | None]),
    ([1, "a"], list[Any]),
    ([1, "a"], list[object]),
    ([[1], []], list[list[int]]),
    ([[1], "a"], list[list[int] | str]),
    (Listed([1]), list[int]),
    (Shut([1]), list[int]),
    ({"a": 1}, dict[str, int]),
    ({"a": {1: [1.5]}}, dict[str, dict[int, list[float]]]),
    (OrderedDict(a=1), dict[str, int]),
    (OrderedDict(a=1), OrderedDict[str, int]),
    (defaultdict(int, a=1), defaultdict[str, int]),
    (Counter("aa"), Counter[str]),
    (Counter("aa"), dict[str, int]),
    (ChainMap({"a": 1}, {"b": 2}), ChainMap[str, int]),
    (ShutDict(a=1), dict[str, int]),
    ((), tuple[int, ...]),
    ((1, 2), tuple[int, ...]),
    ((), tuple[()]),
    ((), typing.Tuple[()]),  # noqa: UP006
    ((1, "a"), tuple[int, str]),
    ((1,), tuple),
    (Point(1), tuple[int]),
    (ShutTuple((1,)), tuple[int, ...]),
    (ShutTuple((1,)), tuple[int]),
    ({1}, set[int]),
    (frozenset({1}), frozenset[int]),
    (ShutSet({1}), set[int]),
    ({frozenset({"a"})}, set[frozenset[str]]),
    (deque([1]), deque[int]),
    (ShutDeque([1]), deque[int]),
    ([1], Sequence[int]),
    ((1,), Sequence[int]),
    (deque([1]), MutableSequence[int]),
    ("abc", Sequence[str]),
    ("", Sequence[int]),
    ("aa", Sequence[Literal["a"]]),
    (b"ab", Sequence[int]),
    (range(10**15), Sequence[int]),
    (UserList([1]), Sequence[int]),
    ({1}, AbstractSet[int]),
    ({1: "a"}.keys(), AbstractSet[int]),
    ({1}, MutableSet[int]),
    ({1: "a"}, Collection[int]),
    ({1: "a"}.values(), Collection[str]),
    ({1: "a"}, Mapping[int, str]),
    ({1: "a"}, MutableMapping[int, str]),
    (types.MappingProxyType({1: "a"}), Mapping[int, str]),
    (UserDict(a=1), Mapping[str, int]),
    (int, type[int]),
    (bool, type[int]),
    (Derived, type[Base | str]),
    (str, type[Any]),
    (type(None), type[None]),
    (1, UserId),
    (1, OwnerId),
    (["a"], Names),
    (1, Annotated[int, "positive"]),
    (1, Literal[1]),
    (1, Literal[True, 1]),
    (True, Literal[1, True]),
    ("a", Literal["b", "a"]),
    (b"a", Literal[b"a"]),
    (None, Literal[1, None]),
    (Color.RED, Literal[Color.RED]),
    (Level.LOW, Literal[Level.LOW, "red"]),
    (["a", 1], list[Literal["a", 1]]),
    (None, Optional[list[int]]),
    ([1], Union[list[int], dict[str, int]]),
    ({"a": 1}, list[int] | dict[str, int]),
    ([Closes()], list[Checkable]),
    ([Derived()], list[Base]),
    ([None], list[None]),
    ([1, "a"], list[Hashable]),
    (1, typing_extensions.Literal[1]),
]
MISFITS: list[tuple[Any, Any, type, str]] = [  # the value, the form, the class found and where
    ((1,), list[int], tuple, ""),
    ([1, "a"], list[int], str, "[1]"),
    ([1, None], list[int], type(None), "[1]"),
    ([3], list[float], int, "[0]"),
    ([1], list[bool], int, "[0]"),
    ([1, [2]], typing.List[int], list, "[1]"),  # noqa: UP006
    ([1.5], list[int | None], float, "[0]"),
    ([[1], [1, "a"]], list[list[int]], str, "[1][1]"),
    (Shut(["a"]), list[int], str, "[0]"),
    ({"a": "b"}, dict[str, int], str, "['a']"),
    ({1: 1}, dict[str, int], int, "<key 1>"),
    ({"a": {1: [1.5, 2]}}, dict[str, dict[int, list[float]]], int, "['a'][1][1]"),
    ({}, OrderedDict[str, int], dict, ""),
    (OrderedDict(a="b"), OrderedDict[str, int], str, "['a']"),
    (defaultdict(int, a=1.5), defaultdict[str, int], float, "['a']"),
    ({"a": 1}, Counter[str], dict, ""),
    (Counter({"a": 1.5}), Counter[str], float, "['a']"),  # type: ignore[dict-item]
    (ChainMap({"a": 1}, {"b": "c"}), ChainMap[str, int], str, "['b']"),
    (ShutDict(a="b"), dict[str, int], str, "['a']"),
    ((1, "a"), tuple[int, ...], str, "[1]"),
    ((1,), tuple[()], tuple, ""),
    ((), tuple[int], tuple, ""),
    ((1, 2), tuple[int], tuple, ""),
    ((1, 2), tuple[int, str], int, "[1]"),
    ([1], tuple[int, ...], list, ""),
    (ShutTuple(("a",)), tuple[int, ...], str, "[0]"),
    ({1, "a"}, set[int], str, "<item>"),
    ({1}, frozenset[int], set, ""),
    (ShutSet({"a"}), set[int], str, "<item>"),
    (deque([1, "a"]), deque[int], str, "[1]"),
    (ShutDeque(["a"]), deque[int], str, "[0]"),
    ({1}, Sequence[int], set, ""),
    ((1, "a"), Sequence[int], str, "[1]"),
    ("abc", Sequence[int], str, "[0]"),
    ("ab", Sequence[Literal["a"]], str, "[1]"),
    (b"ab", Sequence[str], int, "[0]"),
    (range(5), Sequence[str], int, "[0]"),
    (UserList([1, "a"]), Sequence[int], str, "[1]"),
    ((each for each in ()), Collection[int], type(each for each in ()), ""),
    ({1: "a"}, Collection[str], int, "<key 1>"),
    ({1: "a"}.values(), Collection[int], str, "[0]"),
    (types.MappingProxyType({1: "a"}), Mapping[int, int], str, "[1]"),
    (UserDict(a=1), Mapping[str, str], int, "['a']"),
    ([], Mapping[str, int], list, ""),
    (1, type[int], int, ""),
    (str, type[int], type, ""),
    (list[int], type[list], types.GenericAlias, ""),
    ("a", UserId, str, ""),
    ("a", OwnerId, str, ""),
    ([1], Names, int, "[0]"),
    ("a", Annotated[int, "positive"], str, ""),
    (True, Literal[1], bool, ""),
    (1, Literal[True], int, ""),
    (1.0, Literal[1], float, ""),
    (Number(1), Literal[1], Number, ""),
    (Level.LOW, Literal[1], Level, ""),
    (1, Literal[Level.LOW], int, ""),
    (Color.RED, Literal["red"], Color, ""),
    ("red", Literal[Color.RED], str, ""),
    ([], Literal[1, None], list, ""),
    ({}, Literal["a"], dict, ""),
    ("b", Literal["a"], str, ""),
    (False, Literal[None], bool, ""),
    ([1, "b"], list[Literal["a", 1]], str, "[1]"),
    ([[1], ["a"]], list[int | list[int]], str, "[1][0]"),
    ([["a"]], list[list[int] | int], str, "[0][0]"),
    ("a", list[int] | dict[str, int] | None, str, ""),
    ([1, []], list[Hashable], list, "[1]"),
    ([Base()], list[Checkable], Base, "[0]"),
    ([0], list[None], int, "[0]"),
    (collections.UserList([1]), list[int], UserList, ""),
]
