"""Every operation of the store, as the callables that the tests of this room try on each other."""

from collections.abc import Callable

from cano.store import MemoryStore

Operation = Callable[[MemoryStore], object]


def misses(call: Operation, *expected: type[Exception]) -> Operation:
    """Make an operation of one that may find its key gone or of another kind, which is an ordinary result here."""

    def tried(store: MemoryStore) -> object:
        try:
            return call(store)
        except expected as error:
            return error

    return tried


OPERATIONS: dict[str, Operation] = {
    "get": lambda store: store.get("list", default=None),
    "get of a type": misses(lambda store: store.get("list", list), LookupError, TypeError),
    "get_shared": lambda store: store.get_shared("list", default=None),
    "get of a missing key": misses(lambda store: store.get("lits"), KeyError),
    "put": lambda store: store.put("list", [1, 2, 3]),
    "put of a new key": lambda store: store.put("new", object()),
    "append": misses(lambda store: store.append("list", 4), TypeError),
    "append to nothing": misses(lambda store: store.append("log", "line"), TypeError),
    "remove": lambda store: store.remove("list"),
    "contains_key": lambda store: store.contains_key("list"),
    "in": lambda store: "list" in store,
    "keys": lambda store: store.keys(),
    "iter": lambda store: list(store),
    "snapshot": lambda store: store.snapshot(),
    "len": lambda store: len(store),
    "len()": lambda store: store.len(),
    "is_empty": lambda store: store.is_empty(),
    "clear": lambda store: store.clear(),
    "clone": lambda store: store.clone(),
    "repr": repr,
    "a new store": lambda store: MemoryStore(store.snapshot()),
}
