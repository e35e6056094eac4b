"""Forms are read, kept and forgotten while their classes die and other threads ask for the same ones (store 6)."""

import gc
import sys
import types
from typing import Any, Literal, NewType, TypedDict

import pytest

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.threads.beside import beside
from tests.threads.meeting import together

pytestmark = pytest.mark.usefixtures("hasty")
LOOKS = 200
literal: Any = Literal
new_type: Any = NewType
typed_dict: Any = TypedDict


def fits(value: Any, form: Any) -> bool:
    try:
        MemoryStore({"key": value}).get_shared("key", form)
    except TypeMismatch:
        return False
    return True


@pytest.mark.parametrize("form", [lambda kind: kind | int, lambda kind: list[kind], lambda kind: dict[str, list[kind] | kind]])
def test_classes_come_and_go_beside_checks_against_forms_of_them(form: Any) -> None:
    """Each thread's classes die, if classes do, while others check; a class at the address of a dead one is another class."""
    values: dict[int, Any] = {}

    def wrap(kind: Any) -> Any:
        value = kind()
        return {int: value, list: [value], dict: {"a": [value], "b": value}}[shape]

    shape = {int | str: int}.get(form(str), getattr(form(str), "__origin__", int))

    def ask(number: int) -> None:
        kind: Any = type("Kind", (), {})
        values[number % 8] = wrap(kind)  # seen by the other threads, and gone soon
        assert fits(wrap(kind), form(kind))
        assert not fits(wrap(type("Kind", (), {})), form(kind))
        for other in list(values.values()):
            fits(other, form(kind))
        if number % 50 == 0:
            gc.collect()

    beside(ask, ask, looks=60)


def test_a_class_dies_while_values_are_checked_by_a_plan_that_speaks_of_it() -> None:
    """A record's plan outlives what its annotation named; it then admits nothing new, and an instance of a later class neither."""
    module = types.ModuleType("passing")
    sys.modules["passing"] = module
    source = """
from __future__ import annotations
from typing import TypedDict
class Row(TypedDict):
    part: list[Part] | int
"""
    exec("class Part: ...", vars(module))
    exec(source, vars(module))
    row: Any = module.__dict__["Row"]
    store = MemoryStore({"number": {"part": 1}, "others": {"part": [type("Other", (), {})() for _ in range(10)]}})

    def change(number: int) -> None:
        vars(module)["Part"] = type("Part", (), {})
        if number % 20 == 0:
            gc.collect()

    def read(_: int) -> None:
        store.get_shared("number", row)
        store.get_shared("number", list[row] | row)
        fits({"part": [vars(module)["Part"]()]}, row)
        assert not fits({"part": [type("Part", (), {})()]}, row)

    try:
        beside(change, read, looks=150)
    finally:
        del sys.modules["passing"]


def test_forms_come_and_go_in_many_threads_at_once() -> None:
    """A form at the address of another thread's dead form is a form of its own, found by all that hold it."""
    forms: dict[int, Any] = {}

    def ask(number: int) -> None:
        kind, right, wrong = (int, 1, "a") if number % 3 else (str, "a", 1)
        form = new_type("New", list[kind])  # type: ignore[valid-type]
        forms[number % 16] = (list[form], [[right]], [[wrong]])  # seen by the other threads, and gone soon
        for asked, fitting, other in list(forms.values()):
            assert fits(fitting, asked)
            assert not fits(other, asked)
        del form
        if number % 20 == 0:
            gc.collect(0)

    beside(ask, ask, looks=LOOKS)


def test_threads_read_the_same_form_at_the_same_time() -> None:
    """Eight threads ask for the same new forms at once, and all get the same answers."""
    for number in range(40):
        kind: Any = type("Kind", (), {})
        row = typed_dict("Row", {"a": kind, "b": list[kind]})
        forms = [list[kind], dict[str, kind | None], list[row], tuple[kind, literal[1, 2]], Key("key", list[kind]).type]
        right = [[kind()], {"a": None, "b": kind()}, [{"a": kind(), "b": [kind()]}], (kind(), 2), [kind()]]

        def ask(forms: list[Any] = forms, right: list[Any] = right) -> list[bool]:
            return [fits(value, form) for form in forms for value in right]

        answers: list[Any] = together(*[ask] * 8)
        assert all(answer == answers[0] for answer in answers)
        assert [answers[0][at * 6] for at in range(5)] == [True] * 5
        del kind, row, forms, right, ask
        if number % 10 == 0:
            gc.collect()


def test_more_forms_than_are_kept_are_asked_for_from_many_threads() -> None:
    """The table of plans fills, is emptied and fills again under threads that look in it, and no answer changes."""

    def forms(first: int) -> Any:
        for number in range(first, first + 900):
            yield number, tuple[tuple(int if number >> bit & 1 else str for bit in range(12))]  # type: ignore[misc]

    def ask(first: int) -> None:
        for number, form in forms(first):
            right = tuple(bit if number >> bit & 1 else "a" for bit in range(12))
            assert fits(right, form)
            assert not fits((*right[:-1], None), form)
            assert fits([1], list[int])  # which all of them ask for

    together(*[lambda first=first: ask(first) for first in (0, 0, 900, 1_800)])  # type: ignore[misc]


def test_a_typed_key_is_made_and_dropped_in_many_threads() -> None:
    """Keys of the same and of other types come and go, each with a plan of its own, beside checks by others."""
    shared = Key("key", dict[str, list[int]])
    store = MemoryStore({"key": {"a": [1]}})

    def change(number: int) -> None:
        kind: Any = type("Kind", (), {})
        assert MemoryStore({"key": [kind()]}).get_shared(Key("key", list[kind]))
        if number % 100 == 0:
            gc.collect()

    beside(change, lambda _: store.get_shared(shared), looks=2_000)
