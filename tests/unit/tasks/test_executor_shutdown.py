"""How the executor of a recipe is shut down, and what was left behind in one (engine 8, 12)."""

import asyncio
import functools
import gc
import os
import threading
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from cano._run_id import current_run_id
from cano.resources import Resources, per_run, shared
from cano.resources._executors import _LEFT
from cano.store import MemoryStore
from cano.tasks import task
from tests.unit.stages import Stage, single, turns
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Boasting, Held, process_pool, sending


def deaf() -> Stage:
    """Hear of nothing."""
    return Stage.DONE


async def test_a_pool_of_a_recipe_is_shut_down_beside_the_event_loop(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shutdown waits for its workers, in a thread; the loop turns meanwhile."""
    store = MemoryStore()
    made: list[ProcessPoolExecutor] = []

    def make() -> ProcessPoolExecutor:
        made.append(process_pool())
        return made[0]

    workflow = sending(elsewhere.where, shared(make), store)
    loop, down = asyncio.get_running_loop(), asyncio.Event()

    async def let_go() -> None:
        await down.wait()
        await turns(5)
        held.let_go()  # which a loop that stands still would never do

    async with workflow:
        await workflow.orchestrate(Stage.A)
        beside = made[0].submit(elsewhere.stay, held.entered, held.leave)  # somebody else's, in the same pool
        await held.inside()
        shut_down = made[0].shutdown

        def shutdown(**options: Any) -> None:
            loop.call_soon_threadsafe(down.set)
            shut_down(**options)

        monkeypatch.setattr(made[0], "shutdown", shutdown)
        turning = asyncio.create_task(let_go())
    assert beside.done()
    assert turning.done()
    assert store.get("out") != os.getpid()


async def test_what_was_left_behind_is_not_waited_for_at_the_teardown(held: Held) -> None:
    """The pool of the run goes, its worker stays until it has ended, and the next run has a new one."""
    pools: list[ProcessPoolExecutor] = []

    def make() -> ProcessPoolExecutor:
        pools.append(process_pool())
        return pools[-1]

    workflow = sending(elsewhere.stay, shared(make), MemoryStore(held.values), abandon=True)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    pid = await held.inside()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    os.kill(pid, 0)  # it is there
    with pytest.raises(RuntimeError, match="after shutdown"):
        pools[0].submit(elsewhere.where)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    assert await held.inside() != pid
    held.let_go(2)
    assert await run is Stage.DONE


@pytest.mark.parametrize("abandon", [False, True])
async def test_what_an_executor_takes_for_cancelled_is_its_own_affair(abandon: bool) -> None:
    """It is asked to wait, whatever was left behind: it has said that this is gone, and not to wait would cancel what others do."""
    boasting = Boasting()
    workflow = sending(elsewhere.where, shared(lambda: boasting), MemoryStore(), abandon=abandon)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    while not boasting.begun:
        await turns()
    run.cancel()
    await turns(5)
    boasting.end()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert boasting.shut_down == [True]


@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_an_exit_of_its_own_is_called(held: Held, recipe: Any) -> None:
    """A class that overrides it is left by it, whatever was left behind; where it is a run's own, inside that run."""
    left: list[str | None] = []

    class Leaving(ProcessPoolExecutor):
        def __exit__(self, *details: object) -> None:
            left.append(current_run_id())
            self.shutdown(wait=False)

    def make() -> ProcessPoolExecutor:
        return process_pool(kind=Leaving)

    workflow = sending(elsewhere.stay, recipe(make), MemoryStore(held.values), abandon=True)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await held.inside()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    held.let_go()
    assert [each is not None for each in left] == [recipe is per_run]


async def test_what_has_ended_is_not_remembered(held: Held) -> None:
    """Once the worker has ended, nothing is kept of what was left behind: neither its value nor the event loop."""
    with process_pool() as pool:
        run = asyncio.create_task(sending(elsewhere.stay, pool, MemoryStore(held.values), abandon=True).orchestrate(Stage.A))
        await held.inside()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        (future,) = _LEFT[pool]
        kept = weakref.ref(future)
        del future, run
        held.let_go()
        await asyncio.to_thread(pool.submit(elsewhere.where).result, 60)
        await turns(5)
        gc.collect()
        assert not _LEFT[pool]
        assert kept() is None


@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_a_cancellation_waits_for_the_shutdown(recipe: Any) -> None:
    """It comes out when the executor is down, and not before."""
    entered, free, log = threading.Event(), threading.Event(), []

    class Slow(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            entered.set()
            assert free.wait(60)
            super().shutdown(wait, cancel_futures=cancel_futures)
            log.append("down")

    workflow = single(task(executor="cpu")(functools.partial(deaf)), Resources({"cpu": recipe(Slow)}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await asyncio.to_thread(entered.wait, 60)
    for _ in range(2):
        run.cancel()
        await turns(5)
    assert (run.done(), log) == (False, [])
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert log == ["down"]
