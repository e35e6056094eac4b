"""``pop``, ``setdefault`` and ``put_many``: what takes a look and a write by hand, in one step (store 13)."""

import gc
import threading
from collections import ChainMap, OrderedDict, UserDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from cano.errors import CommitConflict, KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Color, HostileText, Untouchable

COUNT = Key("count", int)


class Sub(MemoryStore):
    """A store of a user's own class."""


def asked(answer: Callable[[Any], bool]) -> Any:
    """A class whose own check is ``answer``."""
    return type("Meta", (type,), {"__instancecheck__": lambda _, value: answer(value)})("Asked", (), {})


def test_a_check_that_always_replaces_the_value_ends_a_pop() -> None:
    """A pop whose type's own check puts another value each time is a ``CommitConflict``, and takes nothing."""
    store = MemoryStore({"a": 1})
    checks: list[object] = []

    def replacing(value: object) -> bool:
        checks.append(value)
        store.put("a", object())
        return True

    with pytest.raises(CommitConflict, match=r"key 'a'.*through the store itself") as caught:
        store.pop("a", asked(replacing))
    assert caught.value.own
    assert len(checks) == 3
    assert "a" in store


def test_a_pop_takes_no_value_that_was_not_checked() -> None:
    """What came in while the type was checked is checked itself, and what went meanwhile is not there."""
    store = MemoryStore({"a": 1, "b": 1})
    replaced: list[object] = []

    def replacing(value: object) -> bool:
        replaced.append(value)
        if len(replaced) == 1:
            store.put("a", "text")
        return value == 1

    with pytest.raises(TypeMismatch):
        store.pop("a", asked(replacing))
    assert replaced[:2] == [1, "text"]
    assert store.get("a") == "text"
    removing = asked(lambda _: store.remove("b") is None)
    assert store.pop("b", removing, default="none") == "none"
    store.put("b", 1)
    with pytest.raises(KeyNotFound):
        store.pop("b", removing)


@pytest.mark.parametrize("key", ["red", Color.RED, HostileText("red"), Key("red", int), Key(HostileText("red"), int)], ids=type)
def test_every_kind_of_key_names_the_slot(key: Any) -> None:
    """Plain, typed, a member of a ``StrEnum``, a hostile ``str``: one slot for each of the calls in one step."""
    for store in (MemoryStore(), Sub()):
        assert store.setdefault(key, 1) == 1
        assert store.setdefault(key, 2) == 1
        assert store.modify(key, lambda n: n + 1) == 2
        assert store.pop(key) == 2
        assert store.pop(key, default="none") == "none"
        assert store.modify(key, lambda n: n + 1, default=0) == 1
        store.clear()
        if type(key) is not HostileText:  # it cannot stand in a dict
            store.put_many({key: 3})
            assert store.keys() == ["red"]
            assert type(store.keys()[0]) is str


def test_a_value_is_touched_by_none_of_them() -> None:
    """A value whose every hook raises is stored, handed out and taken out as it is."""
    value, other = Untouchable(), Untouchable()
    store = MemoryStore()
    assert store.setdefault("a", value) is value
    store.put_many({"a": other, "b": value})
    assert store.pop("a", Untouchable) is other
    assert store.pop("b", object) is value
    assert store.setdefault("a", value, Untouchable) is value
    assert store.pop("b", default=other) is other


def test_pop_takes_the_stored_object_out() -> None:
    """The object itself comes back, and the key is gone."""
    value = [1]
    store = MemoryStore({"a": value})
    assert store.pop("a", list) is value
    assert "a" not in store
    assert store.pop("a", default=None) is None
    with pytest.raises(KeyNotFound):
        store.pop("a")


@pytest.mark.parametrize("form", [str, int | None, bool])
def test_pop_of_another_type_leaves_the_value(form: Any) -> None:
    """A value that is not of the type asked for stays where it is."""
    store = MemoryStore({"count": 1.5})
    with pytest.raises(TypeMismatch):
        store.pop("count", form)
    with pytest.raises(TypeMismatch):
        store.pop(COUNT)
    assert store.get("count") == 1.5


def test_pop_hands_out_the_default_as_it_is_and_only_for_a_missing_key() -> None:
    """The default is neither checked nor copied; it hides no value of another type; ``None`` is a value."""
    default: list[int] = []
    store = MemoryStore({"a": "text", "none": None})
    assert store.pop("missing", int, default=default) is default  # type: ignore[comparison-overlap]
    assert store.pop(COUNT, default=default) is default  # type: ignore[comparison-overlap]
    with pytest.raises(TypeMismatch):
        store.pop("a", int, default=default)
    assert store.pop("none", default=default) is None
    assert store.keys() == ["a"]


@pytest.mark.parametrize("form", ["int", (int, str), 1], ids=str)
def test_a_form_that_is_none_is_refused_and_changes_nothing(form: Any) -> None:
    """A mistaken type is a ``TypeError``, whether the key is there or not."""
    store = MemoryStore({"a": 1})
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.pop("a", form),
        lambda: store.pop("missing", form, default=1),
        lambda: store.setdefault("a", 1, form),
        lambda: store.setdefault("missing", 1, form),
        lambda: store.modify("a", lambda n: n, form),
        lambda: store.modify("missing", lambda n: n, form, default=1),
        lambda: store.pop(COUNT, form),
        lambda: store.setdefault(COUNT, 1, form),
        lambda: store.modify(COUNT, lambda n: n, form, default=1),
    )
    for call in calls:
        with pytest.raises(TypeError) as caught:
            call()
        assert type(caught.value) is TypeError
    assert store.snapshot() == {"a": 1}


