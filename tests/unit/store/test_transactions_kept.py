"""What a transaction holds and hands out: keys, lists that grow, values that hold the transaction, other threads (store 15)."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from cano.errors import AppendTypeMismatch, CopyError, KeyNotFound, TransactionClosed, TypeMismatch
from cano.store import Key, MemoryStore, Transaction
from tests.unit.store.hostile import Color, HostileText, Listed, Unprintable, Untouchable

WRONG: dict[str, Callable[[Any], object]] = {
    "get()": lambda tx: tx.get(),
    "get(k, T, d)": lambda tx: tx.get("a", int, 1),
    "get(key=)": lambda tx: tx.get(key="a"),
    "get_shared()": lambda tx: tx.get_shared(),
    "get_shared(k, T, d)": lambda tx: tx.get_shared("a", int, 1),
    "get_many()": lambda tx: tx.get_many(),
    "get_many(k, k)": lambda tx: tx.get_many("a", "b"),
    "get_many(text)": lambda tx: tx.get_many("ab"),
    "get_many(hostile text)": lambda tx: tx.get_many(Color.RED),
    "get_many(None)": lambda tx: tx.get_many(None),
    "get_many(no keys)": lambda tx: tx.get_many(["a", 1]),
    "put(k)": lambda tx: tx.put("a"),
    "put(k, v, w)": lambda tx: tx.put("a", 1, 2),
    "put(k, value=)": lambda tx: tx.put("a", value=1),
    "append(k)": lambda tx: tx.append("l"),
    "remove()": lambda tx: tx.remove(),
    "remove(k, d)": lambda tx: tx.remove("a", None),
    "pop()": lambda tx: tx.pop(),
    "pop(k, T, d)": lambda tx: tx.pop("a", int, 1),
    "contains_key()": lambda tx: tx.contains_key(),
    "no key": lambda tx: tx.get(1),
    "an unprintable key": lambda tx: tx.put(Unprintable(), 1),
    "no form": lambda tx: tx.get("a", (int, str)),
    "no form, nothing there": lambda tx: tx.get_shared("missing", "int", default=1),
    "two types": lambda tx: tx.pop(Key("a", int), int),
    "len": len,
    "iter": iter,
    "tx[k]": lambda tx: tx["a"],
    "unbound": lambda tx: Transaction.get(None, "a"),  # type: ignore[call-overload]
    "unbound on a store": lambda tx: Transaction.put(MemoryStore(), "a", 1),  # type: ignore[arg-type]
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_is_a_type_error_and_leaves_the_transaction_whole(call: str) -> None:
    """The function may catch it and go on: what it wrote before and after lands."""
    store = MemoryStore({"a": 1, "l": [1]})

    def change(tx: Transaction) -> None:
        tx.put("before", 1)
        with pytest.raises(TypeError):
            WRONG[call](tx)
        tx.put("after", 1)

    store.transact(change)
    assert store.snapshot() == {"a": 1, "l": [1], "before": 1, "after": 1}


@pytest.mark.parametrize("key", ["red", Color.RED, HostileText("red"), Key("red", list), Key(HostileText("red"), list)], ids=type)
def test_every_kind_of_key_names_the_slot(key: Any) -> None:
    """Plain, typed, a member of a ``StrEnum``, a hostile ``str``: one slot for every method, by exact text."""

    def change(tx: Transaction) -> None:
        assert tx.get(key, default=0) == tx.get_shared(key, default=0) == 0
        tx.append(key, 1)
        assert tx.get(key) == tx.get_shared(key) == tx.get("red") == [1]
        many = tx.get_many([key, "red", key])
        assert many == {"red": [1]}
        assert [type(name) for name in many] == [str]
        tx.put(key, [2])
        assert key in tx
        assert tx.contains_key(key)
        assert tx.pop(key) == [2]
        tx.remove(key)
        assert key not in tx
        tx.put(key, [3])

    store = MemoryStore()
    store.transact(change)
    assert store.snapshot() == {"red": [3]}
    assert type(store.keys()[0]) is str


def test_each_of_many_typed_keys_is_checked() -> None:
    """``get_many`` checks each key that is typed, also beside another name of the same slot, in any order."""
    store = MemoryStore({"a": "text"})
    typed: Any = Key("a", int)
    for keys in ([typed], [typed, "a"], ["a", typed], [typed, Key("a", str)], [Key("a", str), typed]):
        with pytest.raises(TypeMismatch):
            store.transact(lambda tx, keys=keys: tx.get_many(keys))
    assert store.transact(lambda tx: tx.get_many(iter([Key("a", str), "a", "none"]))) == {"a": "text"}
    assert store.transact(lambda tx: tx.get_many({})) == {}


def test_a_transaction_touches_no_value() -> None:
    """A value whose every hook raises is written, read, taken out and landed as it is."""
    value = Untouchable()
    store = MemoryStore({"a": value})

    def change(tx: Transaction) -> None:
        assert tx.get_shared("a", Untouchable) is value
        tx.put("b", tx.get_shared("a"))
        assert "b" in tx
        tx.append("l", value)
        tx.append("l", value)

    store.transact(change)
    assert store.get_shared("b") is value
    assert all(item is value for item in store.get_shared("l"))


def test_reads_hand_out_copies_of_own_writes_too() -> None:
    """What ``get``, ``get_many`` and ``pop`` hand out is the caller's, be it stored or written a line before."""
    stored, written = [[1]], [[2]]
    store = MemoryStore({"a": stored})

    def change(tx: Transaction) -> None:
        tx.put("b", written)
        for key, value in (("a", stored), ("b", written)):
            assert tx.get_shared(key) is value
            for own in (tx.get(key), tx.get_many([key])[key], tx.pop(key)):
                assert own == value
                assert own is not value
                own[0].append(9)
            tx.put(key, value)

    store.transact(change)
    assert (stored, written) == ([[1]], [[2]])


