"""Reads that copy and reads that check each element, beside ``copy.deepcopy`` and beside the same without."""

import copy
from dataclasses import dataclass

from benchmarks.ratios import Case, Goal
from benchmarks.store_cases import HAND, at_least, at_most, case, holders
from cano.store import Key

RECORDS = 100
SMALL = 300


@dataclass
class Reading:
    """What many programs keep in a store: an object of a class of their own, here one with a list in it."""

    station: str
    hour: int
    degrees: list[float]


@dataclass(slots=True)
class Slotted:
    """The same without a dict of attributes."""

    station: str
    hour: int
    degrees: list[float]


def rows_of_a_table(groups: int, size: int) -> dict[str, list[dict[str, object]]]:
    """Make what one stage hands to the next, as JSON would bring it: groups of rows of five plain values."""
    row = [{"name": f"n{i}", "size": i, "ratio": i / 7, "ok": True, "note": None} for i in range(size)]
    return {f"group {group}": [dict(each) for each in row] for group in range(groups)}


def names() -> dict[str, object]:
    """Put values of all shapes into a store, a dict and a store by hand."""
    return {
        **holders(
            {
                "rows": list(range(1_000)),
                "table": rows_of_a_table(20, 10),
                "small": {"name": "n", "size": 1, "ratio": 0.5, "ok": True, "tags": ["a", "b"]},
                "lists": [[i, i + 1, i + 2] for i in range(SMALL)],
                "records": [Reading(f"station {i}", i, [i / 10, i / 7]) for i in range(RECORDS)],
                "slotted": [Slotted(f"station {i}", i, [i / 10, i / 7]) for i in range(RECORDS)],
                "tuple": tuple(range(1_000)),
                "pairs": tuple([i, i + 1] for i in range(SMALL)),
                "set": set(range(1_000)),
                "dict": {f"name {i}": i for i in range(1_000)},
                "bytes": bytearray(100_000),
                "shared": [[1, 2, 3]] * 100,
            }
        ),
        "ROWS": Key("rows", list[int]),
        "deepcopy": copy.deepcopy,
    }


def copied(what: str, key: str, goal: Goal | None = None) -> Case:
    """Make a row that copies what lies under ``key``."""
    return case(f"get({what})", f"s.get({key!r})", "copy.deepcopy", f"deepcopy(d[{key!r}])", goal, names=names)


ROWS = "list of 1,000 integers"
TABLE = "nested dicts and lists"

CASES = [
    copied(ROWS, "rows", at_least(50)),
    case(f"get({ROWS})", "s.get('rows')", "list(d[key])", "list(d['rows'])", names=names),
    case(f"get({ROWS}, list[int])", "s.get('rows', list[int])", "without the check", "s.get('rows')", at_most(2), names=names),
    case(f"get({ROWS}), Key(list[int])", "s.get(ROWS)", "without the check", "s.get('rows')", at_most(2), names=names),
    copied(TABLE, "table", at_least(10)),
    case(f"get({TABLE})", "s.get('table')", HAND, "h.get_copy('table')", names=names),
    copied("small dict with a list", "small"),
    copied(f"{SMALL} small lists", "lists"),
    copied(f"{RECORDS} dataclasses", "records"),
    copied(f"{RECORDS} dataclasses with slots", "slotted"),
    copied("tuple of 1,000 integers", "tuple"),
    copied(f"tuple of {SMALL} lists", "pairs"),
    copied("set of 1,000 integers", "set"),
    copied("dict of 1,000 integers", "dict"),
    copied("bytearray of 100,000", "bytes"),
    copied("one list, 100 times in a list", "shared"),
]
