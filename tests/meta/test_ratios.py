"""The benchmark's rows compare like with like, and its verdicts are right; no time is asserted."""

import re
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import store_cases, workflow_cases
from benchmarks.machine import Machine
from benchmarks.ratios import Case, Goal, Result, measure
from benchmarks.table import HEAD, duration, grid, met, page, row, summary

ROWS = [*store_cases.CASES, *workflow_cases.CASES]
PLAIN = Case("name", "1", "other", "2", dict)


def outcome(statement: str, names: dict[str, object]) -> object:
    """Run a statement, and give its value if it is an expression that has one."""
    try:
        code = compile(statement, "row", "eval")
    except SyntaxError:
        exec(compile(statement, "row", "exec"), names)
        return None
    return eval(code, names)


def result(goal: Goal | None, ratio: float, *, over: float = 0.0) -> Result:
    """Make a result as if it had been measured."""
    return Result(replace(PLAIN, goal=goal), ours=ratio * 1e-8, other=1e-8, ratio=ratio, over=over)


@pytest.mark.parametrize("case", ROWS, ids=lambda case: f"{case.name} - {case.against}")
def test_both_sides_of_a_row_do_the_same(case: Case) -> None:
    """What stands beside an operation gives the same value as the operation, over the same data."""
    names = case.names()
    exec(case.fresh, names)
    ours: Any = outcome(case.ours, names)
    other: Any = outcome(case.other, names)
    if case.name.startswith("keys()"):  # which are in no particular order
        ours, other = sorted(ours), sorted(other)
    assert ours == other


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
    shared = Result(replace(PLAIN, ours_does=1_000, other_does=10), 5e-9, 5e-9, 1.0, 0.0)
    assert row(shared)[1] == row(shared)[3] == "5 ns"


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


def test_the_page_says_on_what_it_was_measured_and_what_was_reached() -> None:
    """Machine, load, interpreter and the count of goals stand beside the figures."""
    machine = Machine(cpu="a processor", system="a system", interpreter="an interpreter", load="a load", pinned="a core")
    results = [result(Goal("at most", 1.6), ratio) for ratio in (1.5, 1.7, 9.0)] + [result(None, 1.0)]
    text = page(results, machine, share=0.5)
    for fact in ("a processor", "a system", "an interpreter", "a load", "a core", "50%", summary(results), grid(results)):
        assert fact in text
    assert "DISTURBED" in text
    assert "DISTURBED" not in page(results, machine, share=0.99)
    assert summary(results) == "4 rows; 3 goals: 1 met, 1 missed by less than 1.5×, 1 by more."
