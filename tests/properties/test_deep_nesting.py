"""Values nested far deeper than the stack is: an error or an answer, never a crash or a hang (pitfall C4)."""

import os

import pytest

from tests.unit.store.alone import alone

KINDS = {
    "lists": "[deep]",
    "tuples": "(deep, [])",
    "dicts": "{'k': deep}",
    "dict keys": "{Node(deep): 1}",
    "lists in dicts in tuples": "[{'k': (deep, [])}]",
    "objects": "Node(deep)",
    "objects in lists": "[Node(deep)]",
    "frozensets": "frozenset([deep])",
    "list subclasses": "Sub([deep])",
    "reduced objects": "Reduced(deep)",
    "slots": "Slots(deep)",
}
START = """
class Node:
    def __init__(self, link): self.link = link
class Sub(list): pass
class Reduced(Node):
    def __reduce_ex__(self, protocol): return (Reduced, (self.link,))
class Slots:
    __slots__ = ("link",)
    def __init__(self, link): self.link = link
def nested(depth):
    deep = ()
    for _ in range(depth):
        deep = {kind}
    return deep
def tried(act):
    try:
        act()
    except RecursionError:
        return True
    return False
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_nested_200_000_deep_is_an_error_to_copy_and_nothing_else(kind: str) -> None:
    """``get`` is a ``RecursionError``; ``get_shared``, ``append``, ``remove`` and ``clear`` work, and the store goes on."""
    alone(
        START.replace("{kind}", KINDS[kind])
        + """
deep = nested(200_000)
store = MemoryStore({"key": deep, "other": [1]})
assert tried(lambda: store.get("key"))
assert tried(lambda: store.get("key", type(deep)))
assert tried(lambda: store.get(Key("key", object)))
assert store.get_shared("key", type(deep)) is deep
store.append("log", deep)
assert tried(lambda: store.get("log"))
assert store.get("other") == [1]
assert sorted(store.keys()) == ["key", "log", "other"]
del deep
store.remove("key")
store.put("again", nested(200_000))
store.put("again", 1)
store.clear()
assert store.is_empty()
"""
    )


@pytest.mark.parametrize("limit", [60_000, 1_000_000])
@pytest.mark.parametrize("kind", ["lists", "tuples", "dicts", "lists in dicts in tuples"])
def test_a_raised_recursion_limit_does_not_overflow_the_stack(kind: str, limit: int) -> None:
    """Programs that raise ``sys.setrecursionlimit`` for their own recursion get a copy or a ``RecursionError`` still."""
    alone(
        START.replace("{kind}", KINDS[kind])
        + f"""
sys.setrecursionlimit({limit})
store = MemoryStore({{"key": nested(200_000)}})
tried(lambda: store.get("key"))
assert store.contains_key("key")
store.clear()
"""
    )


@pytest.mark.parametrize("kind", ["lists", "dicts", "objects in lists"])
def test_a_recursion_error_leaves_the_recursion_budget_as_it_was(kind: str) -> None:
    """After hundreds of failed copies as much recursion is possible as before."""
    alone(
        START.replace("{kind}", KINDS[kind])
        + """
def down(depth):
    return 1 + down(depth - 1) if depth else 0
store = MemoryStore({"key": nested(30_000), "fine": nested(100)})
for _ in range(300):
    assert tried(lambda: store.get("key"))
assert down(800) == 800
store.get("fine")
""",
        seconds=60,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_depth_is_copied(kind: str) -> None:
    """As much nesting as ``copy.deepcopy`` can copy, ``get`` can, too."""
    alone(
        START.replace("{kind}", KINDS[kind])
        + """
import copy
depth = 10
while True:
    value = nested(depth)
    if tried(lambda: copy.deepcopy(value)):
        break
    assert not tried(lambda: MemoryStore({"key": value}).get("key")), depth
    depth += 10
assert depth > 100
""",
        seconds=60,
    )


def test_a_list_that_contains_itself_is_no_deep_value() -> None:
    """A cycle is copied as a cycle, with and without a type (pitfall C4)."""
    alone(
        """
loop = []
loop.append(loop)
store = MemoryStore({"key": loop})
for copied in (store.get("key"), store.get("key", list), store.get(Key("key", list))):
    assert copied is not loop and copied[0] is copied and len(copied) == 1
store.append("key", loop)
store.append("key", store.get_shared("key"))
store.get("key")
store.clear()
"""
    )


def test_a_copy_started_deep_in_the_stack_is_an_error_or_an_answer() -> None:
    """``get`` near the recursion limit raises ``RecursionError`` or returns, at every depth."""
    alone(
        """
class Node:
    def __init__(self, part): self.part = part
    def __reduce_ex__(self, protocol): return (Node, (self.part,))
store = MemoryStore({"key": [[[{"k": Node(([1],))}]]]})
outcomes = set()
def down(depth):
    if depth:
        return down(depth - 1)
    return store.get("key")
for depth in range(sys.getrecursionlimit() - 60, sys.getrecursionlimit() - 1):
    try:
        down(depth)
        outcomes.add("copied")
    except RecursionError:
        outcomes.add("refused")
assert outcomes == {"copied", "refused"}, outcomes
assert store.get("key")[0][0][0]["k"].part == ([1],)
"""
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_deepest_copy_fits_the_smallest_stack(kind: str) -> None:
    """A thread with the 512 kB of C stack that some systems give copies as deep as any, and refuses what is deeper."""
    optimised = os.environ.get("CANO_BUILD", "release") in {"release", "gate"}  # the others' frames are several times as large
    said = alone(
        START.replace("{kind}", KINDS[kind])
        + """
import sys, threading
sys.setrecursionlimit(100_000)
threading.stack_size({stack} * 1024)
store = MemoryStore({"fits": nested(200), "too deep": nested(20_000)})
def copy():
    store.get("fits")
    print(tried(lambda: store.get("too deep")))
thread = threading.Thread(target=copy)
thread.start()
thread.join()
""".replace("{stack}", "512" if optimised else "8192")
    )
    assert said == "True\n"
