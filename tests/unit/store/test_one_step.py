"""``pop``, ``setdefault``, ``put_many`` and ``modify``: what takes a look and a write by hand, in one step (store 13, store 14)."""

import threading
from typing import Any

import pytest

from cano.errors import CommitConflict, CopyError, KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore

COUNT = Key("count", int)


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


def test_modify_gets_a_copy_of_its_own_and_stores_what_it_returns() -> None:
    """The function may edit what it gets; if it raises, the store and every handle are as before."""
    held = [1]
    store = MemoryStore({"log": held})

    def grown(log: list[int]) -> list[int]:
        log.append(2)
        return log

    assert store.modify("log", grown, list) == [1, 2]
    assert held == [1]
    with pytest.raises(ZeroDivisionError):
        store.modify("log", lambda log: log.clear() or 1 // 0)
    assert store.get("log") == [1, 2]


def test_modify_starts_from_a_copy_of_the_default_if_nothing_is_there() -> None:
    """The default is copied for each run; without one a missing key is ``KeyNotFound``."""
    store = MemoryStore()
    start: list[int] = []
    assert store.modify("log", lambda log: [*log, 1] if log.append(0) is None else log, default=start) == [0, 1]  # type: ignore[func-returns-value]
    assert start == []
    with pytest.raises(KeyNotFound):
        store.modify("other", lambda log: log)


def test_modify_checks_what_is_there_and_what_comes() -> None:
    """A value or a result of another type is a ``TypeMismatch``, and nothing has changed."""
    store = MemoryStore({"count": 1, "generator": (each for each in ())})
    wrong: Any = COUNT
    with pytest.raises(TypeMismatch):
        store.modify(wrong, str)
    with pytest.raises(TypeMismatch):
        store.modify("count", lambda n: n, str)
    with pytest.raises(CopyError):
        store.modify("generator", lambda g: g)
    assert store.get("count") == 1


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


def test_a_modify_that_replaces_the_value_itself_is_told_so() -> None:
    """Three runs that fail by writes of their own are a ``CommitConflict``; nothing of the function's result is stored."""
    store = MemoryStore({"n": 0})
    with pytest.raises(CommitConflict, match=r"key 'n'") as caught:
        store.modify("n", lambda n: (store.put("n", n + 1), 100)[1])
    assert caught.value.runs == 3
    assert store.get("n") == 3
