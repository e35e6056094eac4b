"""What all tests share."""

import gc
from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Async tests run on asyncio, in its debug mode: never awaited coroutines and calls from a wrong thread are errors."""
    return "asyncio", {"debug": True}


@pytest.fixture(autouse=True, scope="module")
def only_young_objects() -> None:
    """Thousands of tests and their reports are not looked at by each collection: hundreds of tests ask for a whole one."""
    gc.collect()
    gc.freeze()
