"""Asking for a TypedDict: its keys, required or not, wherever they were declared (store 6, D3)."""

from typing import Any, NotRequired, Required, TypedDict

import pytest
import typing_extensions

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store import postponed, postponed_base
from tests.unit.store.postponed import Frozen, Holder, Lost, Sparse, Tree

BASE, OWN = postponed_base.Part(), postponed.Part()


class Row(TypedDict):
    name: str
    age: NotRequired[int]


class Longer(Row, total=False):
    size: float
    kind: Required[str]


class ExtensionRow(typing_extensions.TypedDict):
    name: str
    age: typing_extensions.NotRequired[int]


class Shut(dict[Any, Any]):
    def get(self, *args: Any) -> Any:
        raise AssertionError

    __getitem__ = __contains__ = __iter__ = keys = items = get


FITS: list[tuple[Any, Any]] = [
    ({"name": "a"}, Row),
    ({"name": "a", "age": 1}, Row),
    ({"name": "a", "age": True}, Row),
    ({"name": "a", "extra": object(), 3: 4}, Row),
    (Shut(name="a"), Row),
    ({"name": "a"}, ExtensionRow),
    ({"name": "a", "kind": "b"}, Longer),
    ({"name": "a", "kind": "b", "size": 1.5}, Longer),
    ({"name": "a", "part": BASE}, postponed_base.Record),
    ({"name": "a", "part": BASE, "parts": [BASE], "note": "b"}, postponed_base.Record),
    ({"name": "a", "part": BASE, "own": OWN}, postponed.Record),
    ({"name": "a", "part": BASE, "own": OWN, "other": BASE, "parts": []}, postponed.Record),
    ({"name": "a", "id": 1}, Sparse),
    ({"name": "a", "id": 1, "age": 2, "tags": ["b"]}, Sparse),
    ({"value": 1}, Tree),
    ({"value": 1, "kids": [{"value": 2}, {"value": 3, "kids": []}]}, Tree),
    ({"name": "a"}, Frozen),
    ({"value": 1}, Holder[int]),
    ({"value": {"name": "a"}, "values": [{"name": "b", "age": 1}]}, Holder[Row]),
    ([{"name": "a"}], list[Row]),
    ({"name": "a"}, Row | None),
]
MISFITS: list[tuple[Any, Any, type, str, str]] = [  # the value, the form, the class found, where, and what else is said
    ({}, Row, dict, "", "without the key 'name'"),
    ([], Row, list, "", ""),
    ({"name": 1}, Row, int, "['name']", ""),
    ({"name": "a", "age": "b"}, Row, str, "['age']", ""),
    ({"name": "a", "age": 1.0}, ExtensionRow, float, "['age']", ""),
    ({"age": 1}, ExtensionRow, dict, "", "without the key 'name'"),
    ({"name": "a"}, Longer, dict, "", "without the key 'kind'"),
    ({"name": "a", "kind": "b", "size": 1}, Longer, int, "['size']", ""),
    ({"kind": "b"}, Longer, dict, "", "without the key 'name'"),
    ({"name": "a"}, postponed_base.Record, dict, "", "without the key 'part'"),
    ({"name": "a", "part": OWN}, postponed_base.Record, postponed.Part, "['part']", ""),
    ({"name": "a", "part": BASE, "note": 1}, postponed_base.Record, int, "['note']", ""),
    ({"name": "a", "part": BASE, "own": BASE}, postponed.Record, postponed_base.Part, "['own']", ""),
    ({"name": "a", "part": OWN, "own": OWN}, postponed.Record, postponed.Part, "['part']", ""),
    ({"name": "a", "part": BASE, "own": OWN, "parts": [OWN]}, postponed.Record, postponed.Part, "['parts'][0]", ""),
    ({"name": "a", "part": BASE, "own": OWN, "other": OWN}, postponed.Record, postponed.Part, "['other']", ""),
    ({"name": "a"}, Sparse, dict, "", "without the key 'id'"),
    ({"id": 1}, Sparse, dict, "", "without the key 'name'"),
    ({"name": "a", "id": 1, "tags": [1]}, Sparse, int, "['tags'][0]", ""),
    ({"value": 1, "kids": [{"value": 2, "kids": [{}]}]}, Tree, dict, "['kids'][0]['kids'][0]", "without the key 'value'"),
    ({"name": 1}, Frozen, int, "['name']", ""),
    ({"name": "a", "age": "b"}, Frozen, str, "['age']", ""),
    ({"value": "a"}, Holder[int], str, "['value']", ""),
    ({"value": {"name": "a"}, "values": [{}]}, Holder[Row], dict, "['values'][0]", "without the key 'name'"),
    ([{"name": "a"}, {}], list[Row], dict, "[1]", "without the key 'name'"),
    ({}, Row | int, dict, "", "without the key 'name'"),
]


