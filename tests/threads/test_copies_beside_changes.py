"""Values are copied while other threads change what a copy looks at: the tables of ``copy``, classes, the memo, its parts."""

import copy
import copyreg
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.threads.beside import beside
from tests.threads.meeting import together

pytestmark = pytest.mark.usefixtures("hasty")
LOOKS = 300
tables: Any = copy


class Plain:
    """Copied by its attributes, unless somebody has said otherwise."""

    def __init__(self) -> None:
        self.part = [1]


class Other(Plain):
    pass


def reducer() -> Callable[[Plain], Any]:
    return lambda value: (Plain, (), {"part": value.part})


def copier() -> Callable[[Plain, Any], Plain]:
    return lambda value, memo: Plain()


def change_reducers(number: int) -> None:
    if number % 3:
        copyreg.dispatch_table[Plain] = reducer()
    else:
        copyreg.dispatch_table.pop(Plain, None)


def change_copiers(number: int) -> None:
    if number % 3:
        tables._deepcopy_dispatch[Plain] = copier()
    else:
        tables._deepcopy_dispatch.pop(Plain, None)


def change_class(number: int) -> None:
    names = ("a", "b", "c", "__getstate__", "__setstate__", "__deepcopy__")
    values: Any = {
        "__getstate__": lambda self: {"part": self.part},
        "__setstate__": lambda self, state: self.__dict__.update(state),
        "__deepcopy__": copier(),
    }
    name = names[number % 6]
    if number % 7:
        setattr(Plain, name, values.get(name))
    elif name in vars(Plain):
        with suppress(AttributeError):  # another thread has done it meanwhile
            delattr(Plain, name)


@pytest.fixture
def unchanged() -> Any:
    """Take back what was registered for a class and what was put into it."""
    before = set(vars(Plain))
    yield
    copyreg.dispatch_table.pop(Plain, None)
    tables._deepcopy_dispatch.pop(Plain, None)
    for name in set(vars(Plain)) - before:
        delattr(Plain, name)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("change", [change_reducers, change_copiers, change_class], ids=["reducers", "copiers", "class"])
def test_how_an_object_is_copied_may_change_at_any_time(change: Callable[[int], None]) -> None:
    """What is registered, and the class itself, change beside the copies: each is made in some way that was right then."""
    store = MemoryStore({"key": [Plain() for _ in range(10)]})

    def read(_: int) -> None:
        for each in store.get("key"):
            assert type(each) is Plain
            assert each.part == [1]

    beside(change, read, looks=LOOKS)


def test_an_object_may_become_one_of_another_class_at_any_time() -> None:
    """A class that is assigned beside the copies, and dies when it is replaced, gives copies of one class or another."""
    value = Plain()
    store = MemoryStore({"key": [value]})

    def change(number: int) -> None:
        value.__class__ = type("Passing", (Other,), {}) if number % 2 else Plain

    def read(_: int) -> None:
        (result,) = store.get("key")
        assert isinstance(result, Plain)
        assert result.part == [1]

    beside(change, read, looks=LOOKS)


def test_the_attributes_of_an_object_may_change_at_any_time() -> None:
    """Attributes come and go beside the copies; those that stay are always there."""
    value = Plain()
    store = MemoryStore({"key": value})

    def change(number: int) -> None:
        setattr(value, f"name{number % 50}", [number])
        vars(value).pop(f"name{(number + 7) % 50}", None)
        value.part = [1]

    def read(_: int) -> None:
        result = vars(store.get("key"))
        assert result.pop("part") == [1]
        assert all(name.startswith("name") and type(part) is list for name, part in result.items())

    beside(change, read, looks=LOOKS)


def meddle(half: Any, number: int) -> None:
    """Change a half-made copy, whatever it is."""
    match half, number % 4:
        case list(), 0:
            half.clear()
        case list(), 1:
            half.extend([n] for n in range(number % 30))
        case list(), 2:
            del half[number % 3 :]
        case list(), 3:
            half[:] = [[number], {"new": [number]}]
        case dict(), 0:
            half.clear()
        case dict(), 1:
            half.update({n: [n] for n in range(number % 30)})
        case dict(), 2:
            for key in list(half)[::2]:
                half.pop(key, None)
        case dict(), 3:
            half.update({key: [number] for key in list(half)})


def parts(hand_over: Any) -> list[Any]:
    inner: list[Any] = [[1], {"a": [2], ("k", frozenset()): [3]}, ([4],)]
    mapping: dict[Any, Any] = {"first": hand_over, **{f"{n}": [n, inner] for n in range(20)}, Plain: [5]}
    return [hand_over, inner, *([n] for n in range(20)), mapping, {frozenset({1}): [6], **mapping}]


@pytest.mark.parametrize("through", ["memo", "state"])
def test_another_thread_may_change_the_copies_while_they_are_made(through: str) -> None:
    """``__deepcopy__`` hands the memo, ``__setstate__`` the state, to threads that change all that they find there meanwhile."""
    handed: deque[Any] = deque()  # of a SimpleQueue of CPython 3.11 two takers with timeouts may wait for ever
    over = threading.Event()

    class ByMemo:
        def __deepcopy__(self, memo: dict[int, Any]) -> str:
            handed.append(memo)
            return "copied"

    class ByState:
        around: Any = None

        def __setstate__(self, state: dict[str, Any]) -> None:
            handed.append(dict(enumerate(state["around"])) | {-1: state["around"]})

    hand_over: Any = ByMemo() if through == "memo" else ByState()
    whole = parts(hand_over)
    if through == "state":
        hand_over.around = whole
    store = MemoryStore({"key": whole})

    def change() -> None:
        number = 0
        while handed or not over.is_set():
            try:
                found = handed.popleft()
            except IndexError:
                over.wait(0.001)
                continue
            for half in list(found.values()):
                meddle(half, number)
                number += 1

    def read() -> None:
        try:
            for _ in range(LOOKS):
                assert type(store.get("key")) is list
        finally:
            over.set()

    together(change, change, read)
    assert len(whole) == 24


def test_another_thread_may_copy_with_the_memo_of_a_copy() -> None:
    """``copy.deepcopy`` in another thread, with the same memo, gives the same copies, and neither of the two fails.

    It notes a list before it fills it: what both have made is whole when both have ended.
    """
    handed: queue.SimpleQueue[Any] = queue.SimpleQueue()

    class ByMemo:
        def __deepcopy__(self, memo: dict[int, Any]) -> str:
            handed.put(memo)
            return "copied"

    shared = [[n] for n in range(100)]
    whole = [ByMemo(), *shared]
    store = MemoryStore({"key": whole})

    def copy_too() -> list[Any]:
        return [copy.deepcopy(shared, handed.get()) for _ in range(LOOKS)]

    def read() -> list[Any]:
        return [store.get("key") for _ in range(LOOKS)]

    theirs, ours = together(copy_too, read)
    assert theirs == [shared] * LOOKS
    assert ours == [["copied", *shared]] * LOOKS
