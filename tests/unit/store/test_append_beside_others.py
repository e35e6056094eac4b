"""Promise 3 of ``append`` (store 8) where several threads use one list: it grows in place, and what was let out stays as it was."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.threads.interposed import FREE

Work = Callable[..., Any]


@pytest.fixture
def threads() -> Iterator[list[Work]]:
    """Three threads, each a function that has it do something, waits until it has, and returns what came of it."""
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in range(3)]
        yield [lambda *call, pool=pool: pool.submit(*call).result() for pool in pools]


def shown(store: MemoryStore) -> Any:
    """The one list in the store, by way of the collector: no operation lets it out."""
    return next(each for data in gc.get_referents(store) for each in gc.get_referents(data) if type(each) is list)


def address(store: MemoryStore) -> int:
    """Where that list lies; nobody else holds it when this returns."""
    return id(shown(store))


BESIDE: dict[str, Callable[[MemoryStore], object]] = {
    "nothing": lambda store: None,
    "the table grows": lambda store: store.put_many({f"key {n}": n for n in range(100)}),
    "the table grows by a put": lambda store: [store.put(f"other {n}", n) for n in range(100)],
    "the table shrinks": lambda store: [store.remove(name) for name in store.keys() if name != "log"],
    "other keys go one by one": lambda store: [(store.put(f"log {n}", n), store.pop(f"log {n - 4}", default=0)) for n in range(64)],
    "a transaction of others": lambda store: store.transact(lambda tx: [tx.put(f"key {n}", n) for n in range(50)]),
    "looks at keys": lambda store: (store.keys(), list(store), len(store), "log" in store, store.contains_key("log"), repr(store)),
    "a collection": lambda store: gc.collect(),
    "the collector shows it": address,
}


@pytest.mark.parametrize("meanwhile", BESIDE)
def test_a_list_that_the_store_has_made_grows_in_place_in_whatever_thread(threads: list[Work], meanwhile: str) -> None:
    """Promise 1: whoever began it and whoever appends, nobody copies it, whatever happens to other keys."""
    store = MemoryStore({"a": 1})
    threads[0](store.append, "log", "first")
    before = address(store)
    for turn in range(9):
        threads[turn % 3](lambda: [store.append("log", n) for n in range(40)])
        threads[(turn + 1) % 3](BESIDE[meanwhile], store)
        assert address(store) == before
    assert store.get("log", list)[1:] == [*range(40)] * 9


def taken(store: MemoryStore) -> Any:
    value = store.pop("log")
    store.put("log", value)
    return value


def put_again(store: MemoryStore) -> Any:
    value = store.get_shared("log")
    store.put("log", value)
    return value


# Each returns a list that the store goes on to hold, or that it held, or a copy.
HANDED: dict[str, Callable[[MemoryStore], Any]] = {
    "get": lambda store: store.get("log"),
    "get of a type": lambda store: store.get("log", list),
    "get_shared": lambda store: store.get_shared("log"),
    "snapshot": lambda store: store.snapshot()["log"],
    "setdefault": lambda store: store.setdefault("log", []),
    "modify": lambda store: store.modify("log", lambda log: log),
    "modify to the object itself": lambda store: store.modify("log", lambda _: store.get_shared("log")),
    "pop and put": taken,
    "get_shared and put": put_again,
    "put_many": lambda store: (store.put_many(store.snapshot()), store.get_shared("log"))[1],
    "tx.get": lambda store: store.transact(lambda tx: tx.get("log")),
    "tx.get_shared": lambda store: store.transact(lambda tx: tx.get_shared("log")),
    "tx.get_many": lambda store: store.transact(lambda tx: tx.get_many(["log"])["log"]),
    "tx.pop": lambda store: store.transact(lambda tx: (log := tx.get_shared("log"), tx.pop("log"), tx.put("log", log))[0]),
    "tx.append": lambda store: store.transact(lambda tx: (tx.append("log", "tx"), tx.get_shared("log"))[1]),
    "the collector": shown,
    "another store": lambda store: (other := MemoryStore(store.snapshot()), other.append("log", 0), store.get_shared("log"))[2],
}

MADE: dict[str, Callable[[MemoryStore], object]] = {
    "by append": lambda store: store.append("log", "first"),
    "by put": lambda store: store.put("log", ["first"]),
    "by a transaction": lambda store: store.transact(lambda tx: tx.append("log", "first")),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("handed", HANDED)
def test_what_one_thread_was_handed_no_other_one_changes(threads: list[Work], handed: str, made: str) -> None:
    """A list that any operation has let out stays as it was, whoever made it, took it and appends; no item is lost."""
    for maker, reader, writer in ((0, 1, 2), (0, 1, 0), (0, 0, 1), (0, 1, 1)):
        store = MemoryStore()
        threads[maker](MADE[made], store)
        kept: list[tuple[Any, list[Any]]] = []
        for n in range(4):
            threads[writer](store.append, "log", n)
            held = threads[reader](HANDED[handed], store)
            kept.append((held, list(held)))
            for _ in range(2):
                threads[writer](store.append, "log", -n)
            del held
        assert all(held == then for held, then in kept)
        log = [each for each in store.get("log", list)[1:] if each != "tx"]
        assert log == [each for n in range(4) for each in (n, -n, -n)]


def test_a_list_that_the_collector_shows_to_somebody_is_not_changed(threads: list[Work]) -> None:
    """Who has got the stored list from ``gc.get_objects`` holds it like anybody else."""
    store, first = MemoryStore(), object()
    threads[0](lambda: store.append("log", first))
    for turn in range(4):
        held = next(each for each in gc.get_objects() if type(each) is list and each and each[0] is first)
        then = list(held)
        threads[turn % 2](lambda: [store.append("log", n) for n in range(3)])
        assert held == then
        del held
    assert len(store.get("log", list)) == 13


@pytest.mark.parametrize("handed", HANDED)
def test_a_reader_that_has_let_go_costs_one_copy_for_each_change_of_the_thread(threads: list[Work], handed: str) -> None:
    """Beside a reader, one list after another is made only where another thread goes on to append, and not at each append."""
    store = MemoryStore()
    threads[0](store.append, "log", "first")

    def appended() -> int:
        before = address(store)
        store.append("log", 1)
        return before != address(store)  # a copy is made while the list that it replaces is still there

    for turn in range(6):
        threads[2](lambda: (HANDED[handed](store), None)[1])
        assert threads[turn % 2](lambda: sum(appended() for _ in range(20))) <= 1


@pytest.mark.skipif(not FREE, reason="with a GIL, a count of one says that nobody else holds the list")
@pytest.mark.parametrize("handed", [name for name in HANDED if name in ("get_shared", "snapshot", "setdefault", "tx.get_shared")])
def test_a_list_that_was_let_out_is_not_taken_for_the_store_s_own(threads: list[Work], handed: str) -> None:
    """Without a GIL nobody can count the holders of another thread's list, so an append leaves alone what any reader has seen."""
    store = MemoryStore()
    threads[0](store.append, "log", "first")
    threads[1](lambda: (HANDED[handed](store), None)[1])
    before = address(store)
    threads[2](store.append, "log", 1)
    assert address(store) != before
