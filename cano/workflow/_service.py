"""``async with workflow``: the shared resources of a service, kept up between its runs."""

import asyncio
import inspect
import threading
from typing import Any, NamedTuple

from cano._notes import is_thrown_away, traceback_of
from cano.resources.lifecycle import Lease, Owner, Tenancy
from cano.workflow._conduct import failed, note_failures


class _Body(NamedTuple):
    """One body that is open: who entered it, and what it holds up (None: nothing is to be set up)."""

    task: asyncio.Task[Any] | None
    loop: asyncio.AbstractEventLoop
    held: tuple[Owner, Tenancy, Lease] | None


class Service:
    """The bodies of ``async with`` that are open now."""

    __slots__ = ("_lock", "_open")

    def __init__(self) -> None:
        self._lock = threading.Lock()  # bodies may be open in several event loops, in as many threads
        self._open: list[_Body] = []

    async def enter(self, owner: Owner | None) -> None:
        """Set the shared resources up, unless they are, or nothing is to be set up.

        Raises: what a set-up raises.
        """
        held: tuple[Owner, Tenancy, Lease] | None = None
        if owner is not None:
            lease = Lease(None)
            held = owner, await owner.acquire(lease), lease
        body = _Body(asyncio.current_task(), asyncio.get_running_loop(), held)
        with self._lock:
            self._open = [*(each for each in self._open if not each.loop.is_closed()), body]

    async def leave(self, error: BaseException | None) -> None:
        """Leave the body that this task entered last; if it entered none (a fixture is left by another), the last of all.

        What is left is what was entered, whatever has been overridden since.

        Raises: TeardownFailed if the body went well; CancelledError; RuntimeError if no body is open.
        """
        loop = asyncio._get_running_loop()  # none, where a body is thrown away after its loop
        task = asyncio.current_task() if loop is not None else None
        thrown_away = error is not None and _is_closed(error)
        here = [each for each in self._open if each.loop is loop or (loop is None and thrown_away and each.loop.is_closed())]
        if not here:
            if thrown_away:
                return
            raise RuntimeError("the workflow was not entered: write `async with workflow`")
        found = next((each for each in reversed(here) if each.task is task), here[-1])
        with self._lock:
            self._open = [each for each in self._open if each is not found]
        if found.held is None:
            return
        owner, tenancy, lease = found.held
        if thrown_away:
            tenancy.leave(lease, None)
            return
        cancel = await owner.release(tenancy, lease, error)
        failures = tenancy.failures if tenancy.over.is_set() else []
        try:
            if cancel is not None and (error is None or issubclass(type(error), Exception)):
                if failures:
                    note_failures(cancel, failures)
                raise cancel from error
            if error is not None and failures:
                note_failures(error, failures)
            elif failures:
                raise failed(None, failures)
        finally:
            del cancel, error, failures, found, tenancy, lease, here  # tracebacks that lead here


def _is_closed(error: BaseException) -> bool:
    """Tell whether the coroutine with the body is being closed, so that nothing can be awaited in it; a generator still can."""
    trace = traceback_of(error)
    return is_thrown_away(error) and trace is not None and bool(trace.tb_frame.f_code.co_flags & inspect.CO_COROUTINE)
