"""Decorators of another module, which knows none of the names that tasks use."""

import functools
from collections.abc import Callable
from typing import Any


def traced(fn: Callable[..., Any]) -> Any:
    """Wrap in an async def."""

    @functools.wraps(fn)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await fn(*args, **kwargs)

    return wrapper


def traced_plainly(fn: Callable[..., Any]) -> Any:
    """Wrap in a plain def that hands the coroutine on."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper
