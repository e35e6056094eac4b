"""Values are checked while other threads change them in place: the answer is of what was there, and nothing crashes (store 6)."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypedDict

import pytest

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.threads.beside import beside
from tests.threads.meeting import together

pytestmark = pytest.mark.usefixtures("hasty")
LOOKS = 1_000


class Row(TypedDict, total=False):
    name: str
    parts: list[int]


def edit_list(value: list[Any], number: int) -> None:
    """Change a list in one of the ways in which it can grow, shrink and be replaced."""
    match number % 6:
        case 0:
            value[:] = [[n] for n in range(number % 50)]
        case 1:
            value.append([number])
        case 2:
            value.extend([[n] for n in range(20)])
        case 3:
            del value[: number % 30]
        case 4:
            value.reverse()
        case _:
            value.clear() if number % 5 == 0 else value.insert(0, [number])


def edit_dict(value: dict[str, Any], number: int) -> None:
    match number % 5:
        case 0:
            value.update({f"{n}": [n] for n in range(number % 200)})
        case 1:
            value[f"{number % 50}"] = [number]
        case 2:
            for n in range(number % 40):
                value.pop(f"{n}", None)
        case 3:
            value[f"new {number}"] = [number]
        case _:
            if number % 4 == 0:
                value.clear()


def edit_nested(value: dict[str, Any], number: int) -> None:
    edit_dict(value.setdefault(f"{number % 3}", {}), number)
    if number % 50 == 0:
        value.pop(f"{number % 3}", None)


def edit_set(value: set[Any], number: int) -> None:
    match number % 4:
        case 0:
            value.update((f"{n}", number) for n in range(number % 60))
        case 1:
            value.discard((f"{number % 60}", number - 1))
        case 2:
            value.add((f"{number}", number))
        case _:
            value.clear()


def edit_deque(value: deque[Any], number: int) -> None:
    match number % 4:
        case 0:
            value.extend([number] for _ in range(number % 70))
        case 1:
            value.appendleft([number])
        case 2:
            for _ in range(min(len(value), number % 90)):
                value.popleft()
        case _:
            value.rotate(3)


def edit_record(value: dict[str, Any], number: int) -> None:
    if number % 3:
        value["parts"] = [number] * (number % 10)
        value["name"] = f"{number}"
    else:
        value.pop("parts", None)


Edit = Callable[[Any, int], None]
CASES: dict[str, tuple[Callable[[], Any], Edit, Any]] = {
    "list": (list, edit_list, list[list[int]]),
    "list of what is shared": (list, edit_list, list[list[int] | dict[str, list[int]]]),
    "dict": (dict, edit_dict, dict[str, list[int]]),
    "keys of a dict": (dict, edit_dict, dict[str, Any]),
    "nested": (dict, edit_nested, dict[str, dict[str, list[int]]]),
    "set": (set, edit_set, set[tuple[str, int]]),
    "deque": (deque, edit_deque, deque[list[int]]),
    "record": (dict, edit_record, Row),
}
LOOK: dict[str, Callable[[MemoryStore, Any], object]] = {
    "get_shared": lambda store, form: store.get_shared("key", form),
    "get": lambda store, form: store.get("key"),
    "get of a type": lambda store, form: store.get("key", form),
    "typed key": lambda store, form: store.get_shared(Key("key", form)),
}


# Python itself copies a deque by its iterator, which refuses to go on when the deque changes.
PAIRS = [(case, look) for case in CASES for look in LOOK if case != "deque" or "get" not in look.split()]


@pytest.mark.parametrize(("case", "look"), PAIRS)
def test_a_value_that_fits_at_every_moment_passes_beside_its_changes(case: str, look: str) -> None:
    """Two threads change a container in place, in ways that keep it of its type, while two others read it."""
    make, edit, form = CASES[case]
    value = make()
    store = MemoryStore({"key": value})
    beside(lambda number: edit(value, number), lambda _: LOOK[look](store, form), looks=LOOKS)


@pytest.mark.parametrize(
    ("make", "form"),
    [(list, list[list[int]]), (lambda parts: dict(enumerate(parts)), dict[int, list[int]]), (deque, deque[list[int]])],
    ids=["list", "dict", "deque"],
)
def test_a_part_that_comes_and_goes_is_seen_or_not(make: Callable[[Any], Any], form: Any) -> None:
    """A check beside a wrong part that is put in and taken out again passes, or names what it saw."""
    value = make([[0] for _ in range(100)])
    store = MemoryStore({"key": value})
    said: list[TypeMismatch] = []

    def change(number: int) -> None:
        value[number % 100] = ["wrong"]
        value[number % 100] = [number]

    def read(_: int) -> None:
        try:
            store.get_shared("key", form)
        except TypeMismatch as error:
            said.append(error)

    beside(change, read, looks=LOOKS)
    for at in range(100):
        value[at] = [at]
    assert store.get_shared("key", form) is value
    assert all(error.key == "key" for error in said)


def test_a_value_with_many_ways_to_each_part_is_checked_in_time_beside_its_changes() -> None:
    """Forty lists, each of which holds the next one twice, are gone through once each, also those of another thread."""
    lists: list[Any] = [[]]

    def build() -> None:
        for _ in range(40):
            lists.append([lists[-1], lists[-1]])

    together(build)
    form: Any = Any
    for _ in range(41):
        form = list[form] | int
    store = MemoryStore({"key": lists[-1]})

    def change(number: int) -> None:
        lists[number % 40].append(number)
        lists[number % 40].pop()

    beside(change, lambda _: store.get_shared("key", form), looks=10)
