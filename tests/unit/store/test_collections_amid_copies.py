"""A collection may begin at any allocation, before 3.12 amid CPython's own copying, and its callbacks may change what is copied."""

import pytest

from tests.unit.store.alone import alone

SCENE = """
import gc
END = "end"

class Thing:
    def __init__(self, asked):
        for number in range(20):
            setattr(self, f"part{number}", [number])
        if asked:
            vars(self)

def with_holes():
    value = {n: [n] for n in range(500)}
    for n in range(400):
        del value[n]
    return value

met, inside = [], False
def collected(phase, info):
    if phase == "stop" and inside:
        change()
        met.append(threshold)

def amid(call):
    global inside
    gc.collect()
    gc.callbacks.append(collected)
    gc.set_threshold(threshold)
    inside = True
    try:
        return call()
    finally:
        inside = False
        gc.set_threshold(700, 10, 10)
        gc.callbacks.clear()
"""
# How a value is made, and how it is changed.
VALUES = {
    "list": ("[[n] for n in range(500)]", "value.clear()"),
    "list that grows": ("[[n] for n in range(500)]", "value.extend([[0]] * 1000)"),
    "dict": ("{n: [n] for n in range(500)}", "value.clear()"),
    "dict that grows": ("{n: [n] for n in range(500)}", "value.update({(len(value), n): [-n] for n in range(1000)})"),
    "dict with holes": ("with_holes()", "value.clear()"),
    "set": ("set(range(500))", "value.clear()"),
    "attributes that somebody has asked for": ("Thing(asked=True)", "vars(value).clear()"),
    "attributes that nobody has asked for": ("Thing(asked=False)", "vars(value).clear()"),
}
CALLS = {
    "get": "store.get('key')",
    "append": "store.append('key', END) or store.get('key')",
    "get in a transaction": "store.transact(lambda tx: tx.get('key'))",
    "append in a transaction": "store.transact(lambda tx: tx.append('key', END) or tx.get('key'))",
}


@pytest.mark.parametrize(
    ("value", "call"), [(value, call) for value in VALUES for call in CALLS if value.startswith("list") or "append" not in call]
)
def test_what_a_collection_changes_is_copied_as_it_was_at_one_moment(value: str, call: str) -> None:
    """Wherever within the call a collection changes the value, the copy is what the value was between two changes, and sound."""
    make, change = VALUES[value]
    alone(
        SCENE
        + f"""
def parts(value):
    if isinstance(value, list | set):
        return list(value)
    mapping = value if isinstance(value, dict) else vars(value)
    found = list(mapping.items())
    assert len(mapping) == len(found) == len(dict(mapping))
    return found

for threshold in range(1, 40):
    value = {make}
    store = MemoryStore({{"key": value}})
    change = lambda: {change}
    found = parts(amid(lambda: {CALLS[call]}))
    if {"append" in call}:
        assert found.pop() == END, threshold
    value = {make}
    states = [parts(value)]
    for _ in range(met.count(threshold)):
        change()
        states.append(parts(value))
    assert found in states, (threshold, found)
    gc.collect()
""",
        seconds=60,
    )


def test_a_list_that_an_object_reduces_itself_to_may_be_emptied() -> None:
    """The object is copied by the list as it was at one moment; if nothing is left of it, the error says so."""
    alone(
        SCENE
        + """
class Reduced:
    def __reduce_ex__(self, protocol):
        return reduced

def change():
    reduced.clear()

emptied = 0
for threshold in range(1, 40):
    reduced = [Thing, (False,)]
    store = MemoryStore({"key": Reduced()})
    try:
        copy = amid(lambda: store.get("key"))
    except TypeError as error:
        assert "reduces itself to 0 parts" in str(error), error
        emptied += 1
    else:
        assert type(copy) is Thing
assert emptied or sys.version_info >= (3, 12)
"""
    )
