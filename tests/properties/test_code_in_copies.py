"""User code that runs in the middle of a copy: it changes what is being copied, the store, or the memo."""

import copy
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from cano.store import MemoryStore


class Meddler:
    """Calls ``act`` when it is copied, once, and copies to a text."""

    def __init__(self, act: Callable[[dict[int, Any]], object]) -> None:
        self.act = act

    def __deepcopy__(self, memo: dict[int, Any]) -> str:
        self.act(memo)
        return "copied"


LIST_ACTS: dict[str, Callable[[list[Any]], object]] = {
    "clear": lambda whole: whole.clear(),
    "pop first": lambda whole: whole.pop(0),
    "pop last": lambda whole: whole.pop(),
    "insert": lambda whole: whole.insert(0, [99]),
    "grow": lambda whole: whole.extend([[99]] * 1000),
    "reverse": lambda whole: whole.reverse(),
    "delete and refill": lambda whole: (whole.clear(), gc.collect(), whole.extend([[n] for n in range(100)])),
    "replace all": lambda whole: whole.__setitem__(slice(None), [object()] * len(whole)),
}
DICT_ACTS: dict[str, Callable[[dict[Any, Any]], object]] = {
    "clear": lambda whole: whole.clear(),
    "pop": lambda whole: whole.popitem(),
    "grow": lambda whole: whole.update({f"new {n}": [n] for n in range(1000)}),
    "replace all": lambda whole: whole.update(dict.fromkeys(whole, 0)),
    "clear and refill": lambda whole: (whole.clear(), gc.collect(), whole.update({n: [n] for n in range(100)})),
}


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("act", LIST_ACTS)
def test_a_list_that_its_own_part_changes_is_copied_as_it_was(act: str, place: int, depth: int) -> None:
    """The copy is the state of the moment when the list was reached, whatever a part's ``__deepcopy__`` does to the list."""
    whole: list[Any] = [[1], {"a": [2]}, ([3],), [4]]
    expected: list[Any] = [[1], {"a": [2]}, ([3],), [4]]
    whole.insert(place, Meddler(lambda memo: LIST_ACTS[act](whole)))
    expected.insert(place, "copied")
    store = MemoryStore({"key": [whole] if depth else whole})
    result = store.get("key", list)
    assert (result[0] if depth else result) == expected


@pytest.mark.parametrize("keys", ["plain", "objects"])
@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("act", DICT_ACTS)
def test_a_dict_that_its_own_part_changes_is_copied_as_it_was(act: str, place: int, keys: str) -> None:
    """The same for a dict, with plain keys and with keys that have to be copied."""
    parts: list[Any] = [[1], {"a": [2]}, ([3],)]
    parts.insert(place, None)
    expected: dict[Any, Any] = {("k", at) if keys == "objects" and at else f"k{at}": part for at, part in enumerate(parts)}
    whole = copy.deepcopy(expected)
    names = list(whole)
    whole[names[place]] = Meddler(lambda memo: DICT_ACTS[act](whole))
    expected[names[place]] = "copied"
    if keys == "objects":
        marker = frozenset({1})
        whole[marker] = [5]
        expected[marker] = [5]
    result = MemoryStore({"key": whole}).get("key", dict)
    assert result == expected
    assert list(result) == list(expected)


def test_a_set_that_its_own_part_changes_is_copied_without_a_crash() -> None:
    """A set is copied as some state of it; its parts are copies or the originals' copies, never half an object."""

    class Part:
        def __deepcopy__(self, memo: dict[int, Any]) -> int:
            whole.clear()
            whole.update(range(100))
            return 7

    whole: set[Any] = {Part()}
    assert MemoryStore({"key": [whole]}).get("key") == [{7}]


def test_the_memo_is_the_one_of_the_whole_copy() -> None:
    """User code gets a ``dict`` in which the containers around it are found, so that what it copies with it is shared."""
    seen: list[Any] = []

    class Part:
        def __deepcopy__(self, memo: Any) -> Any:
            assert type(memo) is dict
            seen.append(memo[id(whole)])
            return [copy.deepcopy(shared, memo), copy.deepcopy(whole, memo)]

    shared: list[Any] = [1]
    whole: list[Any] = [shared, Part(), {"again": shared}, Part()]
    result = MemoryStore({"key": whole}).get("key", list)
    assert seen[0] is seen[1] is result
    assert result[1][0] is result[3][0] is result[0] is result[2]["again"] is not shared
    assert result[1][1] is result


def test_one_memo_goes_through_the_whole_copy() -> None:
    """The memo of the first part is that of the last, at any depth and for a tuple or dict at the root."""
    memos: list[Any] = []

    def part() -> Meddler:
        return Meddler(memos.append)

    for whole in (
        [part(), [part(), ({1: part()},)]],
        (part(), [part()]),
        {1: part(), 2: [part()]},
        {(1, frozenset()): part(), 2: (part(), [])},
    ):
        memos.clear()
        MemoryStore({"key": whole}).get("key")
        assert len(memos) > 1
        assert all(memo is memos[0] for memo in memos)


