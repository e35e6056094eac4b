"""Keys: plain text, subclasses of ``str``, typed keys, and everything that is no key (pitfall D6) (store 1)."""

import copy
import pickle
import sys
from collections import UserString
from collections.abc import Callable, Iterator, Mapping
from types import GenericAlias
from typing import Any

import pytest

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.hostile import ActsAsText, Color, HostileText, OldColor, Unprintable


class Pairs(Mapping[Any, int]):
    """A good key and another one, which need not be hashable."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __getitem__(self, key: Any) -> int:
        return 1

    def __iter__(self) -> Iterator[Any]:
        return iter(["new", self.key])

    def __len__(self) -> int:
        return 2


CALLS: dict[str, Callable[[Any, Any], object]] = {
    "get": lambda store, key: store.get(key),
    "get of a type": lambda store, key: store.get(key, int),
    "get with a default": lambda store, key: store.get(key, default=1),
    "get_shared": lambda store, key: store.get_shared(key),
    "get_shared of a type": lambda store, key: store.get_shared(key, int),
    "put": lambda store, key: store.put(key, 1),
    "append": lambda store, key: store.append(key, 1),
    "remove": lambda store, key: store.remove(key),
    "contains_key": lambda store, key: store.contains_key(key),
    "in": lambda store, key: key in store,
    "pop": lambda store, key: store.pop(key),
    "pop of a type": lambda store, key: store.pop(key, int),
    "pop with a default": lambda store, key: store.pop(key, default=1),
    "setdefault": lambda store, key: store.setdefault(key, 1),
    "modify": lambda store, key: store.modify(key, lambda value: value, default=1),
    "put_many": lambda store, key: store.put_many(Pairs(key)),
    "tx.get": lambda store, key: store.transact(lambda tx: tx.get(key)),
    "tx.get_shared": lambda store, key: store.transact(lambda tx: tx.get_shared(key, default=1)),
    "tx.get_many": lambda store, key: store.transact(lambda tx: tx.get_many(["a", key])),
    "tx.put": lambda store, key: store.transact(lambda tx: (tx.put("new", 1), tx.put(key, 1))),
    "tx.append": lambda store, key: store.transact(lambda tx: (tx.put("new", 1), tx.append(key, 1))),
    "tx.remove": lambda store, key: store.transact(lambda tx: (tx.put("new", 1), tx.remove(key))),
    "tx.pop": lambda store, key: store.transact(lambda tx: (tx.put("new", 1), tx.pop(key, default=1))),
    "tx.contains_key": lambda store, key: store.transact(lambda tx: tx.contains_key(key)),
    "in tx": lambda store, key: store.transact(lambda tx: key in tx),
}
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "key with spaces\n",
    "nul\0inside",
    "\0",
    "\ud800",
    "\udfff\ud800",
    "é",
    "e\u0301",
    "日本語",
    "😀",
    "\uffff",
    "x" * 1_000_000,
    "日" * 1_000_000,
    "__class__",
    "None",
]
NO_KEYS: list[Any] = [
    None,
    0,
    1,
    True,
    1.5,
    b"bytes",
    bytearray(b"x"),
    ("a",),
    ["a"],
    {"a"},
    {"a": 1},
    object(),
    str,
    UserString("a"),
    ActsAsText(),
    ...,
    GenericAlias(list, int),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]) + f" {len(text)}")
def test_any_text_is_a_key(text: str) -> None:
    """NUL, lone surrogates, the empty text, a megabyte: each is a slot of its own and is found again by equal text."""
    store = MemoryStore({"other": 0})
    store.put(text, 1)
    same = "".join(list(text))
    assert store.get(same, int) == 1
    assert same in store
    assert sorted(store.keys()) == sorted(["other", text])
    store.append(text + "!", 2)
    assert store.get(same + "!") == [2]
    store.remove(same)
    assert text not in store
    assert store.len() == 2


def test_keys_are_not_normalised() -> None:
    """Texts that look alike and differ by a code point or a NUL are different keys."""
    texts = ["é", "e\u0301", "a", "a\0", "a\0b", "A", "\ud83d\ude00", "😀"]
    store = MemoryStore({text: number for number, text in enumerate(texts)})
    assert [store.get(text) for text in texts] == list(range(len(texts)))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", NO_KEYS, ids=lambda key: type(key).__name__)
def test_what_is_no_text_is_no_key(call: str, key: Any) -> None:
    """Every method refuses another key by a ``TypeError`` that names the type, and changes nothing."""
    store = MemoryStore({"a": 1, "None": 2})
    with pytest.raises(TypeError, match=type(key).__name__) as caught:
        CALLS[call](store, key)
    assert type(caught.value) is TypeError
    assert store.snapshot() == {"a": 1, "None": 2}


@pytest.mark.parametrize("call", CALLS)
def test_a_key_that_cannot_be_printed_is_refused_by_its_type(call: str) -> None:
    """The refusal names the type, whatever the key's own ``repr`` does."""
    with pytest.raises(TypeError, match="Unprintable"):
        CALLS[call](MemoryStore(), Unprintable())


