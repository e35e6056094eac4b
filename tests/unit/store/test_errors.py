"""The store's errors as a caller meets them: class, facts, sentence, near misses, pickle and copy (store 12)."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from cano.errors import AppendTypeMismatch, CanoError, CopyError, KeyNotFound, StoreError, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.alone import alone
from tests.unit.store.hostile import Listed, Untouchable


def caught(act: Callable[[], object]) -> Any:
    with pytest.raises(StoreError) as info:
        act()
    return info.value


def raised() -> dict[str, Any]:
    store = MemoryStore({"count": "three", "log": (1,), "sub": Listed([1]), "generator": (each for each in ())})
    typed: Any = Key("count", int)
    return {
        "missing": caught(lambda: store.get("cuont")),
        "missing, shared": caught(lambda: store.get_shared("zzz")),
        "missing, typed": caught(lambda: store.get(Key("counts", int))),
        "mismatch": caught(lambda: store.get("count", int)),
        "mismatch, shared": caught(lambda: store.get_shared("count", int)),
        "mismatch, typed": caught(lambda: store.get(typed)),
        "mismatch, union": caught(lambda: store.get("count", int | None)),
        "mismatch, put": caught(lambda: store.put(typed, 1.5)),
        "mismatch, append": caught(lambda: store.append(typed, 1)),
        "append": caught(lambda: store.append("log", 2)),
        "append, subclass": caught(lambda: store.append("sub", 2)),
        "copy": caught(lambda: store.get("generator")),
    }


EXPECTED: dict[str, tuple[type[StoreError], type[Exception], dict[str, Any], str]] = {
    "missing": (KeyNotFound, KeyError, {"key": "cuont"}, "key 'cuont' is not in the store; did you mean 'count'?"),
    "missing, shared": (KeyNotFound, KeyError, {"key": "zzz"}, "key 'zzz' is not in the store"),
    "missing, typed": (KeyNotFound, KeyError, {"key": "counts"}, "key 'counts' is not in the store; did you mean 'count'?"),
    "mismatch": (TypeMismatch, TypeError, {"key": "count", "expected": int, "found": str}, "key 'count': expected int, found str"),
    "mismatch, shared": (
        TypeMismatch,
        TypeError,
        {"key": "count", "expected": int, "found": str},
        "key 'count': expected int, found str",
    ),
    "mismatch, typed": (
        TypeMismatch,
        TypeError,
        {"key": "count", "expected": int, "found": str},
        "key 'count': expected int, found str",
    ),
    "mismatch, union": (
        TypeMismatch,
        TypeError,
        {"key": "count", "expected": int | None, "found": str},
        "key 'count': expected int | None, found str",
    ),
    "mismatch, put": (
        TypeMismatch,
        TypeError,
        {"key": "count", "expected": int, "found": float},
        "key 'count': expected int, found float",
    ),
    "mismatch, append": (
        TypeMismatch,
        TypeError,
        {"key": "count", "expected": int, "found": list},
        "key 'count': expected int, found list",
    ),
    "append": (
        AppendTypeMismatch,
        TypeError,
        {"key": "log", "expected": list, "found": tuple},
        "key 'log': append needs an exact list, found tuple, which is no list; the value is unchanged",
    ),
    "append, subclass": (
        AppendTypeMismatch,
        TypeError,
        {"key": "sub", "expected": list, "found": Listed},
        "key 'sub': append needs an exact list, found tests.unit.store.hostile.Listed, which is a subclass of list; "
        "the value is unchanged",
    ),
    "copy": (
        CopyError,
        TypeError,
        {"key": "generator", "found": type(each for each in ())},
        "key 'generator': generator cannot be copied (cannot pickle 'generator' object); "
        "use get_shared to read the stored object itself",
    ),
}
ERRORS = list(EXPECTED)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_its_class_its_facts_and_its_sentence(name: str) -> None:
    """Each is a ``StoreError``, a ``CanoError`` and the built-in that it specialises; the sentence holds the facts."""
    kind, built_in, facts, sentence = EXPECTED[name]
    error = raised()[name]
    assert type(error) is kind
    assert isinstance(error, StoreError)
    assert isinstance(error, CanoError)
    assert isinstance(error, built_in)
    assert {fact: getattr(error, fact) for fact in facts} == facts
    assert str(error) == sentence


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "copy"])
def test_a_raised_error_survives_pickle_and_copy(name: str) -> None:
    """The error that a caller caught arrives whole on the other side of a process or a copy."""
    error = raised()[name]
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert other.__dict__ == error.__dict__
        assert str(other) == str(error)
        assert other.args == error.args


def test_a_copy_error_keeps_its_cause_on_the_way() -> None:
    """The reason why a value could not be copied is part of the sentence, also after pickle."""
    error = caught(lambda: MemoryStore({"key": MemoryStore()}).get("key"))
    other = pickle.loads(pickle.dumps(error))
    assert str(other) == str(error)
    assert "snapshot" in str(other)
    assert type(other.__cause__) is TypeError


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("recrods", "records"),
        ("record", "records"),
        ("Records", "records"),
        ("batch-size", "batch_size"),
        ("batchsize", "batch_size"),
    ],
)
def test_a_missing_key_offers_near_misses(asked: str, meant: str) -> None:
    """A typo is answered with the key that was meant, and with no other."""
    store = MemoryStore({"records": 1, "batch_size": 2, "zulu": 3})
    error = caught(lambda: store.get(asked))
    assert str(error) == f"key {asked!r} is not in the store; did you mean {meant!r}?"
    assert sorted(error.known) == ["batch_size", "records", "zulu"]
    assert all(type(key) is str for key in error.known)


def test_near_misses_are_those_of_the_moment() -> None:
    """Keys that are written after the error was raised are not offered."""
    store = MemoryStore()
    error = caught(lambda: store.get("records"))
    store.put("record", 1)
    assert str(error) == "key 'records' is not in the store"
    assert error.known == ()


def test_a_store_of_thousands_of_keys_makes_a_cheap_error() -> None:
    """Beyond 256 keys a missing key lists none, and says only what was missing."""
    store = MemoryStore({f"key {number}": number for number in range(256)})
    assert "did you mean" in str(caught(lambda: store.get("key x")))
    store.put("one more", 1)
    error = caught(lambda: store.get("key x"))
    assert error.known == ()
    assert str(error) == "key 'key x' is not in the store"


@pytest.mark.parametrize("key", ["", "'", '"', "\n", "\0", "\ud800", "{key}", "%s", "日本語"], ids=ascii)
def test_a_strange_key_is_printed_safely(key: str) -> None:
    """The sentence shows the key as its ``repr``, on one line, and braces or percent signs mean nothing."""
    store = MemoryStore({"x" + key: 1, "number": 1})
    sentence = str(caught(lambda: store.get(key)))
    assert repr(key) in sentence
    assert "\n" not in sentence


def test_a_missing_huge_key_is_printed_in_no_time() -> None:
    """Near misses are for names: two different megabytes of text are not compared letter by letter."""
    said = alone(
        """
