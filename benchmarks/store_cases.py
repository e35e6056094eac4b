"""Every operation of the store beside the bare expression on a dict, and beside a store written by hand.

``s`` is the store, ``d`` a dict and ``h`` the store by hand, all with the same 1,000 keys; ``COUNT`` is a typed key.
"""

import copy

from benchmarks.by_hand import ByHand
from benchmarks.ratios import Case, Goal
from cano.store import Key, MemoryStore


def nested() -> dict[str, object]:
    """Make what a stage hands to the next: a table of rows, as JSON would bring it; 1,000 plain values in 221 containers."""
    return {
        f"group {g}": [{"name": f"n{i}", "size": i, "ratio": i / 7, "ok": True, "note": None} for i in range(10)] for g in range(20)
    }


def names() -> dict[str, object]:
    """Fill a store, a dict and a store by hand alike."""
    keys = [f"key {i}" for i in range(1_000)]
    stored = {
        **{key: 1_000_000 + i for i, key in enumerate(keys[:-3])},
        "count": 1_234_567,
        "rows": list(range(1_000)),
        "table": nested(),
    }
    by_hand = ByHand()
    for key, value in stored.items():
        by_hand.put(key, value)
    return {
        "s": MemoryStore(stored),
        "d": dict(stored),
        "h": by_hand,
        "COUNT": Key("count", int),
        "deepcopy": copy.deepcopy,
        "keys": keys,
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
) -> Case:
    """Make a row over the common names."""
    return Case(name, ours, against, other, names, goal, fresh, does, does if other_does is None else other_does)


FRESH_LOG = "s.remove('log'); h.remove('log'); d['log'] = []"
HAND = "by hand"
MODULE = "copy.deepcopy"

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
    # The store as a whole.
    case("keys() of 1,000", "s.keys()", "list(d)", "list(d)", at_most(1.3)),
    case("keys() of 1,000", "s.keys()", HAND, "h.keys()"),
    case("len(store)", "len(s)", "len(d)", "len(d)"),
    case("store.len()", "s.len()", "len(d)", "len(d)"),
    case("is_empty()", "s.is_empty()", "not d", "not d"),
    case("snapshot() of 1,000", "s.snapshot()", "dict(d)", "dict(d)"),
    # Reads that copy.
    case("get(list of 1,000 integers)", "s.get('rows')", MODULE, "deepcopy(d['rows'])", at_least(50)),
    case("get(list of 1,000 integers)", "s.get('rows')", "list(d[key])", "list(d['rows'])"),
    case("get(nested dicts and lists)", "s.get('table')", MODULE, "deepcopy(d['table'])", at_least(10)),
    case("get(nested dicts and lists)", "s.get('table')", HAND, "h.get_copy('table')"),
]