def test_of_many_threads_one_gets_the_value() -> None:
    """Each value is popped once, whoever asks; and the first ``setdefault`` decides for all."""
    store = MemoryStore()
    for round_ in range(100):
        store.put("a", round_)
        barrier = threading.Barrier(4)
        taken: list[object] = []
        agreed: list[object] = []

        def work(barrier: threading.Barrier = barrier, taken: list[object] = taken, agreed: list[object] = agreed) -> None:
            barrier.wait()
            taken.append(store.pop("a", int | None, default=None))
            agreed.append(store.setdefault("b", object()))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(str, taken)) == sorted(["None"] * 3 + [str(round_)])
        assert len(set(map(id, agreed))) == 1
        store.remove("b")


def test_setdefault_decides_at_one_moment() -> None:
    """What another put while the type of the given value was checked stays, and is what comes back."""
    store = MemoryStore()

    def overtaking(value: object) -> bool:
        store.put("a", "first")
        return True

    assert store.setdefault("a", "second", asked(overtaking)) == "first"
    assert store.get("a") == "first"


def test_setdefault_returns_what_is_stored() -> None:
    """The first value stays and is what everybody gets."""
    store = MemoryStore()
    first: list[int] = []
    assert store.setdefault("a", first) is first
    assert store.setdefault("a", [1], list) is first
    assert store.get_shared("a") is first
    with pytest.raises(TypeMismatch):
        store.setdefault("a", {}, dict)
    with pytest.raises(TypeMismatch):
        store.setdefault("b", "text", int)
    assert "b" not in store


def test_put_many_puts_all_or_nothing() -> None:
    """One item that does not fit, and none of them is there."""
    store = MemoryStore({"a": 0})
    store.put_many({"a": 1, COUNT: 2})
    assert store.snapshot() == {"a": 1, "count": 2}
    wrong: Any = {"a": 9, COUNT: "text"}
    with pytest.raises(TypeMismatch):
        store.put_many(wrong)
    worse: Any = {"a": 9, 2: 3}
    with pytest.raises(TypeError):
        store.put_many(worse)
    assert store.snapshot() == {"a": 1, "count": 2}


@pytest.mark.parametrize("no_mapping", [None, 1, "ab", [("a", 1)], {"a"}, iter({}), MemoryStore({"a": 1})], ids=type)
def test_put_many_takes_a_mapping(no_mapping: Any) -> None:
    """Anything else is a ``TypeError`` that says what it got, a store with the advice to take its snapshot."""
    store = MemoryStore({"a": 0})
    with pytest.raises(TypeError, match=f"put_many takes a mapping, got {type(no_mapping).__name__}") as caught:
        store.put_many(no_mapping)
    assert ("snapshot()" in str(caught.value)) == isinstance(no_mapping, MemoryStore)
    assert store.snapshot() == {"a": 0}


@pytest.mark.parametrize("kind", [dict, OrderedDict, UserDict, ChainMap, lambda items: MappingProxyType(items)], ids=str)
def test_put_many_takes_every_kind_of_mapping(kind: Any) -> None:
    """Whatever Python calls a mapping will do, an empty one, too; the values are kept by reference."""
    value: list[int] = []
    store = Sub({"b": 1})
    store.put_many(kind({}))
    assert store.snapshot() == {"b": 1}
    store.put_many(kind({"a": value, "b": 2}))
    assert store.get_shared("a") is value
    assert store.get("b") == 2


def test_put_many_of_its_own_snapshot_changes_nothing() -> None:
    """A3: a store takes its own contents back, and goes on owning what nobody else holds."""
    store = MemoryStore({f"key {n}": [n] for n in range(1_000)})
    before = store.snapshot()
    for _ in range(3):
        store.put_many(store.snapshot())
    after = store.snapshot()
    assert after == before
    assert all(after[key] is before[key] for key in before)


def test_the_last_of_two_names_of_one_slot_wins() -> None:
    """A typed key and its text in one mapping are one slot: what comes last stays, and each is checked."""
    store = MemoryStore()
    store.put_many({"count": "text", COUNT: 2})
    assert store.snapshot() == {"count": 2}
    with pytest.raises(TypeMismatch):
        store.put_many({COUNT: "text", "count": 3})  # type: ignore[misc]
    assert store.snapshot() == {"count": 2}


def test_what_put_many_displaces_sees_all_that_it_put() -> None:
    """A finalizer of the first displaced value finds the last new one in its place: nothing runs half-way."""
    store = MemoryStore()
    seen: list[dict[str, object]] = []

    class Finalized:
        def __del__(self) -> None:
            seen.append({key: type(value) for key, value in store.snapshot().items()})

    names = [f"key {n}" for n in range(20)]
    store.put_many({name: Finalized() for name in names})
    store.put_many(dict.fromkeys([*names, "new"], 1))
    gc.collect()
    assert seen == [dict.fromkeys([*names, "new"], int)] * 20


def test_a_mapping_that_fails_half_way_puts_nothing() -> None:
    """Whatever a mapping raises reaches the caller; none of its items is there, and what it did itself stays."""
    store = MemoryStore({"old": 1})

    class Failing(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            if key == "bad":
                raise ZeroDivisionError
            store.put("own", 1)
            return 1

        def __iter__(self) -> Iterator[str]:
            return iter(["good", "bad", "late"])

        def __len__(self) -> int:
            return 3

    for call in (store.put_many, MemoryStore):
        with pytest.raises(ZeroDivisionError):
            call(Failing())
    assert store.snapshot() == {"old": 1, "own": 1}
