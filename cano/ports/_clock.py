"""Time is a port: every wait and every reading of the time goes through a clock, so that a test moves it by hand."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time and waits."""

    def now(self) -> float:  # pyright: ignore[reportReturnType] - a protocol's docstring is its body
        """Return seconds from a fixed but arbitrary point; they never run backwards."""

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds of this clock."""


class SystemClock:
    """The machine's monotonic clock and the event loop's own timers."""

    __slots__ = ()

    # The builtin itself and no method around it: the engine reads the clock once in a few transitions.
    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        await asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()
