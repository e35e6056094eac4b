"""What type checkers infer from the store, and what they refuse; each line also runs.

``make types`` reads this file twice: an ``assert_type`` that is not true is an error, and so is an ignore comment on a line that a
checker would let pass, so a bad line has to fail with just the code that it names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, TypedDict, assert_type

import pytest

from cano.errors import KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore

COUNT = Key("count", int)
LOG = Key("log", list)


UserId = NewType("UserId", int)


class Row(TypedDict):
    """A record of the user's own."""

    name: str


class Colour:
    """A class of the user's own."""


def filled() -> MemoryStore:
    """Make a store with one value of each kind that is asked for below."""
    return MemoryStore({"count": 3, "log": ["a"], "name": "n", "colour": Colour()})


def test_a_class_in_the_call_is_the_type_of_the_result() -> None:
    """``get`` and ``get_shared`` return what they were asked for, without a cast."""
    store = filled()
    assert_type(store.get("count", int), int)
    assert_type(store.get("name", str), str)
    assert_type(store.get("colour", Colour), Colour)
    assert_type(store.get_shared("log", list), list[Any])
    assert_type(store.get_shared("colour", Colour), Colour)


def test_a_call_without_a_type_promises_nothing() -> None:
    """Who asks for no type gets ``Any``, as from ``json.loads``."""
    store = filled()
    assert_type(store.get("count"), Any)
    assert_type(store.get_shared("count"), Any)
    assert_type(store.get("absent", default=None), Any)


def test_a_default_adds_its_type() -> None:
    """With ``default`` the result is either of both types; a default of the same type adds nothing."""
    store = filled()
    assert_type(store.get("absent", int, default=None), int | None)
    assert_type(store.get("absent", int, default=0), int)
    assert_type(store.get_shared("absent", Colour, default="none"), Colour | str)
    assert_type(store.get(COUNT, default=None), int | None)


def test_a_typed_key_carries_its_type() -> None:
    """A key that was declared once gives its type to every call."""
    store = filled()
    assert_type(COUNT, Key[int])
    assert_type(LOG, Key[list[Any]])
    assert_type(store.get(COUNT), int)
    assert_type(store.get_shared(COUNT), int)
    assert_type(COUNT.name, str)


def test_what_is_read_under_a_typed_key_goes_where_its_type_fits() -> None:
    """A list that was read can be handed to a parameter of a wider type in one expression."""
    store = filled()
    assert_type(sorted(store.get(LOG)), list[Any])
    assert_type(sum([store.get(COUNT, default=0), 1]), int)
    wider: float = store.get(COUNT)
    assert " ".join(store.get_shared(LOG)) == "a"
    assert wider == 3


def test_the_other_calls_return_plain_built_ins() -> None:
    """Keys are strings, questions are answered by ``bool``, sizes by ``int``, a second handle is a store."""
    store = filled()
    assert_type(store.keys(), list[str])
    assert_type(iter(store), Iterator[str])
    assert_type(store.snapshot(), dict[str, Any])
    assert_type(store.contains_key(COUNT), bool)
    assert_type("count" in store, bool)
    assert_type(len(store), int)
    assert_type(store.len(), int)
    assert_type(store.is_empty(), bool)
    assert_type(store.clone(), MemoryStore)


def test_a_form_in_the_call_is_the_type_of_the_result() -> None:
    """Unions, literals, parametrised containers, records and aliases are inferred as a class is."""
    store = MemoryStore({"count": 3, "log": ["a"], "mode": "fast", "row": {"name": "n"}, "table": {"a": [1.5]}, "pair": (1, "a")})
    assert_type(store.get("count", int | None), int | None)
    assert_type(store.get("log", list[str]), list[str])
    assert_type(store.get("mode", Literal["fast", "safe"]), Literal["fast", "safe"])
    assert_type(store.get("table", dict[str, list[float]], default=None), dict[str, list[float]] | None)
    assert_type(store.get("pair", tuple[int, str]), tuple[int, str])
    assert_type(store.get("log", Sequence[str]), Sequence[str])
    assert_type(store.get("row", Row), Row)
    assert_type(store.get("row", Mapping[str, str] | Row)["name"], str)
    assert_type(store.get("count", Annotated[int, "positive"]), int)
    assert_type(store.get("count", UserId), UserId)
    assert_type(store.get_shared("count", Any), Any)
    assert_type(store.setdefault("more", [1], list[int]), list[int])
    assert_type(store.pop("log", list[str]), list[str])


def test_a_typed_key_carries_its_form() -> None:
    """What ``append`` takes under a key of a list is an item of that list, for both checkers and when it runs."""
    store = filled()
    log = Key("log", list[str])
    assert_type(log, Key[list[str]])
    assert_type(store.get(log), list[str])
    store.append(log, "b")
    with pytest.raises(TypeMismatch):
        store.append(log, 2)  # type: ignore[misc]  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert_type(store.get(Key("count", int | str)), int | str)


def test_a_result_of_a_form_cannot_be_taken_for_another() -> None:
    """A list of texts is no list of numbers, for either checker."""
    store = filled()
    with pytest.raises(TypeMismatch):
        numbers: list[int] = store.get("log", list[int])
    numbers = store.get("log", list[str])  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    assert len(numbers) == 1


def test_a_key_that_is_no_text_is_refused() -> None:
    """Only ``str`` and typed keys are keys, for both checkers and when it runs."""
    store = filled()
    with pytest.raises(TypeError):
        store.get(3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(TypeError):
        store.put(b"count", 1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(TypeError):
        store.remove(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_value_of_another_type_than_its_typed_key_is_refused() -> None:
    """``put`` of a text under a number's key fails for both checkers and when it runs."""
    store = filled()
    with pytest.raises(TypeMismatch):
        store.put(COUNT, "three")  # type: ignore[misc]  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_a_result_cannot_be_taken_for_another_type() -> None:
    """What was asked for as a number cannot be assigned to a text."""
    store = filled()
    text: str = store.get("count", int)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert text == 3  # type: ignore[comparison-overlap]


def test_arguments_are_positional_but_the_default() -> None:
    """A misspelt or misplaced argument fails for both checkers and when it runs."""
    store = filled()
    with pytest.raises(TypeError):
        store.get(key="count")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        store.get("absent", int, 0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def test_facts_of_an_error_are_typed() -> None:
    """Who catches an error reads its facts without a cast."""
    store = filled()
    with pytest.raises(KeyNotFound) as missing:
        store.get("absent", int)
    assert_type(missing.value.key, str)
    with pytest.raises(TypeMismatch) as other:
        store.get("count", str)
    assert_type(other.value.found, type)


def test_typed_keys_of_several_types_go_into_one_display() -> None:
    """A store starts from, and ``put_many`` takes, typed keys of different types side by side, plain keys among them."""
    store = MemoryStore({COUNT: 1, LOG: []})
    store.put_many({COUNT: 2, LOG: ["a"]})
    store.put_many({COUNT: 3, "name": "n"})
    store.put_many({"count": 3})
    with pytest.raises(TypeError):
        store.put_many({3: 4})  # type: ignore[dict-item]  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert_type(store.modify(COUNT, lambda n: n + 1), int)
    assert_type(store.pop(COUNT), int)
    assert_type(store.setdefault(COUNT, 1), int)
    assert_type(store.transact(lambda tx: tx.get(COUNT)), int)
