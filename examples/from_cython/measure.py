"""What a call from Cython costs: each way in turn, the median of the paired ratios, as a table for docs/cython.md.

Once before: python setup.py build_ext --inplace. Then: python measure.py [TURNS]
"""

import sys
from statistics import median
from time import perf_counter_ns

import loops

GROUPS = {  # the plain one first
    "read an integer": ["dict_read", "direct_get_int", "direct_get", "bound_get", "method_get"],
    "put a float": ["dict_put", "direct_put", "method_put"],
    "is it there": ["dict_contains", "direct_contains_key", "operator_in"],
}
ROUNDS = 25


def taken(name, turns):
    """Return the nanoseconds of one turn, without those of the loop itself."""
    times = []
    for loop in (loops.nothing, getattr(loops, name)):
        start = perf_counter_ns()
        loop(turns)
        times.append((perf_counter_ns() - start) / turns)
    return times[1] - times[0]


turns = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
print("| | in C | time | against the dict |\n|---|---|--:|--:|")
for group, names in GROUPS.items():
    rounds = [[taken(name, turns) for name in names] for _ in range(ROUNDS)]
    for at, name in enumerate(names):
        time = median(row[at] for row in rounds)
        ratio = median(row[at] / row[0] for row in rounds)
        print(f"| {group} | `{name}` | {time:.1f} ns | {ratio:.2f}× |")
