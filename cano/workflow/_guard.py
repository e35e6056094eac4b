"""What ends a run before its time: a token, or a timeout."""

import asyncio
import functools
from contextlib import suppress

from cano._interrupts import RUN_CANCELLED, RUN_TIMEOUT, Interrupts
from cano._notes import is_cancellation, note_attempts, take_attempts
from cano._turn import surface
from cano.errors import RunCancelled, RunTimeout
from cano.ports import Clock, Timer
from cano.resilience import CancellationToken


class Guard:
    """The token and the timeout of one run, which may lack either: watched at each state boundary, and in between.

    The time of a run counts from here to its :meth:`end`, which is before its resources are torn down. ``inside`` is a run whose
    token is that of the run around it: that one interrupts what waits, and this one would do so a second time, amid its clean-up.
    """

    __slots__ = ("_clock", "_inside", "_limit", "_loop", "_over", "_refused", "_timer", "deadline", "interrupts", "token")

    def __init__(
        self, interrupts: Interrupts, token: CancellationToken | None, limit: float | None, clock: Clock, inside: bool
    ) -> None:
        self.interrupts = interrupts
        self._inside = inside
        self.token = token if token is not None else CancellationToken()
        self.deadline = None if limit is None else clock.now() + limit
        self._limit = limit
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._refused: BaseException | None = None
        self._timer: Timer | None = None
        if self.deadline is not None:
            self._timer = clock.call_at(self.deadline, functools.partial(interrupts.interrupt, RUN_TIMEOUT))
        if token is not None:
            token._subscribe(self._cancel)

    def _cancel(self) -> None:
        """Interrupt the run, from whatever thread: at the next state boundary, and where it waits."""
        self.interrupts.announce(RUN_CANCELLED)
        if self._inside:
            return
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self.interrupts.interrupt, RUN_CANCELLED)

    def end(self) -> None:
        """Stop watching: what comes now is no part of the run any more."""
        self._over = True
        self.interrupts.end()
        self.token._unsubscribe(self._cancel)
        if self._timer is not None:
            self._timer.cancel()

    def refuse(self) -> None:
        """Let a run go no further that is not to go on.

        Raises: RunCancelled, RunTimeout.
        """
        self._refused = self._refusal()
        if self._refused is not None:
            raise self._refused

    def _refusal(self) -> RunCancelled | RunTimeout | None:
        if self.token._cancelled or self.interrupts.reason == RUN_CANCELLED:
            return RunCancelled()
        if self._limit is None or self.deadline is None:
            return None
        late = self._clock.now() >= self.deadline or self.interrupts.reason == RUN_TIMEOUT
        return RunTimeout(self._limit) if late else None

    async def verdict(self, error: BaseException) -> BaseException:
        """End the watch, and return what the run raises, which was leaving with this error.

        The caller's cancellation wins over all but what is no error (a SystemExit), a token over the timeout, and both over the
        error, which is kept as the cause. Once the watch has ended nothing is changed any more.
        """
        if self._over:
            return error
        interrupts = self.interrupts
        refused, self._refused = self._refused, None
        stopped = refused if error is refused else self._refusal()
        self.end()
        try:
            if stopped is None:
                return error
            caller = interrupts.caller_cancels()
            interrupts.settle()
            if is_cancellation(error):
                if caller:
                    return error
            elif not issubclass(type(error), Exception):
                return error
            else:
                cancel = await surface(interrupts.task)
                # From Python 3.13 on, a task group that fails while its task is cancelled sends the cancel anew. And asyncio makes
                # one CancelledError of two requests: a task that has swallowed it has swallowed the caller's.
                if interrupts.caller_cancels():
                    cancel = cancel or asyncio.CancelledError()
                    cancel.__cause__ = error
                    return cancel
            if stopped is error:
                note_attempts(stopped, 0, ())  # of the state that it was about to enter there was none
            else:
                note_attempts(stopped, *take_attempts(error))
                stopped.__cause__ = error
            return stopped
        finally:
            del error, stopped, refused, interrupts  # tracebacks lead here


def stop(guard: Guard | None) -> None:
    """End a run whose task has swallowed the run's interruption: it does not save the run, and nothing else interrupts it now.

    Raises: RunCancelled, RunTimeout; CancelledError in the place of the one that a broken resource has sent.
    """
    if guard is not None:
        guard.refuse()
    raise asyncio.CancelledError
