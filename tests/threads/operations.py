"""Every operation of the store, as the callables that the tests of this room try on each other."""

from collections.abc import Callable

from cano.errors import CommitConflict, StoreError
from cano.store import Key, MemoryStore, Transaction

Operation = Callable[[MemoryStore], object]
Step = Callable[[Transaction], object]


def misses(call: Operation, *expected: type[Exception]) -> Operation:
    """Make an operation of one that may find its key gone or of another kind, which is an ordinary result here."""

    def tried(store: MemoryStore) -> object:
        try:
            return call(store)
        except expected as error:
            return error

    return tried


def grown(items: list[object] | None) -> list[object]:
    return [*(items or [])[-5:], 1]


def moved_on(tx: Transaction) -> object:
    """Read and write in a transaction, whatever it finds."""
    seen = tx.get("list", default=None)
    tx.put("list", grown(seen))
    tx.append("log of a transaction", 1)
    tx.remove("new")
    return tx.get_many(["list", "new"])


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
    "pop": lambda store: store.pop("list", default=None),
    "pop of a type": misses(lambda store: store.pop("list", list), LookupError, TypeError),
    "setdefault": lambda store: store.setdefault("list", [0]),
    "setdefault of a type": misses(lambda store: store.setdefault(Key("list", list), [0]), TypeError),
    "modify": misses(lambda store: store.modify("list", grown, default=[]), TypeError, CommitConflict),
    "modify of another key": misses(lambda store: store.modify("other", str, default=""), CommitConflict),
    "put_many": lambda store: store.put_many({"list": [1, 2], Key("new", int): 2}),
    "transact": misses(lambda store: store.transact(moved_on), CommitConflict),
    "transact that reads": misses(lambda store: store.transact(lambda tx: tx.get_many(["list", "new"])), CommitConflict),
    "transact in a modify": misses(
        lambda store: store.modify("other", lambda _: store.transact(lambda tx: tx.get("list", default=1)), default=1),
        CommitConflict,
    ),
    "clone": lambda store: store.clone(),
    "repr": repr,
    "a new store": lambda store: MemoryStore(store.snapshot()),
}


def tried(step: Callable[[Transaction], object]) -> Step:
    """Make a step of one that may find its key gone or its transaction over, which is an ordinary result here."""

    def attempt(tx: Transaction) -> object:
        try:
            return step(tx)
        except StoreError as error:
            return error

    return attempt


# Every method of a transaction.
STEPS: dict[str, Step] = {
    name: tried(step)
    for name, step in {
        "tx.get": lambda tx: tx.get("list"),
        "tx.get of a type": lambda tx: tx.get("list", list, default=1),
        "tx.get_shared": lambda tx: tx.get_shared("list"),
        "tx.get_many": lambda tx: tx.get_many(["list", "new", Key("count", int)]),
        "tx.put": lambda tx: tx.put("list", [1]),
        "tx.put of a new key": lambda tx: tx.put(Key("new", int), 1),
        "tx.append": lambda tx: tx.append("list", 4),
        "tx.append to nothing": lambda tx: tx.append("log", 4),
        "tx.remove": lambda tx: tx.remove("list"),
        "tx.pop": lambda tx: tx.pop("list"),
        "tx.contains_key": lambda tx: tx.contains_key("list"),
        "in tx": lambda tx: "list" in tx,
        "tx repr": repr,
    }.items()
}
