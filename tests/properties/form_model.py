"""The rules by which a value is of a type, as plainly as they can be written, and random forms and values to try them with."""

import enum
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import UnionType
from typing import Annotated, Any, Literal, NewType, Required, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

from hypothesis import strategies as st


class Base: ...


class Derived(Base): ...


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Row(TypedDict, total=False):
    name: Required[str]
    age: int
    kids: "list[Row]"


UserId = NewType("UserId", int)
Names = NewType("Names", list[str])
MAPPINGS = (dict, defaultdict, OrderedDict, Mapping)
CONTAINERS = (list, set, frozenset, deque, Sequence, Collection, AbstractSet)


def model(value: Any, form: Any) -> bool:
    """Say whether ``value`` is of the type ``form``."""
    origin, parts = get_origin(form), get_args(form)
    if form is Any:
        return True
    if form is None:
        return value is None
    if isinstance(form, NewType):
        return model(value, form.__supertype__)
    if origin is Annotated:
        return model(value, parts[0])
    if origin is Union or origin is UnionType:
        return any(model(value, part) for part in parts)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if is_typeddict(form):
        return isinstance(value, dict) and all(
            model(value[key], part) if key in value else key not in form.__required_keys__
            for key, part in get_type_hints(form).items()
        )
    if origin is type:
        return isinstance(value, type) and issubclass(value, parts[0])
    if origin is tuple and parts[1:] != (...,):
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(model, value, parts))
    if origin is tuple or origin in CONTAINERS:
        return isinstance(value, origin) and all(model(item, parts[0]) for item in value)
    if origin in MAPPINGS:
        return isinstance(value, origin) and all(model(key, parts[0]) and model(each, parts[1]) for key, each in value.items())
    return isinstance(value, form)


def forms(*, shared: bool) -> st.SearchStrategy[Any]:
    """Draw a form; ``shared``: one that typeguard reads by the same rules."""
    plain_ones: list[Any] = [
        int,
        str,
        bool,
        bytes,
        None,
        object,
        Any,
        Base,
        Derived,
        Color,
        Level,
        list,
        dict,
        tuple,
        UserId,
        type[Base],
    ]
    plain_ones += [Literal[1], Literal["a", 2], Literal[True, None], Literal[Color.RED, "b"], Literal[Level.LOW], Sequence, Mapping]
    keys = st.sampled_from([int, str, bool, Color, UserId, Literal["a"], int | str, tuple[int, ...]])
    leaves = st.sampled_from([*plain_ones, *([] if shared else [float, complex, Names, Row])])

    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        one: list[Any] = [
            lambda part: list[part],
            lambda part: tuple[part, ...],
            lambda part: tuple[part],
            lambda part: Sequence[part],
        ]
        one.append(lambda part: Annotated[part, "note"] if part is not Any else part)
        two: list[Any] = [lambda key, part: dict[key, part], lambda key, part: Mapping[key, part]]
        if not shared:
            one += [lambda part: deque[part], lambda part: Collection[part]]
            two += [lambda key, part: defaultdict[key, part], lambda key, part: OrderedDict[key, part]]
        return st.one_of(
            st.builds(lambda make, part: make(part), st.sampled_from(one), inner),
            st.builds(lambda make, key, part: make(key, part), st.sampled_from(two), keys, inner),
            # typeguard takes a frozenset for a set
            st.builds(lambda make, key: make[key], st.sampled_from([frozenset, AbstractSet, *([] if shared else [set])]), keys),
            st.builds(lambda *parts: tuple[parts], inner, inner),
            st.builds(lambda *parts: Union[parts], inner, inner),
            st.just(tuple[()]),
        )

    return st.recursive(leaves, deeper, max_leaves=6)


KEYS: st.SearchStrategy[Any] = st.sampled_from([1, 2, True, "a", "b", Color.RED, Level.LOW, None, (1,), ("a",), ()])
PLAIN = [
    0,
    1,
    2,
    True,
    False,
    1.5,
    1j,
    "a",
    "b",
    "",
    b"a",
    None,
    Color.RED,
    Color.BLUE,
    Level.LOW,
    Base(),
    Derived(),
    Base,
    int,
    (),
]
RECORDS: list[Any] = [
    {"name": "a"},
    {"name": "a", "age": 1},
    {"name": "a", "age": "b"},
    {"age": 1},
    {"name": "a", "kids": [{"name": "b"}]},
    {"name": "a", "kids": [{"name": 1}]},
    {"name": "a", "more": 1},
]
LEAVES: st.SearchStrategy[Any] = st.sampled_from([*PLAIN, *RECORDS])


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items, pairs = st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)
    return st.one_of(
        items, items.map(tuple), items.map(deque), st.sets(KEYS, max_size=3), st.frozensets(KEYS, max_size=3), pairs,
        pairs.map(OrderedDict), pairs.map(lambda pairs: defaultdict(int, pairs)),
    )  # fmt: skip


VALUES = st.recursive(LEAVES, wider, max_leaves=8)


def value_of(form: Any) -> st.SearchStrategy[Any]:
    """Draw a value that is likely to be of the type, so that a yes is as common as a no."""
    origin, parts = get_origin(form), get_args(form)
    if isinstance(form, NewType):
        return value_of(form.__supertype__)
    if origin is Annotated:
        return value_of(parts[0])
    if origin is Union or origin is UnionType:
        return st.one_of(*map(value_of, parts))
    if origin is Literal:
        return st.sampled_from([*parts, 1, True, "a"])
    if origin is tuple and parts[1:] != (...,):
        return st.tuples(*map(value_of, parts))
    if origin in {set, frozenset, AbstractSet}:
        return st.sets(st.one_of(KEYS, hashable(parts[0])), max_size=2).map(set if origin is not frozenset else frozenset)
    if origin is tuple or origin in CONTAINERS:
        make: Any = {list: list, deque: deque, tuple: tuple}.get(origin, list)
        return st.lists(value_of(parts[0]), max_size=3).map(make)
    if origin in MAPPINGS:
        make = {OrderedDict: OrderedDict, defaultdict: lambda pairs: defaultdict(int, pairs)}.get(origin, dict)
        return st.dictionaries(hashable(parts[0]), value_of(parts[1]), max_size=3).map(make)
    fitting = {int: [1, True, Level.LOW], str: ["a"], Base: [Base(), Derived()], Row: [{"name": "a"}, {"name": "a", "age": 1}]}
    return st.one_of(LEAVES, st.sampled_from(fitting[form])) if isinstance(form, type) and form in fitting else LEAVES


def hashable(form: Any) -> st.SearchStrategy[Any]:
    """Draw what can be a key, and often one of the type."""
    return st.one_of(KEYS, st.sampled_from([1, 2]) if model(1, form) else st.sampled_from(["a", "b"]))
