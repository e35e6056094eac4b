"""Stores that are wrong in one way each are found out by the same histories: so these could fail (store 13, 14 and 15)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from cano.store import MemoryStore
from tests.linearizability.crew import Crew, crew_of, pause
from tests.linearizability.histories import NotLinearizable, Tally, check_history
from tests.linearizability.reference import NOT_GIVEN, Reference

MOST = 3_000  # histories until each has to be found


class Broken(MemoryStore):
    """A store some of whose operations are made of several others, as a user without them would write it.

    The overrides take less than the store's overloads do, just what the histories call; hence their ignored signatures.
    """


class ModifyIsGetAndPut(Broken):
    def modify(self, key: str, fn: Callable[[Any], Any], form: Any = None, /, *, default: Any = NOT_GIVEN) -> Any:  # type: ignore[override]
        alone = MemoryStore(self.snapshot())
        new = alone.modify(key, fn, *([] if form is None else [form]), **({} if default is NOT_GIVEN else {"default": default}))
        self.put(key, new)
        return new


class PutManyIsManyPuts(Broken):
    def put_many(self, mapping: Mapping[Any, Any], /) -> None:
        for key in mapping:
            self.put(key, mapping[key])
            pause()


class PopIsGetAndRemove(Broken):
    def pop(self, key: str, *form: Any, **default: Any) -> Any:  # type: ignore[override]
        value = self.get_shared(key, *form, **default)
        pause()
        self.remove(key)
        return value


class SetdefaultIsALookAndAPut(Broken):
    def setdefault(self, key: str, value: Any, *form: Any) -> Any:  # type: ignore[override]
        if key in self:
            return self.get_shared(key, *form)
        stored = MemoryStore().setdefault(key, value, *form)
        self.put(key, stored)
        return stored


class AppendIsGetAndPut(Broken):
    def append(self, key: str, item: Any, /) -> None:  # type: ignore[override]
        held = self.get_shared(key, default=[])
        pause()
        if type(held) is list:
            self.put(key, [*held, item])
        else:
            super().append(key, item)


class SnapshotIsManyReads(Broken):
    def snapshot(self) -> dict[str, Any]:
        found = {}
        for key in self.keys():
            found[key] = self.get_shared(key, default=None)
            pause()
        return found


class ReadsAreLate(Broken):
    """A read gives what was there at the read before it."""

    def __init__(self, mapping: Any) -> None:
        super().__init__(mapping)
        self.last = self.snapshot()

    def get_shared(self, key: str, *form: Any, **default: Any) -> Any:  # type: ignore[override]
        self.last, last = self.snapshot(), self.last
        return MemoryStore(last).get_shared(key, *form, **default)


class TransactWithoutTheCheckAtTheCommit(Broken):
    """Reads of one moment, and writes that land at one moment, a later one."""

    def transact(self, fn: Callable[[Any], Any], /) -> Any:
        before = self.snapshot()
        tx = Reference(dict(before))
        result = fn(tx)
        self.put_many({key: value for key, value in tx.data.items() if value is not before.get(key)})
        for key in before.keys() - tx.data.keys():
            self.remove(key)
        return result


class TransactWithoutTheCheckAtAReading(Broken):
    """Each read is of its own moment; nobody else's write is lost, for there is a check at the commit."""

    def transact(self, fn: Callable[[Any], Any], /) -> Any:
        while True:
            tx = _Unchecked(self)
            result = fn(tx)
            if not tx.written or self.land(tx):
                return result

    def land(self, tx: "_Unchecked") -> bool:
        def commit(real: Any) -> bool:
            if any(real.get_shared(key, default=None) is not value for key, value in tx.read.items()):
                return False
            for key in tx.written:
                if key in tx.data:
                    real.put(key, tx.data[key])
                else:
                    real.remove(key)
            return True

        return super().transact(commit)


class _Unchecked(Reference):
    def __init__(self, store: MemoryStore) -> None:
        super().__init__({})
        self.store = store
        self.read: dict[str, Any] = {}
        self.written: set[str] = set()

    def found(self, key: str, form: Any, default: Any) -> Any:
        self.look(key)
        return super().found(key, form, default)

    def look(self, key: str) -> None:
        if key not in self.read and key not in self.written:
            self.read[key] = self.store.get_shared(key, default=None)
            if self.read[key] is not None:
                self.data[key] = self.read[key]

    def contains_key(self, key: str) -> bool:
        self.look(key)
        return super().contains_key(key)

    def get_many(self, keys: list[str]) -> dict[str, Any]:
        for key in keys:
            self.look(key)
        return super().get_many(keys)

    def put(self, key: str, value: Any) -> None:
        self.written.add(key)
        super().put(key, value)

    def append(self, key: str, item: Any) -> None:
        self.look(key)
        self.written.add(key)
        super().append(key, item)

    def remove(self, key: str) -> None:
        self.written.add(key)
        super().remove(key)

    def pop(self, key: str, form: Any = None, *, default: Any = NOT_GIVEN) -> Any:
        self.look(key)
        self.written.add(key)
        return super().pop(key, form, default=default)


def explain(crew: Crew, tally: Tally, numbers: Iterable[int], kind: type[Broken]) -> None:
    for number in numbers:  # the odd ones are taken in turns: the same each time
        check_history(crew, tally, number, kind)


@pytest.mark.parametrize("kind", Broken.__subclasses__())
def test_a_broken_store_is_found_out(crew: Crew, kind: type[Broken]) -> None:
    """Some history of the first few thousand has no explanation; with one thread each has one."""
    if kind is not ReadsAreLate:
        with crew_of(1) as alone:
            explain(alone, Tally(seed=1), range(300), kind)
    tally = Tally(seed=1)
    with pytest.raises(NotLinearizable):
        explain(crew, tally, range(1, MOST, 2), kind)


def test_a_store_that_is_merely_wrapped_is_not(crew: Crew) -> None:
    """The same histories of a subclass that changes nothing are all explained."""
    tally = Tally(seed=1)
    explain(crew, tally, range(1, 600, 2), Broken)
    assert tally.recorded == 300
