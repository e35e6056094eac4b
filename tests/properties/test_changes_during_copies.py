"""Everything that a copy looks at changes while it is made: nothing crashes, leaks, or reaches the original."""

import copy
import gc
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cano.store import MemoryStore
from tests.unit.store.alone import alone

STEPS: list[Callable[[dict[int, Any] | None], object]] = []  # what happens at each step at which a copy runs user code


def step(memo: dict[int, Any] | None = None) -> None:
    if STEPS:
        STEPS.pop()(memo)


class ByMemo:
    def __init__(self, part: Any) -> None:
        self.part = part

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        step(memo)
        twin = ByMemo(copy.deepcopy(self.part, memo))
        step(memo)
        return twin


class ByReduce(list[Any]):
    """Runs user code at every step of the protocol."""

    part: Any = None

    def __new__(cls, *args: Any) -> "ByReduce":
        step()
        return super().__new__(cls)

    def __reduce_ex__(self, protocol: Any) -> Any:
        step()
        return ByReduce, ([self.part],), {"part": self.part}, self.items(self), ((n, n) for n in self.items([]))

    def items(self, parts: list[Any]) -> Any:
        for part in parts:
            step()
            yield part

    def __setstate__(self, state: Any) -> None:
        step()
        self.part = state["part"]

    def append(self, item: Any) -> None:
        step()
        super().append(item)

    def __hash__(self) -> int:  # type: ignore[override]
        step()
        return 1

    def __eq__(self, other: object) -> bool:
        step()
        return self is other


CONTAINERS: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    lambda parts: dict(enumerate(parts)),
    lambda parts: {(part, at): part for at, part in enumerate(parts) if isinstance(part, int | ByMemo | ByReduce)},
    lambda parts: {part for part in parts if isinstance(part, int | ByMemo | ByReduce)},
    lambda parts: frozenset(part for part in parts if isinstance(part, int | ByMemo | ByReduce)),
    lambda parts: ByMemo(parts[-1]),
    lambda parts: ByReduce(parts),
]


def change(part: Any, by: random.Random, nodes: list[Any]) -> None:
    """Change one object, whatever it is."""
    choice = by.randrange(4)
    match part:
        case list():
            if choice == 0:
                part.clear()
            elif choice == 1:
                list.append(part, by.choice(nodes))
            elif choice == 2:
                part[:] = [by.choice(nodes) for _ in range(by.randrange(20))]
            else:
                del part[:1]
        case dict():
            if choice == 0:
                part.clear()
            elif choice == 1:
                part.update({n: by.choice(nodes) for n in range(by.randrange(20))})
            elif choice == 2 and part:
                part.popitem()
            elif part:
                part[next(iter(part))] = by.choice(nodes)
        case set():
            if choice == 0:
                part.clear()
            else:
                part.update(range(by.randrange(20)))
        case ByMemo():
            part.part = by.choice(nodes)
        case _:
            gc.collect(0)


def change_memo(memo: dict[int, Any] | None, by: random.Random, nodes: list[Any]) -> None:
    """Change the memo, or a half-made copy that is found in it."""
    if not memo:
        return
    choice = by.randrange(6)
    number = by.choice(list(memo))
    if choice == 0:
        memo.clear()
    elif choice == 1:
        memo[id(by.choice(nodes))] = by.choice(nodes)
    elif choice == 2:
        del memo[number]
    elif choice == 3:
        memo[id(memo)] = by.choice([[], "no list", list(memo)])
    else:
        change(memo[number], by, nodes)


@settings(deadline=None, max_examples=1000)
@given(st.integers(0, 2**32))
def test_user_code_may_change_anything_at_any_step(seed: int) -> None:
    """Values, half-made copies, the memo and the store change at every step: there is a result or an ordinary error."""
    by = random.Random(seed)
    nodes: list[Any] = [1, [], {}, ByMemo([1])]
    for _ in range(by.randrange(3, 15)):
        nodes.append(by.choice(CONTAINERS)([by.choice(nodes) for _ in range(by.randrange(1, 5))]))
    for node in nodes[4:]:
        if type(node) is list:
            node.append(by.choice(nodes))
    whole = by.choice([list, tuple])(nodes)
    store = MemoryStore({"key": whole})
    actions: list[Callable[[dict[int, Any] | None], object]] = [
        lambda memo: change(by.choice(nodes), by, nodes),
        lambda memo: change_memo(memo, by, nodes),
        lambda memo: store.put("key", by.choice(nodes)),
        lambda memo: store.clear(),
        lambda memo: gc.collect(0),
        lambda memo: store.get("key", default=None),
    ]
    STEPS[:] = by.choices(actions, (4, 4, 1, 1, 1, 1), k=by.randrange(40))
    # RecursionError: what was put into each other at random can go round in circles that no memo breaks.
    with suppress(TypeError, AttributeError, LookupError, ValueError, RuntimeError, RecursionError):
        store.get("key", default=None)
    STEPS.clear()
    store.put("key", [1, [2]])
    assert store.get("key") == [1, [2]]


