"""Whatever code of the caller's an operation runs, that code may use the store: type checks, copies, mappings, functions, reprs."""

from abc import ABC
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import pytest

from cano.errors import CommitConflict, StoreError
from cano.store import Key, MemoryStore, Transaction
from tests.threads.deadline import ends
from tests.threads.operations import OPERATIONS

Use = Callable[[], None]
Host = Callable[[MemoryStore, str, Use], object]


def checking(use: Use) -> Any:
    """A class whose metaclass answers for it."""

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            use()
            return True

    return Meta("Anything", (), {})


def hooked(use: Use) -> Any:
    class Hooked(ABC):  # noqa: B024 - the hook alone is wanted
        @classmethod
        def __subclasshook__(cls, other: type) -> bool:
            use()
            return True

    return Hooked


@runtime_checkable
class Sized(Protocol):
    @property
    def size(self) -> int: ...


def sized(use: Use) -> Any:
    class Measured:
        @property
        def size(self) -> int:
            use()
            return 1

        def __deepcopy__(self, memo: object) -> object:
            use()  # from 3.12 on, a protocol looks at no property
            return self

    return Measured()


def acting(use: Use) -> Any:
    class Actor:
        @property
        def __class__(self) -> Any:
            use()
            return Actor

        @__class__.setter
        def __class__(self, value: object) -> None: ...

    return Actor()


def copied(use: Use) -> Any:
    class Copied:
        def __deepcopy__(self, memo: object) -> str:
            use()
            return "copy"

    return [{"a": (Copied(), 1)}]


def reduced(use: Use) -> Any:
    class Reduced:
        def __reduce_ex__(self, protocol: object) -> Any:
            use()
            return str, ("copy",)

    return [{"a": (Reduced(), 1)}]


def shown(use: Use) -> Any:
    class Shown:
        def __repr__(self) -> str:
            use()
            return "<shown>"

        async def __call__(self, argument: object) -> None: ...

    return Shown()


class Suspension(Awaitable[None]):
    def __await__(self) -> Generator[None, None, None]:
        yield


def begun(use: Use) -> Any:
    """A coroutine that is under way and cleans up when it is closed."""

    async def work() -> None:
        try:
            await Suspension()
        finally:
            use()

    coroutine = work()
    coroutine.send(None)
    return coroutine


