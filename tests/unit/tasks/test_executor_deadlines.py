"""Work that is sent away cannot be stopped: it is withdrawn, waited for, or left behind where that is asked for (engine 7, 12)."""

import asyncio
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cano.errors import AttemptTimeout, RunCancelled, RunTimeout, TaskInvalid
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, shared
from cano.store import MemoryStore
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.stages import Plain, Stage, single, turns
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Boasting, Held, Here, process_pool, sending


def deaf() -> Stage:
    """Hear of nothing."""
    return Stage.DONE


def listening(token: CancellationToken) -> Stage:
    """Hear of the end."""
    token.wait_sync(60)
    return Stage.DONE


def marked(fn: Any, **options: Any) -> Any:
    """Mark a function that other tests mark in other ways."""
    mark: Any = task
    return mark(executor="cpu", **options)(functools.partial(fn))


@pytest.mark.parametrize("where", ["decorator", "registration", "branch"])
def test_a_timeout_that_no_executor_could_keep_is_refused(where: str) -> None:
    """By whatever way it comes in; the error says what to write, for either kind of executor (engine 12)."""
    workflow = Workflow(Resources({"cpu": Here()}), state=Stage)
    ways: dict[str, Callable[[], object]] = {
        "decorator": lambda: workflow.register(Stage.A, marked(deaf, timeout=1)),
        "registration": lambda: workflow.register(Stage.A, marked(deaf), timeout=1),
        "branch": lambda: workflow.register_split(Stage.A, [Branch(marked(deaf), timeout=1)], to=Stage.DONE),
    }
    with pytest.raises(TaskInvalid, match=r"deaf.*token: CancellationToken.*abandon=True"):
        ways[where]()


REFUSED: dict[str, tuple[Any, dict[str, Any], Callable[[], Any], str]] = {
    "a token elsewhere": (listening, {"timeout": 1}, Here, r"CancellationToken, which cannot be sent"),
    "a thread that would be left behind": (
        deaf,
        {"timeout": 1, "abandon": True},
        lambda: ThreadPoolExecutor(1),
        r"runs it in this one",
    ),
    "the same without a timeout": (
        deaf,
        {"abandon": True},
        lambda: ThreadPoolExecutor(1),
        r"abandon=True is for work in another process",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_this_executor_could_not_keep_is_refused(case: str) -> None:
    """At the registration; where a recipe makes the executor, before the first call."""
    fn, options, make, why = REFUSED[case]
    executor, step = make(), marked(fn, **options)
    with pytest.raises(TaskInvalid, match=why):
        single(step, Resources({"cpu": executor}))
    workflow = single(step, Resources({"cpu": shared(lambda: executor)}))
    with pytest.raises(TaskInvalid, match=why):
        await workflow.orchestrate(Stage.A)


async def test_a_late_thread_of_an_executor_is_told_and_waited_for() -> None:
    """As that of a blocking task."""
    log: list[str] = []
    entered = threading.Event()

    @task(executor="cpu", timeout=1)
    def step(token: CancellationToken) -> Stage:
        entered.set()
        assert token.wait_sync(60)
        log.append("leave")
        return Stage.DONE

    clock = FakeClock()
    with ThreadPoolExecutor(1) as pool:
        run = asyncio.create_task(single(step, Resources({"a": Plain("a", log), "cpu": pool}), clock=clock).orchestrate(Stage.A))
        await asyncio.to_thread(entered.wait, 60)
        await clock.advance(1)
        with pytest.raises(AttemptTimeout) as caught:
            await run
    assert caught.value.abandoned is False
    assert log == ["up a", "leave", "down a"]


@pytest.mark.parametrize("way", ["caller", "token", "timeout"])
async def test_whatever_ends_the_run_waits_for_what_runs(pool: ProcessPoolExecutor, held: Held, way: str) -> None:
    """Nothing is torn down, and the run does not end, before the worker has ended; its error is kept as the cause."""
    log: list[str] = []
    clock, token = FakeClock(), CancellationToken()
    workflow = sending(
        elsewhere.stay, pool, MemoryStore({**held.values, "raises": True}), clock=clock, beside={"plain": Plain("a", log)}
    )
    run = asyncio.create_task(workflow.orchestrate(Stage.A, timeout=9, token=token))
    await held.inside()
    for _ in range(3):
        if way == "timeout":
            await clock.advance(9)
        else:
            (run if way == "caller" else token).cancel()
        await turns(5)
    assert (run.done(), log) == (False, ["up a"])
    held.let_go()
    with pytest.raises({"caller": asyncio.CancelledError, "token": RunCancelled, "timeout": RunTimeout}[way]) as caught:
        await run
    cancel = caught.value if way == "caller" else caught.value.__cause__
    assert cancel is not None
    assert repr(cancel.__cause__) == "ValueError('late')"
    assert log == ["up a", "down a"]


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, elsewhere.Passing])
async def test_what_is_queued_is_withdrawn(held: Held, kind: type[ProcessPoolExecutor]) -> None:
    """A cancellation of a call that no worker has ends it at once, and it never runs; a pool hands out two more than it runs."""
    store = MemoryStore(held.values)
    with process_pool(kind=kind) as pool:
        full = [asyncio.create_task(sending(elsewhere.stay, pool, store).orchestrate(Stage.A)) for _ in "123"]
        await held.inside()
        queued = asyncio.create_task(sending(elsewhere.stay, pool, store).orchestrate(Stage.A))
        await turns(5)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        assert not any(each.done() for each in full)
        held.let_go(3)
        await asyncio.gather(*full)
        assert held.began() == 2  # the others; the first was seen above


