"""Every operation of the store beside the bare expression on a dict, and beside a store written by hand.

``s`` is the store, ``d`` a dict and ``h`` the store by hand, all with the same 1,000 keys; ``COUNT`` is a typed key.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.by_hand import ByHand
from benchmarks.ratios import Case, Goal
from cano.store import Key, MemoryStore


def holders(values: dict[str, object]) -> dict[str, object]:
    """Fill a store, a dict and a store by hand alike."""
    by_hand = ByHand()
    by_hand.put_many(values)
    return {"s": MemoryStore(values), "d": dict(values), "h": by_hand}


def add(number: int) -> int:
    """Do what costs least, so that the way to it and back is seen."""
    return number + 1


def move(tx: Any) -> None:
    """Take from one account and add to another: two reads, two writes."""
    tx.put("count", tx.get("count", int) - 1)
    tx.put("sum", tx.get("sum", int) + 1)


def move_plain(data: dict[str, Any]) -> None:
    """Do the same to a dict."""
    data["count"] = data["count"] - 1
    data["sum"] = data["sum"] + 1


def look(tx: Any) -> tuple[int, int]:
    """Read two keys of one moment."""
    return tx.get("count", int), tx.get("sum", int)


def look_plain(data: dict[str, Any]) -> tuple[int, int]:
    """Do the same to a dict."""
    return data["count"], data["sum"]


def names() -> dict[str, object]:
    """Fill a store, a dict and a store by hand alike."""
    keys = [f"key {i}" for i in range(1_000)]
    plain = {key: 1_000_000 + i for i, key in enumerate(keys[:-3])}
    return {
        **holders({**plain, "count": 1_234_567, "sum": 7_654_321, "rows": list(range(1_000))}),
        "COUNT": Key("count", int),
        "add": add,
        "look": look,
        "look_plain": look_plain,
        "move": move,
        "move_plain": move_plain,
        "keys": keys,
        "ten": dict.fromkeys(keys[:10], 7),
        "all": dict.fromkeys(keys, 7),
        "items": range(1_000),
        "many": range(100_000),
    }


def at_most(limit: float) -> Goal:
    """Ask for a ratio of times."""
    return Goal("at most", limit)


def at_least(limit: float) -> Goal:
    """Ask for a speed-up."""
    return Goal("at least", limit)


def case(
    name: str,
    ours: str,
    against: str,
    other: str,
    goal: Goal | None = None,
    *,
    fresh: str = "pass",
    does: int = 1,
    other_does: int | None = None,
    names: Callable[[], dict[str, object]] = names,
) -> Case:
    """Make a row, over the names of this module unless it brings its own."""
    return Case(name, ours, against, other, names, goal, fresh, does, does if other_does is None else other_does)


FRESH_LOG = "s.remove('log'); h.remove('log'); d['log'] = []"
HAND = "by hand"

CASES = [
    # Reads of a value that needs no copy.
    case("get(key)", "s.get('count')", "d.get(key)", "d.get('count')"),
    case("get(key, int)", "s.get('count', int)", "d.get(key)", "d.get('count')", at_most(1.6)),
    case("get(key, int)", "s.get('count', int)", HAND, "h.get('count', int)", at_least(6)),
    case("get(KEY), typed key", "s.get(COUNT)", "d.get(key)", "d.get('count')", at_most(1.6)),
    case("get(KEY), typed key", "s.get(COUNT)", HAND, "h.get('count', int)"),
    case("get(absent, int, default=0)", "s.get('absent', int, default=0)", "d.get(key, 0)", "d.get('absent', 0)"),
    case("get_shared(key)", "s.get_shared('rows')", "d.get(key)", "d.get('rows')"),
    case("get_shared(key, list)", "s.get_shared('rows', list)", "d.get(key)", "d.get('rows')", at_most(1.6)),
    case("get_shared(key, list)", "s.get_shared('rows', list)", HAND, "h.get('rows', list)"),
    case("contains_key(key)", "s.contains_key('count')", "key in d", "'count' in d", at_most(1.7)),
    case("contains_key(key)", "s.contains_key('count')", HAND, "h.contains_key('count')"),
    case("key in store", "'count' in s", "key in d", "'count' in d", at_most(1.7)),
    # Writes.
    case("put(key, v), existing key", "s.put('count', 7)", "d[key] = v", "d['count'] = 7", at_most(2.1)),
    case("put(key, v), existing key", "s.put('count', 7)", HAND, "h.put('count', 7)", at_least(5)),
    case(
        "put(key, v), 1,000 new keys",
        "s.clear()\nfor key in keys: s.put(key, 7)",
        "d[key] = v",
        "d.clear()\nfor key in keys: d[key] = 7",
        does=1_000,
    ),
    case(
        "remove(key) and put(key, v)",
        "s.remove('count'); s.put('count', 7)",
        "d.pop, d[key] = v",
        "d.pop('count', None); d['count'] = 7",
    ),
    case("remove(key) and put(key, v)", "s.remove('count'); s.put('count', 7)", HAND, "h.remove('count'); h.put('count', 7)"),
    case(
        "append(key, x), nobody looks",
        "s.append('log', 7)",
        "d[key].append(x)",
        "d['log'].append(7)",
        at_most(1.8),
        fresh=FRESH_LOG,
    ),
    case("append(key, x), nobody looks", "s.append('log', 7)", HAND, "h.append('log', 7)", fresh=FRESH_LOG),
    case(
        "append, 100,000 to one key",
        "for i in many: s.append('log', i)",
        "append, 1,000",
        "s.remove('log')\nfor i in items: s.append('log', i)",
        at_most(1.2),
        fresh="s.remove('log')",
        does=100_000,
        other_does=1_000,
    ),
    # In one step.
    case(
        "pop(key, int) and put(key, v)",
        "s.pop('count', int); s.put('count', 7)",
        "d.pop, d[key] = v",
        "d.pop('count'); d['count'] = 7",
    ),
    case("pop(key, int) and put(key, v)", "s.pop('count', int); s.put('count', 7)", HAND, "h.pop('count', int); h.put('count', 7)"),
    case("pop(absent, int, default=0)", "s.pop('absent', int, default=0)", "d.pop(key, 0)", "d.pop('absent', 0)"),
    case("setdefault(key, v, int), existing", "s.setdefault('count', 7, int)", "d.setdefault(key, v)", "d.setdefault('count', 7)"),
    case("setdefault(key, v, int), existing", "s.setdefault('count', 7, int)", HAND, "h.setdefault('count', 7, int)"),
    case("put_many of 10", "s.put_many(ten)", "d.update", "d.update(ten)"),
    case("put_many of 10", "s.put_many(ten)", HAND, "h.put_many(ten)"),
    case("put_many of 10", "s.put_many(ten)", "put, 10 times", "for key, v in ten.items(): s.put(key, v)"),
    case("put_many of 1,000, per key", "s.put_many(all)", "d.update", "d.update(all)", does=1_000),
    # Your function between a read and a write.
    case("modify(key, fn)", "s.modify('count', add)", "d[key] = fn(d[key])", "d['count'] = add(d['count'])", at_most(2.5)),
    case("modify(key, fn)", "s.modify('count', add)", HAND, "h.modify('count', add)"),
    case("modify(key, fn)", "s.modify('count', add)", "get, fn, put", "count = add(s.get('count')); s.put('count', count)"),
    case("modify(key, fn, int)", "s.modify('count', add, int)", HAND, "h.modify('count', add, int)"),
    case("transact(fn), 2 reads", "s.transact(look)", "fn(d)", "look_plain(d)"),
    case("transact(fn), 2 reads", "s.transact(look)", HAND, "h.transact(look_plain)"),
    case("transact(fn), 2 reads, 2 writes", "s.transact(move)", "fn(d)", "move_plain(d)"),
    case("transact(fn), 2 reads, 2 writes", "s.transact(move)", HAND, "h.transact(move_plain)"),
    # The store as a whole.
    case("keys() of 1,000", "s.keys()", "list(d)", "list(d)", at_most(1.3)),
    case("keys() of 1,000", "s.keys()", HAND, "h.keys()"),
    case("len(store)", "len(s)", "len(d)", "len(d)"),
    case("store.len()", "s.len()", "len(d)", "len(d)"),
    case("is_empty()", "s.is_empty()", "not d", "not d"),
    case("snapshot() of 1,000", "s.snapshot()", "dict(d)", "dict(d)"),
]
