"""No code of anybody runs under the lock: whatever Python can be made to call may use the store, in every operation (store 10)."""

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from cano.errors import CopyError
from cano.store import Key, MemoryStore
from tests.threads.deadline import ends
from tests.threads.operations import OPERATIONS, Operation


def trigger_finalizer(store: MemoryStore, inner: Operation, seen: list[str]) -> object:
    class Finalized:
        def __deepcopy__(self, memo: object) -> None:
            """Give ``modify`` something to work on that is not watched, too."""

        def __del__(self) -> None:
            inner(store)
            seen.append("finalizer")

    return Finalized()


def trigger_weakref(store: MemoryStore, inner: Operation, seen: list[str]) -> object:
    class Referred:
        def __deepcopy__(self, memo: object) -> None:
            """Give ``modify`` something to work on that is not watched, too."""

    referred = Referred()
    KEPT.append(weakref.ref(referred, lambda _: (inner(store), seen.append("weakref"))))
    return referred


KEPT: list[object] = []
RELEASERS: dict[str, Operation] = {
    "put": lambda store: store.put("value", None),
    "remove": lambda store: store.remove("value"),
    "clear": lambda store: store.clear(),
    "append": lambda store: store.append("held in a list", 1),
    "pop": lambda store: store.pop("value"),
    "pop of a type": lambda store: store.pop("value", object | None),
    "modify": lambda store: store.modify("value", lambda _: 1),
    "put_many": lambda store: store.put_many({"new": 1, "value": 2, "newer": 3}),
    "transact that puts": lambda store: store.transact(lambda tx: (tx.contains_key("value"), tx.put("value", 1))[1]),
    "transact that removes": lambda store: store.transact(lambda tx: tx.remove("value")),
    "transact that pops": lambda store: store.transact(lambda tx: tx.pop("value")),
    "the last handle": lambda store: None,
}


@pytest.mark.parametrize("make", [trigger_finalizer, trigger_weakref])
@pytest.mark.parametrize("release", RELEASERS)
@pytest.mark.parametrize("inner", OPERATIONS)
def test_what_is_displaced_may_use_the_store(
    make: Callable[[MemoryStore, Operation, list[str]], object], release: str, inner: str
) -> None:
    """A __del__ or a weakref callback of a displaced value may call any operation of the store that let it go."""
    seen: list[str] = []

    def case() -> None:
        store = MemoryStore({"list": [1]})
        watcher = store.clone() if release != "the last handle" else MemoryStore({"list": [1]})
        if release == "append":  # the list it displaces is the last that holds the value
            held = [make(watcher, OPERATIONS[inner], seen)]
            store.put("held in a list", held)
            store.append("held in a list", 2)  # copied, since ``held`` is held
            del held
            store.clear()
        else:
            store.put("value", make(watcher, OPERATIONS[inner], seen))
        RELEASERS[release](store)
        del store
        gc.collect()

    try:
        ends(case)
    finally:
        KEPT.clear()
    assert len(seen) == 1


class Hostile(str):
    """A key whose every method would use the store, if anybody called it."""

    store: MemoryStore
    calls = 0

    def _use(self, *_: object) -> Any:
        type(self).calls += 1
        self.store.clear()
        raise RuntimeError("the store called a method of a key")

    __eq__ = __ne__ = __lt__ = __str__ = __repr__ = __len__ = __getitem__ = __iter__ = _use
    __hash__ = _use


KEYED: dict[str, Callable[[MemoryStore, str], object]] = {
    "get": lambda store, key: store.get(key, default=None),
    "get_shared": lambda store, key: store.get_shared(key, default=None),
    "put": lambda store, key: store.put(key, 2),
    "append": lambda store, key: store.append(key, 3),
    "remove": lambda store, key: store.remove(key),
    "contains_key": lambda store, key: store.contains_key(key),
    "in": lambda store, key: key in store,
    "pop": lambda store, key: store.pop(key),
    "setdefault": lambda store, key: store.setdefault(key, 1),
    "modify": lambda store, key: store.modify(key, len),
    "tx.get": lambda store, key: store.transact(lambda tx: tx.get(key)),
    "tx.get_shared": lambda store, key: store.transact(lambda tx: tx.get_shared(key)),
    "tx.get_many": lambda store, key: store.transact(lambda tx: tx.get_many([key, "other", key])),
    "tx.put": lambda store, key: store.transact(lambda tx: tx.put(key, 1)),
    "tx.append": lambda store, key: store.transact(lambda tx: tx.append(key, 1)),
    "tx.remove": lambda store, key: store.transact(lambda tx: tx.remove(key)),
    "tx.pop": lambda store, key: store.transact(lambda tx: tx.pop(key)),
    "tx.contains_key": lambda store, key: store.transact(lambda tx: (tx.contains_key(key), key in tx)),
}


@pytest.mark.parametrize("name", KEYED)
def test_no_method_of_a_key_is_called(name: str) -> None:
    """D6: a str subclass counts as its text, and none of its methods runs."""
    store = MemoryStore({"other": 1, "list": [1]})
    key = Hostile("list")
    key.store = store
    Hostile.calls = 0
    ends(lambda: KEYED[name](store, key))
    assert Hostile.calls == 0
    assert all(type(held) is str for held in store.keys())


