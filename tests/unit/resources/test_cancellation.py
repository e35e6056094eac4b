"""Cancellation at every await of set-up, run and teardown: all that was up is down, once (RS-22, engine 7 and 8)."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from cano.resources import Resources, per_run
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns

EXTRA = 40  # loop turns that no run here needs


async def step() -> Stage:
    """Suspend a few times."""
    await turns(3)
    return Stage.DONE


def built(log: list[str], *, own: bool) -> Workflow[Any]:
    """Make a workflow over an async, a plain and another async resource, shared or of the run's own."""
    made: list[Any] = [Recorder("a", log), Plain("b", log), Recorder("c", log)]
    res = Resources()
    for each in made:
        res.insert(each.name, per_run(lambda each=each: each) if own else each)
    return single(step, res)


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("own", [False, True])
async def test_cancelled_at_every_await(own: bool, times: int) -> None:
    """Wherever the cancellation falls, and however often, ups and downs match, the caller sees it, and the next run works."""
    outcomes: Counter[str] = Counter()
    for at in range(EXTRA):
        log: list[str] = []
        workflow = built(log, own=own)
        run = asyncio.create_task(workflow.orchestrate(Stage.A))
        await turns(at)
        for _ in range(times):
            if not run.done():
                run.cancel()
                await turns()
        ended = (await asyncio.gather(run, return_exceptions=True))[0]
        assert ended is Stage.DONE or isinstance(ended, asyncio.CancelledError)
        outcomes[type(ended).__name__] += 1
        count = Counter(log)
        for name in "abc":
            assert count[f"up {name}"] == (count["down b"] if name == "b" else count[f"teardown {name}"])
            if not own and name != "b":
                assert count[f"teardown {name}"] == count[f"down {name}"], "a shared teardown is never interrupted"
        assert isinstance(ended, asyncio.CancelledError) == run.cancelled()
        log.clear()
        assert await workflow.orchestrate(Stage.A) is Stage.DONE
        assert Counter(log)["down a"] == 1
    assert outcomes["Stage"] > 5
    assert outcomes["CancelledError"] > 5


@pytest.mark.parametrize("own", [False, True])
async def test_a_cancellation_on_its_way_does_not_cut_the_teardown(own: bool) -> None:
    """A run that is cancelled by the step that ends it is torn down in full before the cancellation comes out."""
    log: list[str] = []

    async def cancels_itself() -> Stage:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return Stage.DONE

    made = Recorder("a", log)
    workflow = single(cancels_itself, Resources({"a": per_run(lambda: made) if own else made}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    with pytest.raises(asyncio.CancelledError):
        await run
    assert log == ["setup a", "up a", "teardown a", "down a"]


async def test_the_cancel_count_is_what_it_was() -> None:
    """A run under ``asyncio.timeout`` leaves the count of cancellations to the timeout, and the caller's next line runs."""
    log: list[str] = []
    task = asyncio.current_task()
    assert task is not None

    async def too_long() -> Stage:
        timeout.reschedule(0)  # which is over
        await asyncio.sleep(3600)
        return Stage.DONE

    workflow = single(too_long, Resources({"a": Recorder("a", log), "b": per_run(lambda: Recorder("b", log))}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            await workflow.orchestrate(Stage.A)
    assert task.cancelling() == 0
    assert log[-1] == "down a"


async def test_a_timeout_that_is_up_before_the_run() -> None:
    """A cancellation that was on its way before the run began comes out as itself, with all torn down."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", log)}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await workflow.orchestrate(Stage.A)
    assert [line for line in log if line.startswith(("up", "down"))] in ([], ["up a", "down a"])


async def test_a_clean_up_run_in_a_cancelled_task_works() -> None:
    """In a task that handles its own cancellation, a workflow can run to its end."""
    log: list[str] = []
    workflow = single(step, Resources({"a": Recorder("a", log), "b": per_run(lambda: Recorder("b", log))}))
    results: list[Any] = []

    async def main() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            results.append(await workflow.orchestrate(Stage.A))
            raise

    task = asyncio.create_task(main())
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert results == [Stage.DONE]
    assert log.count("down a") == log.count("down b") == 1


def test_keyboard_interrupt_in_a_script_tears_down() -> None:
    """An interrupt from the task of a script's run reaches the script, after the teardown."""
    log: list[str] = []

    async def interrupted() -> Stage:
        raise KeyboardInterrupt

    workflow = single(interrupted, Resources({"a": Plain("a", log), "b": per_run(lambda: Plain("b", log))}))
    with pytest.raises(KeyboardInterrupt):
        workflow.orchestrate_sync(Stage.A)
    assert log == ["up a", "up b", "down b", "down a"]


async def test_a_run_that_is_thrown_away_lets_its_resources_go() -> None:
    """A coroutine that is closed cannot wait, but shared resources are torn down, and its own as far as that needs no waiting."""
    log: list[str] = []

    async def forever() -> Stage:
        await asyncio.get_running_loop().create_future()
        return Stage.DONE

    res = Resources({"a": Plain("a", log), "b": per_run(lambda: Plain("b", log)), "c": per_run(lambda: Recorder("c", log))})
    run = single(forever, res).orchestrate(Stage.A)
    task = asyncio.create_task(run)
    await turns(8)
    run.close()
    assert log == ["up a", "up b", "setup c", "up c", "teardown c", "down b"]
    await turns(5)
    assert log[-1] == "down a"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