async def test_a_withdrawn_attempt_is_tried_again(held: Held, tmp_path: Path) -> None:
    """It has not begun, so there are never two copies of it; the error says that nothing goes on."""
    clock = FakeClock()
    log = tmp_path / "log"
    with process_pool() as pool:
        full = [asyncio.create_task(sending(elsewhere.stay, pool, MemoryStore(held.values)).orchestrate(Stage.A)) for _ in "123"]
        await held.inside()
        store = MemoryStore({"log": str(log)})
        options: dict[str, Any] = {"timeout": 1, "abandon": True, "retry": Retry(3, delay=0)}
        run = asyncio.create_task(sending(elsewhere.counted, pool, store, clock=clock, **options).orchestrate(Stage.A))
        for _ in range(3):
            await turns(5)
            await clock.advance(1)
        with pytest.raises(AttemptTimeout) as caught:
            await run
        assert caught.value.abandoned is False
        assert "goes on" not in str(caught.value)
        held.let_go(3)
        await asyncio.gather(*full)
    assert not log.exists()


async def test_an_abandoned_attempt_is_not_waited_for_and_not_tried_again(held: Held) -> None:
    """The run fails while the worker is still inside; the work then ends as it likes, and leaves nothing in the store."""
    clock, store, pool = FakeClock(), MemoryStore(held.values), process_pool()
    run = asyncio.create_task(
        sending(elsewhere.stay, pool, store, clock=clock, timeout=1, abandon=True, retry=Retry(3, delay=0)).orchestrate(Stage.A)
    )
    await held.inside()
    await clock.advance(1)
    with pytest.raises(AttemptTimeout, match=r"work of it was abandoned, and goes on in its executor") as caught:
        await run
    assert caught.value.abandoned is True
    cancel = caught.value.__cause__
    assert isinstance(cancel, asyncio.CancelledError)
    assert cancel.__notes__ == ["stay was abandoned: its work goes on in the executor"]
    held.let_go()
    await turns(10)
    pool.shutdown()  # the last that it does is done
    assert not held.began()
    assert "out" not in store


@pytest.mark.parametrize("way", ["caller", "token", "timeout"])
async def test_whatever_ends_the_run_leaves_behind_what_may_be(pool: ProcessPoolExecutor, held: Held, way: str) -> None:
    """At once; the CancelledError itself, or the one that is the cause, has a note of it."""
    log: list[str] = []
    clock, token = FakeClock(), CancellationToken()
    workflow = sending(elsewhere.stay, pool, MemoryStore(held.values), clock=clock, beside={"plain": Plain("a", log)}, abandon=True)
    run = asyncio.create_task(workflow.orchestrate(Stage.A, timeout=9, token=token))
    await held.inside()
    if way == "timeout":
        await clock.advance(9)
    else:
        (run if way == "caller" else token).cancel()
    with pytest.raises({"caller": asyncio.CancelledError, "token": RunCancelled, "timeout": RunTimeout}[way]) as caught:
        await run
    assert log == ["up a", "down a"]
    cancel = caught.value if way == "caller" else caught.value.__cause__
    assert cancel is not None
    assert "stay was abandoned: its work goes on in the executor" in cancel.__notes__
    held.let_go()


async def test_losers_of_a_split_are_left_behind() -> None:
    """A split does not wait for them either (engine 9)."""
    boasting, first = Boasting(), asyncio.Event()
    loses = task(executor="cpu", inputs="store", abandon=True)(functools.partial(elsewhere.where))
    workflow = Workflow(Resources({"store": MemoryStore(), "cpu": boasting}), state=Stage)
    workflow.register_split(Stage.A, [first.wait, loses], to=Stage.DONE, join=Join.any()).add_exit_state(Stage.DONE)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    while not boasting.begun:
        await turns()
    first.set()
    await turns(20)
    assert run.done()  # before the loser has ended
    assert await run is Stage.DONE
    boasting.end()


async def test_a_cancellation_that_an_executor_boasts_of_is_not_believed() -> None:
    """A cluster says that it has cancelled what runs on: then a run waits all the same, or says that it does not."""
    boasting, clock = Boasting(), FakeClock()
    run = asyncio.create_task(sending(elsewhere.where, boasting, MemoryStore()).orchestrate(Stage.A))
    await turns(5)
    run.cancel()
    await turns(5)
    assert not run.done()
    boasting.end()
    with pytest.raises(asyncio.CancelledError):
        await run
    step = sending(elsewhere.where, boasting, MemoryStore(), clock=clock, timeout=1, abandon=True, retry=Retry(2, delay=0))
    run = asyncio.create_task(step.orchestrate(Stage.A))
    await turns(5)
    await clock.advance(1)
    with pytest.raises(AttemptTimeout) as caught:
        await run
    assert caught.value.abandoned is True
    assert len(boasting.begun) == 1
    boasting.end()


@pytest.mark.parametrize("closed", [False, True])
def test_nobody_hears_of_abandoned_work(held: Held, caplog: pytest.LogCaptureFixture, closed: bool) -> None:
    """No log, no warning, whether the event loop is still there when it ends or not, and whether it fails."""
    with process_pool() as pool:
        workflow = sending(elsewhere.stay, pool, MemoryStore({**held.values, "raises": True}), abandon=True)

        async def main() -> None:
            run = asyncio.create_task(workflow.orchestrate(Stage.A))
            await held.inside()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            del run
            if not closed:
                held.let_go()
                await asyncio.to_thread(pool.submit(elsewhere.where).result, 60)
                await turns(5)

        with caplog.at_level(logging.DEBUG):
            asyncio.run(main())
            if closed:
                held.let_go()
                pool.submit(elsewhere.where).result(60)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
