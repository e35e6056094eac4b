"""Handles, construction from a mapping, subclasses, and what a store refuses (store 9)."""

import copy
import operator
import pickle
import weakref
from collections import ChainMap, OrderedDict, UserDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from cano.errors import CanoError, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Untouchable

ANY_STORE: Any = MemoryStore  # for calls that a type checker would refuse
ANY_KEY: Any = Key


def test_a_clone_is_a_second_handle_on_the_same_data() -> None:
    """What one handle writes the other reads, in both directions (ST-1)."""
    store = MemoryStore()
    store.put("key", 42)
    other = store.clone()
    assert other is not store
    assert type(other) is MemoryStore
    assert other.get("key", int) == 42
    other.put("key", [1])
    other.append("log", 2)
    assert store.get_shared("key") is other.get_shared("key")
    store.remove("key")
    assert other.keys() == ["log"]
    other.clear()
    assert store.is_empty()


def test_a_clone_outlives_its_origin() -> None:
    """The data lives as long as any handle."""
    store = MemoryStore({"key": [1]})
    for _ in range(100):
        store = store.clone()
    assert store.get("key") == [1]


def test_two_stores_share_nothing() -> None:
    """A new store is empty, whatever others hold."""
    one, other = MemoryStore(), MemoryStore()
    one.put("key", 1)
    assert other.is_empty()


def test_stores_are_equal_by_identity() -> None:
    """Handles compare and hash as objects; content does not count, and a value's ``==`` is not called."""
    store = MemoryStore({"a": Untouchable()})
    other = store.clone()
    assert operator.eq(store, store)
    assert store != other
    assert store != MemoryStore({"a": 1})
    assert store != {"a": 1}
    assert len({store, other, store}) == 2


def test_a_store_starts_with_the_items_of_a_mapping() -> None:
    """The values are the mapping's own objects; later changes of the mapping do not reach the store."""
    value = [1]
    mapping: dict[str, Any] = {"a": value, "b": None}
    store = MemoryStore(mapping)
    mapping["c"] = 1
    del mapping["a"]
    assert store.snapshot() == {"a": [1], "b": None}
    assert store.get_shared("a") is value


class Text(str): ...


class OwnMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


MAPPINGS: list[Any] = [
    {"a": 1},
    OrderedDict(a=1),
    defaultdict(int, a=1),
    UserDict(a=1),
    ChainMap({"a": 1}, {"a": 2}),
    MappingProxyType({"a": 1}),
    OwnMapping(),
    {Key("a", int): 1},
    {Text("a"): 1},
]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)
def test_any_mapping_will_do(mapping: Any) -> None:
    """Every kind of ``Mapping`` is taken, typed keys included."""
    store = MemoryStore(mapping)
    assert store.snapshot() == {"a": 1}
    assert type(store.keys()[0]) is str


def test_an_empty_start_can_be_written_in_three_ways() -> None:
    """Nothing, None and an empty mapping are an empty store."""
    assert [MemoryStore().len(), MemoryStore(None).len(), MemoryStore({}).len()] == [0, 0, 0]


NO_MAPPINGS: list[Any] = [1, "text", b"x", [], [("a", 1)], (), {"a"}, object(), dict, iter([]), len, False, 0]


@pytest.mark.parametrize("mapping", NO_MAPPINGS, ids=repr)
def test_what_is_no_mapping_is_refused(mapping: Any) -> None:
    """A store starts from a mapping and from nothing else: pairs, text and falsy values are ``TypeError``."""
    with pytest.raises(TypeError, match=type(mapping).__name__):
        MemoryStore(mapping)


def test_a_store_does_not_start_from_a_store() -> None:
    """``MemoryStore(store)`` could mean a handle or a copy, so it is refused and both ways are open."""
    store: Any = MemoryStore({"a": 1})
    with pytest.raises(TypeError, match="clone"):
        MemoryStore(store)
    assert MemoryStore(store.snapshot()).get("a") == 1


@pytest.mark.parametrize("bad", [{"a": 1, 2: 3}, {2: 3}, {"a": 1, None: 2}, {b"a": 1}, {"a": 1, ("b",): 1}], ids=repr)
def test_a_mapping_with_a_key_that_is_no_text_is_refused_whole(bad: Any) -> None:
    """One bad key is a ``TypeError``; a store that is initialised again with it stays as it was."""
    with pytest.raises(TypeError, match="a key is a str"):
        MemoryStore(bad)
    store = MemoryStore({"old": 1})
    with pytest.raises(TypeError):
        store.__init__(bad)  # type: ignore[misc]
    assert store.snapshot() == {"old": 1}


def test_a_mapping_is_checked_against_its_typed_keys() -> None:
    """A typed key in a mapping is a promise: a wrong value is a ``TypeMismatch`` and nothing is put."""
    with pytest.raises(TypeMismatch):
        MemoryStore({Key("a", int): "text"})
    store = MemoryStore({"old": 1})
    with pytest.raises(TypeMismatch):
        store.__init__({"new": 1, Key("a", int): "text"})  # type: ignore[misc, dict-item]
    assert store.snapshot() == {"old": 1}


def test_what_a_mapping_raises_reaches_the_caller() -> None:
    """An error in the middle of a foreign mapping leaves no half-filled store behind."""

    class Broken(OwnMapping):
        def __iter__(self) -> Iterator[str]:
            yield "a"
            raise ZeroDivisionError

    store = MemoryStore({"old": 1})
    with pytest.raises(ZeroDivisionError):
        store.__init__(Broken())  # type: ignore[misc]
    assert store.snapshot() == {"old": 1}


class Namespaced(MemoryStore):
    prefix = "ns"

    def put(self, key: Any, value: object, /) -> None:
        super().put(f"{self.prefix}::{key}", value)