def mapping(use: Use, hook: str, slot: str) -> Any:
    class Mapped(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            if hook == "__getitem__":
                use()
            return 1

        def __iter__(self) -> Iterator[str]:
            if hook == "__iter__":
                use()
            return iter([slot, "more"])

        def __len__(self) -> int:
            return 2

        def keys(self) -> Any:
            if hook == "keys":
                use()
            return super().keys()

    return Mapped()


def hashed(use: Use, slot: str) -> Any:
    class Text(str):
        def __hash__(self) -> int:
            use()
            return 1

        def __eq__(self, other: object) -> bool:
            use()
            return False

    return {Text(slot): 1, Text(slot + "!"): 2}


def names(use: Use, slot: str) -> Iterator[str]:
    for name in (slot, "nothing"):
        use()
        yield name


def after_put(value: object, call: Callable[[MemoryStore], object], store: MemoryStore, slot: str) -> object:
    store.put(slot, value)
    return call(store)


READS: dict[str, Callable[[Any, str, Any], object]] = {
    "get": lambda store, slot, form: store.get(slot, form),
    "get_shared": lambda store, slot, form: store.get_shared(slot, form),
    "pop": lambda store, slot, form: store.pop(slot, form),
    "setdefault": lambda store, slot, form: store.setdefault(slot, 2, form),
    "modify": lambda store, slot, form: store.modify(slot, lambda _: 2, form),
    "tx.get": lambda store, slot, form: store.transact(lambda tx: tx.get(slot, form)),
    "tx.get_shared": lambda store, slot, form: store.transact(lambda tx: tx.get_shared(slot, form)),
    "tx.pop": lambda store, slot, form: store.transact(lambda tx: tx.pop(slot, form)),
}
TYPED: dict[str, Callable[[Any, Any], object]] = {
    "put": lambda store, key: store.put(key, 1),
    "append": lambda store, key: store.append(key, 1),
    "setdefault": lambda store, key: store.setdefault(key, 1),
    "modify": lambda store, key: store.modify(key, lambda _: 1, default=1),
    "put_many": lambda store, key: store.put_many({"first": 1, key: 2, "last": 3}),
    "MemoryStore()": lambda store, key: MemoryStore({"first": 1, key: 2}).len(),
    "tx.put": lambda store, key: store.transact(lambda tx: tx.put(key, 1)),
    "tx.append": lambda store, key: store.transact(lambda tx: tx.append(key, 1)),
    "tx.get_many": lambda store, key: store.transact(lambda tx: (tx.put(key, 1), tx.get_many([key, "nothing"]))[1]),
}
COPIES: dict[str, Callable[[Any, str, Any], object]] = {
    "get": lambda store, slot, value: (store.put(slot, value), store.get(slot))[1],
    "modify": lambda store, slot, value: (store.put(slot, value), store.modify(slot, repr))[1],
    "modify of a default": lambda store, slot, value: (store.remove(slot), store.modify(slot, repr, default=value))[1],
    "tx.get": lambda store, slot, value: (store.put(slot, value), store.transact(lambda tx: tx.get(slot)))[1],
    "tx.get of an own write": lambda store, slot, value: store.transact(lambda tx: (tx.put(slot, value), tx.get(slot))[1]),
    "tx.get_many": lambda store, slot, value: (store.put(slot, value), store.transact(lambda tx: tx.get_many(["nothing", slot])))[
        1
    ],
    "tx.pop": lambda store, slot, value: (store.put(slot, value), store.transact(lambda tx: tx.pop(slot)))[1],
}
KEYED: dict[str, Callable[[Any, Any], object]] = {
    "get": lambda store, key: store.get(key),
    "put": lambda store, key: store.put(key, 1),
    "pop": lambda store, key: store.pop(key),
    "setdefault": lambda store, key: store.setdefault(key, 1),
    "modify": lambda store, key: store.modify(key, str),
    "put_many": lambda store, key: store.put_many({"first": 1, key: 1}),
    "tx.get": lambda store, key: store.transact(lambda tx: tx.get(key)),
    "tx.get_many": lambda store, key: store.transact(lambda tx: tx.get_many(["nothing", key])),
    "tx.put": lambda store, key: store.transact(lambda tx: (tx.put("first", 1), tx.put(key, 1))),
}


def run_by(tx: Transaction, slot: str, use: Use) -> object:
    seen = tx.contains_key(slot)
    use()
    tx.put("found", seen)
    return seen


HOSTS: dict[str, Host] = {
    **{
        f"__instancecheck__ in {name}": lambda store, slot, use, call=call: after_put(
            1, lambda store: call(store, slot, checking(use)), store, slot
        )
        for name, call in READS.items()
    },
    **{
        f"__class__ in {name}": lambda store, slot, use, call=call: after_put(
            acting(use), lambda store: call(store, slot, int), store, slot
        )
        for name, call in READS.items()
    },
    **{
        f"__instancecheck__ of a typed key in {name}": lambda store, slot, use, call=call: (
            store.remove(slot),
            call(store, Key(slot, checking(use))),
        )[1]
        for name, call in TYPED.items()
    },
    "__subclasshook__": lambda store, slot, use: after_put(1, lambda store: store.get(slot, hooked(use)), store, slot),
    "a protocol's property": lambda store, slot, use: after_put(
        sized(use), lambda store: type(store.get(slot, Sized)).__name__, store, slot
    ),
    **{
        f"__deepcopy__ in {name}": lambda store, slot, use, call=call: call(store, slot, copied(use))
        for name, call in COPIES.items()
    },
    **{
        f"{hook} of a mapping": lambda store, slot, use, hook=hook: store.put_many(mapping(use, hook, slot))
        for hook in ("__getitem__", "__iter__", "keys")
    },
    "__getitem__ of a mapping for a new store": lambda store, slot, use: MemoryStore(mapping(use, "__getitem__", slot)).len(),
    "__hash__ of a key in a mapping": lambda store, slot, use: store.put_many(hashed(use, slot)),
    "the function of modify": lambda store, slot, use: after_put(
        1, lambda store: store.modify(slot, lambda _: (use(), 2)[1]), store, slot
    ),
    "the function of modify without a value": lambda store, slot, use: (
        store.remove(slot),
        store.modify(slot, lambda _: (use(), 2)[1], default=0),
    )[1],
    "the function of transact": lambda store, slot, use: store.transact(lambda tx: run_by(tx, slot, use)),
    "the keys of get_many": lambda store, slot, use: after_put(
        1, lambda store: store.transact(lambda tx: tx.get_many(names(use, slot))), store, slot
    ),
    **{
        f"__repr__ of no key in {name}": lambda store, slot, use, call=call: call(store, shown(use)) for name, call in KEYED.items()
    },
    "__repr__ of no type": lambda store, slot, use: after_put(1, lambda store: store.get(slot, shown(use)), store, slot),
    "__repr__ of no type in a typed key": lambda store, slot, use: Key(slot, shown(use)),
    "__repr__ of an async function in modify": lambda store, slot, use: store.modify(slot, shown(use), default=1),
    "__repr__ of an async function in transact": lambda store, slot, use: store.transact(shown(use)),
    "the end of a coroutine in modify": lambda store, slot, use: store.modify(slot, lambda _: begun(use), default=1),
    "the end of a coroutine in transact": lambda store, slot, use: store.transact(lambda tx: begun(use)),
}


def played(host: str, inner: str | None, slot: str) -> tuple[object, MemoryStore]:
    """Run a host whose code calls the operation ``inner``: its result, or the kind of its error, and the store."""
    store = MemoryStore({"list": [1]})
    runs: list[int] = []
    busy = False

    def use() -> None:
        nonlocal busy
        if not busy:  # the inner operation may run the same code again
            busy = True
            try:
                runs.append(1)
                if inner is not None:
                    OPERATIONS[inner](store)
            finally:
                busy = False

    result: object
    try:
        result = HOSTS[host](store, slot, use)
    except (StoreError, TypeError) as error:
        result = type(error) if not isinstance(error, CommitConflict) or (error.own and error.key == slot) else error
    assert runs, "the code was not run"
    return result, store


@pytest.mark.parametrize("inner", OPERATIONS)
@pytest.mark.parametrize("host", HOSTS)
def test_code_that_an_operation_runs_may_use_the_store(host: str, inner: str) -> None:
    """No hang and no torn store; and the outcome is that without the other call, unless that one went for the same key."""

    def case() -> None:
        for slot in ("a slot of its own", "list"):
            result, store = played(host, inner, slot)
            if slot != "list" and inner != "clear":
                assert repr(result) == repr(played(host, None, slot)[0])
            assert not isinstance(result, CommitConflict), "a conflict with nobody"
            assert len(store) == len(store.keys()) == len(store.snapshot())
            assert {type(key) for key in store.keys()} <= {str}
            store.put("after", 1)
            assert store.transact(lambda tx: tx.get("after", int)) == 1

    ends(case)