@pytest.mark.parametrize("later", ["list", "dict", "set", "tuple", "object", "key", "around"])
@pytest.mark.parametrize("act", ["note", "replace", "remove"])
def test_what_user_code_does_to_the_memo_counts(act: str, later: str) -> None:
    """What ``__deepcopy__`` notes, replaces or removes in the memo is found by the rest of the copy, as in ``copy.deepcopy``."""

    class Part:
        def __deepcopy__(self, memo: dict[int, Any]) -> str:
            if act == "remove":
                memo.pop(id(parts[later]), None)
            else:
                memo[id(parts[later])] = "noted"
            return "part"

    class Key: ...

    parts: dict[str, Any] = {
        "list": [1],
        "dict": {1: [2]},
        "set": {1},
        "tuple": ([1],),
        "object": Key(),
        "key": Key(),
        "around": [],
    }
    one = parts[later]
    whole: list[Any] = parts["around"]
    whole += [one if act != "note" else 0, Part(), one, {"k": one}, ({one: 1},) if later in {"object", "key"} else 2]
    if later == "tuple":
        whole[4] = (one, one)

    def shape(outer: Any) -> list[Any]:
        copied = outer[0]
        first = copied[0]
        return [
            outer[1] is copied,
            [type(part) for part in copied],
            [part is first for part in copied],
            copied[3]["k"] is first,
            copied[3]["k"] is copied[2],
            copied[2] is copied,
        ]

    graph = [whole, whole]
    assert shape(MemoryStore({"key": graph}).get("key")) == shape(copy.deepcopy(graph))


def test_memory_that_runs_out_at_any_moment_is_an_error_and_leaks_nothing() -> None:
    """Whichever allocation of a copy fails, ``get`` raises ``MemoryError`` or succeeds, and what it had made is released."""
    alone(
        """
import gc
try:
    from _testcapi import remove_mem_hooks, set_nomemory
except ImportError:
    sys.exit()  # not every interpreter has its own tests with it
class Plain:
    def __init__(self, part): self.part = part
class Slots:
    __slots__ = ("part",)
    def __init__(self, part): self.part = part
class Deep(Plain):
    def __deepcopy__(self, memo): return Deep(1)
class Sub(list): pass
def value(deep):
    inner = [[1], {"a": [2]}, ([3], 4), {5}, frozenset({6}), {("k", frozenset({7})): 8, 9: [1]}]
    inner += [Plain([10]), Slots([11]), Sub([[12]])]
    return [inner, inner[:1], *([[n] for n in range(40)]), *([Deep(0)] if deep else []), {"k": inner, Slots(1): inner}, {13}]
def fails(key, start):
    set_nomemory(start, start + 1)
    try:
        store.get(key)
    except MemoryError:
        return True
    finally:
        remove_mem_hooks()
    return False
store = MemoryStore({"key": value(False), "deep": value(True)})
for key in ("key", "deep"):
    for _ in range(3): store.get(key); fails(key, 0)
    failures, calm = 0, 0
    for at in range(2000):
        gc.collect(); gc.disable()
        before = len(gc.get_objects()), sum(map(sys.getrefcount, store.get_shared(key)))
        failed = fails(key, at)
        failures += failed
        calm = 0 if failed else calm + 1
        gc.collect(); gc.enable()
        after = len(gc.get_objects()), sum(map(sys.getrefcount, store.get_shared(key)))
        assert after[1] == before[1] and after[0] - before[0] < 5, (key, at, before, after)
        if calm > 60: break
    assert calm > 60 and failures > 50, (failures, calm)
""",
        seconds=100,
    )