def test_a_store_can_be_subclassed() -> None:
    """A subclass has attributes of its own, overrides methods, and its clone is of its class and shares the data."""
    store = Namespaced({"a": 1})
    store.put("b", 2)
    store.prefix = "other"
    other = store.clone()
    assert type(other) is Namespaced
    assert other.prefix == "ns"
    assert other.get("ns::b") == 2
    assert isinstance(repr(other), str)
    assert "Namespaced" in repr(other)


def test_a_clone_of_a_subclass_is_made_without_init() -> None:
    """``clone`` does not ask for the arguments of ``__init__``."""

    class Demanding(MemoryStore):
        def __init__(self, path: str, *, mode: int) -> None:
            super().__init__({"path": path})

    other = Demanding("x", mode=1).clone()
    assert type(other) is Demanding
    assert other.get("path") == "x"


def test_a_store_can_be_weakly_referenced() -> None:
    """A weak reference lives as long as its handle, not as long as the data."""
    store = MemoryStore({"a": 1})
    other = store.clone()
    seen = weakref.ref(store)
    assert seen() is store
    del store
    assert seen() is None
    assert other.get("a") == 1


REFUSALS: dict[str, tuple[Callable[[Any], object], str]] = {
    **{
        f"pickle {version}": (lambda store, version=version: pickle.dumps(store, version), "snapshot")
        for version in range(pickle.HIGHEST_PROTOCOL + 1)
    },  # type: ignore[misc]
    "pickle inside a list": (lambda store: pickle.dumps([store]), "snapshot"),
    "deepcopy": (copy.deepcopy, "snapshot"),
    "deepcopy inside a dict": (lambda store: copy.deepcopy({"s": store}), "snapshot"),
    "copy": (copy.copy, r"clone\(\)"),
    "reduce_ex": (lambda store: store.__reduce_ex__(4), "snapshot"),
}


@pytest.mark.parametrize("kind", [MemoryStore, Namespaced])
@pytest.mark.parametrize("way", REFUSALS)
def test_a_store_is_copied_and_pickled_only_on_purpose(way: str, kind: type[MemoryStore]) -> None:
    """``pickle``, ``copy`` and ``deepcopy`` are a ``TypeError`` that names the way that works."""
    act, advice = REFUSALS[way]
    store = kind()
    store.put("a", 1)
    before = store.snapshot()
    with pytest.raises(TypeError, match=advice) as caught:
        act(store)
    assert not isinstance(caught.value, CanoError)
    assert store.snapshot() == before


def test_the_way_that_works_works() -> None:
    """A snapshot can be pickled and copied, and a store made from it."""
    store = MemoryStore({"a": [1]})
    assert MemoryStore(pickle.loads(pickle.dumps(store.snapshot()))).get("a") == [1]
    assert MemoryStore(copy.deepcopy(store.snapshot())).get_shared("a") is not store.get_shared("a")


def test_repr_shows_the_number_of_keys_and_never_a_value() -> None:
    """Printing a store prints no secret and calls no ``repr`` of a value, also when the store holds itself."""
    store = MemoryStore({"password": Untouchable()})
    store.put("me", store)
    assert repr(store) == str(store) == "<MemoryStore: 2 keys>"


@pytest.mark.parametrize("act", [operator.not_, bool], ids=["not", "bool"])
def test_an_empty_store_is_falsy_like_every_empty_container(act: Callable[[object], bool]) -> None:
    """Truth follows the number of keys; whoever asks for a handle writes ``is None``."""
    assert act(MemoryStore()) is (act is operator.not_)
    assert act(MemoryStore({"a": 0})) is (act is bool)


def test_a_clone_runs_no_code_of_a_subclass_and_never_touches_another_handle() -> None:
    """A subclass that hands out one instance for all, or wants arguments, is cloned like any other."""

    class Single(MemoryStore):
        instance: "Single | None" = None

        def __new__(cls, name: str) -> "Single":
            cls.instance = cls.instance or super().__new__(cls)
            return cls.instance

        def __init__(self, name: str) -> None:
            super().__init__({"name": name})

    first = Single("first")
    handle = first.clone()
    assert handle is not first
    assert type(handle) is Single
    handle.put("more", 1)
    assert first.snapshot() == {"name": "first", "more": 1}


def test_a_subclass_whose_put_raises_does_not_leave_a_store_half_filled() -> None:
    """Construction from a mapping puts all or nothing, and asks no method that a subclass may have replaced."""

    class Refusing(MemoryStore):
        def put(self, *_: object) -> None:
            raise ZeroDivisionError

    assert Refusing({"a": 1, "b": 2}).snapshot() == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ANY_STORE(a=1), "a store starts from a mapping: MemoryStore({'a': ...}), not from keywords"),
        (lambda: ANY_STORE([("a", 1)]), "a store starts from a mapping, got list"),
        (ANY_KEY, "a Key takes its name and its type, by position: Key('count', int)"),
        (lambda: ANY_KEY("a"), "a Key takes its name and its type, by position: Key('count', int)"),
        (lambda: ANY_KEY(name="a", type=int), "a Key takes its name and its type, by position: Key('count', int)"),
        (lambda: ANY_KEY("a", 5), "expected a class to check the value against, got 5 of type int"),
    ],
)
def test_a_wrong_way_to_make_a_store_or_a_key_is_told_with_the_right_one(make: Callable[[], object], said: str) -> None:
    """The ``TypeError`` of a constructor names the class and shows the call that works."""
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == said


def test_none_in_the_place_of_a_type_is_taken_for_a_habit() -> None:
    """Who writes ``get(key, None)`` as with a dict is told how a default is given."""
    with pytest.raises(TypeMismatch, match="default=None"):
        MemoryStore({"a": 1}).get("a", None)
