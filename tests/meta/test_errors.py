"""Every error of cano keeps its facts wherever it goes (pitfall K2)."""

import copy
import pickle
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from inspect import signature
from types import FunctionType
from typing import Any, get_type_hints

import pytest

from cano.errors import AppendTypeMismatch, CanoError, ErrorContext, KeyNotFound, LockError, StoreError, TypeMismatch
from cano.store import MemoryStore
from tests.meta.tree import modules

# One value for each type that an error's constructor asks for; an error that needs another kind of fact adds it here.
FACTS: dict[Any, object] = {
    str: "a text, 'quoted'",
    int: 35,
    float: 0.1 + 0.2,
    bool: True,
    object: list[int],
    type: dict,
    Hashable: ("any", 3),
    tuple[str, ...]: ("a", "b"),
    tuple[str, ...] | None: ("c", "d"),
    tuple[Hashable, ...]: ("e", 4),
    tuple[int, ...]: (3, 1),
    tuple[int | None, ...]: (2, None),
    tuple[ErrorContext | None, ...]: (None, ErrorContext("A", "fetch", 2, ("A",), 0, "run-1")),
    Mapping[int, Any]: {0: "a value"},
    Sequence[Exception]: [ValueError("first"), KeyError("second")],
}
# What a group holds of each of its members, at the same place.
BESIDE: tuple[Any, ...] = (FACTS[tuple[int | None, ...]], FACTS[tuple[ErrorContext | None, ...]])


def through_pickle(protocol: int, error: CanoError) -> CanoError:
    """Send an error through ``pickle`` and back."""
    back: CanoError = pickle.loads(pickle.dumps(error, protocol))
    return back


COPIES: dict[str, Callable[[CanoError], CanoError]] = {
    **{f"pickle {protocol}": partial(through_pickle, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def classes(root: type[CanoError] = CanoError) -> list[type[CanoError]]:
    """Walk the error tree from ``root`` down, as far as it is cano's own."""
    below = [found for child in root.__subclasses__() if child.__module__.partition(".")[0] == "cano" for found in classes(child)]
    return list(dict.fromkeys([root, *below]))


def facts(kind: type[CanoError]) -> dict[str, object]:
    """Give each parameter of the constructor a value of its type; none where the error has no constructor of its own."""
    if not isinstance(kind.__init__, FunctionType):
        return {}
    hints = get_type_hints(kind.__init__)
    return {name: FACTS[hints[name]] for name in list(signature(kind.__init__).parameters)[1:]}


def example(kind: type[CanoError]) -> CanoError:
    """Make an error of this class, with a value for each of its facts, with a cause and two notes."""
    error = kind(*(facts(kind).values() or ["what happened"]))
    error.__cause__ = ValueError("the reason", 7)
    error.add_note("first note")
    error.add_note("second note")
    return error


def plain(value: object) -> object:
    """Write out what has no equality of its own: exceptions, alone or in a sequence or a mapping."""
    match value:
        case BaseException():
            return type(value), plain(value.args)
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case _:
            return value


KINDS = classes()
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("way", COPIES)
@each_kind
def test_an_error_survives_pickle_and_copy(kind: type[CanoError], way: str) -> None:
    """Class, sentence, facts, cause and notes of an error are the same on the other side."""
    before = example(kind)
    after = COPIES[way](before)
    assert after is not before
    assert type(after) is kind
    assert plain(after.args) == plain(before.args)
    assert str(after) == str(before)
    assert plain(after.__dict__) == plain(before.__dict__)
    assert after.__dict__["__notes__"] == ["first note", "second note"]
    assert plain(after.__cause__) == plain(before.__cause__)
    assert after.__suppress_context__ is True
    if isinstance(before, ExceptionGroup):
        assert isinstance(after, ExceptionGroup)
        assert plain(after.exceptions) == plain(before.exceptions)


@each_kind
def test_every_fact_of_an_error_is_an_attribute_of_the_same_name(kind: type[CanoError]) -> None:
    """What the constructor was given can be read from the error, under the name of the parameter; a group has its members."""
    error = example(kind)
    for name, fact in facts(kind).items():
        if isinstance(error, ExceptionGroup) and fact is FACTS[Sequence[Exception]]:
            assert list(error.exceptions) == fact
        else:
            assert getattr(error, name) == fact


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, ExceptionGroup)], ids=lambda kind: kind.__qualname__)
def test_a_part_of_an_error_group_is_of_the_same_class_with_the_same_facts(kind: type[CanoError]) -> None:
    """``split`` and ``except*`` keep the class and the facts; only the members differ, and what stands beside them."""
    group = example(kind)
    assert isinstance(group, ExceptionGroup)
    matching, rest = group.split(KeyError)
    for part, member, at in ((matching, KeyError, 1), (rest, ValueError, 0)):
        assert isinstance(part, kind)
        assert [type(each) for each in part.exceptions] == [member]
        for name, fact in facts(kind).items():
            if any(fact is each for each in BESIDE):
                assert getattr(part, name) == (fact[at],)
            else:
                assert fact is FACTS[Sequence[Exception]] or getattr(part, name) == fact


