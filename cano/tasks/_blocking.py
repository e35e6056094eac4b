"""A plain function as a task: in a thread of the event loop's default executor."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any


class _Outcome:
    """What a thread did. A future could not carry every exception (StopIteration would never arrive)."""

    __slots__ = ("claim", "error", "value")

    def __init__(self) -> None:
        self.claim = threading.Lock()  # taken by who is first: the thread that begins, or the caller who withdraws
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self, fn: Callable[[], Any]) -> None:
        if not self.claim.acquire(blocking=False):
            return
        try:
            self.value = fn()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller, whatever it is
            self.error = error


async def in_thread(fn: Callable[[], Any]) -> Any:
    """Call in a thread, with a copy of the caller's context variables, and return what that returns.

    A cancellation withdraws a call that no thread has begun; once begun, it waits until the thread has ended and then
    raises the CancelledError, with the thread's own error as its cause: nothing is torn down under a running thread.

    Raises: what ``fn`` raises; for a StopIteration a RuntimeError, as any coroutine does.
    """
    outcome = _Outcome()
    context = copy_context()
    future = asyncio.get_running_loop().run_in_executor(None, context.run, outcome.run, fn)  # pyright: ignore[reportArgumentType]
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError as cancel:
            cancelled = cancelled or cancel
            if outcome.claim.acquire(blocking=False):
                future.cancel()
    error = outcome.error
    try:
        if error is None and not future.cancelled():
            error = future.exception()  # the executor's own: its threads could not begin
        if cancelled is not None:
            raise cancelled from error
        if error is not None:
            raise error
        future.result()  # raises if the executor has withdrawn the call
        return outcome.value
    finally:
        outcome.error = None  # its traceback leads to the outcome
        del error, cancelled, future
