"""The table under the store, from outside: it grows, shrinks and keeps what collides (store 2, store 3)."""

import os
import random
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.unit.store.alone import alone


def home(text: str, bits: int) -> int:
    """Return the place in a table of 2 to the power ``bits`` where the search for a text begins."""
    return (hash(text) ^ (hash(text) % 2**64 >> bits)) & ((1 << bits) - 1)


def colliding(number: int) -> list[str]:
    """Return texts that look for their place where the first one is, in the tables that up to 42 keys take."""
    first = "key 0"
    found = [first]
    for n in count(1):
        text = f"key {n}"
        if all(home(text, bits) == home(first, bits) for bits in (5, 6)):
            found.append(text)
            if len(found) == number:
                return found
    raise AssertionError


def neighbours(number: int) -> list[str]:
    """Return texts that belong at the end of a table for up to 42 keys, and in the places after it, which are its first ones."""
    texts = (text for text in map("key {}".format, count()) if (home(text, 6) + number // 2) % 64 < number)
    return [next(texts) for _ in range(number)]


def same(store: MemoryStore, model: dict[str, Any]) -> None:
    """Compare all that a store says with a dict."""
    assert store.snapshot() == model
    assert sorted(store.keys()) == sorted(model)
    assert len(store) == store.len() == len(model)
    assert all(store.get(key) == value for key, value in model.items())


@pytest.mark.parametrize("make", [colliding, neighbours])
def test_keys_that_collide_are_found_after_any_other_is_removed(make: Any) -> None:
    """What stands after a removed key in its row moves up, also over the end of the table; nothing is lost or found twice."""
    texts = make(24)
    for gone in range(len(texts)):
        store, model = MemoryStore(), {}
        for n, text in enumerate(texts):
            store.put(text, n)
            model[text] = n
        for text in (*texts[gone:], *texts[:gone]):
            store.remove(text)
            del model[text]
            same(store, model)
            assert text not in store


@pytest.mark.parametrize("make", [colliding, neighbours])
def test_a_random_history_of_keys_that_collide_is_that_of_a_dict(make: Any) -> None:
    """Put, pop, put_many and transactions over few places, compared after each step."""
    texts = make(16)
    random_ = random.Random(7)
    store, model = MemoryStore(), {}
    for n in range(3_000):
        text = random_.choice(texts)
        step = random_.randrange(6)
        if step < 2:
            store.put(text, n)
            model[text] = n
        elif step < 4:
            assert store.pop(text, default=None) == model.pop(text, None)
        elif step == 4:
            some = dict.fromkeys(random_.sample(texts, 3), n)
            store.put_many(some)
            model.update(some)
        else:
            put, gone = random_.sample(texts, 2)
            store.transact(lambda tx, put=put, gone=gone, n=n: (tx.remove(gone), tx.put(put, n))[1])
            model.pop(gone, None)
            model[put] = n
        same(store, model)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("source", ["store", "set", "dict"])
def test_keys_in_the_order_of_another_table_do_not_pile_up(source: str) -> None:
    """To fill a store from another one, from a set or from a dict, key by key, takes what any order takes, and not its square."""
    texts = [f"key {n}" for n in range(608_174)]  # of a table that is 58 % full
    many: Any = {"store": MemoryStore(dict.fromkeys(texts, 1)), "set": set(texts), "dict": dict.fromkeys(texts, 1)}[source]
    store = MemoryStore()
    for text in many:
        store.put(text, 1)
    assert len(store) == len(texts)


def test_writes_that_need_no_room_take_none() -> None:
    """A ``put_many`` of keys that are there, and a transaction that only removes, leave the table as large as it is."""
    names = [f"key {n}" for n in range(43_690)]  # one more and the table doubles
    store = MemoryStore(dict.fromkeys(names, 1))
    some = names[:40_000]
    calls: list[Callable[[], object]] = [
        lambda: store.put_many(dict.fromkeys(some, 2)),
        lambda: store.transact(lambda tx: [tx.remove(name) for name in some]),
    ]
    for call in calls:
        tracemalloc.start()
        try:
            call()
            current, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert current < 500_000  # a table of twice the size takes 2 MB


def test_many_keys_come_and_go() -> None:
    """The table grows with its keys and gives memory back, one by one and many at a time, and every key is found all along."""
    store, model = MemoryStore(), {}
    for n in range(20_000):
        store.put(f"key {n}", n)
        model[f"key {n}"] = n
    same(store, model)
    for n in range(0, 20_000, 2):
        store.remove(f"key {n}")
        del model[f"key {n}"]
    same(store, model)
    store.put_many({f"more {n}": n for n in range(50_000)})
    model |= {f"more {n}": n for n in range(50_000)}
    same(store, model)
    for text in list(model)[:-7]:
        assert store.pop(text) == model.pop(text)
    same(store, model)
    store.put_many({f"key {n}": n for n in range(100)})
    store.transact(lambda tx: [tx.remove(f"key {n}") for n in range(100)])
    same(store, model)


@pytest.mark.parametrize(
    "empty",
    [
        "for name in names: store.remove(name)",  # and no list of what they return, which takes memory of its own
        "for name in names: store.pop(name, int)",
        "store.transact(lambda tx: [tx.remove(name) for name in names])",
        "store.clear()",
    ],
)
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer keeps what was freed")
def test_a_store_that_was_emptied_gives_its_memory_back(empty: str) -> None:
    """By whatever call its keys have gone: of the memory that a full table takes, most is given back."""
    alone(
        f"""
import ctypes
from pathlib import Path
def resident():
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)  # glibc keeps for itself what it could give back
    return int(status.read_text().split()[1]) * 4096
status = Path("/proc/self/statm")
if status.exists():
    names = [f"key {{n}}" for n in range(600_000)]
    store = MemoryStore()
    for _ in range(2):  # the second time, what the calls themselves take and an allocator keeps is there already
        before = resident()
        for name in names: store.put(name, 1)
        full = resident()
        {empty}
        empty = resident()
        assert store.is_empty()
    assert full - before > 8_000_000, (before, full)
    assert empty - before < (full - before) / 2, (before, full, empty)
""",
        seconds=60,
        environment={"MIMALLOC_PURGE_DELAY": "0"},  # a CPython without a GIL gives back by and by: 15 MB, by chance
    )


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="3.12 has no texts without a ready form any more")
@pytest.mark.parametrize("text", ["legacy", "", "nul\0inside", "日本", "😀", "\ud800"], ids=ascii)
def test_a_text_in_its_legacy_form_is_a_key(text: str) -> None:
    """What an old extension module made with the API of Python 3.2 is the same slot as the same text made today."""
    ctypes = pytest.importorskip("ctypes")
    make = ctypes.pythonapi.PyUnicode_FromUnicode
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_wchar_p, ctypes.c_ssize_t]
    fill = ctypes.pythonapi.PyUnicode_AsUnicode
    fill.restype, fill.argtypes = ctypes.POINTER(ctypes.c_wchar), [ctypes.py_object]

    def legacy() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made = make(None, len(text))
            if text:
                memory = fill(made)
                for at, character in enumerate(text):
                    memory[at] = character
        return made  # type: ignore[no-any-return]

    for first in (legacy(), "".join(list(text))):
        store = MemoryStore({"other": 1})
        store.put(first, 1)
        for again in (legacy, lambda: "".join(list(text))):
            assert again() in store
            assert store.get(again(), int) == 1
            store.put(again(), 1)
            store.append(again() + "list", 2)
            assert store.modify(again(), lambda n: n) == 1
            assert store.transact(lambda tx, again=again: tx.get_many([again()])) == {text: 1}
        assert sorted(store.keys()) == sorted(["other", text, text + "list"])
        assert store.pop(legacy()) == 1
        assert text not in store
