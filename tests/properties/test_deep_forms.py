"""Forms and values nested far deeper than the stack is: an error or an answer, never a crash or a hang (pitfall C4)."""

import os

import pytest

from tests.unit.store.alone import alone

START = """
import typing_extensions
from typing import Annotated, Any, Optional, TypedDict
def tried(act):
    try:
        act()
    except RecursionError:
        return True
    return False
def nested(depth, wrap):
    inner = [] if type(wrap(0)) is list else ()
    for _ in range(depth):
        inner = wrap(inner)
    return inner
alias = typing_extensions.TypeAliasType
names = globals()
for name, value in {
    "Lists": "list[Lists]",
    "Json": "dict[str, Json] | list[Json] | str | int | float | bool | None",
    "Tuples": "tuple[Tuples, ...]",
    "Fixed": "tuple[()] | tuple[Fixed] | tuple[Fixed, Fixed]",
    "Dicts": "dict[str, Dicts] | tuple[()]",
    "Sequences": "Sequence[Sequences]",
}.items():
    names[name] = alias(name, value)
from collections.abc import Sequence
class Tree(TypedDict, total=False):
    kid: "Tree"
    kids: "list[Tree]"
WRAPS = {
    "Lists": lambda v: [v], "Json": lambda v: [{"k": v}], "Tuples": lambda v: (v,), "Fixed": lambda v: (v,),
    "Dicts": lambda v: {"k": v}, "Sequences": lambda v: [v], "Tree": lambda v: {"kid": v or {}},
}
names["Tree"] = Tree
"""
NAMES = ["Lists", "Json", "Tuples", "Fixed", "Dicts", "Sequences", "Tree"]


@pytest.mark.parametrize("limit", [1_000, 1_000_000])
@pytest.mark.parametrize("name", NAMES)
def test_a_value_nested_200_000_deep_is_an_error_to_check_against_a_recursive_form(name: str, limit: int) -> None:
    """``get``, ``get_shared`` and ``put`` are a ``RecursionError``, at any recursion limit, and the store goes on."""
    alone(
        START
        + f"""
sys.setrecursionlimit({limit})
form = names["{name}"]
deep = nested(200_000, WRAPS["{name}"])
store = MemoryStore({{"key": deep, "fine": nested(100, WRAPS["{name}"])}})
assert tried(lambda: store.get_shared("key", form))
assert tried(lambda: store.get("key", form))
assert tried(lambda: store.put(Key("other", form), deep))
assert not store.contains_key("other")
store.get_shared("fine", form)
store.get("fine", form)
"""
    )


@pytest.mark.parametrize(
    "wrap", ["list[form]", "tuple[form, int]", "dict[str, form]", "Optional[list[form]]", "tuple[form, form]", "Annotated[form, 1]"]
)
def test_a_form_nested_thousands_deep_is_an_error_or_an_answer(wrap: str) -> None:
    """A form that a program has built up in a loop ends no process."""
    alone(
        START
        + f"""
sys.setrecursionlimit(1_000_000 if sys.version_info >= (3, 12) else 1_000)
form = int
for depth in range(300):
    form = {wrap}
    if depth < 50:
        try:
            MemoryStore({{"key": 1}}).get("key", form)
        except TypeError:
            pass
tried(lambda: Key("key", form))
for _ in range(3):
    try:
        tried(lambda: MemoryStore({{"key": 1}}).get("key", form))
    except TypeError:
        pass
"""
    )


def test_a_recursion_error_of_a_check_leaves_the_recursion_budget_as_it_was() -> None:
    """After hundreds of failed checks as much recursion is possible as before."""
    alone(
        START
        + """
def down(depth):
    return 1 + down(depth - 1) if depth else 0
store = MemoryStore({"key": nested(30_000, lambda v: [v]), "fine": nested(100, lambda v: [v])})
for _ in range(300):
    assert tried(lambda: store.get_shared("key", Lists))
assert down(800) == 800
store.get_shared("fine", Lists)
"""
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_deepest_check_fits_the_smallest_stack(name: str) -> None:
    """A thread with the 512 kB of C stack that some systems give checks as deep as any, and refuses what is deeper."""
    optimised = os.environ.get("CANO_BUILD", "release") in {"release", "gate"}  # the others' frames are several times as large
    said = alone(
        START
        + f"""
import threading
sys.setrecursionlimit(100_000)
threading.stack_size({512 if optimised else 8192} * 1024)
form = names["{name}"]
store = MemoryStore({{"fits": nested(100, WRAPS["{name}"]), "too deep": nested(20_000, WRAPS["{name}"])}})
def check():
    store.get_shared("fits", form)
    print(tried(lambda: store.get_shared("too deep", form)))
thread = threading.Thread(target=check)
thread.start()
thread.join()
"""
    )
    assert said == "True\n"


def test_a_list_that_contains_itself_is_right_for_a_recursive_form() -> None:
    """The shortest cycle is a list of lists, without end and without error."""
    alone(
        START
        + """
loop = []
loop.append(loop)
store = MemoryStore({"key": loop})
assert store.get_shared("key", Lists) is loop
assert store.get("key", Lists)[0][0] is not loop
store.put(Key("key", Lists), loop)
try:
    store.get_shared("key", Dicts)
except TypeError:
    print("refused")
"""
    )


def test_a_form_deeper_than_any_stack_is_an_error() -> None:
    """Twenty thousand lists of lists, written as a type, are refused without an end of the process."""
    alone(
        START
        + """
form = int
for _ in range(20_000):
    form = list[form]
store = MemoryStore({"key": [1]})
assert tried(lambda: store.get("key", form))
assert tried(lambda: Key("key", form))
os._exit(0)
""".replace("form = int", "import os\nform = int", 1)
    )
