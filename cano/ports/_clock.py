"""Time is a port: every wait and every reading of the time goes through a clock, so that a test moves it by hand."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that a clock will make."""

    def cancel(self) -> None:
        """Let the call never be made; nothing, if it was."""


class Clock(Protocol):
    """Where the engine reads the time and waits."""

    def now(self) -> float:  # pyright: ignore[reportReturnType] - a protocol's docstring is its body
        """Return seconds from a fixed but arbitrary point; they never run backwards."""

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds of this clock."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:  # pyright: ignore[reportReturnType] - as above
        """Have the running event loop call back at this time of this clock, in a step of its own; soon, if that is over."""


class SystemClock:
    """The machine's monotonic clock and the event loop's own timers."""

    __slots__ = ()

    # The builtin itself and no method around it: the engine reads the clock once in a few transitions.
    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        await asyncio.sleep(seconds)

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Have the running event loop call back at this time."""
        loop = asyncio.get_running_loop()
        # The loops of asyncio go by the same clock; what others go by, they alone know.
        return loop.call_at(when, callback) if type(loop).time is _TIME else loop.call_later(when - time.monotonic(), callback)


_TIME = asyncio.BaseEventLoop.time
SYSTEM_CLOCK = SystemClock()
