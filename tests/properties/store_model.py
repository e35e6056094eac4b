"""What the state machine draws, and its model of a transaction."""

from collections.abc import Callable, Sequence, Sized
from typing import Any

from hypothesis import strategies as st

from cano.errors import AppendTypeMismatch, StoreError
from cano.store import Key, Transaction

KEYS = st.sampled_from(["a", "b", "c", "", "nul\0", "\ud800"])
FORMS = st.sampled_from([int, str, list, dict, tuple, object, bool, type(None), int | None, list | str, Sequence, Sized])
PLAIN = st.one_of(st.integers(-2, 2), st.booleans(), st.none(), st.text(max_size=2))
VALUES = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=3),
    st.lists(st.lists(PLAIN, max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=1), st.lists(PLAIN, max_size=2), max_size=2),
    st.tuples(PLAIN, st.lists(PLAIN, max_size=2)),
)

NOTHING: Any = object()
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["get", "get_shared", "pop", "put", "append", "remove", "contains_key", "get_many"]),
        KEYS,
        VALUES,
        FORMS | st.none(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
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


class Failure(Exception):
    """Raised by a function on purpose."""


class View:
    """The model of a transaction: what it has read, and what it is going to write."""

    def __init__(self, machine: Any) -> None:
        self.machine = machine
        self.read: dict[str, Any] = {}
        self.written: dict[str, Any] = {}

    def there(self, key: str) -> Any:
        """What the transaction finds under a key, None for nothing."""
        if key in self.written:
            return None if self.written[key] is NOTHING else frozen(self.written[key])
        if key not in self.read:
            assert self.holds(), "a new read beside an outdated one"
            self.read[key] = self.machine.model.get(key)
        return self.read[key]

    def holds(self) -> bool:
        """Whether all that was read is what is there now."""
        return all(self.machine.model.get(key) == was for key, was in self.read.items())

    def do(self, tx: Transaction, what: str, key: str, value: Any, form: Any, typed: bool, default: bool) -> None:
        if what in ("get", "get_shared", "pop"):
            self.look(tx, what, key, form, typed, default)
        elif what == "put":
            _, error = outcome(lambda: tx.put(Key(key, form) if typed and form is not None else key, value))
            assert (error is None) is (not typed or form is None or isinstance(value, form))
            if error is None:
                self.written[key] = value
        elif what == "append":
            self.append(tx, key, value)
        elif what == "remove":
            tx.remove(key)
            self.written[key] = NOTHING
        elif what == "contains_key":
            found = tx.contains_key(key)
            assert found is (key in tx) is (self.there(key) is not None)
        else:
            values = tx.get_many([key, "a"])
            expected = {name: self.there(name) for name in (key, "a")}
            assert {name: frozen(each) for name, each in values.items()} == {k: v for k, v in expected.items() if v is not None}

    def look(self, tx: Transaction, what: str, key: str, form: Any, typed: bool, default: bool) -> None:
        found = self.machine.asked(getattr(tx, what), key, form, typed, default, self.would_find(key), self.written)
        there = self.there(key)
        if what == "pop" and (found is not NOTHING or (there is None and default)):
            self.written[key] = NOTHING
        if found is not NOTHING and what != "get_shared":
            self.machine.spoil(found)

    def would_find(self, key: str) -> Any:
        return self.there(key) if key in self.written or key in self.read else self.machine.model.get(key)

    def append(self, tx: Transaction, key: str, item: Any) -> None:
        _, error = outcome(lambda: tx.append(key, item))
        there = self.there(key) or (list,)
        if there[0] is list:
            assert error is None
            self.written[key] = tx.get_shared(key)
            assert frozen(self.written[key]) == (*there, frozen(item))
        else:
            assert isinstance(error, AppendTypeMismatch)
            assert (error.key, error.found) == (key, there[0])
