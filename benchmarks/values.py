"""How the price of a read grows with the size of the value: a copy, the stored object itself, and what ``copy.deepcopy`` takes."""

import copy

from benchmarks.copy_cases import rows_of_a_table
from benchmarks.effort import Effort
from benchmarks.growth import Figure, add
from benchmarks.ratios import Case
from benchmarks.store_cases import holders

MOST = 1_000_000
MOST_IN_TABLE = 100_000
VALUES_IN_ROW = 5

COPY = "get, a list of integers"
CHECKED = "get as list[int]"
SHARED = "get_shared, a list of integers"
NESTED = "get, rows of a table"


def cases(size: int) -> list[Case]:
    """Make the cases for values of one size."""
    values: dict[str, object] = {"rows": list(range(1_000, 1_000 + size))}
    if size <= MOST_IN_TABLE:
        values["table"] = rows_of_a_table(1, size // VALUES_IN_ROW)
    made = {**holders(values), "deepcopy": copy.deepcopy}

    def case(name: str, ours: str, against: str, other: str) -> Case:
        return Case(name, ours, against, other, lambda: made)

    every = [
        case(COPY, "s.get('rows')", "copy.deepcopy", "deepcopy(d['rows'])"),
        case(CHECKED, "s.get('rows', list[int])", "without the check", "s.get('rows')"),
        case(SHARED, "s.get_shared('rows', list)", "d.get(key)", "d.get('rows')"),
    ]
    if "table" in values:
        every.append(case(NESTED, "s.get('table')", "copy.deepcopy", "deepcopy(d['table'])"))
    return every


def measure(effort: Effort) -> Figure:
    """Measure each kind of read at each power of ten."""
    figure: Figure = {}
    for size in effort.sizes(most=MOST):
        add(figure, size, cases(size), effort)
    return figure