def test_an_original_that_dies_during_the_copy_lends_its_address_to_nobody() -> None:
    """The copy keeps alive what it has copied, so that a new object at the same address is not taken for the old one."""
    made: list[Any] = []

    class Part:
        def __deepcopy__(self, memo: Any) -> Any:
            whole.clear()
            gc.collect()
            made.extend([number] for number in range(1000))
            return [copy.deepcopy(each, memo) for each in made]

    whole: list[Any] = [[["old", number]] for number in range(200)]
    whole.append(Part())
    result = MemoryStore({"key": whole}).get("key", list)
    assert result[-1] == made
    assert result[:-1] == [[["old", number]] for number in range(200)]


@pytest.mark.parametrize("act", ["clear", "replace every copy", "replace the keeper", "remove every second", "fill"])
def test_a_memo_that_user_code_spoils_is_an_error_or_a_copy_and_never_a_crash(act: str) -> None:
    """``copy.deepcopy`` survives a spoiled memo with a wrong copy or an exception, and so does ``get``."""

    def spoil(memo: dict[int, Any]) -> None:
        if act == "clear":
            memo.clear()
        elif act == "replace every copy":
            for number in list(memo):
                if number != id(memo):
                    memo[number] = 3
        elif act == "replace the keeper":
            memo[id(memo)] = "no list"
        elif act == "remove every second":
            for number in list(memo)[::2]:
                del memo[number]
        else:
            memo.update(dict.fromkeys(range(1000)))

    inner: list[Any] = [1]
    for whole in (
        [inner, Meddler(spoil), [2], inner, ([3], inner)],
        {1: inner, 2: Meddler(spoil), 3: {4: []}, 5: inner},
        (inner, Meddler(spoil), [inner], ({},)),
    ):
        store = MemoryStore({"key": whole})
        with suppress(AttributeError, TypeError, SystemError, LookupError):
            store.get("key")
        assert store.get_shared("key") is whole


def test_user_code_that_reaches_into_the_copy_does_not_crash() -> None:
    """Through the memo the half-made copies can be changed: shortened, filled, emptied."""
    for act in (lambda half: half.clear(), lambda half: half.extend([[1]] * 10), lambda half: half.pop(0)):
        whole: list[Any] = [[1], None, [2], [3], [4]]
        whole[1] = Meddler(lambda memo, act=act, whole=whole: act(memo[id(whole)]))  # type: ignore[misc]
        assert type(MemoryStore({"key": whole}).get("key")) is list
    for change in (lambda half: half.clear(), lambda half: half.update({n: [n] for n in range(50)}), lambda half: half.popitem()):
        mapping: dict[Any, Any] = {1: [1], 2: None, 3: [3], 4: [4]}
        mapping[2] = Meddler(lambda memo, change=change, mapping=mapping: change(memo[id(mapping)]))  # type: ignore[misc]
        assert type(MemoryStore({"key": mapping}).get("key")) is dict


def test_copy_code_that_copies_from_the_store_again_has_a_memo_of_its_own() -> None:
    """A nested ``get`` of the same value is a copy apart, and the outer one is not disturbed."""
    nested: list[Any] = []

    depth = iter(range(3))

    def again(memo: dict[int, Any]) -> None:
        if next(depth, None) is not None:
            nested.append(store.get("key"))

    store = MemoryStore()
    store.put("key", [[1], Meddler(again), [1]])
    result = store.get("key")
    assert result == [[1], "copied", [1]]
    assert nested == [result] * 3
    assert len({id(each[0]) for each in [*nested, result]}) == 4


def test_a_dead_part_s_finalizer_may_use_the_store_during_a_copy() -> None:
    """Values that die while the copy is made run their ``__del__``, which reads and writes the store."""
    log: list[Any] = []

    class Mortal:
        def __deepcopy__(self, memo: Any) -> Any:
            return None

        def __del__(self) -> None:
            log.append(store.get("other"))
            store.append("log", 1)

    store = MemoryStore({"other": [1]})
    whole: list[Any] = [Mortal(), [2], Mortal()]
    whole.insert(1, Meddler(lambda memo: (whole.clear(), store.put("key", None), gc.collect())))
    store.put("key", whole)
    assert store.get("key") == [None, "copied", [2], None]
    assert log == [[1], [1]]


def test_user_code_runs_in_the_order_of_deepcopy() -> None:
    """The parts of a dict, a list, a tuple and a set are asked in the order in which ``copy.deepcopy`` asks them."""
    asked: list[str] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        def __deepcopy__(self, memo: dict[int, Any]) -> str:
            asked.append(self.name)
            return self.name

    def part(name: str) -> Part:
        return Part(name)

    whole = {
        part("key 1"): part("value 1"),
        (part("key 2"), 1): [part("value 2"), (part("in a tuple"), {"a": part("in a dict")})],
        "plain": part("value 3"),
        part("key 4"): {part("in a set")},
    }
    copy.deepcopy(whole)
    expected = asked.copy()
    asked.clear()
    assert MemoryStore({"key": whole}).get("key", dict)["plain"] == "value 3"
    assert asked == expected
    assert len(asked) == 9
