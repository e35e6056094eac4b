"""A clock that a test moves by hand."""

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from datetime import timedelta

from cano.ports import seconds as seconds_of

_TURNS = 50  # of the event loop, for what a moment sets off: a few steps of each of a few tasks


class FakeClock:
    """A clock that stands still until a test moves it: hours of retries and deadlines pass at once.

    Pass it as ``Workflow(..., clock=FakeClock())``, start the run as an asyncio task, and move the clock::

        running = asyncio.create_task(workflow.orchestrate(Stage.FETCH, timeout=60))
        await clock.advance(60)

    ``time`` is the time in seconds, 0.0 at first; a task under test that adds to it has taken that long without an ``await``.
    Threads of blocking tasks know nothing of the clock. For one event loop at a time.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._numbers = itertools.count()
        self._fired = 0  # timers

    def __repr__(self) -> str:
        return f"<FakeClock at {self.time:g} s, {self.waiting} waiting>"

    @property
    def waiting(self) -> int:
        """How many sleeps and timers wait for a later time."""
        return sum(timer.callback is not None for _, _, timer in self._timers)

    def now(self) -> float:
        """Return the time that the test has set."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock far enough."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_at(self.time + seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def call_at(self, when: float, callback: Callable[[], object]) -> "_Timer":
        """Have the event loop call back once the test has moved the clock so far; in its next turn if that is now, or over."""
        timer = _Timer(callback)
        if when <= self.time:
            asyncio.get_running_loop().call_soon(timer.fire)
            return timer
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float | timedelta) -> None:
        """Move the clock, from one wait that is over to the next, and let the event loop do what follows each time.

        What runs gets 50 turns of the loop before the first move and after each; what needs more is left to go on.

        Raises: TypeError, ValueError if ``seconds`` is no duration, or is infinite.
        """
        until = self.time + seconds_of(seconds, "seconds")
        if math.isinf(until):
            raise ValueError("seconds is infinite; advance moves the clock to a time")
        await self._settle()
        while self._timers and self._timers[0][0] <= max(until, self.time):  # a task that runs may add to it
            due, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                self.time = max(self.time, due)
                self._fired += 1
                asyncio.get_running_loop().call_soon(timer.fire)
                await self._settle()
        self.time = max(self.time, until)
        await self._settle()

    async def _settle(self) -> None:
        turns = 0
        while turns < _TURNS:
            fired = self._fired
            await asyncio.sleep(0)
            turns = turns + 1 if self._fired == fired else 0  # who else moves the clock has set something off


class _Timer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Let the call never be made."""
        self.callback = None

    def fire(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()
