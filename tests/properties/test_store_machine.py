"""The store as a state machine against the plain dict that it stands for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cano.errors import AppendTypeMismatch, KeyNotFound, TypeMismatch
from cano.store import Key, MemoryStore, Transaction
from tests.properties.store_model import FORMS, KEYS, NOTHING, STEPS, VALUES, Failure, View, frozen, outcome


class StoreMachine(RuleBasedStateMachine):
    """Random operations through several handles; the model is a dict, and every object handed out is remembered as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Any] = {}
        self.seen: dict[str, Any] = {}  # the very object that the store is known to hold
        self.held: list[tuple[Any, Any]] = []  # shared objects, and what they were
        self.handles: list[MemoryStore] = []

    @initialize(start=st.dictionaries(KEYS, VALUES, max_size=3))
    def begin(self, start: dict[str, Any]) -> None:
        self.handles = [MemoryStore(start)]
        self.model = {key: frozen(value) for key, value in start.items()}
        self.seen = dict(start)
        self.held = [(value, frozen(value)) for value in start.values()]

    def handle(self, number: int) -> MemoryStore:
        return self.handles[number % len(self.handles)]

    @rule(number=st.integers(0, 5))
    def clone(self, number: int) -> None:
        if len(self.handles) < 4:
            self.handles.append(self.handle(number).clone())
        else:
            del self.handles[number % 4]

    @rule(number=st.integers(0, 5), key=KEYS, value=VALUES, keep=st.booleans())
    def put(self, number: int, key: str, value: Any, keep: bool) -> None:
        self.handle(number).put(key, value)
        self.model[key] = frozen(value)
        self.seen.pop(key, None)
        if keep:
            self.seen[key] = value
            self.held.append((value, frozen(value)))

    @rule(number=st.integers(0, 5), key=KEYS, value=VALUES, form=FORMS)
    def put_typed(self, number: int, key: str, value: Any, form: Any) -> None:
        typed: Any = Key(key, form)
        _, error = outcome(lambda: self.handle(number).put(typed, value))
        if isinstance(value, form):
            assert error is None
            self.keep(key, value)
        else:
            assert isinstance(error, TypeMismatch)
            assert (error.key, error.expected, error.found) == (key, form, type(value))

    @rule(number=st.integers(0, 5), key=KEYS, item=VALUES, typed=st.booleans())
    def append(self, number: int, key: str, item: Any, typed: bool) -> None:
        there = self.model.get(key, (list,))
        _, error = outcome(lambda: self.handle(number).append(Key(key, list) if typed else key, item))
        if there[0] is not list:
            assert isinstance(error, AppendTypeMismatch)
            assert (error.key, error.found) == (key, there[0])
        else:
            assert error is None
            self.model[key] = (*there, frozen(item))
            before = self.seen.pop(key, None)
            assert before is None or self.handle(number).get_shared(key) is not before

    @rule(number=st.integers(0, 5), key=KEYS, form=FORMS | st.none(), typed=st.booleans(), default=st.booleans())
    def get(self, number: int, key: str, form: Any, typed: bool, default: bool) -> None:
        self.read("get", number, key, form, typed, default)

    @rule(number=st.integers(0, 5), key=KEYS, form=FORMS | st.none(), typed=st.booleans(), default=st.booleans())
    def get_shared(self, number: int, key: str, form: Any, typed: bool, default: bool) -> None:
        self.read("get_shared", number, key, form, typed, default)

    def read(self, how: str, number: int, key: str, form: Any, typed: bool, default: bool) -> None:
        value = self.asked(getattr(self.handle(number), how), key, form, typed, default, self.model.get(key))
        if value is NOTHING:
            return
        if how == "get":
            self.spoil(value)
            return
        assert value is self.seen.get(key, value)
        self.held.append((value, frozen(value)))
        if how == "pop":
            self.forget(key)
        else:
            self.seen[key] = value

    def asked(
        self,
        call: Any,
        key: str,
        form: Any,
        typed: bool,
        default: bool,
        there: Any,
        written: Mapping[str, Any] = MappingProxyType({}),
    ) -> Any:
        """Read in whatever way and hold the result to what is there, None for nothing; NOTHING if it gave no value.

        ``written`` is what the transaction that reads is going to write, NOTHING for what it has removed.
        """
        marker = object()
        arguments: list[Any] = [key] if form is None else [Key(key, form)] if typed else [key, form]
        value, error = outcome(lambda: call(*arguments, **({"default": marker} if default else {})))
        if there is None and not default:
            assert isinstance(error, KeyNotFound)
            assert error.key == key
            known = {name for name in {*self.model, *written} if written.get(name) is not NOTHING}
            assert set(error.known) == known - {key}
            return NOTHING
        if there is not None and form is not None and not issubclass(there[0], form):
            assert isinstance(error, TypeMismatch)
            assert (error.key, error.expected, error.found) == (key, form, there[0])
            return NOTHING
        assert error is None
        if there is None:
            assert value is marker
            return NOTHING
        assert frozen(value) == there
        return value

    def keep(self, key: str, value: Any) -> None:
        """The store holds this very object from now on, and it must never change."""
        self.model[key] = frozen(value)
        self.seen[key] = value
        self.held.append((value, frozen(value)))

    def forget(self, key: str) -> None:
        self.model.pop(key, None)
        self.seen.pop(key, None)

    def spoil(self, value: Any) -> None:
        """Change an owned copy in every place; nothing of it may be seen again."""
        if isinstance(value, list):
            for part in value:
                self.spoil(part)
            value.append("spoiled")
        elif isinstance(value, dict):
            for part in value.values():
                self.spoil(part)
            value["spoiled"] = True
        elif isinstance(value, tuple):
            for part in value:
                self.spoil(part)

    @rule(number=st.integers(0, 5), key=KEYS)
    def remove(self, number: int, key: str) -> None:
        self.handle(number).remove(key)
        self.forget(key)

    @rule(number=st.integers(0, 5), key=KEYS, form=FORMS | st.none(), typed=st.booleans(), default=st.booleans())
    def pop(self, number: int, key: str, form: Any, typed: bool, default: bool) -> None:
        self.read("pop", number, key, form, typed, default)

    @rule(number=st.integers(0, 5), key=KEYS, value=VALUES, form=FORMS | st.none(), typed=st.booleans())
    def setdefault(self, number: int, key: str, value: Any, form: Any, typed: bool) -> None:
        arguments: list[Any] = [key, value] if form is None else [Key(key, form), value] if typed else [key, value, form]
        stored, error = outcome(lambda: self.handle(number).setdefault(*arguments))
        kind = self.model[key][0] if key in self.model else type(value)
        if form is not None and not issubclass(kind, form):
            assert isinstance(error, TypeMismatch)
            assert (error.key, error.expected, error.found) == (key, form, kind)
            return
        assert error is None
        assert stored is (self.seen.get(key, stored) if key in self.model else value)
        assert frozen(stored) == self.model.get(key, frozen(value))
        self.keep(key, stored)

    @rule(number=st.integers(0, 5), items=st.dictionaries(KEYS, VALUES, max_size=4), key=KEYS, form=FORMS | st.none())
    def put_many(self, number: int, items: dict[str, Any], key: str, form: Any) -> None:
        """The value under ``key`` is put by a typed key, if it is there."""
        given = {(Key(name, form) if name == key and form is not None else name): value for name, value in items.items()}
        _, error = outcome(lambda: self.handle(number).put_many(given))
        if key in items and form is not None and not isinstance(items[key], form):
            assert isinstance(error, TypeMismatch)
            assert error.key == key
            return
        assert error is None
        for name, value in items.items():
            self.keep(name, value)

    @rule(
        number=st.integers(0, 5),
        key=KEYS,
        form=FORMS | st.none(),
        default=VALUES | st.just(NOTHING),
        new=VALUES | st.just(NOTHING),
        meanwhile=st.dictionaries(KEYS, VALUES, max_size=2),
        fails=st.booleans(),
    )
    def modify(self, number: int, key: str, form: Any, default: Any, new: Any, meanwhile: dict[str, Any], fails: bool) -> None:
        """The function edits what it gets and returns it, or something new; in its first run it writes to the store itself."""
        handle = self.handle(number)
        runs: list[Any] = []
        void: list[bool] = []

        def change(value: Any) -> Any:
            runs.append(frozen(value))
            assert frozen(value) == self.model.get(key, frozen(default))
            if len(runs) == 1:
                before = handle.get_shared(key, default=NOTHING)
                handle.transact(lambda tx: [tx.put(name, other) for name, other in meanwhile.items()])
                for name, other in meanwhile.items():
                    self.keep(name, other)
                void.append(handle.get_shared(key, default=NOTHING) is not before)  # the same object again is no other version
            self.spoil(value)
            if fails:
                raise Failure
            return value if new is NOTHING else new

        there = self.model.get(key)
        arguments: list[Any] = [key, change] if form is None else [key, change, form]
        options = {} if default is NOTHING else {"default": default}
        try:
            stored, error = outcome(lambda: handle.modify(*arguments, **options))
        except Failure:
            assert fails
            assert len(runs) == 1
            return
        if there is None and default is NOTHING:
            assert isinstance(error, KeyNotFound)
            assert not runs
        elif error is not None:
            assert isinstance(error, TypeMismatch)
            assert (error.key, error.expected) == (key, form)
            assert not issubclass(error.found, form)
        else:
            assert not fails
            assert len(runs) == 1 + void[0]
            assert new is NOTHING or stored is new
            assert form is None or isinstance(stored, form)
            self.keep(key, stored)

    @rule(number=st.integers(0, 5), steps=STEPS, late=st.none() | KEYS, value=VALUES, fails=st.booleans())
    def transact(self, number: int, steps: list[Any], late: str | None, value: Any, fails: bool) -> None:
        """Random steps through ``tx``; half-way through its first run the function changes something in the store itself."""
        handle = self.handle(number)
        views: list[View] = []

        def change(tx: Transaction) -> int:
            view = View(self)
            views.append(view)
            for at, step in enumerate(steps):
                if late is not None and len(views) == 1 and at == len(steps) // 2:
                    handle.modify(late, lambda _: value, default=None)
                    self.keep(late, value)
                view.do(tx, *step)
            if fails:
                raise Failure
            return len(views)

        try:
            returned = handle.transact(change)
        except Failure:
            assert fails
            return
        assert not fails
        assert returned == len(views) <= 2
        assert len(views) == 1 or late in views[0].read
        assert views[-1].holds() or not views[-1].written
        for key, written in views[-1].written.items():
            if written is NOTHING:
                self.forget(key)
            else:
                self.keep(key, written)

    @precondition(lambda self: len(self.model) > 2)
    @rule(number=st.integers(0, 5))
    def clear(self, number: int) -> None:
        self.handle(number).clear()
        self.model.clear()
        self.seen.clear()

    @rule(number=st.integers(0, 5))
    def take_snapshot(self, number: int) -> None:
        taken = self.handle(number).snapshot()
        assert {key: frozen(value) for key, value in taken.items()} == self.model
        assert all(taken[key] is value for key, value in self.seen.items())
        self.held += [(value, frozen(value)) for value in taken.values()]
        taken.clear()

    @rule()
    def let_go(self) -> None:
        """Nobody holds anything from here on, so that lists grow in place."""
        self.held.clear()
        self.seen.clear()

    @invariant()
    def every_handle_agrees_with_the_model(self) -> None:
        for handle in self.handles:
            assert sorted(handle.keys()) == sorted(handle) == sorted(self.model)
            assert len(handle) == handle.len() == len(self.model)
            assert handle.is_empty() is (not self.model)
            assert all((key in handle) is handle.contains_key(key) is (key in self.model) for key in ("a", "b", "", "\ud800"))

    @invariant()
    def no_list_that_was_handed_out_has_changed(self) -> None:
        for value, was in self.held:
            assert frozen(value) == was


class TestStoreMachine(StoreMachine.TestCase):  # type: ignore[name-defined, misc, valid-type]
    """Any sequence of operations gives what the dict gives, and every shared object stays as it was."""

    settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
