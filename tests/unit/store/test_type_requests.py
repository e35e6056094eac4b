"""Asking for a type: a class by ``isinstance``, every other form answered or refused, never a silent yes (store 6, D4)."""

import abc
import typing
from collections.abc import Callable, Iterable
from typing import Any, LiteralString, Protocol, runtime_checkable

import pytest

from cano.errors import KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.forms import NO, REFUSED, YES, Base, Box, Closable, Closes, Derived, anyof, listof, maybe

READS: dict[str, Callable[[MemoryStore, Any], Any]] = {
    "get": lambda store, form: store.get("key", form),
    "get_shared": lambda store, form: store.get_shared("key", form),
    "get of a typed key": lambda store, form: store.get(Key("key", form)),
    "get_shared of a typed key": lambda store, form: store.get_shared(Key("key", form)),
}


def shown(part: Any) -> str:
    return getattr(part, "__qualname__", None) or repr(part)[:60]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("value", "form"), YES, ids=shown)
def test_a_value_of_the_class_is_returned(read: str, value: Any, form: Any) -> None:
    """``isinstance`` decides: subclasses, ABCs, runtime protocols, unions of classes, None and ``Any``."""
    assert type(READS[read](MemoryStore({"key": value}), form)) is type(value)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("value", "form"), NO, ids=shown)
def test_a_value_of_another_class_is_a_mismatch(read: str, value: Any, form: Any) -> None:
    """A wrong class is a ``TypeMismatch`` that holds key, expected and found; nothing is converted (ST-10)."""
    store = MemoryStore({"key": value})
    with pytest.raises(TypeMismatch) as caught:
        READS[read](store, form)
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("key", form, type(value))
    assert store.get_shared("key") is value


VALUES: list[Any] = [1, "a", [1], [], {"name": "x"}, {}, (1,), (), None, Closes(), Box(), int, len]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("form", REFUSED, ids=shown)
def test_a_form_that_is_not_understood_is_refused(read: str, form: Any) -> None:
    """What the checker does not know is a plain ``TypeError`` for every value: never a yes and never a mere mismatch."""
    for value in VALUES:
        store = MemoryStore({"key": value})
        with pytest.raises(TypeError) as caught:
            READS[read](store, form)
        assert type(caught.value) is TypeError
        assert len(str(caught.value)) > 20


@pytest.mark.parametrize("read", ["get", "get_shared"])
def test_a_form_that_is_not_understood_is_refused_for_a_missing_key_too(read: str) -> None:
    """A bad form shows at the first call, not when the first value arrives; so does ``get("key", 0)``, meant as a default."""
    store = MemoryStore()
    unnoticed = []
    for form in REFUSED:
        for default in ({}, {"default": 1}):
            try:
                getattr(store, read)("missing", form, **default)
            except KeyNotFound:
                unnoticed.append((form, default))
            except TypeError:
                continue
            else:
                unnoticed.append((form, default))
    assert unnoticed == []


@pytest.mark.parametrize(
    "form", ["Missing", typing.ForwardRef("Missing"), listof["Missing"], anyof[int, "Missing"], maybe["Missing"]], ids=repr
)
def test_a_forward_reference_is_an_error_that_names_it(form: Any) -> None:
    """Pitfall D3: an unresolved reference is named, at any depth."""
    with pytest.raises(TypeError, match="Missing"):
        MemoryStore({"key": [1]}).get("key", form)


@pytest.mark.parametrize(
    ("form", "advice"),
    [
        ((int, str), r"int \| str"),
        ("Missing", "Missing itself"),
        (Box[int], "ask for Box"),
        (Iterable[int], "ask for Iterable, or for Sequence"),
        (Callable[[int], str], "ask for Callable"),
        (LiteralString, "ask for str"),
        (Closable, "runtime_checkable"),
        (0, "default="),
    ],
    ids=shown,
)
def test_the_refusal_of_a_form_says_what_to_write_instead(form: Any, advice: str) -> None:
    """The error of each common mistake names the nearest right answer."""
    with pytest.raises(TypeError, match=advice):
        MemoryStore({"key": 1}).get("key", form)


def test_a_refused_part_of_a_union_is_refused_although_another_part_matches() -> None:
    """The answer to a union does not depend on the order of its parts."""
    store = MemoryStore({"key": 1})
    for form in (int | Box[int], Box[int] | int):
        with pytest.raises(TypeError, match="Box"):
            store.get("key", form)


