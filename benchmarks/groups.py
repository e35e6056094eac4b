"""The rows of the table as pytest-benchmark groups: one group for each operation, with ours and each other expression in it."""

from collections.abc import Callable, Iterable
from functools import partial

import pytest
from _pytest.mark.structures import ParameterSet
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ratios import Case

LOOPS = 1_000  # of the statement, in one call that pytest-benchmark times: its own call costs as much as a read

Subject = tuple[str, Callable[[], object]]


def subjects(cases: Iterable[Case]) -> list[ParameterSet]:
    """List each statement once, under the operation that it belongs to."""
    seen: dict[tuple[str, str], ParameterSet] = {}
    for case in cases:
        ours, other = case.timers()
        for who, statement, timer, does in (
            ("cano", case.ours, ours, case.ours_does),
            (case.against, case.other, other, case.other_does),
        ):
            subject = (case.name, partial(timer.timeit, max(1, LOOPS // does)))
            seen.setdefault((case.name, statement), pytest.param(subject, id=f"{case.name} - {who}"))
    return list(seen.values())


def run(benchmark: BenchmarkFixture, subject: Subject) -> None:
    """Time one statement in the group of its operation."""
    benchmark.group, statement = subject
    taken = benchmark(statement)
    assert taken >= 0