def test_a_refused_step_leaves_the_transaction_as_it_was() -> None:
    """A missing key, another type, a value that cannot be copied, no list: caught, and everything else lands."""
    store = MemoryStore({"text": "x", "generator": (each for each in ()), "tuple": (1,), "listed": Listed([1])})
    number: Any = Key("text", int)

    def change(tx: Transaction) -> None:
        steps: tuple[tuple[Callable[[], object], type[Exception]], ...] = (
            (lambda: tx.get("missing"), KeyNotFound),
            (lambda: tx.pop("missing"), KeyNotFound),
            (lambda: tx.get(number), TypeMismatch),
            (lambda: tx.get(number, default=1), TypeMismatch),
            (lambda: tx.pop("text", int), TypeMismatch),
            (lambda: tx.put(number, "y"), TypeMismatch),
            (lambda: tx.append(number, 1), TypeMismatch),
            (lambda: tx.get("generator"), CopyError),
            (lambda: tx.pop("generator"), CopyError),
            (lambda: tx.get_many(["text", "generator"]), CopyError),
            (lambda: tx.append("tuple", 1), AppendTypeMismatch),
            (lambda: tx.append("listed", 1), AppendTypeMismatch),
        )
        for step, kind in steps:
            with pytest.raises(kind):
                step()
        tx.put("after", 1)
        with pytest.raises(AppendTypeMismatch):
            tx.append("after", 1)

    before = store.snapshot()
    store.transact(change)
    assert store.snapshot() == {**before, "after": 1}


def test_appends_of_a_transaction_grow_one_list_in_place() -> None:
    """After the first one no append copies, so many cost no more than a list: it is the same object all along."""
    store = MemoryStore({"log": [0]})

    def change(tx: Transaction) -> None:
        for key in ("log", "new"):
            tx.append(key, 1)
            address = id(tx.get_shared(key))
            for n in range(1_000):
                tx.append(key, n)
            assert id(tx.get_shared(key)) == address

    store.transact(change)
    assert store.get("log") == [0, 1, *range(1_000)]
    assert store.get("new") == [1, *range(1_000)]


def test_a_list_that_a_transaction_handed_out_never_changes() -> None:
    """Appends go on with a copy while somebody holds the list, within the transaction, after it and in other handles."""
    put = [0]
    store = MemoryStore({"log": [1]})
    held: list[list[int]] = [store.get_shared("log")]

    def change(tx: Transaction) -> None:
        for n in range(3):
            held.append(tx.get_shared("log"))
            tx.append("log", n)
            tx.append("log", n)
        tx.put("put", put)
        tx.append("put", 1)
        held.append(tx.get_shared("log"))

    store.transact(change)
    store.append("log", 9)
    assert held == [[1], [1], [1, 0, 0], [1, 0, 0, 1, 1], [1, 0, 0, 1, 1, 2, 2]]
    assert put == [0]
    assert store.get("put") == [0, 1]


