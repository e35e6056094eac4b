"""What the tests of this room share."""

from collections.abc import Iterator

import pytest

from tests.threads.meeting import hasty_switching


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let the interpreter switch threads as often as it can."""
    with hasty_switching():
        yield
