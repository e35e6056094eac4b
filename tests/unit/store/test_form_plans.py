"""What a form means is worked out once and found again, without running code and without keeping anything alive (store 6)."""

import enum
import gc
import sys
import threading
import types
import typing
import weakref
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict

import pytest
import typing_extensions

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.alone import alone
from tests.unit.store.hostile import touch

alias: Any = typing_extensions.TypeAliasType
literal: Any = Literal
typed_dict: Any = TypedDict


def forms_of(kind: Any) -> list[Any]:
    """Write the forms around a class whose objects no cache of ``typing`` keeps."""
    forms = [
        list[kind],
        dict[str, list[kind]],
        kind | None,
        list[kind | None],
        type[kind],
        alias("Alias", list[kind]),
        list[alias("Inner", kind | int)],
        typed_dict("Row", {"a": kind}),
        list[typed_dict("Row", {"a": kind})],
        NewType("New", kind),
        list[NewType("New", kind)],
    ]
    if sys.version_info >= (3, 12):
        names = {"kind": kind}
        exec("type alias = list[alias] | kind\ntype generic[T] = list[T] | kind", names)
        forms += [names["alias"], list[names["alias"]], names["generic"][int]]
    return forms


@pytest.mark.usefixtures("mortal_classes")
@pytest.mark.parametrize("at", range(len(forms_of(int))))
def test_a_class_that_was_asked_for_dies_as_if_it_had_not_been(at: int) -> None:
    """Neither the class nor what it holds is kept by having stood in a form."""

    def asked() -> Any:
        class Once: ...

        for value in (Once(), [Once()], {"a": Once()}, Once, None):
            try:
                MemoryStore({"key": value}).get_shared("key", forms_of(Once)[at])
            except TypeMismatch:
                continue
        return weakref.ref(Once)

    gone = asked()
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("mortal_classes")
def test_an_enum_dies_with_its_members() -> None:
    """A member in a literal keeps neither itself nor its class, as far as the store is concerned."""

    def asked() -> Any:
        bases: list[Any] = [enum.Enum, enum.IntEnum]
        for base in bases:
            color: Any = base("color", {"RED": 1})
            assert MemoryStore({"key": [color.RED]}).get_shared("key", list[literal[color.RED]]) == [color.RED]
        return weakref.ref(color)

    gone = asked()
    for forget in getattr(typing, "_cleanups"):  # noqa: B009 - the caches of ``typing`` itself, which no checker knows
        forget()
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("mortal_classes")
def test_a_typed_key_keeps_the_classes_of_its_type() -> None:
    """The type of a key is the key's own as long as it lives, and goes with it."""

    def made() -> tuple[Any, Any, Any]:
        class Once: ...

        return Key("key", list[Once]), Once(), weakref.ref(Once)

    key, value, gone = made()
    gc.collect()
    store = MemoryStore({"key": [value]})
    assert store.get_shared(key) == [value]
    with pytest.raises(TypeMismatch):
        MemoryStore({"key": [1]}).get(key)
    del store, value
    gc.collect()
    assert gone() is not None
    del key
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("mortal_classes")
def test_a_typed_key_keeps_what_its_annotations_named_when_it_was_made() -> None:
    """A name that is bound to something else later means to the key what it meant before."""
    module = types.ModuleType("renamed")
    sys.modules["renamed"] = module
    try:
        exec("from typing import TypedDict\nclass Part: ...\nclass Row(TypedDict):\n    part: 'Part'", module.__dict__)
        key = Key("key", getattr(module, "Row"))  # noqa: B009 - no checker knows the module
        gone = weakref.ref(vars(module).pop("Part"))
    finally:
        del sys.modules["renamed"]
    gc.collect()
    assert gone() is not None
    del key
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("mortal_classes")
def test_a_class_at_the_address_of_another_is_another_class() -> None:
    """Hundreds of classes come and go, some where others were, and each answers for itself alone."""
    addresses = set()
    again = 0
    for number in range(400):
        kind: Any = type(f"Kind{number}", (), {"__slots__": ()})
        again += id(kind) in addresses
        addresses.add(id(kind))
        store = MemoryStore({"key": [kind()], "other": [object()], "row": {"a": kind()}})
        for form in (list[kind], list[kind | int], alias("Alias", list[kind])):
            store.get_shared("key", form)
            with pytest.raises(TypeMismatch):
                store.get_shared("other", form)
        store.get_shared("row", typed_dict("Row", {"a": kind}))
        del kind, store, form
        gc.collect(0 if number % 10 else 2)
    assert again > 20  # else nothing was tried


