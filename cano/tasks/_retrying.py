"""The attempts of a task: its call, made again as its Retry says."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cano._left_behind import Traces
from cano._notes import Attempt, forget, is_thrown_away, note_abandoned, note_attempts, with_attempt
from cano._trace import CURRENT, Trail
from cano._turn import bare_yield
from cano.errors import NotPicklable, RunCancelled
from cano.ports import Clock
from cano.resilience import Retry

_LEFT = "work of this attempt was abandoned, and goes on in an executor: so there is no other attempt"


def retrying(
    call: Callable[[], Awaitable[Any]], retry: Retry, clock: Clock, ends: tuple[Callable[[Any], Any], ...] = ()
) -> Callable[[], Awaitable[Any]]:
    """Return a call that is ``call``, tried as often as ``retry`` says, with its waits on this clock.

    What is raised is the last attempt's own exception; its number and the attempts before are noted on it. A failure during
    which a cancellation has been asked for is the last one, whatever the task has made of it, and so is one that another attempt
    cannot change, or during which work was left behind, by the task or by something below it. An exception that is tried again
    loses its traceback, also for others who hold the same instance. What succeeds goes through ``ends``: what these raise is raised
    as the last attempt's, and not tried again.
    """

    async def attempts() -> Any:
        task = asyncio.current_task()
        assert task is not None  # the run has looked
        if task.cancelling():
            await bare_yield()  # a cancellation that was on its way before is no attempt's
        cancelling = task.cancelling()
        earlier: tuple[Attempt, ...] = ()
        attempt = 1
        failed: Exception | None = None
        traces = Traces(task)
        try:
            while True:
                try:
                    value = await call()
                except Exception as error:
                    left = traces.found
                    if left or attempt >= retry.attempts or task.cancelling() > cancelling or _last(error):
                        note_abandoned(error, *([_LEFT] if left else []))
                        raise
                    if not retry.applies_to(error):
                        raise
                    failed = error
                else:
                    for end in ends:
                        value = end(value)
                    return value
                earlier = with_attempt(earlier, attempt, failed)
                wait = retry.delay_after(attempt)
                run = CURRENT.get()
                try:
                    if type(run) is Trail and run.watch is not None:
                        await run.watch.retried(attempt, wait, failed)
                    forget(failed)
                    await bare_yield()  # however short the wait, others run and a cancellation arrives
                    if wait:
                        await clock.sleep(wait)
                except asyncio.CancelledError as cancel:
                    attempt += 1  # which has not begun
                    raise cancel from failed
                failed = None
                attempt += 1
        except BaseException as error:  # the task's, a predicate's or the clock's: it ends this attempt, and is passed on
            if not is_thrown_away(error):
                note_attempts(error, attempt, earlier)
            raise
        finally:
            traces.end()
            del traces
            failed = task = run = value = None  # what is raised is kept by the task, and its traceback leads here

    return attempts


def _last(error: Exception) -> bool:
    """Tell whether another attempt could only repeat what cannot cross, or would be made after the run itself was cancelled."""
    if type(error) is RunCancelled:  # of a run inside, which has its token from this one
        run = CURRENT.get()
        return type(run) is Trail and run.token is not None and run.token.is_cancelled
    return type(error) is NotPicklable
