"""A plain function as a task: in a thread of the event loop's default executor, or of another one."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from typing import Any

from cano._text import name_of, shown_message
from cano.errors import ExecutorFailed
from cano.resilience import CancellationToken


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


def failed(task: str, executor: Executor, error: BaseException | None) -> ExecutorFailed:
    """Return what is raised in the place of an executor's own error; without one, it has cancelled the call by itself."""
    what = "it has cancelled the call" if error is None else f"{name_of(type(error))}: {shown_message(error)}".rstrip(".")
    found = ExecutorFailed(task, name_of(type(executor)), what)
    found.__cause__ = error
    return found


async def with_token(
    make: Callable[[CancellationToken | None], Callable[[], Any]], executor: Executor | None = None, task: str = ""
) -> Any:
    """Call in a thread what ``make`` gives for a token of its own, which a cancellation cancels; else as :func:`in_thread`."""
    token = CancellationToken()
    return await in_thread(make(token), token, executor, task)


async def in_thread_made(make: Callable[[], Callable[[], Any]], executor: Executor | None = None, task: str = "") -> Any:
    """Call in a thread what ``make`` gives now; else as :func:`in_thread`."""
    return await in_thread(make(), None, executor, task)


async def in_thread(
    fn: Callable[[], Any], token: CancellationToken | None = None, executor: Executor | None = None, task: str = ""
) -> Any:
    """Call in a thread, with a copy of the caller's context variables, and return what that returns.

    The thread is one of ``executor``, in which the task named ``task`` is to run; without it, one of the event loop's own.
    A cancellation withdraws a call that no thread has begun; once begun, it cancels the token, waits until the thread has ended and
    then raises the CancelledError, with the thread's own error as its cause: nothing is torn down under a running thread.

    Raises: what ``fn`` raises; for a StopIteration a RuntimeError, as any coroutine does. ExecutorFailed in the place of what
    ``executor`` itself raises; without one, that.
    """
    outcome = _Outcome()
    context = copy_context()
    loop = asyncio.get_running_loop()
    try:
        future = loop.run_in_executor(executor, context.run, outcome.run, fn)  # pyright: ignore[reportArgumentType]
    except Exception as refusal:
        if executor is None:
            raise
        raise failed(task, executor, refusal) from refusal
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError as cancel:
            cancelled = cancelled or cancel
            if token is not None:
                token.cancel()
            if outcome.claim.acquire(blocking=False):
                future.cancel()
        except BaseException:
            if outcome.claim.acquire(blocking=False):  # thrown away: if it has not begun, nobody wants it any more
                future.cancel()
            raise
    error = outcome.error
    try:
        if error is None and not future.cancelled():
            error = future.exception()  # the executor's own: its threads could not begin
            if error is not None and executor is not None:
                error = failed(task, executor, error)
        if cancelled is not None:
            raise cancelled from error
        if error is not None:
            raise error
        if future.cancelled() and executor is not None:
            raise failed(task, executor, None)
        future.result()  # raises if the executor has withdrawn the call
        return outcome.value
    finally:
        outcome.error = None  # its traceback leads to the outcome
        del error, cancelled, future
