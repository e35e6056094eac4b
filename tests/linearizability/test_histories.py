"""Operations are linearizable: histories of real threads, checked against the sequential model (store 2, store 15)."""

import pytest

from tests.linearizability.crew import Crew
from tests.linearizability.histories import Tally, check_history
from tests.linearizability.operations import CELLS, LIST

BATCHES = 10
BATCH = 1_000


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_history_is_one_that_a_single_thread_could_have_made(crew: Crew, tally: Tally, batch: int) -> None:
    """Each of 1,000 histories has an order that explains every result; in 30% of them at least writes of one key overlap."""
    before = tally.conflicting
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        check_history(crew, tally, number)
        assert [CELLS[0]] == LIST, "an operation has changed a list that others held"
    share = (tally.conflicting - before) / BATCH
    assert share >= 0.3, f"{share:.0%} of the histories hold overlapping writes of one key: too few to show anything"
