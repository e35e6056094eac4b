"""``async with workflow``: the shared resources of a service, kept up between its runs."""

import asyncio
from typing import Any

from cano.resources.lifecycle import Lease, Owner, Tenancy
from cano.workflow._conduct import failed, note_failures


class Service:
    """The bodies of ``async with`` that are open now."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[tuple[asyncio.Task[Any] | None, Tenancy, Lease]] = []

    async def enter(self, owner: Owner) -> None:
        """Set the shared resources up, unless they are.

        Raises: what a set-up raises.
        """
        lease = Lease(None)
        tenancy = await owner.acquire(lease)
        self._open = [each for each in self._open if not each[1].loop.is_closed()]
        self._open.append((asyncio.current_task(), tenancy, lease))

    async def leave(self, owner: Owner, error: BaseException | None) -> None:
        """Leave the body that this task entered last; if it entered none (a fixture is left by another), the last of all.

        Raises: TeardownFailed if the body went well; CancelledError; RuntimeError if no body is open.
        """
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        here = [each for each in self._open if each[1].loop is loop]
        if not here:
            raise RuntimeError("the workflow was not entered: write `async with workflow`")
        found = next((each for each in reversed(here) if each[0] is task), here[-1])
        self._open.remove(found)
        tenancy = found[1]
        cancel = await owner.release(tenancy, found[2], error)
        failures = tenancy.failures if tenancy.over.done() else []
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
            del cancel, error, failures, found, tenancy  # tracebacks that lead here