def test_the_refusal_of_a_huge_key_is_short() -> None:
    """A mistaken data set in the place of the key does not become an error of megabytes."""
    store: Any = MemoryStore()
    with pytest.raises(TypeError) as caught:
        store.put(list(range(100_000)), "key")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("subclass", [HostileText("red"), Color.RED, OldColor.RED], ids=["hostile", "StrEnum", "str, Enum"])
def test_a_subclass_of_str_counts_as_its_text(subclass: str) -> None:
    """One slot by text, no method of the subclass is called, and ``keys()`` holds exact ``str``."""
    store = MemoryStore()
    store.put(subclass, 1)
    assert store.get("red") == store.get(subclass) == store.get(subclass, int) == store.get_shared(subclass) == 1
    assert store.get(subclass, int, default=2) == 1
    assert subclass in store
    assert store.contains_key(subclass) is True
    assert [(type(key), key) for key in [*store.keys(), *store, *store.snapshot()]] == [(str, "red")] * 3
    store.put("red", 2)
    assert store.get(subclass) == 2
    store.remove(subclass)
    assert store.is_empty()
    store.append(subclass, 3)
    store.append("red", 4)
    assert store.get(subclass, list) == [3, 4]


def test_an_error_under_a_subclass_of_str_names_the_text() -> None:
    """``key`` of an error is exact text, so that the error pickles and prints without the subclass."""
    store = MemoryStore({"red": 1})
    for call in (
        lambda: store.get(HostileText("red"), str),
        lambda: store.get(HostileText("blue")),
        lambda: store.append(HostileText("red"), 1),
    ):
        with pytest.raises((TypeError, KeyError)) as caught:
            call()
        error: Any = caught.value
        assert type(error.key) is str
        assert type(pickle.loads(pickle.dumps(error)).key) is str
        assert repr(error.key) in str(error)


def test_the_store_keeps_no_instance_of_a_str_subclass() -> None:
    """The key object itself may die: only its text is kept."""
    died = []

    class Text(str):
        def __del__(self) -> None:
            died.append(str.__str__(self))

    store = MemoryStore()
    store.put(Text("a"), 1)
    store.append(Text("b"), 1)
    assert died == ["a", "b"]
    assert sorted(store.keys()) == ["a", "b"]


def test_a_typed_key_is_the_same_slot_as_its_text() -> None:
    """``Key("a", int)``, ``Key("a", str)`` and ``"a"`` are one slot; the types are what differs."""
    store = MemoryStore()
    store.put(Key("a", int), 1)
    assert store.get("a") == 1
    assert store.len() == 1
    assert Key("a", str) in store
    with pytest.raises(TypeMismatch):
        store.get(Key("a", str))
    store.remove(Key("a", dict))
    assert store.is_empty()


def test_a_typed_key_reads_and_writes_with_its_type() -> None:
    """Every call that takes a plain key takes a typed one."""
    store = MemoryStore()
    key: Any = Key("log", list)
    store.append(key, 1)
    assert store.get(key) == store.get_shared(key) == [1]
    assert store.get(key) is not store.get_shared(key)
    assert store.contains_key(key)
    store.put(key, [2])
    assert store.get_shared(key) == [2]
    assert store.keys() == ["log"]
    assert type(store.keys()[0]) is str


@pytest.mark.parametrize("read", ["get", "get_shared"])
def test_a_typed_key_and_a_type_beside_it_are_refused(read: str) -> None:
    """A typed key names its type already: a second one is a ``TypeError``, be it the same."""
    store = MemoryStore({"a": 1})
    for form in (int, str, None):
        with pytest.raises(TypeError, match="names its type already"):
            getattr(store, read)(Key("a", int), form)


def test_a_key_shows_its_name_and_type() -> None:
    """``name`` and ``type`` can be read and not written; the text is exact."""
    key: Any = Key(HostileText("count"), int)
    assert (key.name, type(key.name), key.type) == ("count", str, int)
    assert repr(key) == "Key('count', int)"
    assert "list" in repr(Key("log", list | None))
    for attribute in ("name", "type", "other"):
        with pytest.raises(AttributeError):
            setattr(key, attribute, "x")
        with pytest.raises(AttributeError):
            delattr(key, attribute)


