"""The store's operations, for ``pytest benchmarks --benchmark-group-by=group`` and its comparisons between commits."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.groups import Subject, run, subjects
from benchmarks.store_cases import CASES


@pytest.mark.parametrize("subject", subjects(CASES))
def test_store(benchmark: BenchmarkFixture, subject: Subject) -> None:
    """Each operation runs; a time is 1,000 of them, or one run of a statement that does more."""
    run(benchmark, subject)
