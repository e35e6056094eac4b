"""The operations that look and write in one step, and transactions, with every way in which they fail."""

from collections.abc import Callable
from typing import Any

from cano.store import Key, MemoryStore
from tests.leaks.forms import Anything, Asked, Deep, Failing, Turncoat, Uncopyable, Value


class Broken(dict[str, Any]):
    """A mapping whose last value cannot be had."""

    def __iter__(self) -> Any:
        return iter(list(super().keys()))

    def __getitem__(self, key: str) -> Any:
        if key == "last":
            raise ZeroDivisionError
        return super().__getitem__(key)


def caught(act: Callable[[], object]) -> Exception | None:
    """What the call raised, without the frames that raised it."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 whatever an operation raises is measured
        return error.with_traceback(None)
    return None


def steps(one: Any) -> dict[str, Callable[[], object]]:
    """Make the calls; each leaves the store as it found it."""
    store: Any = MemoryStore({one.key: one.value, "log": [one.value], "generator": one.generator, "n": 0})

    def raising(*_: object) -> Any:
        raise ZeroDivisionError

    async def coroutine(*_: object) -> None: ...

    def popped() -> None:
        for form in ((), (one.form,), (one.union,), (Anything,)):
            store.put("popped", one.value)
            store.pop("popped", *form)
        store.put(one.text, one.value)
        store.pop(one.typed)
        store.setdefault(one.key, one.value)

    def set_by_default() -> None:
        for form in ((), (one.form,), (one.union,), (Anything,)):
            store.setdefault("fresh", one.value, *form)
            store.setdefault("fresh", one.default, *form)
            store.remove("fresh")
        store.setdefault(one.typed, one.value)
        store.setdefault(one.text, one.value)

    def filled() -> None:
        store.put_many({f"many {n}": one.value for n in range(20)})
        for n in range(20):
            store.remove(f"many {n}")

    def overtaken(call: Callable[[Any, Callable[[], object]], object]) -> None:
        runs = 0

        def once() -> None:
            nonlocal runs
            runs += 1
            if runs == 1:
                store.put("n", one.default)
                store.put(one.key, one.default)
                store.put(one.key, one.value)

        store.put("n", 0)
        call(store, once)
        store.put("n", 0)

    def many_overtaken(_: Any, once: Callable[[], object]) -> None:
        def change(tx: Any) -> None:
            tx.get_many(["n", one.key, one.missing])
            tx.put("n", [one.value])
            tx.append("grown", one.value)
            once()
            tx.get_many(["log", "other"])

        store.transact(change)
        store.remove("grown")

    def swallowed(_: Any, once: Callable[[], object]) -> None:
        def change(tx: Any) -> None:
            tx.get("n")
            tx.put("n", one.value)
            once()
            try:
                tx.get("log")
            except BaseException as error:
                raise ValueError from error

        store.transact(change)

    def grouped(_: Any, once: Callable[[], object]) -> None:
        def change(tx: Any) -> None:
            tx.get("n")
            once()
            try:
                tx.get("log")
            except BaseException as error:  # noqa: BLE001 as a task group would
                raise BaseExceptionGroup("all", [error]) from None

        store.transact(change)

    def all_steps(tx: Any) -> object:
        tx.put(one.text, one.value)
        tx.put("twice", one.value)
        tx.put("twice", one.default)
        tx.put("held", [one.value])
        tx.get_shared("held").append(1)
        tx.append("held", one.value)
        for _ in range(3):
            tx.append("held", tx.get_shared("held"))
            tx.append("log", one.value)
        for key in (one.key, one.text, one.typed, one.missing):
            tx.get(key, default=one.default)
            tx.get_shared(key, default=one.default)
            tx.get_many([key, "log", one.typed])
            tx.contains_key(key)
        tx.pop("held", list)
        tx.pop("log", default=one.default)
        tx.append("log", one.value)
        for key in ("twice", "held", "nothing"):
            tx.remove(key)
        return one.value

    def keeping_itself() -> None:
        other: Any = MemoryStore()
        other.transact(lambda tx: (tx.put("tx", tx), tx.put("store", other), tx.put("value", one.value)))
        kept = other.transact(lambda tx: tx)
        caught(lambda: kept.get("value"))

    def bad(tx: Any) -> list[Exception | None]:
        return [
            caught(act)
            for act in (
                lambda: tx.get(one.missing),
                lambda: tx.get(one.key, one.wrong),
                lambda: tx.get(one.typed_wrong),
                lambda: tx.get("generator"),
                lambda: tx.get_shared(one.typed, one.form),
                lambda: tx.get_many(["log", one.typed_wrong]),
                lambda: tx.get_many(["log", "generator"]),
                lambda: tx.get_many(["log", 1]),
                lambda: tx.get_many("log"),
                lambda: tx.get_many(raising()),
                lambda: tx.put(one.typed_wrong, one.value),
                lambda: tx.put(1, one.value),
                lambda: tx.append(one.key, one.value),
                lambda: tx.append(one.typed, one.value),
                lambda: tx.pop(one.missing),
                lambda: tx.pop(one.key, one.wrong),
                lambda: tx.get(one.key, Asked),
                lambda: tx.get(),
            )
        ]

    def copied(value: object) -> Callable[[], object]:
        def call() -> None:
            for use in (lambda tx: tx.get("value"), lambda tx: tx.pop("value"), lambda tx: tx.get_many(["value"])):
                # mypy has no type for a parameter that a lambda binds by its default.
                caught(lambda use=use: store.transact(lambda tx: (tx.put("value", value), use(tx), raising())))  # type: ignore[misc]
            caught(lambda: store.modify(one.missing, raising, default=value))

        return call

    wrong_many: Any = {"a": one.value, one.typed: one.value, one.typed_wrong: one.value}
    return {
        "pop": popped,
        "pop with a default": lambda: [store.pop(key, default=one.default) for key in (one.missing, Key(one.missing, one.form))],
        "pop of nothing": lambda: store.pop(one.missing),
        "pop of another type": lambda: store.pop(one.key, one.wrong),
        "pop of another type, typed": lambda: store.pop(one.typed_wrong),
        "pop with a check that raises": lambda: store.pop(one.key, Asked),
        "pop with two types": lambda: store.pop(one.typed, one.form),
        "setdefault": set_by_default,
        "setdefault of another type": lambda: store.setdefault(one.key, one.value, one.wrong),
        "setdefault with another type": lambda: store.setdefault(one.missing, one.value, one.wrong),
        "setdefault, typed": lambda: store.setdefault(one.typed_wrong, one.value),
        "setdefault with a check that raises": lambda: store.setdefault(one.key, 1, Asked),
        "setdefault of nothing with a check that raises": lambda: store.setdefault(one.missing, one.value, Asked),
        "modify": lambda: (store.modify(one.key, lambda _: one.value), store.modify(one.text, lambda _: one.value, one.form)),
        "modify of a typed key": lambda: store.modify(one.typed, lambda _: one.value, default=one.value),
        "modify with a default": lambda: (store.modify("made", lambda value: value, default=[one.value]), store.remove("made")),
        "modify of a list": lambda: store.modify("log", lambda log: [*log[:3], one.value], list),
        "modify of nothing": lambda: store.modify(one.missing, raising),
        "modify that raises": lambda: store.modify(one.key, raising),
        "modify that raises from a default": lambda: store.modify(one.missing, raising, default=[one.default]),
        "modify of another type": lambda: store.modify(one.key, raising, one.wrong),
        "modify into another type": lambda: store.modify(one.typed, lambda _: one.default),
        "modify with a check that raises": lambda: store.modify(one.key, raising, Asked),
        "modify of what cannot be copied": lambda: store.modify("generator", raising),
        "modify by no function": lambda: store.modify(one.key, one.value),
        "modify by an async function": lambda: store.modify(one.key, coroutine),
        "modify that is overtaken": lambda: overtaken(lambda store, once: store.modify("n", lambda n: (once(), [n])[1])),
        "modify against itself": lambda: store.modify("n", lambda n: (store.put("n", [one.value]), n)[1]),
        "put_many": lambda: store.put_many({one.key: one.value, one.typed: one.value, "a": 1, "log": [one.value]}),
        "put_many of a snapshot": lambda: store.put_many(store.snapshot()),
        "put_many of new keys": filled,
        "put_many of nothing": lambda: store.put_many({}),
        "put_many of no mapping": lambda: (caught(lambda: store.put_many([one.value])), store.put_many(store)),
        "put_many of a bad key": lambda: store.put_many({"a": one.value, 2: one.value}),
        "put_many of a wrong value": lambda: store.put_many(wrong_many),
        "put_many of a broken mapping": lambda: store.put_many(Broken(first=one.value, last=one.value)),
        "transact": lambda: store.transact(all_steps),
        "transact that reads": lambda: store.transact(lambda tx: (tx.get(one.key), tx.get_shared("log"), tx.get_many([one.typed]))),
        "transact that raises": lambda: store.transact(lambda tx: (all_steps(tx), raising())),
        "transact that is overtaken": lambda: overtaken(many_overtaken),
        "transact that is overtaken, swallowed": lambda: overtaken(swallowed),
        "transact that is overtaken, in a group": lambda: overtaken(grouped),
        "transact against itself": lambda: store.transact(lambda tx: (tx.get("n"), store.put("n", [1]), tx.put("a", one.value))),
        "transact within transact": lambda: store.transact(lambda tx: (tx.get(one.key), store.transact(all_steps), tx.get("log"))),
        "transact by no function": lambda: store.transact(one.value),
        "transact by an async function": lambda: store.transact(coroutine),
        "a transaction that is over": lambda: bad(store.transact(lambda tx: tx)),
        "a transaction in its own values": keeping_itself,
        "a transaction's repr": lambda: store.transact(repr),
        "a transaction's refusals": lambda: store.transact(bad),
        "a transaction's refusals, then landed": lambda: store.transact(lambda tx: (tx.put("a", one.value), bad(tx))),
        **{
            f"{type(value).__name__} in the steps": copied([value, [1], {one.value: value}])
            for value in (Deep(), Uncopyable(), Failing(), Turncoat(), Value())
        },
    }
