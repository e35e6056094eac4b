"""Shared resources in one event loop after another, and never in two at once (engine 8)."""

import asyncio
import threading
from typing import Any

import pytest

from cano.errors import ResourceInUse
from cano.resources import Resources
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


def test_one_event_loop_after_another() -> None:
    """A workflow with shared resources runs in one event loop after another."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", log)}))
    for _ in range(3):
        assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
    assert log == ["setup a", "up a", "teardown a", "down a"] * 3


def test_an_event_loop_that_ended_in_the_middle_is_forgotten() -> None:
    """A run that was thrown away with its loop does not block the next loop."""
    log: list[str] = []

    async def forever() -> Stage:
        await asyncio.sleep(3600)
        return Stage.DONE

    workflow = single(forever, Resources({"a": Plain("a", log)}))

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.orchestrate(Stage.A), 0.001)
        abandoned.append(asyncio.create_task(workflow.orchestrate(Stage.A)))
        await turns(3)

    abandoned: list[asyncio.Task[Any]] = []
    asyncio.run(main())
    assert log == ["up a", "down a"] * 2
    asyncio.run(main())
    assert log == ["up a", "down a"] * 4


def test_an_event_loop_that_was_closed_in_the_middle_is_forgotten() -> None:
    """Runs that can never end, because their loop is closed, do not hold the resources for ever."""
    log: list[str] = []
    stuck = True

    async def step() -> Stage:
        if stuck:
            await asyncio.get_running_loop().create_future()
        return Stage.DONE

    workflow = single(step, Resources({"a": Plain("a", log)}))
    loop = asyncio.new_event_loop()
    run = loop.create_task(workflow.orchestrate(Stage.A))
    loop.run_until_complete(turns(5))
    loop.close()
    stuck = False
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
    assert log == ["up a", "up a", "down a"]
    assert not run.done()


def test_two_event_loops_at_once_are_refused() -> None:
    """While runs in one loop hold shared resources, a run in another loop is an error and never a second set-up."""
    log: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    async def step() -> Stage:
        inside.set()
        await asyncio.to_thread(leave.wait)
        return Stage.DONE

    workflow = single(step, Resources({"a": Plain("a", log)}))
    other = threading.Thread(target=workflow.orchestrate_sync, args=(Stage.A,))
    other.start()
    try:
        assert inside.wait(10)
        with pytest.raises(ResourceInUse, match="another event loop"):
            workflow.orchestrate_sync(Stage.A)
    finally:
        leave.set()
        other.join()
    assert log == ["up a", "down a"]
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
