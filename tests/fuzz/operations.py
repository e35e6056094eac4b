"""One input, one sequence of operations on a store and on the model of ``tests/properties``, by few keys and few values."""

import gc
import sys
from collections.abc import Callable, Sequence, Sized
from typing import Any

from cano.errors import TypeMismatch
from cano.store import Key, Transaction
from tests.fuzz.choices import Choices
from tests.fuzz.hostile import QUIET, Asked, Asks, Disturbed, Spy, Turncoat, Writer, watching
from tests.properties.store_model import NOTHING, frozen, outcome

MOST_STEPS = 64
KEYS = {"a": "a", "b": "b", "c": "c", "empty": "", "nul": "nul\0", "lone": "\ud800", **{f"k{n}": f"key {n}" for n in range(6)}}
FORMS: dict[str, Any] = {
    "any": None,
    "int": int,
    "str": str,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "object": object,
    "none": type(None),
    "int_or_none": int | None,
    "list_or_str": list | str,
    "sequence": Sequence,
    "sized": Sized,
}
PLAIN: dict[str, Any] = {"one": 1, "true": True, "nothing": None, "text": "text"}
FRESH: dict[str, Callable[[], Any]] = {
    "list": lambda: [1],
    "bare": list,
    "lists": lambda: [[1], [2]],
    "dict": lambda: {"x": [1]},
    "pair": lambda: (1, [2]),
}
SPIES = {"spy": Spy, "writer": Writer}
TRANSACTED = ("get", "get_shared", "pop", "put", "append", "remove", "contains_key", "get_many")


