"""The store as a state machine against the plain dict that it stands for."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cano.errors import AppendTypeMismatch, KeyNotFound, StoreError, TypeMismatch
from cano.store import Key, MemoryStore

KEYS = st.sampled_from(["a", "b", "c", "", "nul\0", "\ud800"])
FORMS = st.sampled_from([int, str, list, dict, tuple, object, bool, type(None)])
PLAIN = st.one_of(st.integers(-2, 2), st.booleans(), st.none(), st.text(max_size=2))
VALUES = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=3),
    st.lists(st.lists(PLAIN, max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=1), st.lists(PLAIN, max_size=2), max_size=2),
    st.tuples(PLAIN, st.lists(PLAIN, max_size=2)),
)


def outcome(act: Callable[[], Any]) -> tuple[Any, StoreError | None]:
    """What a call returned, or what it raised."""
    try:
        return act(), None
    except StoreError as error:
        return None, error


def frozen(value: Any) -> Any:
    """A plain value as something that never changes, types included."""
    if isinstance(value, list | tuple):
        return (type(value), *map(frozen, value))
    if isinstance(value, dict):
        return (dict, *((key, frozen(each)) for key, each in value.items()))
    return (type(value), value)


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
            self.model[key] = frozen(value)
            self.seen[key] = value
            self.held.append((value, frozen(value)))
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
        marker = object()
        arguments: list[Any] = [key] if form is None else [Key(key, form)] if typed else [key, form]
        value, error = outcome(lambda: getattr(self.handle(number), how)(*arguments, **({"default": marker} if default else {})))
        if key not in self.model and not default:
            assert isinstance(error, KeyNotFound)
            assert error.key == key
            assert set(error.known) == set(self.model)
            return
        if key in self.model and form is not None and not issubclass(self.model[key][0], form):
            assert isinstance(error, TypeMismatch)
            assert (error.key, error.expected, error.found) == (key, form, self.model[key][0])
            return
        assert error is None
        if key not in self.model:
            assert value is marker
            return
        assert frozen(value) == self.model[key]
        if how == "get_shared":
            assert value is self.seen.get(key, value)
            self.seen[key] = value
            self.held.append((value, frozen(value)))
        else:
            self.spoil(value)

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
        self.model.pop(key, None)
        self.seen.pop(key, None)

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