@each_kind
def test_an_error_reads_as_a_sentence(kind: type[CanoError]) -> None:
    """No error prints a quoted repr or a tuple, as ``KeyError`` and its like do."""
    sentence = str(example(kind))
    assert sentence
    assert sentence[0] not in "('\""


@each_kind
def test_every_error_has_a_category_and_says_what_happened_in_its_docstring(kind: type[CanoError]) -> None:
    """An error can be told apart by its category and looked up by what it means."""
    assert kind.category
    assert kind.__doc__
    assert [base for base in kind.__bases__ if base.__doc__ == kind.__doc__] == []


def test_every_error_lives_in_the_error_module() -> None:
    """No module has an error class of its own: whoever catches finds all of them in one place."""
    for module in modules():
        import_module(module)
    assert {kind.__qualname__: kind.__module__ for kind in classes() if kind.__module__ != "cano.errors"} == {}


@each_kind
def test_a_leaf_of_the_tree_is_also_the_built_in_that_it_specialises(kind: type[CanoError]) -> None:
    """Who does not know cano catches ``KeyError``, ``TypeError`` and the like; only a branch of the tree is cano's alone."""
    built_in = [base for base in kind.__mro__ if base.__module__ == "builtins" and base not in {Exception, BaseException, object}]
    assert built_in or kind.__subclasses__()


class Awkward(Exception):
    """An exception that pickle can write and not read: its class wants two arguments, and its args hold one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def test_an_error_survives_pickle_whatever_its_facts_are() -> None:
    """A class that pickle does not find, and a cause that it cannot rebuild, arrive as what tells the most of them."""

    class Local:
        pass

    def generator() -> Iterator[int]:
        yield 1

    store = MemoryStore({"generator": generator(), "local": Local(), "number": 1})
    errors: list[CanoError] = []
    for ask in (
        lambda: store.get("generator"),
        lambda: store.append("generator", 1),
        lambda: store.get("number", Local),
        lambda: store.get("local", int),
    ):
        with pytest.raises(StoreError) as caught:
            ask()
        errors.append(caught.value)
    errors.append(LockError(11, "busy"))
    errors[-1].__cause__ = Awkward("one", "two")
    for error in errors:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            back = through_pickle(protocol, error)
            assert type(back) is type(error)
            assert str(back) == str(error)
            assert type(back.__cause__) in {type(error.__cause__), RuntimeError}
        assert copy.copy(error).args == error.args  # a copy stays here, and keeps all of it
        assert copy.deepcopy(error).__cause__ is error.__cause__
    assert "one and two" in str(through_pickle(4, errors[-1]).__cause__)


def test_an_error_can_be_printed_whatever_its_facts_are() -> None:
    """Facts of the wrong kind, and classes whose metaclass raises, spoil no sentence."""

    class Meta(type):
        def __getattribute__(cls, name: str) -> object:
            raise ZeroDivisionError

    class Hostile(metaclass=Meta):
        pass

    assert "Hostile" in str(TypeMismatch("key", Hostile, Hostile))
    assert "3" in str(KeyNotFound(3))  # type: ignore[arg-type]
    assert "'text'" in str(AppendTypeMismatch("key", "text"))  # type: ignore[arg-type]