import random
letters = [chr(0x4E00 + number) for number in range(5000)]
draw = random.Random(1)
text = "".join(draw.choices(letters, k=100_000))
store = MemoryStore({text[:-1] + str(number): number for number in range(200)})
try:
    store.get(text)
except KeyError as error:
    print(text in str(error), "did you mean" in str(error))
""",
        seconds=20,
    )
    assert said == "True False\n"


def test_an_error_holds_no_value() -> None:
    """An error that is kept, logged or sent keeps no stored value alive and prints none."""
    died = []

    class Value:
        def __del__(self) -> None:
            died.append(1)

    store = MemoryStore()
    store.put("a", Value())
    errors = [caught(lambda: store.get("a", int)), caught(lambda: store.append("a", 1)), caught(lambda: store.get("b"))]
    store.clear()
    assert died == [1]
    assert len(errors) == 3


def test_an_error_s_sentence_touches_no_value() -> None:
    """A value whose ``repr`` and ``==`` raise is named by its class alone."""
    store = MemoryStore({"a": Untouchable()})
    assert str(caught(lambda: store.get("a", int))).endswith("found tests.unit.store.hostile.Untouchable")
    assert "Untouchable" in str(caught(lambda: store.append("a", 1)))


@pytest.mark.parametrize("kind", [KeyNotFound, KeyError, LookupError, StoreError, CanoError, Exception])
def test_a_missing_key_can_be_caught_by_any_of_its_names(kind: type[Exception]) -> None:
    """Who does not know cano catches ``KeyError``."""
    with pytest.raises(kind):
        MemoryStore().get("missing")


def test_a_failing_operation_leaves_no_trace() -> None:
    """After every error the store is as it was, and every operation works."""
    store = MemoryStore({"count": "three", "log": (1,), "generator": (each for each in ())})
    before = store.snapshot()
    typed: Any = Key("count", int)
    for act in (
        lambda: store.get("x"),
        lambda: store.get("count", int),
        lambda: store.get_shared("count", int),
        lambda: store.append("log", 1),
        lambda: store.put(typed, 1.5),
        lambda: store.get("generator"),
        lambda: store.append(typed, 1),
    ):
        caught(act)
        after = store.snapshot()
        assert list(after) == list(before)
        assert all(after[key] is before[key] for key in before)
    store.put("count", 4)
    assert store.get(typed) == 4
