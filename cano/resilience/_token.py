"""A token by which anybody may cancel a run, from any thread."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from cano.ports import seconds


class CancellationToken:
    """Cancels the runs that it was given to: ``orchestrate(start, token=token)``, and ``token.cancel()`` from any thread.

    A run that it cancels tears its resources down and raises :class:`~cano.errors.RunCancelled`. One token may be given to any
    number of runs, and stays cancelled. A task that has a parameter annotated ``CancellationToken`` gets one: an async task that of
    its run, a blocking task one that is also cancelled when its attempt is out of time or its caller is cancelled; it looks at
    ``is_cancelled`` now and then, or sleeps by ``wait_sync``.

    All of it is safe from any thread, from signal handlers and from callbacks. When a handler is called is Python's affair: one of
    ``signal.signal`` when the main thread next runs Python, so that a signal which comes just before the loop idles waits until
    something wakes it; ``loop.add_signal_handler(signal.SIGTERM, token.cancel)`` wakes it.
    """

    __slots__ = ("_callbacks", "_cancelled")

    def __init__(self) -> None:
        self._cancelled = False
        self._callbacks: set[Callable[[], object]] = set()

    def __repr__(self) -> str:
        return f"<CancellationToken{' cancelled' if self._cancelled else ''}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a CancellationToken is not copied or pickled: a copy would cancel nothing; pass the token itself")

    @property
    def is_cancelled(self) -> bool:
        """True once it has been cancelled."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel, now and for good; a second time changes nothing."""
        # No lock, which a signal handler might find held by the code that it interrupts: who subscribes adds a callback and then
        # looks at the flag, so one of the two sees the other, and a callback that both have seen is called twice.
        self._cancelled = True
        while self._callbacks:
            try:
                callback = self._callbacks.pop()
            except KeyError:  # another thread was faster
                return
            callback()

    async def wait(self) -> None:
        """Return when the token is cancelled."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(lambda: None if woken.done() else woken.set_result(None))

        self._subscribe(wake)
        try:
            await woken
        finally:
            self._unsubscribe(wake)

    def wait_sync(self, timeout: float | timedelta | None = None) -> bool:
        """Block the calling thread until the token is cancelled, for at most ``timeout`` seconds; return whether it is.

        Raises: TypeError, ValueError if ``timeout`` is no duration.
        """
        limit = None if timeout is None else min(seconds(timeout, "timeout"), threading.TIMEOUT_MAX)
        # A bare lock, which anybody may release. An Event has one of its own inside, which a signal handler that cancels would wait
        # for in vain if it has interrupted the very thread that holds it.
        asleep = threading.Lock()
        asleep.acquire()

        def wake() -> None:
            with suppress(RuntimeError):  # it was released already
                asleep.release()

        self._subscribe(wake)
        try:
            asleep.acquire(timeout=-1 if limit is None else limit)
            return self._cancelled
        finally:
            self._unsubscribe(wake)

    # What a run needs to know; not for users.

    def _subscribe(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` called at the cancellation, in the thread that cancels; at once if that was before. Perhaps twice."""
        self._callbacks.add(callback)
        if self._cancelled:
            self._callbacks.discard(callback)
            callback()

    def _unsubscribe(self, callback: Callable[[], object]) -> None:
        self._callbacks.discard(callback)
