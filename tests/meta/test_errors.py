"""Every error of cano keeps its facts wherever it goes (pitfall K2)."""

import copy
import pickle
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any, get_type_hints

import pytest

from cano.errors import CanoError
from tests.meta.tree import modules

# One value for each type that an error's constructor asks for; an error that needs another kind of fact adds it here.
FACTS: dict[Any, object] = {
    str: "a key, 'quoted'",
    int: 35,
    float: 0.1 + 0.2,
    bool: True,
    object: list[int],
    type: dict,
    tuple[str, ...]: ("a", "b"),
}


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
    """Walk the error tree; every module is imported first, so that no error is missed."""
    for module in modules():
        import_module(module)
    below = [found for child in root.__subclasses__() if child.__module__.partition(".")[0] == "cano" for found in classes(child)]
    return [root, *below]


def example(kind: type[CanoError]) -> CanoError:
    """Make an error of this class, with a value for each of its facts, with a cause and two notes."""
    if kind.__init__ in {Exception.__init__, CanoError.__init__}:
        error = kind("what happened")
    else:
        hints = get_type_hints(kind.__init__)
        error = kind(**{name: FACTS[hints[name]] for name in list(signature(kind).parameters)})
    error.__cause__ = ValueError("the reason", 7)
    error.add_note("first note")
    error.add_note("second note")
    return error


KINDS = classes()


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_an_error_survives_pickle_and_copy(kind: type[CanoError], way: str) -> None:
    """Class, sentence, facts, cause and notes of an error are the same on the other side."""
    before = example(kind)
    after = COPIES[way](before)
    assert after is not before
    assert type(after) is kind
    assert after.args == before.args
    assert str(after) == str(before)
    assert after.__dict__ == before.__dict__
    assert after.__dict__["__notes__"] == ["first note", "second note"]
    assert type(after.__cause__) is ValueError
    assert after.__cause__.args == ("the reason", 7)
    assert after.__suppress_context__ is True


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_every_fact_of_an_error_is_an_attribute_of_the_same_name(kind: type[CanoError]) -> None:
    """What the constructor was given can be read from the error, under the name of the parameter."""
    error = example(kind)
    if kind.__init__ not in {Exception.__init__, CanoError.__init__}:
        facts = list(signature(kind).parameters)
        assert [getattr(error, fact) for fact in facts] == [FACTS[get_type_hints(kind.__init__)[fact]] for fact in facts]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_an_error_reads_as_a_sentence_of_one_line(kind: type[CanoError]) -> None:
    """No error prints a bare repr, as ``KeyError`` does, or runs over a line."""
    sentence = str(example(kind))
    assert sentence
    assert sentence[0] not in "('\""
    assert "\n" not in sentence


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_every_error_has_a_category_a_docstring_and_lives_in_the_error_module(kind: type[CanoError]) -> None:
    """An error can be told apart by its category and found in one place."""
    assert kind.category
    assert kind.__doc__ != kind.__base__.__doc__
    assert kind.__module__ == "cano.errors"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not CanoError], ids=lambda kind: kind.__qualname__)
def test_a_leaf_of_the_tree_is_also_the_built_in_that_it_specialises(kind: type[CanoError]) -> None:
    """Who does not know cano catches ``KeyError``, ``TypeError`` and the like; only the branches of the tree are cano's alone."""
    is_branch = bool(kind.__subclasses__())
    built_in = [base for base in kind.__mro__ if base.__module__ == "builtins" and base not in {Exception, BaseException, object}]
    assert is_branch or built_in
