"""Every operation of the store and every way in which it fails, each on its own and each to be called thousands of times."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typing_extensions

from cano.store import Key, MemoryStore
from tests.leaks.forms import (
    Anything,
    Asked,
    Deep,
    Failing,
    Open,
    Other,
    Row,
    Sub,
    Text,
    Turncoat,
    Uncopyable,
    Unprintable,
    Value,
)
from tests.leaks.steps import caught

listof: Any = list


class Watched:
    """The objects whose reference counts must come back to where they were."""

    def __init__(self) -> None:
        self.value = Value()
        self.key = "".join(["ke", "y"])
        self.missing = "".join(["mis", "sing"])
        self.text = Text("key")
        self.default = object()
        self.form: Any = Value
        self.wrong = Other
        self.union: Any = Value | Other
        self.typed = Key(self.key, Value)
        self.typed_wrong = Key(self.key, Other)
        self.typed_log = Key("log", list)
        self.typed_flat = Key("flat list", list[int | str | None])
        alias: Any = typing_extensions.TypeAliasType  # under another name: no checker could find what it speaks of
        self.alias: Any = alias("Loop", "int | list[Loop] | tuple[Loop, dict[str, Loop]]")
        self.log: list[Any] = [self.value]
        self.generator: Any = (each for each in "")


def operations(one: Watched) -> dict[str, Callable[[], object]]:
    """Make the calls; each leaves the store as it found it."""
    new: Any = MemoryStore  # called wrongly, too, so no checker is asked
    key: Any = Key
    store: Any = new({one.key: one.value, "log": one.log, "generator": one.generator})
    many: Any = new({f"key {number}": one.value for number in range(500)})
    few: Any = new({f"key {number}": one.value for number in range(200)})
    inner: list[Any] = [1, [2], one.value]
    loop: list[Any] = [1]
    loop.append((loop, {"loop": loop}))
    bad_forms: tuple[Any, ...] = ("Missing", (int, str), Callable[[], int], 1, Open, int | list[Open])
    values: dict[str, Any] = {
        "flat list": [1, "a", None] * 10,
        "flat dict": {"a": 1, 2: "b"},
        "flat tuple": (1, ("a",)),
        "flat set": {1, 2},
        "nested": {"a": [inner, {"b": (inner, 1)}], "c": inner},
        "loop": loop,
        "record": {"a": 1},
        "objects as keys": {(1, one.value): [1]},
        "set of objects": {one.value, 1},
        "deep": [Deep(), Deep(), {1: Deep()}],
        "object": one.value,
        "tuple kept": (one.value.__class__, 1),
        "tuple copied": ([1], [1]),
        "uncopyable": [[1], {"a": Uncopyable()}],
        "failing": ([1], {Failing(): 1}, [2]),
        "failing key": {Failing(): [1]},
        "failing in a list": [[1], Failing(), [2]],
        "turncoat": Turncoat(),
        "turncoat in a list": [Turncoat()],
    }
    copies: Any = new(values)

    inside: list[tuple[str, Any]] = [
        ("flat list", list[int | str | None]),
        ("flat dict", dict[int | str, int | str]),
        ("flat tuple", tuple[int, tuple[str, ...]]),
        ("flat set", set[int]),
        ("nested", dict[str, list[int | list[int] | Value | dict[str, Any]]]),
        ("deep", list[Deep | dict[int, Deep]]),
        ("object", Annotated[Value, "note"]),
        ("record", Row),
        ("record", Literal["a"] | Row),
        ("loop", one.alias),
    ]

    def replaced() -> None:
        store.put("scratch", one.value)
        store.put("scratch", one.default)
        store.put("scratch", one.value)
        store.remove("scratch")

    def appended() -> None:
        for _ in range(5):
            store.append("new log", one.value)
        held = store.get_shared("new log")
        store.append("new log", one.value)
        store.append(one.typed_log, one.value)
        store.put("log", one.log)
        del held
        store.remove("new log")

    def cleared() -> None:
        fresh: Any = new({one.key: one.value, one.typed: one.value, "a": one.log})
        fresh.clear()
        fresh.put(one.key, one.value)

    def cycle() -> None:
        fresh: Any = new()
        fresh.put("me", fresh)
        fresh.put("value", one.value)
        fresh.append("log", fresh.clone())

    return {
        "get": lambda: store.get(one.key),
        "get of a type": lambda: store.get(one.key, one.form),
        "get of a union": lambda: store.get(one.key, one.union),
        **{f"get of {form}": lambda form=form, name=name: copies.get(name, form) for name, form in inside},
        **{
            f"get of another than {form}": lambda form=form: copies.get("nested", form) for name, form in inside if name != "nested"
        },
        "get of a form under a typed key": lambda: copies.get(one.typed_flat),
        "get of a class with its own check": lambda: store.get(one.key, Anything),
        "get of a typed key": lambda: store.get(one.typed),
        "get of a str subclass": lambda: store.get(one.text, one.form),
        "get with a default": lambda: store.get(one.missing, one.form, default=one.default),
        "get with an unused default": lambda: store.get(one.key, default=one.default),
        "get_shared": lambda: store.get_shared(one.key),
        "get_shared of a type": lambda: store.get_shared(one.key, one.form),
        "get_shared of a typed key": lambda: store.get_shared(one.typed),
        "get_shared with a default": lambda: store.get_shared(one.missing, one.form, default=one.default),
        **{f"copy of {name}": lambda name=name: copies.get(name) for name in values},
        "checked copy": lambda: copies.get("nested", dict),
        "copy that turns into another type": lambda: copies.get("turncoat", Turncoat),
        "put": lambda: store.put(one.key, one.value),
        "put under a typed key": lambda: store.put(one.typed, one.value),
        "put under a str subclass": lambda: store.put(one.text, one.value),
        "put, replace and remove": replaced,
        "append": appended,
        "remove of a missing key": lambda: store.remove(one.missing),
        "contains_key": lambda: (store.contains_key(one.key), one.missing in store, one.typed in store, one.text in store),
        "keys": lambda: (many.keys(), list(many), many.len(), len(many), many.is_empty(), repr(many)),
        "snapshot": many.snapshot,
        "clear": cleared,
        "a cycle": cycle,
        "clone": lambda: store.clone().get_shared(one.key),
        "clone of a subclass": lambda: Sub({one.key: one.value}).clone(),
        "key": lambda: (
            Key(one.key, one.form),
            Key(one.text, one.union),
            hash(one.typed),
            one.typed == one.typed_wrong,
            repr(one.typed),
            one.typed.__reduce__(),
            Key(one.key, listof[one.form]),
            Key[int],
        ),
        "missing": lambda: store.get(one.missing),
        "missing, its sentence": lambda: str(caught(lambda: few.get("key x"))),
        "missing among many": lambda: many.get(one.missing),
        "missing, shared": lambda: few.get_shared(one.missing, one.form),
        "missing, typed": lambda: store.get(Key(one.missing, one.form)),
        "mismatch": lambda: store.get(one.key, one.wrong),
        "mismatch, shared": lambda: store.get_shared(one.key, one.wrong),
        "mismatch, union": lambda: store.get(one.key, int | None),
        "mismatch, typed": lambda: store.get(one.typed_wrong),
        "mismatch in put": lambda: store.put(one.typed_wrong, one.value),
        "mismatch in append": lambda: store.append(one.typed, one.value),
        "append to no list": lambda: store.append(one.key, one.value),
        "append to no list, its sentence": lambda: str(caught(lambda: store.append(one.key, one.value))),
        "uncopyable": lambda: store.get("generator"),
        "an instance check that raises": lambda: store.get(one.key, Asked),
        "an instance check that raises, typed put": lambda: store.put(Key(one.key, Asked), one.value),
        "bad keys": lambda: [
            caught(act)
            for act in (
                lambda: store.get(1),
                lambda: store.put(None, one.value),
                lambda: store.append(b"x", one.value),
                lambda: [] in store,
                lambda: store.remove(one),
            )
        ],
        "an unprintable key": lambda: store.put(Unprintable(), one.value),
        "bad key names": lambda: key(1, one.form),
        "two types": lambda: store.get(one.typed, one.form),
        **{f"bad form {form!r}": lambda form=form: store.get(one.key, form) for form in bad_forms},
        "a bad key form": lambda: Key(one.key, list[Open]),
        "bad arguments": lambda: [
            caught(act)
            for act in (
                lambda: store.get(),
                lambda: store.put(one.key),
                lambda: store.get(one.key, one.form, one.default),
                lambda: store.clear(1),
                lambda: store.get(one.key, wrong=one.value),
            )
        ],
        "a bad mapping": lambda: new([one.value]),
        "a mapping with a bad key": lambda: new({one.key: one.value, 2: one.value}),
        "a mapping with a wrong value": lambda: new({"a": one.value, one.typed_wrong: one.value}),
        "refusals": lambda: [
            caught(act) for act in (store.__copy__, lambda: store.__deepcopy__({}), lambda: store.__reduce_ex__(4))
        ],
    }
