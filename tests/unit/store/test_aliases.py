"""Asking for an alias: what it stands for, with variables and recursive ones, by the ``type`` statement or the older class."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
import typing_extensions

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore

T = TypeVar("T")
U = TypeVar("U")
old: Any = typing_extensions.TypeAliasType


class Aliases:
    """The same aliases, made in one of both ways."""

    numbers: Any
    json: Any
    nested: Any
    pair: Any
    tree: Any
    swapped: Any
    even: Any
    itself: Any
    either: Any
    mutual: Any


def older() -> Aliases:
    made = Aliases()
    made.numbers = old("Numbers", list[int])
    made.json = old("Json", "dict[str, Json] | list[Json] | str | int | float | bool | None")
    made.nested = old("Nested", "int | list[Nested]")
    made.pair = old("Pair", tuple[T, U], type_params=(T, U))
    made.tree = old("Tree", "T | list[Tree[T]]", type_params=(T,))
    made.swapped = old("Swapped", "T | tuple[Swapped[list[int]], Swapped[str]]", type_params=(T,))
    globals()["Odd"] = old("Odd", "tuple[Even]")
    made.even = globals()["Even"] = old("Even", "tuple[()] | tuple[Odd]")
    made.itself = old("Itself", "Itself")
    made.either = old("Either", "Either | int")
    globals()["Yang"] = old("Yang", "Yin | int")
    made.mutual = globals()["Yin"] = old("Yin", "list[Yang] | Yang")
    return made


STATEMENTS = """
type numbers = list[int]
type json = dict[str, json] | list[json] | str | int | float | bool | None
type nested = int | list[nested]
type pair[T, U] = tuple[T, U]
type tree[T] = T | list[tree[T]]
type swapped[T] = T | tuple[swapped[list[int]], swapped[str]]
type odd = tuple[even]
type even = tuple[()] | tuple[odd]
type itself = itself
type either = either | int
type yang = mutual | int
type mutual = list[yang] | yang
"""


def newer() -> Aliases:
    made = Aliases()
    exec(STATEMENTS, made.__dict__)
    return made


MAKERS = [older, newer] if sys.version_info >= (3, 12) else [older]
FITS: dict[str, tuple[Callable[[Any], Any], list[Any], list[Any]]] = {  # the form, what fits it, what does not
    "plain": (lambda a: a.numbers, [[], [1]], [["a"], 1]),
    "inside": (lambda a: dict[str, a.numbers], [{"a": [1]}], [{"a": ["b"]}]),
    "in a union": (lambda a: a.numbers | None, [None, [1]], [1, ["a"]]),
    "json": (lambda a: a.json, [1, None, {"a": [1, {"b": [None, 1.5, True]}]}], [b"", {1: 2}, {"a": [1, {"b": [None, ()]}]}, {1}]),
    "nested": (lambda a: a.nested, [1, [], [1, [2, [[]]]]], ["a", [1, [2, ["a"]]], [1.5]]),
    "list of nested": (lambda a: list[a.nested], [[], [1, [2]]], [1, ["a"]]),
    "pair": (lambda a: a.pair[int, str], [(1, "a")], [("a", 1), (1,)]),
    "pair of pairs": (lambda a: a.pair[a.pair[int, str], a.pair[str, int]], [((1, "a"), ("a", 1))], [(("a", 1), ("a", 1))]),
    "tree": (lambda a: a.tree[str], ["a", ["a", [["b"]]]], [1, ["a", [1]]]),
    "tree of lists": (lambda a: a.tree[set[int]], [{1}, [{1}, [[]]]], [1, [[{"a"}]]]),
    "trees": (lambda a: a.tree[int] | a.tree[str], [[1, [2]], ["a", ["b"]]], [[1, ["b"]]]),
    "other types inside": (
        lambda a: a.swapped[float],
        [1.5, ([1], "a"), (([1], "b"), "a")],
        [1, ("a", [1]), (1.5, 1.5), ([1], 1.5)],
    ),
    "one in another": (lambda a: a.even, [(), (((),),), (((((),),),),)], [((),), ((((),),),), (1,)]),
}
CASES = [(make, name) for make in MAKERS for name in FITS]


@pytest.mark.parametrize(("make", "name"), CASES)
def test_an_alias_stands_for_its_value(make: Callable[[], Aliases], name: str) -> None:
    """Whether a name was given to a type makes no difference, however often and however deep it is used."""
    read, good, bad = FITS[name]
    form = read(make())
    for value in good:
        for _ in range(2):
            assert MemoryStore({"key": value}).get("key", form) == value
        assert MemoryStore({"key": value}).get_shared(Key("key", form)) is value
    for value in bad:
        with pytest.raises(TypeMismatch) as caught:
            MemoryStore({"key": value}).get("key", form)
        assert caught.value.expected is form
        with pytest.raises(TypeMismatch):
            MemoryStore({"key": value}).get(Key("key", form))


@pytest.mark.parametrize("make", MAKERS)
def test_an_alias_that_stands_for_itself_is_refused(make: Callable[[], Aliases]) -> None:
    """With no container between there is nothing to check: any value would pass."""
    aliases = make()
    for form in (aliases.itself, aliases.either, aliases.mutual, list[aliases.either]):
        for value in (1, "a", []):
            with pytest.raises(TypeError, match="stands for itself"):
                MemoryStore({"key": value}).get("key", form)


@pytest.mark.parametrize("make", MAKERS)
def test_a_generic_alias_needs_its_types(make: Callable[[], Aliases]) -> None:
    """Without them, or with another number of them, it stands for nothing."""
    aliases = make()
    for form in (aliases.pair, list[aliases.tree]):
        with pytest.raises(TypeError, match="takes"):
            MemoryStore({"key": [1]}).get("key", form)


@pytest.mark.parametrize("make", MAKERS)
def test_a_value_that_contains_itself_has_an_answer(make: Callable[[], Aliases]) -> None:
    """A cycle of lists is made of lists all the way; one wrong part anywhere in it is a mismatch (C4)."""
    loop: list[Any] = [1]
    loop.append([loop, [loop]])
    other: list[Any] = [1]
    other.append([other, {"a": [other]}])
    wrong: list[Any] = [1]
    wrong.append([wrong, {"a": [wrong, b"x"]}])
    aliases = make()
    store = MemoryStore({"loop": loop, "other": other, "wrong": wrong})
    assert store.get_shared("loop", aliases.nested) is loop
    assert store.get_shared("loop", aliases.json) is loop
    assert store.get("loop", aliases.nested)[1][0][0] == 1
    assert store.get_shared("other", aliases.json) is other
    for name, form in (("other", aliases.nested), ("wrong", aliases.json), ("wrong", aliases.nested)):
        with pytest.raises(TypeMismatch):
            store.get_shared(name, form)


@pytest.mark.parametrize("make", MAKERS)
def test_an_answer_that_was_only_assumed_is_not_kept(make: Callable[[], Aliases]) -> None:
    """What passed inside a choice that failed in the end is asked again for the next choice."""
    aliases = make()
    inner: list[Any] = []
    outer = [inner, "a"]
    inner.append(outer)
    store = MemoryStore({"key": outer, "inner": inner})
    for form in (aliases.tree[int] | aliases.tree[float], aliases.tree[int] | list[aliases.tree[int] | str]):
        with pytest.raises(TypeMismatch):
            store.get_shared("key", form)
    assert store.get_shared("key", aliases.tree[int] | aliases.tree[str]) is outer


@pytest.mark.parametrize("make", MAKERS)
def test_shared_parts_are_looked_at_once(make: Callable[[], Aliases]) -> None:
    """A graph of a hundred lists with two to the hundred ways through it is checked at once, right or wrong."""
    aliases = make()
    right: Any = [1]
    wrong: Any = [b"x"]
    for _ in range(100):
        right, wrong = [right, right], [wrong, wrong]
    store = MemoryStore({"right": right, "wrong": wrong})
    assert store.get_shared("right", aliases.json) is right
    with pytest.raises(TypeMismatch):
        store.get_shared("wrong", aliases.tree[int] | aliases.tree[str] | aliases.json)


def test_a_text_is_a_sequence_of_texts_without_end() -> None:
    """A recursive form over ``Sequence`` comes to an end at a text, whose parts are texts again."""
    texts = old("Texts", "Sequence[Texts]")
    assert MemoryStore({"key": ["ab", ("c",)]}).get("key", texts) == ["ab", ("c",)]
    with pytest.raises(TypeMismatch):
        MemoryStore({"key": ["ab", 1]}).get("key", texts)
    assert isinstance("", Sequence)


def test_an_alias_whose_value_cannot_be_had_is_an_error_that_names_what_is_missing() -> None:
    """A name that is not there is named, for the statement and for the class alike."""
    forms = [old("Lost", "list[Missing]")]
    if sys.version_info >= (3, 12):
        names: dict[str, Any] = {}
        exec("type lost = list[Missing]", names)
        forms.append(names["lost"])
    for form in forms:
        with pytest.raises(TypeError, match="Missing"):
            MemoryStore({"key": [1]}).get("key", form)
        with pytest.raises(TypeError, match="Missing"):
            MemoryStore({"key": [1]}).get("key", list[form] | None)
