"""Operations whose functions let other threads go on half-way, so that others come in between."""

import time
from typing import Any

from cano.store import Key, Transaction
from tests.threads.operations import Operation, misses

LOG = Key("log", list)


class Refusal(Exception):
    """Raised by a function that an operation calls, on purpose."""


def grown(value: list[Any]) -> list[Any]:
    value.append(5)
    time.sleep(0)
    return value


def refused(value: object) -> object:
    time.sleep(0)
    raise Refusal


def look(tx: Transaction) -> object:
    there = tx.contains_key("other")
    time.sleep(0)
    return there, tx.get("list", default=None), tx.get_many(["list", LOG])


def move(tx: Transaction) -> object:
    """What is under ``list`` goes to the end of ``log``, or the other way round if nothing is there."""
    taken = tx.pop("list", default=None)
    time.sleep(0)
    if taken is None:
        tx.put("list", tx.get(LOG, default=[]))
        tx.remove(LOG)
    else:
        tx.append(LOG, taken)
    return taken


def blind(tx: Transaction) -> None:
    tx.put("list", [7])
    time.sleep(0)
    tx.put("new", 7)


def give_up(tx: Transaction) -> object:
    tx.append("list", 6)
    time.sleep(0)
    raise Refusal


PAUSING: dict[str, Operation] = {
    "a pausing modify": misses(lambda store: store.modify("list", grown, list), LookupError, TypeError),
    "a pausing modify of a default": misses(lambda store: store.modify(LOG, grown, default=[]), TypeError),
    "a pausing modify that raises": misses(lambda store: store.modify("list", refused), LookupError, Refusal),
    "a pausing transact that looks": lambda store: store.transact(look),
    "a pausing transact that moves": misses(lambda store: store.transact(move), TypeError),
    "a pausing transact that only writes": lambda store: store.transact(blind),
    "a pausing transact that raises": misses(lambda store: store.transact(give_up), TypeError, Refusal),
}
