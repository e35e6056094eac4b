"""What all tests share."""

from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Async tests run on asyncio, in its debug mode: never awaited coroutines and calls from a wrong thread are errors."""
    return "asyncio", {"debug": True}
