"""``modify``: read, compute, write, and no update lost (store 14, store 16)."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from cano.errors import CommitConflict, CopyError, KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import Listed, Untouchable

COUNT = Key("count", int)


def in_another_thread(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration])
@pytest.mark.parametrize("default", [True, False])
def test_an_exception_changes_nothing_and_propagates(kind: type[BaseException], default: bool) -> None:
    """Whatever the function raises reaches the caller; what it did to its copy is gone."""
    value, start = [1], [0]
    store = MemoryStore({} if default else {"log": value})

    def broken(log: list[int]) -> None:
        log.append(2)
        raise kind

    with pytest.raises(kind):
        store.modify("log", broken, default=start)
    assert (value, start) == ([1], [0])
    assert store.is_empty() is default
    assert default or store.get_shared("log") is value


@pytest.mark.parametrize("no_function", [None, 1, "len", [], {}], ids=type)
def test_what_cannot_be_called_is_a_type_error(no_function: Any) -> None:
    """It changes nothing, and says what was given."""
    store = MemoryStore({"a": 1})
    with pytest.raises(TypeError, match="not callable"):
        store.modify("a", no_function)
    assert store.snapshot() == {"a": 1}


async def test_an_async_function_is_refused() -> None:
    """A coroutine is no value: a ``TypeError`` that names the function, nothing stored, no warning that nobody awaited it."""

    async def later(n: int) -> int:
        return n + 1

    class Later:
        async def __call__(self, n: int) -> int:
            return n + 1

    store = MemoryStore({"n": 1})
    functions: tuple[Any, ...] = (later, partial(later), Later())
    for fn in functions:
        with pytest.raises(TypeError, match=r"modify runs a plain function, and .* is async"):
            store.modify("n", fn)
    assert store.snapshot() == {"n": 1}


def test_a_generator_function_is_refused() -> None:
    """Calling one runs nothing of it: it is a ``TypeError`` that says so, whatever type is asked for."""

    def each(n: int) -> Iterator[int]:
        yield n

    store = MemoryStore({"n": 1})
    with pytest.raises(TypeError, match="is a generator"):
        store.modify("n", each, int)
    assert store.get("n") == 1


def test_each_run_gets_a_copy_of_its_own() -> None:
    """A run that was overtaken leaves nothing in what the next one gets, be it the value or the default."""
    for start in ({"log": [0]}, {}):
        store = MemoryStore(start)
        got: list[list[int]] = []

        def grown(log: list[int], store: MemoryStore = store, got: list[list[int]] = got) -> list[int]:
            got.append(list(log))
            log.append(len(got))
            if len(got) == 1:
                store.put("other", 1)
                in_another_thread(lambda: store.put("log", [5]))
            return log

        default = [0]
        assert store.modify("log", grown, default=default) == [5, 2]
        assert got == [[0], [5]]
        assert default == [0]


def test_the_stored_object_is_what_comes_back() -> None:
    """``modify`` returns the very object that is stored, and lets go of it: the store appends to it in place."""
    store = MemoryStore({"log": [1]})
    new = store.modify("log", lambda log: [*log, 2], list)
    assert store.get_shared("log") is new
    address = id(new)
    del new
    store.append("log", 3)
    assert id(store.get_shared("log")) == address


def test_none_is_a_value() -> None:
    """A function that returns nothing stores ``None``, which the type asked for refuses."""
    cleared: Any = list.clear
    store = MemoryStore({"a": [1]})
    with pytest.raises(TypeMismatch):
        store.modify("a", cleared, list)
    assert store.get("a") == [1]
    assert store.modify("a", cleared) is None
    assert store.snapshot() == {"a": None}


def test_gets_a_copy_and_stores_what_the_function_returns() -> None:
    """The function may edit what it gets and return it; no handle from before sees it."""
    held = [1]
    store = MemoryStore({"log": held})

    def grown(log: list[int]) -> list[int]:
        log.append(2)
        return log

    assert store.modify("log", grown, list) == [1, 2]
    assert held == [1]


def test_starts_from_a_copy_of_the_default_if_nothing_is_there() -> None:
    """The default is copied, unchecked; without one a missing key is ``KeyNotFound``."""
    store = MemoryStore()
    start: Any = Listed([1])
    assert store.modify("log", lambda log: (log.append(0), len(log))[1], int, default=start) == 2
    assert start == [1]
    with pytest.raises(KeyNotFound):
        store.modify("other", lambda log: log)
    with pytest.raises(CopyError):
        store.modify("other", lambda log: log, default=(each for each in ()))
    assert store.keys() == ["log"]


def test_checks_what_is_there_and_what_comes() -> None:
    """A value or a result of another type is a ``TypeMismatch``, and nothing has changed."""
    store = MemoryStore({"count": 1, "text": "x", "generator": (each for each in ()), "value": Untouchable()})
    wrong: Any = COUNT
    runs: list[Any] = []
    with pytest.raises(TypeMismatch, match="found str"):
        store.modify(wrong, str)
    for key, form in (("count", str), (Key("text", int), None)):
        with pytest.raises(TypeMismatch):
            store.modify(key, runs.append, form) if form else store.modify(key, runs.append, default=1)
    assert runs == []
    with pytest.raises(CopyError):
        store.modify("generator", lambda g: g)
    assert store.get("count") == 1
    assert isinstance(store.modify("value", lambda value: value, Untouchable), Untouchable)


def test_what_went_away_and_came_back_is_no_conflict() -> None:
    """Identity is the version: the same object in its place again, and the run stands."""
    value = [1]
    store = MemoryStore({"log": value})
    runs: list[int] = []

    def change(log: list[int]) -> list[int]:
        runs.append(1)
        store.put("log", [2])
        store.remove("log")
        store.put("log", value)
        return [*log, 3]

    assert store.modify("log", change) == [1, 3]
    assert len(runs) == 1


@pytest.mark.parametrize("write", ["put", "remove", "append", "clear", "pop", "put_many", "setdefault", "transact"])
def test_every_kind_of_write_by_another_thread_makes_a_run_void(write: str) -> None:
    """Whatever replaces the value, or takes it away, or puts one where none was, the function runs again on what is there."""
    absent = write == "setdefault"
    store = MemoryStore({} if absent else {"log": [1]})
    writes: dict[str, Callable[[], object]] = {
        "put": lambda: store.put("log", [2]),
        "remove": lambda: store.remove("log"),
        "append": lambda: store.append("log", 2),
        "clear": lambda: store.clear(),
        "pop": lambda: store.pop("log", list),
        "put_many": lambda: store.put_many({"log": [2]}),
        "setdefault": lambda: store.setdefault("log", [2]),
        "transact": lambda: store.transact(lambda tx: tx.append("log", 2)),
    }
    got: list[list[int]] = []

    def change(log: list[int]) -> list[int]:
        got.append(log)
        if len(got) == 1:
            in_another_thread(writes[write])
        return [*log, 9]

    result = store.modify("log", change, default=[0])
    assert len(got) == 2
    assert result == [*got[1], 9] == store.get("log")
    assert got[1] == {"remove": [0], "clear": [0], "pop": [0], "append": [1, 2], "transact": [1, 2]}.get(write, [2])


def test_a_write_to_another_key_is_no_conflict() -> None:
    """Only what was read counts: other keys come and go, and the run stands."""
    store = MemoryStore({"n": 1})
    runs: list[int] = []

    def change(n: int) -> int:
        runs.append(n)
        store.put_many({f"key {number}": n for number in range(100)})
        in_another_thread(lambda: store.remove("key 1"))
        return n + 1

    assert store.modify("n", change) == 2
    assert runs == [1]


def test_no_update_is_lost() -> None:
    """N increments from many threads leave N."""
    store = MemoryStore({"n": 0})
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(2_000):
            store.modify(COUNT, lambda n: n + 1, default=0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(COUNT) == 8_000


def test_a_function_that_replaces_the_value_itself_is_told_so() -> None:
    """Three runs that fail by writes of their own are a ``CommitConflict``; nothing of the function's result is stored."""
    store = MemoryStore({"n": 0})
    with pytest.raises(CommitConflict, match=r"key 'n'") as caught:
        store.modify("n", lambda n: (store.put("n", n + 1), 100)[1])
    assert (caught.value.runs, caught.value.own) == (3, True)
    assert store.get("n") == 3
    with pytest.raises(CommitConflict, match=r"key 'n'"):
        store.modify("n", lambda n: store.modify("n", lambda inner: inner + 1) + 10)
    assert store.get("n") == 6


def test_a_function_that_puts_what_it_misses_once_runs_twice() -> None:
    """A ``setdefault`` in the first run is a write of its own, and no reason to give up."""
    store = MemoryStore()
    runs: list[int] = []

    def change(n: int) -> int:
        runs.append(n)
        store.setdefault("n", 10)
        return n + 1

    assert store.modify("n", change, default=0) == 11
    assert runs == [0, 10]


def test_another_writer_in_between_is_no_fault_of_the_function() -> None:
    """Runs that fail by another thread's writes, too, are not counted as the function's own."""
    store = MemoryStore({"n": 0})
    runs: list[int] = []

    def change(n: int) -> int:
        runs.append(n)
        if len(runs) <= 6:
            store.put("n", n + 1)
            in_another_thread(lambda: store.put("other", 1))
        return n + 100

    assert store.modify("n", change) == 106
    assert len(runs) == 7