def test_a_class_answers_by_its_own_instance_check() -> None:
    """A metaclass's ``__instancecheck__`` and an ABC's ``register`` and ``__subclasshook__`` are respected."""

    class Even(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, int) and value % 2 == 0

    class EvenNumber(metaclass=Even): ...

    class Registered(abc.ABC):  # noqa: B024 what counts is who is registered
        pass

    Registered.register(Base)
    store = MemoryStore({"even": 2, "odd": 3, "base": Derived()})
    assert store.get("even", EvenNumber) == 2
    assert isinstance(store.get("base", Registered), Base)
    with pytest.raises(TypeMismatch):
        store.get("odd", EvenNumber)
    with pytest.raises(TypeMismatch):
        store.get("odd", Registered)


@pytest.mark.parametrize("answer", [0, 1, "", "yes", None, [0]], ids=repr)
def test_the_truth_of_an_instance_check_is_what_counts(answer: Any) -> None:
    """An ``__instancecheck__`` that returns no bool is taken by its truth, as ``isinstance`` does."""

    class Meta(type):
        def __instancecheck__(cls, value: object) -> Any:
            return answer

    store = MemoryStore({"key": 1})
    asked = Meta("Asked", (), {})
    if answer:
        assert store.get("key", asked) == 1
    else:
        with pytest.raises(TypeMismatch):
            store.get("key", asked)


@pytest.mark.parametrize("read", READS)
def test_an_error_of_an_instance_check_reaches_the_caller(read: str) -> None:
    """What a metaclass raises is not swallowed, not turned into a mismatch, and the store works on."""

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            raise ZeroDivisionError("from the check")

    store = MemoryStore({"key": 1})
    with pytest.raises(ZeroDivisionError, match="from the check"):
        READS[read](store, Meta("Asked", (), {}))
    store.put("key", 2)
    assert store.get("key", int) == 2


def test_a_value_that_lies_about_its_class_is_believed_as_isinstance_believes_it() -> None:
    """``__class__`` counts, so a mock or a proxy passes; and one whose ``__class__`` raises lets the error out."""

    class Proxy:
        @property
        def __class__(self) -> Any:
            return int

        @__class__.setter
        def __class__(self, new: Any) -> None: ...

    class Broken:
        @property
        def __class__(self) -> Any:
            raise ZeroDivisionError

        @__class__.setter
        def __class__(self, new: Any) -> None: ...

    store = MemoryStore({"proxy": Proxy(), "broken": Broken()})
    assert type(store.get_shared("proxy", int)) is Proxy
    assert type(store.get_shared("broken", Broken)) is Broken
    with pytest.raises(ZeroDivisionError):
        store.get_shared("broken", int)


def test_a_property_of_a_value_is_asked_by_a_runtime_protocol_only() -> None:
    """A data protocol looks at attributes; an error of a property that is no ``AttributeError`` is not a silent yes."""

    @runtime_checkable
    class Named(Protocol):
        name: str

    class Named1:
        name = "x"

    store = MemoryStore({"yes": Named1(), "no": Base()})
    assert type(store.get("yes", Named)) is Named1  # type: ignore[comparison-overlap]
    with pytest.raises(TypeMismatch):
        store.get("no", Named)


def test_a_class_with_an_equality_of_its_own_is_asked_by_identity() -> None:
    """Whether a value is of a class is no question of ``==`` or ``hash`` of the metaclass."""

    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __hash__(cls) -> int:
            raise AssertionError

    class Odd(metaclass=Meta): ...

    value = Odd()
    store = MemoryStore({"key": value})
    assert store.get_shared("key", Odd) is value
    assert store.get_shared(Key("key", Odd)) is value
    with pytest.raises(TypeMismatch):
        MemoryStore({"key": 1}).get("key", Odd)


def test_an_error_of_a_forms_own_code_reaches_the_caller() -> None:
    """Something that cannot even be asked what it is, is neither a yes nor a crash."""

    class Broken:
        @property
        def __class__(self) -> Any:
            raise ZeroDivisionError

        @__class__.setter
        def __class__(self, new: Any) -> None: ...

    class Pretender:
        __origin__ = list
        __args__ = (int,)

        def __getattr__(self, name: str) -> Any:
            return self

    store = MemoryStore({"key": [1]})
    for broken in (Broken(), listof[Broken()]):
        with pytest.raises(ZeroDivisionError):
            store.get("key", broken)
    for pretender in (Pretender(), listof[Pretender()]):
        with pytest.raises(TypeError):
            store.get("key", pretender)
