"""The one way in which the library interrupts an asyncio task: at most one cancel is in flight, and each is taken back."""

import asyncio
from typing import Any

# Why a task is interrupted; the larger one wins. The caller's own cancellation wins over all of them.
NOTHING, ATTEMPT_TIMEOUT, BRANCH_STOPPED, RESOURCE_BROKE, RUN_TIMEOUT, RUN_CANCELLED = range(6)


class Interrupts:
    """What interrupts one run in one asyncio task; ``before`` is how often that was cancelled before it began.

    A second reason while a cancel is in flight sends none: it would interrupt the clean-up that the first one has set off.
    """

    __slots__ = ("_active", "_before", "_sent", "reason", "task")  # ``reason`` is read at each state of a run

    def __init__(self, task: "asyncio.Task[Any]", before: int) -> None:
        self.task: asyncio.Task[Any] | None = task
        self.reason = NOTHING
        self._active = True
        self._before = before
        self._sent = False

    def announce(self, reason: int) -> None:
        """Have the run end at its next state boundary, from whatever thread, before the loop can interrupt it."""
        if self._active:
            self.reason = max(self.reason, reason)

    def interrupt(self, reason: int) -> None:
        """Cancel the task, unless a cancel is on its way.

        For callbacks of the loop only: then the task is suspended, and the cancel comes out at its next step. One that is sent from
        inside the task would stay behind on Python 3.11 and 3.12, where ``uncancel`` clears none that is pending.
        """
        if not self._active or self.task is None:
            return
        self.reason = max(self.reason, reason)
        if not self._sent:
            self._sent = True
            self.task.cancel()

    def end(self) -> None:
        """Let nothing interrupt the task any more; what was sent is still to be settled."""
        self._active = False

    def caller_cancels(self) -> bool:
        """Tell whether somebody else asked for a cancellation, too: asyncio makes one CancelledError of two requests."""
        return self.task is not None and self.task.cancelling() - self._sent > self._before

    def settle(self) -> int:
        """Take back the cancel, if one was sent, and return the reason of all that was sent, once."""
        reason, self.reason = self.reason, NOTHING
        if self._sent and self.task is not None:
            self._sent = False
            self.task.uncancel()
        return reason

    def forget(self) -> None:
        """Let go of the task: an error of the run is kept by it, and may lead here."""
        self._active = False
        self.task = None