@pytest.mark.parametrize("case", range(len(FITS)))
def test_a_dict_with_the_keys_that_were_declared_is_returned(case: int) -> None:
    """Optional keys may be missing, extra keys pass, subclasses of ``dict`` are read without their own code."""
    value, form = FITS[case]
    store = MemoryStore({"key": value})
    assert store.get_shared("key", form) is value
    assert store.get_shared(Key("key", form)) is value


@pytest.mark.parametrize("case", range(len(MISFITS)))
def test_a_missing_key_or_a_wrong_value_is_a_mismatch_that_says_so(case: int) -> None:
    """A required key that is not there is named; a value of the wrong type is found by its key."""
    value, form, found, where, detail = MISFITS[case]
    with pytest.raises(TypeMismatch) as caught:
        MemoryStore({"key": value}).get_shared("key", form)
    assert (caught.value.found, caught.value.where, caught.value.detail) == (found, where, detail)


def test_a_name_that_means_nothing_in_its_module_is_named() -> None:
    """An annotation that cannot be resolved is an error for every value, at the first call: never a yes, never a warning."""
    for value in ({"name": "a"}, {}, []):
        with pytest.raises(TypeError, match="Missing") as caught:
            MemoryStore({"key": value}).get("key", Lost)
        assert type(caught.value) is TypeError
    with pytest.raises(TypeError, match="Missing"):
        Key("key", list[Lost])


def test_a_name_that_comes_to_be_is_found_at_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed look-up is not remembered."""
    with pytest.raises(TypeError, match="Missing"):
        MemoryStore({"key": {"name": "a"}}).get("key", Lost)
    monkeypatch.setattr(postponed, "Missing", int, raising=False)
    assert MemoryStore({"key": {"name": "a", "part": [1]}}).get("key", Lost) == {"name": "a", "part": [1]}


def test_a_typed_dict_of_a_function_may_speak_of_itself() -> None:
    """A class that no module holds is found by its own name."""

    class Local(TypedDict):
        kids: "list[Local]"

    assert MemoryStore({"key": {"kids": [{"kids": []}]}}).get("key", Local) == {"kids": [{"kids": []}]}
    with pytest.raises(TypeMismatch) as caught:
        MemoryStore({"key": {"kids": [{"kids": [1]}]}}).get("key", Local)
    assert caught.value.where == "['kids'][0]['kids'][0]"


def test_a_closed_typed_dict_is_refused() -> None:
    """Where extra keys must not pass, they would have to be looked at: no silent yes."""
    closed: Any = typing_extensions.TypedDict
    for made in (closed("Closed", {"a": int}, closed=True), closed("Extra", {"a": int}, extra_items=int)):
        with pytest.raises(TypeError, match="closed"):
            MemoryStore({"key": {"a": 1}}).get("key", made)


def test_a_key_whose_equality_raises_lets_the_error_out() -> None:
    """A dict asks a key with the hash of the one that is sought whether it is that, as it does for everybody."""

    class Odd:
        def __hash__(self) -> int:
            return hash("name")

        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        MemoryStore({"key": {Odd(): 1}}).get_shared("key", Row)
