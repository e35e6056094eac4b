"""Executors as resources: what runs in this process, what was left behind in one, and how one is shut down."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any
from weakref import WeakKeyDictionary

# Work that nobody waits for any more, by the executor where it goes on, until it has ended.
_LEFT: "WeakKeyDictionary[Executor, set[Future[Any]]]" = WeakKeyDictionary()
_LEAVING = threading.Lock()

_OWN = ("concurrent.futures.process", "concurrent.futures.thread")


def runs_threads(kind: type) -> bool:
    """Tell whether executors of this class run what they are given in threads of this process and interpreter."""
    return issubclass(kind, ThreadPoolExecutor) and not any(
        each.__module__ == "concurrent.futures.interpreter" for each in kind.__mro__
    )


def withdraws(executor: Executor) -> bool:
    """Tell whether ``Future.cancel()`` is true only for work that has not begun: so it is with the standard library's pools.

    A cluster's says so of work that goes on.
    """
    return any(each.__module__ in _OWN for each in type(executor).__mro__)


def leave_behind(executor: Executor, future: "Future[Any]") -> None:
    """Remember, until it has ended, that this work goes on in the executor, and nobody waits for it.

    What the executor takes for cancelled, and so for ended, needs no remembering: its shutdown does not wait for that.
    """
    with suppress(TypeError):  # it has no weak references, or no hash: then the work is waited for when it is shut down
        with _LEAVING:
            left = _LEFT.setdefault(executor, set())
            left.add(future)
        future.add_done_callback(left.discard)


def _busy(executor: Executor) -> bool:
    with _LEAVING, suppress(TypeError):
        return bool(_LEFT.get(executor))
    return False


async def leave_executor(executor: Executor, leave: Callable[[], object]) -> None:
    """Shut an executor down by ``leave``, in a thread: it waits for its workers.

    Work that was left behind is not waited for, unless the executor's class has an ``__exit__`` of its own, which decides that.

    Raises: what that raises; CancelledError, when it has ended.
    """
    plain = type(executor).__exit__ is Executor.__exit__
    await _in_a_thread((lambda: executor.shutdown(wait=False)) if plain and _busy(executor) else leave)


async def _in_a_thread(fn: Callable[[], object]) -> None:
    """Call in a thread of its own, with a copy of the context variables, and wait for it whatever happens.

    The threads of the event loop may all be busy.
    """
    context = copy_context()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            context.run(fn)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            errors.append(error)
        with suppress(RuntimeError):  # the loop is closed: whoever waited was thrown away
            loop.call_soon_threadsafe(ended.set)

    cancelled: asyncio.CancelledError | None = None
    try:
        threading.Thread(target=run, name="cano executor", daemon=True).start()
        while not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError as cancel:
                cancelled = cancelled or cancel
        if cancelled is not None:
            raise cancelled from (errors[0] if errors else None)
        if errors:
            raise errors[0]
    finally:
        errors.clear()  # their tracebacks lead here
        del cancelled