def test_keys_are_equal_by_name_and_type() -> None:
    """Keys compare and hash by what they name; a key is not equal to its text."""
    assert Key("a", int) == Key("a", int)
    assert hash(Key("a", int)) == hash(Key("a", int))
    assert Key("a", int) != Key("a", bool)
    assert Key("a", int) != Key("b", int)
    assert Key("a", int) != "a"
    assert Key("a", int).__eq__(1) is NotImplemented
    assert {Key("a", int): 1}[Key("a", int)] == 1


@pytest.mark.parametrize("form", [int, list, int | None, Any, None, Color], ids=str)
def test_a_key_survives_pickle_and_copy(form: Any) -> None:
    """A key that crosses a process or is copied with its owner is equal to what it was."""
    key = Key("a", form)
    for version in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(key, version)) == key
    assert copy.copy(key) == copy.deepcopy(key) == key
    assert MemoryStore({"key": key}).get("key", Key) == key


@pytest.mark.parametrize(
    "name", [name for name in NO_KEYS if not isinstance(name, str)] + [Key("a", int)], ids=lambda name: type(name).__name__
)
def test_the_name_of_a_key_is_text(name: Any) -> None:
    """A key of another name is a ``TypeError`` that names what was given."""
    with pytest.raises(TypeError, match="the name of a key is a str"):
        Key(name, int)


@pytest.mark.parametrize("arguments", [(), ("a",), ("a", int, 1)], ids=len)
def test_a_key_takes_a_name_and_a_type(arguments: tuple[Any, ...]) -> None:
    """Too few, too many and named arguments are a ``TypeError``."""
    kind: Any = Key
    with pytest.raises(TypeError):
        kind(*arguments)
    with pytest.raises(TypeError):
        kind(name="a", type=int)
    with pytest.raises(TypeError):
        kind("a", type=int)


@pytest.mark.parametrize("form", ["int", (int, str), 1, [int], type[list[int]], 3.5, lambda: 1], ids=str)
def test_a_key_with_a_type_that_cannot_be_checked_is_refused_when_it_is_made(form: Any) -> None:
    """The earliest moment for a bad type is the making of the key, not its first use."""
    with pytest.raises(TypeError):
        Key("a", form)


def test_a_key_cannot_be_subclassed_and_can_be_written_with_its_type() -> None:
    """``Key`` is final, so that ``type(key) is Key`` suffices; ``Key[int]`` is an annotation and can be called."""
    kind: Any = Key
    with pytest.raises(TypeError):
        type("Sub", (kind,), {})
    assert kind[int].__origin__ is Key
    assert kind[int].__args__ == (int,)
    assert kind[int]("a", int) == Key("a", int)


def test_a_typed_key_of_the_wrong_kind_in_a_mapping_is_refused() -> None:
    """A subclass of ``tuple``, a ``property``, a look-alike with ``name`` and ``type``: none of them is a key."""
    look_alike = type("Key", (), {"name": "a", "type": int})()
    with pytest.raises(TypeError, match="got"):
        CALLS["get"](MemoryStore({"a": 1}), look_alike)


def test_equal_texts_of_different_storage_are_one_key() -> None:
    """Interned or not, made from bytes or by slicing: equal text is one key."""
    store = MemoryStore()
    forms = [sys.intern("abc"), "abcd"[:3], b"abc".decode(), "".join("abc"), "\U0001f600abc"[1:]]
    for text in forms:
        store.put(text, 1)
    assert store.keys() == ["abc"]


def test_a_key_whose_text_was_made_at_run_time_is_found_at_its_first_use() -> None:
    """The hash of a text is computed when it is first needed; no operation relies on somebody having done so."""
    calls: list[Callable[[MemoryStore, Any], object]] = [
        lambda store, key: store.get(key),
        lambda store, key: store.get_shared(key),
        lambda store, key: store.pop(key),
        lambda store, key: store.modify(key, lambda value: value),
        lambda store, key: store.setdefault(key, 2),
        lambda store, key: store.transact(lambda tx: tx.get(key)),
        lambda store, key: int(store.contains_key(key)),
        lambda store, key: int(key in store),
    ]
    for call in calls:
        for at in range(20):
            store = MemoryStore({f"key {n}": 1 for n in range(100)})
            assert call(store, "".join(["key", " ", str(at)])) == 1
            assert call(MemoryStore({f"key {n}": 1 for n in range(100)}), Key("".join(["key", " ", str(at)]), int)) == 1
        store = MemoryStore({"other": 1})
        store.put("".join(["ot", "her"]), [])
        store.append("".join(["oth", "er"]), 1)
        store.put_many({"".join(["o", "ther"]): 2})
        store.remove("".join(["othe", "r"]))
        assert len(store) == 0
