"""The engine's transitions and runs, for ``pytest benchmarks --benchmark-group-by=group``."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.groups import Subject, run, subjects
from benchmarks.workflow_cases import CASES


@pytest.mark.parametrize("subject", subjects(CASES))
def test_workflow(benchmark: BenchmarkFixture, subject: Subject) -> None:
    """Each walk runs; a time is one walk of thousands of transitions, and not of one."""
    run(benchmark, subject)
