"""The benchmark's rows compare like with like, and its verdicts are right; no time is asserted."""

import re
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.__main__ import CASES as ROWS
from benchmarks.by_hand import ByHand
from benchmarks.ratios import Case, Goal, Result, measure
from benchmarks.table import HEAD, duration, grid, met, row
from cano.store import MemoryStore

NOTHING = object()  # the value of a statement
PLAIN = Case("name", "1", "other", "2", dict)


def outcome(statement: str, names: dict[str, object]) -> object:
    """Run a statement, and give its value if it is an expression."""
    try:
        code = compile(statement, "row", "eval")
    except SyntaxError:
        exec(compile(statement, "row", "exec"), names)
        return NOTHING
    return eval(code, names)


def result(goal: Goal | None, ratio: float, *, over: float = 0.0) -> Result:
    """Make a result as if it had been measured."""
    return Result("name", "other", goal, ours=ratio * 1e-8, other=1e-8, ratio=ratio, over=over)


def contents(held: object) -> object:
    """Give all that a store, a dict or a store by hand holds."""
    match held:
        case MemoryStore():
            return held.snapshot()
        case ByHand():
            return {key: held.get(key) for key in held.keys()}
        case _:
            return held


@pytest.mark.parametrize("case", ROWS, ids=lambda case: f"{case.name} - {case.against}")
def test_both_sides_of_a_row_do_the_same(case: Case) -> None:
    """What stands beside an operation gives the same value and leaves the same behind, over the same data."""
    names = case.names()
    exec(case.fresh, names)
    ours: Any = outcome(case.ours, names)
    other: Any = outcome(case.other, names)
    if case.name.startswith("keys()"):  # which are in no particular order
        ours, other = sorted(ours), sorted(other)
    assert NOTHING in (ours, other) or ours == other
    for touched in re.findall(r"\b[dh]\b", case.other):
        assert contents(names["s"]) == contents(names[touched])


def test_rows_are_told_apart_by_what_they_are_and_stand_beside() -> None:
    """No row is there twice."""
    labels = [(case.name, case.against) for case in ROWS]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("goal", "ratio", "over", "reached", "verdict"),
    [
        (Goal("at most", 1.6), 1.6, 0.0, "1.60×", "yes"),
        (Goal("at most", 1.6), 2.0, 0.0, "2.00×", "no, by 1.25×"),
        (Goal("at most", 1.6), 3.2, 0.0, "3.20×", "NO, by 2.00×"),
        (Goal("at least", 6), 0.125, 0.0, "8.0× faster", "yes"),
        (Goal("at least", 6), 0.2, 0.0, "5.0× faster", "no, by 1.20×"),
        (Goal("over", 350), 9.0, 340e-9, "+340 ns", "yes"),
        (Goal("over", 350), 1.0, -20e-9, "-20 ns", "yes"),
        (Goal("over", 100), 1.0, 140e-9, "+140 ns", "no, by 1.40×"),
        (None, 1.5, 0.0, "1.50×", ""),
        (None, 0.1, 0.0, "10.0× faster", ""),
    ],
)
def test_a_result_is_held_against_its_goal(goal: Goal | None, ratio: float, over: float, reached: str, verdict: str) -> None:
    """A goal is a ratio, a speed-up or a difference; a miss says by which factor, and loudly from 1.5 on."""
    measured = result(goal, ratio, over=over)
    assert (measured.reached, met(measured)) == (reached, verdict)


def test_times_are_given_for_one_operation() -> None:
    """A statement that does many operations is divided by their number, each side by its own."""
    whole = measure(replace(PLAIN, ours="sum(range(100))", other="sum(range(100))"), rounds=1, seconds=0)
    assert whole.ratio == whole.ours / whole.other
    often = measure(replace(PLAIN, ours="sum(range(100))", other="sum(range(100))", ours_does=1_000_000), rounds=1, seconds=0)
    assert often.ratio < 0.1
    assert row(Result("name", "other", None, 5e-9, 5e-9, 1.0, 0.0))[1] == "5 ns"


def test_a_case_is_run_as_often_as_asked_and_made_fresh_before_each_timing() -> None:
    """``fresh`` runs before every timing, the calibration included, and the statement exactly once in each."""
    counts = {"ours": 0, "other": 0, "fresh": 0}
    case = Case(
        "counting",
        "counts['ours'] += 1",
        "counting",
        "counts['other'] += 1",
        names=lambda: {"counts": counts},
        fresh="counts['fresh'] += 1",
    )
    measure(case, rounds=25, seconds=0)
    assert counts == {"ours": 26, "other": 26, "fresh": 52}


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.234e-8, "12.3 ns"), (9.996e-7, "1 µs"), (4.5678e-5, "45.7 µs"), (0.0321, "32.1 ms"), (2.5, "2.5 s")]
)
def test_a_duration_is_written_with_three_digits_and_its_unit(seconds: float, text: str) -> None:
    """From nanoseconds to seconds."""
    assert duration(seconds) == text


def test_the_table_is_markdown_that_lines_up() -> None:
    """All lines are of one length, with the head, the rule and a line for each result."""
    lines = grid([result(Goal("at most", 1.6), 1.5), result(None, 12.25)]).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert re.split(r"\s*\|\s*", lines[0].strip("| ")) == list(HEAD)
    assert set(lines[1]) == set("|-")
