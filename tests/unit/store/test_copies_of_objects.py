"""Objects that are copied by their attributes alone, and classes that begin and cease to be so (store 4)."""

import copy
import copyreg
import io
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from cano.errors import CopyError
from cano.store import MemoryStore
from tests.unit.store.test_copy_protocol import described


def made_with_more(cls: type) -> Any:
    made: Any = object.__new__(cls)
    made.more = "by new"
    return made


found = object.__getattribute__
CHANGES: dict[str, Any] = {
    "__deepcopy__": lambda self, memo: ["by deepcopy"],
    "__reduce_ex__": lambda self, protocol: (list, (["by reduce_ex"],)),
    "__reduce__": lambda self: (list, (["by reduce"],)),
    "__getstate__": lambda self: {"part": "by getstate"},
    "__setstate__": lambda self, state: setattr(self, "part", "by setstate"),
    "__getnewargs__": lambda self: (),
    "__getnewargs_ex__": lambda self: ((), {}),
    "__new__": made_with_more,
    "__getattribute__": lambda self, name: ["by getattribute"].copy if name == "__deepcopy__" else found(self, name),
    "__getattr__": lambda self, name: (lambda memo: ["by getattr"]) if name == "__deepcopy__" else found(self, name),
    "__slots__": ("more",),
    "__slotnames__": ["part"],
}


def outcome(make: Callable[[Any], Any], value: Any) -> Any:
    try:
        copied = make(value)
    except Exception as error:  # noqa: BLE001 whatever deepcopy raises is what is expected
        return isinstance(error, TypeError)
    return described(copied), copied[0] is value[0]


@pytest.mark.parametrize("place", ["the class", "its base", "the object"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_class_that_changes_after_a_copy_is_asked_anew(name: str, place: str) -> None:
    """What is known of a class is forgotten when it, a base of it or the object gets copy code of its own."""

    class Base: ...

    class Changing(Base):
        def __init__(self) -> None:
            self.part = [1]

    value = [Changing(), Changing()]
    store = MemoryStore({"key": value})
    for _ in range(3):
        assert described(store.get("key")) == described(copy.deepcopy(value))
    method = CHANGES[name]
    if place == "the object":
        setattr(value[0], name, method.__get__(value[0]) if callable(method) else method)
    else:
        setattr(Changing if place == "the class" else Base, name, staticmethod(method) if name == "__new__" else method)
    for _ in range(3):
        assert outcome(lambda each: store.get("key"), value) == outcome(copy.deepcopy, value)
    if place != "the object":
        delattr(Changing if place == "the class" else Base, name)
        for _ in range(3):
            assert outcome(lambda each: store.get("key"), value) == outcome(copy.deepcopy, value)


def test_a_class_that_is_registered_after_a_copy_is_asked_anew() -> None:
    """``copyreg`` counts from the moment of the registration."""

    class Registered:
        part = 1

    value = [Registered()]
    store = MemoryStore({"key": value})
    assert type(store.get("key")[0]) is Registered
    copyreg.pickle(Registered, lambda value: (list, ([2],)))  # type: ignore[arg-type, return-value]
    try:
        assert store.get("key") == [[2]]
    finally:
        del copyreg.dispatch_table[Registered]
    assert type(store.get("key")[0]) is Registered


def test_attributes_in_a_subclass_of_dict_are_copied_as_deepcopy_does() -> None:
    """A class may be given attributes of a kind of its own: the copy has them in a plain dict, as with ``copy.deepcopy``."""
    value: Any = type("Plain", (), {})()
    value.__dict__ = OrderedDict(part=[1])
    for copied in (MemoryStore({"key": value}).get("key"), copy.deepcopy(value)):
        assert type(copied) is type(value)
        assert type(vars(copied)) is dict
        assert vars(copied) == {"part": [1]}
        assert vars(copied)["part"] is not value.part


def test_attributes_that_are_shared_with_the_graph_are_copied_once() -> None:
    """An object's ``__dict__`` that is reached by another way, too, has one copy, as with ``copy.deepcopy``."""
    value: Any = type("Plain", (), {})()
    value.part = [1]
    graph = [value, value.__dict__, value.part]
    for copied in (copy.deepcopy(graph), MemoryStore({"key": graph}).get("key")):
        assert copied[0].__dict__ == copied[1] == {"part": [1]}
        assert copied[0].__dict__ is not copied[1]
        assert copied[0].part is copied[1]["part"] is copied[2] is not graph[2]


def test_an_object_with_a_hidden_state_is_refused() -> None:
    """A class over a built-in type that keeps its state in C is no plain class: copying its attributes alone would lose it."""

    class Decoder(io.IncrementalNewlineDecoder): ...

    class Cursor(sqlite3.Cursor): ...

    with closing(sqlite3.connect(":memory:")) as connection:
        for value in (Decoder(None, translate=True), Cursor(connection)):
            with pytest.raises(TypeError):
                copy.deepcopy(value)
            with pytest.raises(CopyError):
                MemoryStore({"key": [value]}).get("key")
