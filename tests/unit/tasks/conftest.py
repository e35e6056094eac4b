"""Workers for the tests of tasks that run elsewhere."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.unit.tasks.elsewhere import Held, process_pool


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two workers, for all tests of a module that leave them as they were."""
    with process_pool(2) as made:
        yield made


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """What holds a call in a worker."""
    made = Held(tmp_path)
    yield made
    made.close()
