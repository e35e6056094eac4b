"""An attempt with a deadline, whose timer is armed only when the attempt first has to wait."""

import asyncio
import functools
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from cano._interrupts import ATTEMPT_TIMEOUT, Interrupts
from cano._left_behind import Traces
from cano._notes import is_cancellation, is_thrown_away
from cano._trace import CURRENT, Trail
from cano.errors import AttemptTimeout
from cano.ports import Clock

# Looked up once: an attempt that does not wait is over in less than a microsecond.
_Native = types.CoroutineType
_current_task = asyncio.current_task


def timed(call: Callable[[], Awaitable[Any]], limit: float, task: str, clock: Clock) -> Callable[[], Awaitable[Any]]:
    """Return a call that is ``call``, interrupted when it takes longer than ``limit`` seconds from its start.

    One that never suspends cannot be interrupted. When time is up, its interruption is awaited, whatever it does then, and
    AttemptTimeout is raised; another's cancellation, or that of the run, wins over it. Cost of one that suspends: about that of
    ``asyncio.timeout``; else a fifth of it.
    """
    now = clock.now

    def attempt() -> Awaitable[Any]:
        steps = call()
        if type(steps) is not _Native:
            steps = _native(steps)  # nothing but a native coroutine can be taken over after its first step
        return _limited(steps, limit, task, clock, now)

    return attempt


async def _native(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@types.coroutine
def _limited(
    steps: Coroutine[Any, Any, Any], limit: float, name: str, clock: Clock, now: Callable[[], float]
) -> Generator[Any, None, Any]:
    task = _current_task()
    assert task is not None  # the run has looked
    before = task.cancelling()
    if before:
        try:
            yield  # what was on its way before the attempt comes out here, and is never taken for a cancel of its own
        except BaseException:
            steps.close()
            raise
    run = CURRENT.get()  # now: the first step may go into another run
    # A run that may be interrupted itself has an object for it; two would send two cancels.
    of_run = run.interrupts if type(run) is Trail and run.interrupts is not None and run.interrupts.task is task else None
    traces = Traces(task) if of_run is None else None  # before what the first step may begin
    began = now()
    try:
        waits_for = steps.send(None)
    except StopIteration as stop:
        if traces is not None:
            traces.end()
        return stop.value
    except BaseException:
        if traces is not None:
            traces.end()
        raise
    if traces is None:
        traces = Traces(task)
    interrupts = Interrupts(task, before) if of_run is None else of_run
    if of_run is None and type(run) is Trail:
        run.timed[task] = interrupts  # where a split finds it that stops the branch
    timer = None
    error: BaseException | None = None
    unarmed: BaseException | None = None
    result: Any = None
    try:
        try:
            try:
                timer = clock.call_at(began + limit, functools.partial(interrupts.interrupt, ATTEMPT_TIMEOUT))
            except BaseException as raised:
                unarmed = raised
                raise
            yield waits_for
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is meant for what waits
            waits_for = None  # a future that failed with the error would be a cycle with it, whose traceback leads here
            result = yield from _thrown_into(steps, thrown)
        else:
            waits_for = None
            result = yield from steps
        error = unarmed  # the task has swallowed it, and nothing has watched the time since
    except BaseException as raised:  # raised again below, unless time was up
        if is_thrown_away(raised):
            interrupts.settle()
            raise
        error = raised
    finally:
        if timer is not None:
            timer.cancel()
        traces.end()
        if of_run is None:
            interrupts.end()
            if type(run) is Trail:
                run.timed.pop(task, None)
    try:
        if interrupts.reason == ATTEMPT_TIMEOUT:
            yield from _verdict(interrupts, error, AttemptTimeout(name, limit, traces.found))
        if error is not None:
            raise error
        return result
    finally:
        del error, unarmed, result, interrupts, of_run, run, task, traces  # tracebacks lead here


def _thrown_into(steps: Coroutine[Any, Any, Any], error: BaseException) -> Generator[Any, None, Any]:
    """Go on with a coroutine that has begun, by this error."""
    thrown: BaseException | None = error
    try:
        while True:
            try:
                waits_for = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as stop:
                return stop.value
            thrown = None
            try:
                yield waits_for
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as again:  # noqa: BLE001 - as above
                thrown = again
    finally:
        waits_for = None
        del error, thrown


def _verdict(interrupts: Interrupts, error: BaseException | None, late: AttemptTimeout) -> Generator[None, None, None]:
    """Raise what an attempt ends with that was out of time, ``late``, unless ``error`` is stronger."""
    caller = interrupts.caller_cancels()
    interrupts.settle()
    try:
        if is_cancellation(error):
            if caller:
                return
        elif not (error is None or issubclass(type(error), Exception)):
            return
        elif interrupts.task is not None and interrupts.task.cancelling():
            came: asyncio.CancelledError | None = None
            try:
                yield  # a cancellation that is on its way comes out here
            except asyncio.CancelledError as cancel:
                came = cancel
            # From Python 3.13 on, a task group that fails while its task is cancelled sends the cancel anew. And asyncio makes one
            # CancelledError of two requests: a task that has swallowed it has swallowed the caller's.
            if interrupts.caller_cancels():
                raise (came or asyncio.CancelledError()) from error
        raise late from error
    finally:
        del error, late, interrupts
