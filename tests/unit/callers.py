"""Who awaits a run, and looks at what the run has left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cano.testing import FakeClock
from tests.unit.stages import turns


async def forever() -> Any:
    """Wait for what never comes."""
    await asyncio.get_running_loop().create_future()


def myself() -> "asyncio.Task[Any]":
    """Return the asyncio task that this runs in."""
    task = asyncio.current_task()
    assert task is not None
    return task


class Held(FakeClock):
    """A clock whose timers a test fires by itself, in the step that it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.callbacks: list[Callable[[], object]] = []

    def call_at(self, when: float, callback: Callable[[], object]) -> Any:
        """Set the timer, and keep the callback, too."""
        self.callbacks.append(callback)
        return super().call_at(when, callback)


class Caller:
    """A task that awaits a run: ``outcome`` is what came out of it, ``cancelling`` how many cancels were left then."""

    def __init__(self, run: Awaitable[Any]) -> None:
        self.outcome: Any = None
        self.cancelling = -1
        self.task = asyncio.ensure_future(self._call(run))

    async def _call(self, run: Awaitable[Any]) -> None:
        try:
            self.outcome = await run
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.outcome = error
        self.cancelling = myself().cancelling()
        del self, run  # the error's traceback leads here
        await turns(3)  # a cancel that was left behind comes out here

    async def over(self) -> None:
        """Wait until it has ended. What ends a test that hangs here reaches the test, and not the run, which would keep it."""
        await asyncio.wait([self.task])

    async def ended(self, *, cancels: int = 0) -> Any:
        """Return the outcome of a run that has ended by now, and see that nothing of it is left but the caller's own cancels."""
        await turns(6)
        assert self.task.done(), "the run is not over"
        await self.task
        assert self.cancelling == cancels
        return self.outcome


async def outcome_of(run: Awaitable[Any], clock: FakeClock, seconds: float = 10) -> Any:
    """Run for so many seconds, and return the state or the error that it ends with."""
    caller = Caller(run)
    await clock.advance(seconds)
    return await caller.ended()
