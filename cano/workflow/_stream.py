"""The events of one run, read while it goes on."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any

from cano._log import log_failure
from cano._notes import is_cancellation
from cano._text import shown_text
from cano.errors import EventLoopMisuse
from cano.ports import Event, RunEnded, RunInfo, RunStarted, StateEntered, StepInfo, TaskEnded, TaskRetried, TaskStarted
from cano.workflow._hooks import Slow


class EventBuffer(Slow):
    """Events that nobody has read yet: the hooks put them in, one reader takes them out."""

    def __init__(self, limit: int) -> None:
        """Begin empty; full are ``limit`` events.

        Raises: TypeError, ValueError for a limit that is none.
        """
        if type(limit) is not int:
            raise TypeError(f"buffer is {shown_text(limit)}; it counts events and is an int")
        if limit < 1:
            raise ValueError(f"buffer is {limit}; at least one event has to have room")
        self._limit = limit
        self._events: deque[Event] = deque()
        self._room = asyncio.Event()
        self._waiting: list[Callable[[], object]] = []  # what is called when there is room
        self._come = asyncio.Event()
        self._over = False  # the run is
        self._left = False  # the reader is gone
        self._run: RunInfo | None = None  # not one inside it
        self.ending = False  # nothing but teardowns is left of the run
        self.told = False  # the reader knows how the run ended

    @property
    def full(self) -> bool:
        """True while the run has to wait for the reader."""
        return len(self._events) >= self._limit and not self._left

    async def room(self) -> None:
        """Return when there is room for events."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def notify(self, wake: Callable[[], object]) -> None:
        """Call this, once, when there is."""
        self._waiting.append(wake)

    def _make_room(self) -> None:
        self._room.set()
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def end(self, _: object = None) -> None:
        """Let the reader wait for no more."""
        self._over = True
        self._come.set()

    def leave(self) -> None:
        """Let the run wait for no reader, and keep nothing for one: the errors in what is kept may lead here."""
        self._left = True
        self._events.clear()
        self._make_room()

    async def next(self) -> Event | None:
        """Return the next event, None after the last one."""
        while not self._events:
            if self._over:
                return None
            self._come.clear()
            await self._come.wait()
        event = self._events.popleft()
        self.told = self.told or (type(event) is RunEnded and event.run is self._run)
        if not self.full:
            self._make_room()
        return event

    def _put(self, event: Event) -> None:
        if not self._left:
            self._events.append(event)
            self._come.set()

    def on_run_start(self, run: RunInfo) -> None:
        """Put it in."""
        self._run = self._run or run
        self._put(RunStarted(run))

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Put it in."""
        self.ending = self.ending or (run is self._run and not step.task)
        self._put(StateEntered(run, step))

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """Put it in."""
        self._put(TaskStarted(run, step))

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        """Put it in."""
        self._put(TaskRetried(run, step, attempt, delay, error))

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Put it in."""
        self.ending = self.ending or (run is self._run and step.branch is None and error is not None)
        self._put(TaskEnded(run, step, seconds, error))

    def on_run_end(self, run: RunInfo, state: Any, seconds: float, error: BaseException | None) -> None:
        """Put it in."""
        self._put(RunEnded(run, state, seconds, error))


async def reading(events: EventBuffer, run: Callable[[], Coroutine[Any, Any, object]]) -> AsyncGenerator[Event, None]:
    """Run in a task of its own, and iterate over the events; whatever ends this ends the run first.

    Raises: EventLoopMisuse outside of asyncio; what the run raises, after its last event; CancelledError of the reader, after the
    run has ended, whose error is its cause. A reader that leaves otherwise keeps what it leaves with; the run's error is then
    logged, unless its event has been read.
    """
    if asyncio._get_running_loop() is None:
        raise EventLoopMisuse("stream needs a running asyncio event loop; read it in one, with async for")
    steps = run()
    try:
        task = asyncio.get_running_loop().create_task(steps)
    except BaseException:
        steps.close()  # a task factory of the user's has failed
        raise
    task.add_done_callback(events.end)
    leaving: BaseException | None = None
    cancel: BaseException | None = None
    error: BaseException | None = None
    waiting = False
    try:
        try:
            while True:
                waiting = True
                event = await events.next()
                waiting = False
                if event is None:
                    break
                yield event
        except BaseException as left:  # noqa: BLE001 - raised again, unless what the run ends with wins over it
            leaving = left
        events.leave()
        # Closed while it waits, with its reader or with the loop: nothing can be awaited any more.
        thrown_away = waiting and type(leaving) is GeneratorExit
        # To leave is no reason to interrupt a teardown; to be cancelled is.
        cancels = thrown_away or is_cancellation(leaving) or not events.ending
        if cancels:
            with suppress(RuntimeError):  # its loop is closed
                task.cancel()
        while not (task.done() or thrown_away):
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError as again:
                cancel = again
                cancels = cancels or task.cancel()
        error = task.exception() if task.done() and not task.cancelled() else None
        if is_cancellation(leaving):
            leaving.__cause__ = error
        elif cancel is not None:
            raise cancel from error
        elif leaving is None:
            task.result()
        elif not (error is None or thrown_away):
            if not issubclass(type(error), Exception):  # isinstance would read an attribute of it
                raise error
            if not events.told:
                log_failure("the run of a stream failed when its reader had left", error)
        if leaving is not None:
            raise leaving
    finally:
        del leaving, cancel, error, task, steps, events, run  # tracebacks lead here
