"""Health probes: all at once, each under a deadline of its own."""

import asyncio
import sys
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any

from cano._notes import is_cancellation, is_thrown_away
from cano._text import name_of
from cano.ports import Clock
from cano.resources._health import HealthStatus, Healthy, Unhealthy
from cano.resources._lifecycle import call_plain_or_async, method_of


async def probe_all(
    subjects: Sequence[tuple[Hashable, bool, object]], timeout: float, clock: Clock
) -> dict[Hashable, HealthStatus]:
    """Ask each subject (its key, whether it is set up, the resource); all children are done when this returns."""
    answers: dict[Hashable, HealthStatus] = {}
    waiting: dict[Hashable, asyncio.Task[HealthStatus]] = {}
    try:
        for key, up, resource in subjects:
            if not up:
                answers[key] = Unhealthy("not set up")
            elif method_of(resource, "health") is None:
                answers[key] = Healthy()
            else:
                waiting[key] = asyncio.create_task(_probe(resource, timeout, clock))
        if waiting:
            await asyncio.wait(waiting.values())
    finally:
        await _end(list(waiting.values()))
    answers.update((key, task.result()) for key, task in waiting.items())
    return {key: answers[key] for key, _, _ in subjects}


async def _probe(resource: object, timeout: float, clock: Clock) -> HealthStatus:
    asked = asyncio.create_task(_ask(resource))
    timer = asyncio.create_task(clock.sleep(timeout))
    try:
        await asyncio.wait((asked, timer), return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            return asked.result()
        timer.result()  # a clock that fails has measured nothing
        return Unhealthy(f"no answer within {timeout:g} s")
    finally:
        await _end([asked, timer])


async def _ask(resource: object) -> HealthStatus:
    health = method_of(resource, "health")
    assert health is not None
    try:
        answer = await call_plain_or_async(health)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a probe that fails is an answer, whatever it fails with
        if is_thrown_away(error):
            raise
        task = asyncio.current_task()
        if is_cancellation(error) and task is not None and task.cancelling():
            raise
        return Unhealthy(f"{name_of(type(error))}{_message(error)}")
    if isinstance(answer, HealthStatus):
        return answer
    return Unhealthy(f"health() returned a {name_of(type(answer))} and no HealthStatus")


def _message(error: BaseException) -> str:
    try:
        return f": {error}"
    except Exception:  # noqa: BLE001 - its __str__ is the user's
        return ""


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and wait until it has ended, however often the caller is cancelled meanwhile.

    For a ``finally``: if the coroutine there was thrown away, nothing can be awaited any more; what was cancelled ends by itself.
    """
    interrupted: asyncio.CancelledError | None = None
    error = sys.exception()
    with suppress(RuntimeError):  # thrown away with its loop, which is closed
        for task in tasks:
            task.cancel()
    if error is not None and is_thrown_away(error):
        return
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as cancel:
            interrupted = interrupted or cancel
    if interrupted is not None:
        try:
            raise interrupted
        finally:
            del interrupted, error
