"""Runs whose coroutine is closed, or whose loop is, wherever they are: what can be undone without waiting is (engine 7 and 8)."""

import asyncio
import gc
from contextlib import suppress
from typing import Any

import pytest

from tests.unit.cancellation.kinds import KINDS, numbers_of
from tests.unit.cancellation.play import THROW_AWAY, Play, Point
from tests.unit.cancellation.proofs import play

# Threads are waited for by the loop's executor, and those beside have a task of their own, which is not what is thrown away.
CLOSED = [kind for kind, scene in KINDS.items() if not scene.threads]
PENDING = [kind for kind in CLOSED if KINDS[kind].before is None]


@pytest.mark.parametrize("kind", CLOSED)
async def test_a_coroutine_is_closed_at_each_suspension(kind: str) -> None:
    """Children end by themselves, the shared resources are given back, timers are gone, and the next run works."""
    for number in range(1, numbers_of(kind).run + 1):
        await play(KINDS[kind], (THROW_AWAY,), Point("run", number))
    gc.collect()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # of a task that had not begun, asyncio says so
@pytest.mark.parametrize("kind", PENDING)
def test_a_loop_is_closed_at_each_turn(kind: str) -> None:
    """It hangs nowhere, nobody complains but asyncio of its own tasks, and the next loop runs the same workflow."""
    scene = KINDS[kind]
    said: list[str] = []
    turns = 0
    while True:
        turns += 1
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda _, context: said.append(context["message"]))
        this = Play(scene)
        run = begun(this, loop, turns)
        ended = this.over
        loop.close()
        gc.collect()
        this.task = None
        this.clock.stop()
        asyncio.run(once_more(this, run))
        if ended:
            break
    assert set(said) <= {"Task was destroyed but it is pending!"}


def begun(this: Play, loop: asyncio.AbstractEventLoop, turns: int) -> Any:
    """Begin a run, and leave it after so many turns of the loop."""
    runs: list[Any] = []

    async def main() -> None:
        this.clock.start()
        runs.append(this.scene.make(this))
        with suppress(Exception):
            await runs[0]()
        this.over = True

    task = loop.create_task(main())
    for _ in range(turns):
        loop.call_soon(loop.stop)
        loop.run_forever()
    del task
    return runs[0]


async def once_more(this: Play, run: Any) -> None:
    """Run the same workflow in another loop."""
    this.clock.start()
    this.tries = 0
    this.begun.clear()
    this.ended.clear()
    outcome: Any
    try:
        outcome = await run()
    except Exception as error:  # noqa: BLE001 - that of a scene which always fails
        outcome = type(error)
    this.clock.stop()
    assert outcome is this.scene.ends
    assert this.begun == this.ended