def test_a_type_check_that_raises_changes_nothing() -> None:
    """What an __instancecheck__ raises reaches the caller, and nothing was put."""

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            raise ZeroDivisionError

    class Broken(metaclass=Meta):
        pass

    store = MemoryStore({"value": 1})
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.get("value", Broken),
        lambda: store.get_shared("value", Broken),
        lambda: store.put(Key("value", Broken), 2),
        lambda: store.append(Key("value", Broken), 2),
        lambda: store.pop("value", Broken),
        lambda: store.setdefault("value", 2, Broken),
        lambda: store.setdefault("new", 2, Broken),
        lambda: store.modify("value", lambda same: same, Broken),
        lambda: store.put_many({"new": 1, Key("value", Broken): 2}),
        lambda: store.transact(lambda tx: (tx.put("new", 1), tx.put(Key("value", Broken), 2))),
        lambda: store.transact(lambda tx: (tx.put("new", 1), tx.pop("value", Broken))),
        lambda: store.transact(lambda tx: tx.append(Key("value", Broken), 2)),
    )
    for call in calls:
        with pytest.raises(ZeroDivisionError):
            call()
    assert store.snapshot() == {"value": 1}


def test_a_copy_that_raises_leaves_the_store_as_it_was() -> None:
    """What a __deepcopy__ raises reaches the caller as itself; a TypeError, the sign of the uncopyable, as a CopyError."""

    class Refusing:
        def __init__(self, error: BaseException) -> None:
            self.error = error

        def __deepcopy__(self, memo: object) -> object:
            raise self.error

    for error, expected in (
        (ZeroDivisionError(), ZeroDivisionError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (TypeError("no"), CopyError),
    ):
        value = [Refusing(error)]
        store = MemoryStore({"value": value})
        calls: tuple[Callable[[MemoryStore], object], ...] = (
            lambda store: store.get("value"),
            lambda store: store.modify("value", lambda _: 1),
            lambda store: store.transact(lambda tx: (tx.put("other", 1), tx.get("value"))),
            lambda store: store.transact(lambda tx: (tx.put("other", 1), tx.pop("value"))),
        )
        for call in calls:
            with pytest.raises(expected):
                call(store)
        assert store.snapshot() == {"value": value}
        store.put("value", 1)


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """Let the collector run at nearly every allocation of a container."""
    before = gc.get_threshold()
    gc.freeze()  # what all the other tests hold would be looked through each time
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("eager_collector")
@pytest.mark.parametrize("outer", OPERATIONS)
def test_the_collector_may_run_in_any_operation(outer: str) -> None:
    """A finalizer in a garbage cycle, run by the collector in the middle of an operation, may use the store.

    Before CPython 3.12 the collector runs on the spot in an allocation, so a list made under the lock would hang here.
    """
    store = MemoryStore({"list": [1, 2, 3]})
    ran: list[int] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            ran.append(len(store))
            store.put("from a finalizer", [1])
            store.keys()

    def case() -> None:
        for _ in range(300):
            Cycle()
            OPERATIONS[outer](store)

    ends(case)
    gc.collect()
    assert ran


@pytest.mark.usefixtures("eager_collector")
def test_a_finalizer_that_appends_in_the_middle_of_an_append_loses_nothing() -> None:
    """ST-7: what the collector appends while an append makes its list is kept, and so is the item of that append."""
    store = MemoryStore()
    appended: list[object] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            appended.append(self)
            store.append("log", "collected")

    kept: list[object] = [[] for _ in range(200)]  # with every freed list at hand, an append would allocate nothing
    for round_ in range(300):
        store.remove("log")
        appended.clear()
        for n in range(3):
            held = store.get_shared("log", default=None)  # so that the append has to copy
            for _ in range(1 + round_ % 3):  # so that the collector's count is full at each of its allocations in turn
                Cycle()
            store.append("log", n)
            kept.append(held)
        gc.collect()  # every cycle has been finalized by then
        log = store.get("log", list)
        assert [item for item in log if item != "collected"] == [0, 1, 2]
        assert log.count("collected") == len(appended)


def test_a_mapping_that_misbehaves_fills_no_store() -> None:
    """A3: MemoryStore(mapping) runs the mapping's code before anything is put, and a bad key in it puts nothing."""
    store = MemoryStore()

    class Clearing(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            store.clear()
            return 1

        def __iter__(self) -> Iterator[str]:
            store.put("seen", 1)
            return iter(["a", "b"])

        def __len__(self) -> int:
            return 2

    ends(lambda: MemoryStore(Clearing()))
    full = MemoryStore({"other": 1})
    ends(lambda: full.put_many(Clearing()))
    assert full.snapshot() == {"a": 1, "b": 1, "other": 1}
    store.clear()
    ends(lambda: store.put_many(Clearing()))
    assert store.snapshot() == {"a": 1, "b": 1}
    store.clear()
    with pytest.raises(TypeError, match="2 of type int"):
        store.__init__({"a": 1, 2: 3})  # type: ignore[misc, dict-item]  # on purpose: the second key is no str
    assert store.snapshot() == {}