def test_after_the_commit_the_store_owns_the_list() -> None:
    """Nobody holds what the transaction read or wrote any more: the store appends to it in place."""
    store = MemoryStore({"log": [1], "read": [1]})
    for change in (
        lambda tx: tx.append("log", 1),
        lambda tx: (tx.get("log"), tx.get_shared("read"), tx.put("log", [1]))[0],
        lambda tx: tx.get("log"),
    ):
        store.transact(change)
        for key in ("log", "read"):
            address = id(store.get_shared(key))
            store.append(key, 2)
            assert id(store.get_shared(key)) == address


def test_a_failed_transaction_lets_go_of_what_it_read() -> None:
    """An error that is kept, with its traceback and its transaction, keeps no list from being the store's alone."""
    store = MemoryStore({"log": [1]})
    kept: list[Transaction] = []

    def change(tx: Transaction) -> None:
        kept.append(tx)
        tx.get("log")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$") as caught:
        store.transact(change)
    address = id(store.get_shared("log"))
    store.append("log", 2)
    assert id(store.get_shared("log")) == address
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("landed", [True, False])
def test_a_transaction_in_its_own_value_is_collected(landed: bool) -> None:
    """A cycle of a store, a value and the transaction that wrote it goes when nobody reaches it any more."""

    class Value:
        pass

    def made() -> weakref.ref[Value]:
        store = MemoryStore()
        value: Any = Value()

        def change(tx: Transaction) -> None:
            value.tx, value.store = tx, store
            tx.put("me", tx)
            tx.put("value", value)
            if not landed:
                raise ValueError

        if not landed:
            with pytest.raises(ValueError, match=r"^$"):
                store.transact(change)
            return weakref.ref(value)
        store.transact(change)
        tx = store.get_shared("me", Transaction)
        with pytest.raises(TransactionClosed):
            tx.get("me")
        with pytest.raises(CopyError):
            store.get("me")
        return weakref.ref(value)

    died = made()
    gc.collect()
    assert died() is None


def test_a_transaction_outlives_its_store_and_its_function() -> None:
    """One that is kept keeps nothing but the store's data, says that it is over, and dies quietly."""
    tx: Any = MemoryStore({"a": 1}).transact(lambda tx: tx)
    gc.collect()
    assert repr(tx) == "<Transaction: over>"
    with pytest.raises(TransactionClosed):
        tx.put("a", 2)
    with pytest.raises(TypeError):
        weakref.ref(tx)
    with pytest.raises(AttributeError):
        tx.over = False


def test_the_repr_shows_numbers_and_no_value() -> None:
    """A transaction that is under way says how much it has read and written."""
    seen = MemoryStore({"a": Untouchable()}).transact(lambda tx: (tx.get_shared("a"), tx.put("b", Untouchable()), repr(tx))[2])
    assert seen == "<Transaction: 1 read, 1 to write>"


def test_another_thread_may_hold_the_transaction() -> None:
    """It is for the thread of its function; another one that uses it gets an ordinary result or ``TransactionClosed``."""
    store = MemoryStore({"a": 1, "log": [1]})
    shared: list[Transaction] = []
    done = threading.Event()
    strange: list[BaseException] = []

    def disturb() -> None:
        while not done.is_set():
            for tx in shared[-1:]:
                for step in (
                    lambda tx=tx: tx.put("a", [object()]),
                    lambda tx=tx: tx.append("log", 1),
                    lambda tx=tx: tx.get_many(["a", "log", "none"]),
                    lambda tx=tx: tx.pop("a", default=None),
                    lambda tx=tx: repr(tx),
                ):
                    try:
                        step()
                    except TransactionClosed:
                        pass
                    except BaseException as error:  # noqa: BLE001 - looked at below
                        if isinstance(error, Exception):
                            strange.append(error)

    def change(tx: Transaction) -> None:
        shared.append(tx)
        for n in range(20):
            tx.put(f"key {n}", [n])
            tx.get_many(["a", "log"])
            tx.append("log", n)

    threads = [threading.Thread(target=disturb, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            store.transact(change)
            shared.clear()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert strange == []
    assert all(type(key) is str for key in store.keys())
