"""A turn of the event loop."""

import asyncio
import sys
import types
from collections.abc import Coroutine, Generator
from typing import Any

# The types of Python 3.11 do not know its ``eager_start``.
Task: Any = asyncio.Task
_eager_factory = getattr(asyncio, "eager_task_factory", None)


@types.coroutine
def bare_yield() -> Generator[None, None, None]:
    """Give the event loop one turn: what is ready runs, and a cancellation that is on its way arrives."""
    yield


async def surface(task: "asyncio.Task[Any] | None") -> asyncio.CancelledError | None:
    """Let a cancellation that is on its way arrive before the engine does something that it should win over, and return it."""
    if task is None or not task.cancelling():
        return None
    try:
        await bare_yield()
    except asyncio.CancelledError as cancel:
        return cancel.with_traceback(None)  # which would lead to its own raiser
    return None


def begins_at_once(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether the engine's own tasks take their first step when they are made; a task factory of the user's is respected."""
    factory = loop.get_task_factory()
    return sys.version_info >= (3, 12) and (factory is None or factory is _eager_factory)


def begin(loop: asyncio.AbstractEventLoop, steps: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    """Make a task, and let it take its first step at once where that can be: a turn of the loop less."""
    if begins_at_once(loop):
        task: asyncio.Task[None] = Task(steps, loop=loop, name=name, eager_start=True)
        return task
    return loop.create_task(steps, name=name)