@pytest.mark.usefixtures("mortal_classes")
@pytest.mark.parametrize(
    "make",
    [
        lambda kind: typed_dict("Row", {"a": kind}),
        lambda kind: NewType("New", dict[str, kind]),
        lambda kind: alias("Alias", dict[str, kind]),
        lambda kind: Annotated[dict[str, kind], []],
        lambda kind: list[typed_dict("Row", {"a": kind})] | dict[str, kind],
    ],
    ids=["record", "new type", "alias", "note", "nested record"],
)
def test_a_form_at_the_address_of_another_is_another_form(make: Any) -> None:
    """Forms of classes that live on come and go, some where others were, and none is taken for the one before it."""
    store = MemoryStore({"int": {"a": 1}, "str": {"a": "b"}})
    addresses = set()
    again = 0
    for number in range(400):
        kind, right, wrong = (int, "int", "str") if number % 3 else (str, "str", "int")
        form = make(kind)
        again += id(form) in addresses
        addresses.add(id(form))
        store.get_shared(right, form)
        with pytest.raises(TypeMismatch):
            store.get_shared(wrong, form)
        del form
        gc.collect(0 if number % 10 else 2)
    assert again > 20  # else nothing was tried


def test_forms_that_look_alike_are_told_apart() -> None:
    """The same parts in another order, number or nesting are another form."""
    values: list[Any] = [
        [1],
        ["a"],
        {"a": 1},
        {1: "a"},
        (1, "a"),
        ("a", 1),
        (1,),
        [[1]],
        [{"a": 1}],
        [(1,)],
        [(1, "a")],
        None,
        1,
        "a",
        ["a", 1],
    ]
    forms: list[Any] = [
        list[int], list[str], list[int | str], list[int] | str, list[list[int]], dict[str, int], dict[int, str], tuple[int, str],
        tuple[str, int], tuple[int], tuple[int, ...], tuple[()], list[tuple[int]], list[tuple[int, ...]], list[dict[str, int]],
        int | None, Optional[str], list[int] | None, list[None], type[int], Annotated[int, 1], Annotated[str, 1],
    ]  # fmt: skip

    def answers() -> list[list[bool]]:
        return [[fits(value, form) for value in values] for form in forms]

    first = answers()
    assert all(answers() == first for _ in range(3))
    assert [fits([1], form) for form in (list[int], list[str], list[list[int]])] == [True, False, False]
    assert len({tuple(row) for row in first}) > 15


def fits(value: Any, form: Any) -> bool:
    try:
        MemoryStore({"key": value}).get_shared("key", form)
    except TypeMismatch:
        return False
    return True


def test_a_form_is_neither_hashed_nor_compared() -> None:
    """A metaclass's ``__hash__`` and ``__eq__`` are no business of the store's, inside a form either."""

    class Meta(type):
        __hash__ = __eq__ = touch  # type: ignore[assignment]

    class Odd(metaclass=Meta): ...

    value = Odd()
    store = MemoryStore({"key": value, "list": [value], "dict": {"a": [value]}, "class": Odd})
    for _ in range(3):
        store.get_shared("list", list[Odd])
        store.get_shared("dict", dict[str, list[Odd]])
        store.get_shared("list", list[Odd] | None)
        store.get_shared("class", type[Odd])
        store.get_shared(Key("list", list[Odd]))
        with pytest.raises(TypeMismatch):
            store.get_shared("key", list[Odd])


def test_more_forms_than_are_kept_are_answered_all_the_same() -> None:
    """Thousands of different forms neither fill the memory nor change an answer."""
    said = alone(
        """
import sys
def ask(number):
    store.get_shared("key", tuple[tuple(int if number >> bit & 1 else str for bit in range(12))])
store = MemoryStore({"key": "text"})
def tried(number):
    try:
        ask(number)
    except TypeError:
        pass
for number in range(1500): tried(number)
before = sys.getallocatedblocks()
for number in range(1500, 3548): tried(number)
print(sys.getallocatedblocks() - before < 3_000)
"""
    )
    assert said == "True\n"


def test_threads_that_ask_for_forms_at_the_same_time_get_their_own_answers() -> None:
    """Plans are made, found and dropped from eight threads at once, and no thread sees another's."""
    wrong: list[Any] = []
    start = threading.Barrier(8)

    def ask(thread: int) -> None:
        start.wait()
        for number in range(300):
            kind: Any = type(f"Kind{thread}", (), {})
            store = MemoryStore({"key": [kind()], "number": [number]})
            try:
                store.get_shared("key", list[kind])
                store.get_shared("number", list[int | kind])
            except TypeMismatch as error:
                wrong.append(error)
            if fits([object()], list[kind]):
                wrong.append(kind)

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_class_that_dies_in_the_middle_of_a_check_fits_nothing_any_more() -> None:
    """A record whose class was bound to a name, taken away while it is looked at, leaves an answer and no crash."""
    said = alone(
        """
import gc, types
from typing import TypedDict
module = types.ModuleType("gone")
sys.modules["gone"] = module
exec('''
from __future__ import annotations
from typing import TypedDict
class Row(TypedDict):
    first: Hook
    rest: list[Part]
class Part: ...
class Meta(type):
    def __instancecheck__(cls, value):
        drop()
        return True
class Hook(metaclass=Meta): ...
''', module.__dict__)
def drop():
    if hasattr(module, "Part"):
        del module.Part
        gc.collect()
        global others
        others = [type("Other", (), {}) for _ in range(200)]
        value["rest"].extend(other() for other in others)
module.drop = drop
value = {"first": 1, "rest": []}
store = MemoryStore({"key": value})
try:
    store.get_shared("key", module.Row)
except TypeError as error:
    print(error)
"""
    )
    assert "Part" in said  # by now the annotation names nothing