class Run(Disturbed):
    """The operations of one input."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self.choices = choices
        kept = [1]
        self.pool: dict[str, Any] = {"kept": kept, "outer": [kept, kept], "map": {"x": kept}}  # put again and again

    def key(self) -> str:
        return KEYS[self.choices.choose(list(KEYS))]

    def form(self) -> Any:
        return FORMS[self.choices.choose(list(FORMS))]

    def number(self) -> int:
        return self.choices.number(3)

    def flag(self) -> bool:
        return self.choices.flag()

    def value(self) -> Any:
        word = self.choices.choose([*PLAIN, *FRESH, *self.pool, *SPIES])
        if word in SPIES:
            return watching(SPIES[word], self)
        return FRESH[word]() if word in FRESH else self.pool[word] if word in self.pool else PLAIN[word]

    def perhaps(self) -> Any:
        return self.value() if self.flag() else NOTHING

    def items(self) -> dict[str, Any]:
        return {self.key(): self.value() for _ in range(self.choices.number(3))}

    def steps(self) -> list[Any]:
        return [
            (self.choices.choose(TRANSACTED), self.key(), self.value(), self.form(), self.flag(), self.flag())
            for _ in range(self.choices.number(5))
        ]

    def check(self) -> None:
        """Hold the store to the model after a step."""
        if self.faults:
            raise self.faults[0]
        self.every_handle_agrees_with_the_model()
        self.no_list_that_was_handed_out_has_changed()
        assert all(self.handles[-1].contains_key(key) for key in self.model)


def reads(how: str) -> Callable[[Run], None]:
    def read(run: Run) -> None:
        getattr(run, how)(run.number(), run.key(), run.form(), run.flag(), run.flag())

    return read


def grow(run: Run) -> None:
    """Append several items to one list."""
    number, key, item = run.number(), run.key(), run.value()
    for _ in range(run.choices.number(9)):
        run.append(number, key, item, False)


def put_many(run: Run) -> None:
    """All at one moment, also for what dies of it."""
    number, items, key, form = run.number(), run.items(), run.key(), run.form()
    run.landing = items
    run.put_many(number, items, key, form)
    run.landing = {}


def setdefault(run: Run) -> None:
    run.setdefault(run.number(), run.key(), run.value(), run.form(), run.flag())


def modify(run: Run) -> None:
    run.modify(run.number(), run.key(), run.form(), run.perhaps(), run.perhaps(), run.items(), run.flag())


def transact(run: Run) -> None:
    number, late = run.number(), run.key() if run.flag() else None
    run.transact(number, run.steps(), late, run.value(), run.flag())


def nested(run: Run) -> None:
    """A transaction in the first run of another, which has read a key and is going to write one."""
    number, read, written, steps = run.number(), run.key(), run.key(), run.steps()
    runs: list[bool] = []

    def change(tx: Transaction) -> None:
        before = tx.get_shared(read, default=NOTHING)
        if not runs:
            run.transact(number + 1, steps, None, None, False)
            now = run.handle(number).get_shared(read, default=NOTHING)
            runs.append(now is before)
        else:
            assert runs == [False], "another run, though nothing that was read has changed"
            runs.append(True)
        tx.put(written, "nested")

    run.handle(number).transact(change)
    assert runs[-1], "a run that read what has gone since"
    run.keep(written, run.handle(number).get_shared(written))
    assert run.model[written] == (str, "nested")


def turncoat(run: Run) -> None:
    """A copy is of the type that was asked for, whatever the original is."""
    number, key, form = run.number(), run.key(), run.form()
    run.handle(number).put(key, Turncoat())
    copied, error = outcome(lambda: run.handle(number).get(key, *([] if form is None else [form])))
    if form is None or (issubclass(Turncoat, form) and issubclass(str, form)):
        assert copied == "turned"
    else:
        assert isinstance(error, TypeMismatch)
        assert error.found is (str if issubclass(Turncoat, form) else Turncoat)
    run.remove(number, key)


def asking(run: Run) -> None:
    """A type whose check replaces the value that it is asked about."""
    how = run.choices.choose(("pop", "setdefault", "get", "get_shared", "modify"))
    number, key, value, other, typed = run.number(), run.key(), run.value(), run.value(), run.flag()
    handle = run.handle(number)
    form: list[Any] = [Key(key, Asked)] if typed else [key, Asked]
    if how == "setdefault":
        run.remove(number, key)
        form.insert(1, value)
    else:
        run.put(number, key, value, False)
    if how == "modify":
        form.insert(1, lambda found: found)
    Asks.act.append(lambda: run.put(number, key, other, False))
    try:
        found = getattr(handle, how)(*form)
    finally:
        asked = not Asks.act
        Asks.act.clear()
    assert asked
    if how == "pop":
        run.forget(key)
    if how in ("pop", "setdefault"):
        assert found is other
    else:
        assert frozen(found) in (frozen(value), frozen(other))
    if how == "modify":
        run.keep(key, found)


def refusing(run: Run) -> None:
    """A type whose check replaces the value that it takes by one that it does not take."""
    number, key, value = run.number(), run.key(), run.value()
    run.put(number, key, value, False)
    Asks.act.append(lambda: run.put(number, key, "refused", False))
    Asks.later = False
    try:
        _, error = outcome(lambda: run.handle(number).pop(key, Asked))
    finally:
        Asks.later = True
        Asks.act.clear()
    assert isinstance(error, TypeMismatch)
    assert error.found is str


def let_one_go(run: Run) -> None:
    """Hold one object less."""
    run.seen.pop(run.key(), None)
    if run.held:
        del run.held[run.choices.number(7) % len(run.held)]


def clear(run: Run) -> None:
    """Remove everything; what dies of it may put something."""
    number = run.number()
    run.forget(QUIET)
    run.handle(number).clear()
    for key in set(run.model) - {QUIET}:
        run.forget(key)


STEPS: dict[str, Callable[[Run], Any]] = {
    "put": lambda run: run.put(run.number(), run.key(), run.value(), run.flag()),
    "append": lambda run: run.append(run.number(), run.key(), run.value(), run.flag()),
    "get": reads("get"),
    "get_shared": reads("get_shared"),
    "pop": reads("pop"),
    "remove": lambda run: run.remove(run.number(), run.key()),
    "put_typed": lambda run: run.put_typed(run.number(), run.key(), run.value(), run.form() or object),
    "put_many": put_many,
    "setdefault": setdefault,
    "modify": modify,
    "transact": transact,
    "nested": nested,
    "asking": asking,
    "refusing": refusing,
    "turncoat": turncoat,
    "grow": grow,
    "let_one_go": let_one_go,
    "let_go": lambda run: run.let_go(),
    "snapshot": lambda run: run.take_snapshot(run.number()),
    "clone": lambda run: run.clone(run.number()),
    "clear": clear,
}


def counts(pool: dict[str, Any]) -> dict[str, int]:
    """How many references there are to each value."""
    return {word: sys.getrefcount(value) for word, value in pool.items()}


def one(choices: Choices) -> None:
    """Do what the input says; an exception is a finding."""
    run = Run(choices)
    pool = run.pool
    before = frozen(tuple(pool.values())), counts(pool)
    done = 0
    gc.disable()  # what a collection ends changes the store, also between a call and a look at it; and no input would be one again
    try:
        while not choices.over and done < MOST_STEPS:
            STEPS[choices.choose(list(STEPS))](run)
            run.check()
            done += 1
    finally:
        gc.enable()
    run.handles.clear()
    del run
    gc.collect()
    assert (frozen(tuple(pool.values())), counts(pool)) == before, "a value has changed, or references to it are left or gone"
