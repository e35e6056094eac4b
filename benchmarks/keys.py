"""How the price of a call grows with the number of keys, from 10 to 10 million, beside a dict that grows alike.

The keys are asked for in random order, so that what does not fit into the processor's caches is seen. The loop over them is in
the times of both sides.
"""

import random
from typing import Any

from benchmarks.effort import Effort
from benchmarks.growth import Figure, add
from benchmarks.ratios import Case
from cano.store import MemoryStore

MOST = 10_000_000
PICKS = 300_000  # keys asked for in one timing: with all that they point to, more than a cache holds

READ = "get(key, int)"
CONTAINS = "key in store"
REPLACE = "put(key, v), existing key"
INSERT = "put(key, v), new keys"


def names(count: int) -> dict[str, Any]:
    """Make ``count`` keys with a value for each, a store and a dict that hold them, and two that hold nothing yet."""
    keys = [f"key {i}" for i in range(count)]
    values = {key: 1_000_000 + i for i, key in enumerate(keys)}
    return {
        "keys": keys,
        "picks": random.Random(count).choices(keys, k=min(max(count, 1_000), PICKS)),
        "d": values,
        "s": MemoryStore(values),
        "a": MemoryStore(),
        "b": {},
    }


def cases(count: int) -> list[Case]:
    """Make the cases for one number of keys; they share the names, which take long to make."""
    made = names(count)

    def case(name: str, ours: str, against: str, other: str, over: str, *, fresh: str = "pass") -> Case:
        does = len(made[over])
        loop = f"for key in {over}: "
        return Case(name, loop + ours, against, loop + other, lambda: made, None, fresh, does, does)

    return [
        case(READ, "s.get(key, int)", "d.get(key)", "d.get(key)", "picks"),
        case(CONTAINS, "key in s", "key in d", "key in d", "picks"),
        case(REPLACE, "s.put(key, 7)", "d[key] = v", "d[key] = 7", "picks"),
        case(INSERT, "a.put(key, 7)", "d[key] = v", "b[key] = 7", "keys", fresh="a.clear(); b.clear()"),
    ]


def measure(effort: Effort) -> Figure:
    """Measure each operation at each power of ten."""
    figure: Figure = {}
    for count in effort.sizes(most=MOST):
        add(figure, count, cases(count), effort)
    return figure
