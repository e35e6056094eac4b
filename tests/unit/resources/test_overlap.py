"""Runs that overlap share what is shared: set up once, torn down after the last (RS-19, RS-21, RS-22, engine 8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cano.errors import ResourceBroken, TeardownFailed
from cano.resources import Resources, per_run, shared
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


class Gate:
    """Holds runs until they are let go, one by one."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Stage]] = []

    async def __call__(self) -> Stage:
        future: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return await future


async def started(workflow: Workflow[Any], gate: Gate, count: int) -> list[asyncio.Task[Any]]:
    """Start runs and wait until all are inside their task."""
    runs = [asyncio.create_task(workflow.orchestrate(Stage.A)) for _ in range(count)]
    while len(gate.waiting) < count:
        await turns()
    return runs


async def test_overlapping_runs_set_up_once() -> None:
    """Three runs that overlap set up once, and tear down after the last of them."""
    log: list[str] = []
    gate = Gate()
    runs = await started(single(gate, Resources({"a": Recorder("a", log)})), gate, 3)
    for index in (1, 0):
        gate.waiting[index].set_result(Stage.DONE)
        assert await runs[index] is Stage.DONE
        assert log == ["setup a", "up a"]
    gate.waiting[2].set_result(Stage.DONE)
    await runs[2]
    assert log == ["setup a", "up a", "teardown a", "down a"]


async def test_two_workflows_on_one_container_share_it() -> None:
    """The container owns the life cycle, so two workflows over it set it up once, too."""
    log: list[str] = []
    res = Resources({"a": Recorder("a", log)})
    gate = Gate()
    first, second = single(gate, res), single(gate, res)
    runs = await started(first, gate, 1)
    assert second.resources is res
    other = asyncio.create_task(second.orchestrate(Stage.A))
    while len(gate.waiting) < 2:
        await turns()
    for future in gate.waiting:
        future.set_result(Stage.DONE)
    await asyncio.gather(*runs, other)
    assert log == ["setup a", "up a", "teardown a", "down a"]


async def test_the_cancellation_of_one_never_reaches_another() -> None:
    """The run that began the set-up is cancelled during it; the other one gets its resources, and both are torn down for once."""
    log: list[str] = []
    gate, opening = Gate(), asyncio.Event()

    class Slow(Recorder):
        async def setup(self) -> None:
            await super().setup()
            await opening.wait()

    workflow = single(gate, Resources({"a": Slow("a", log), "b": Recorder("b", log)}))
    first = asyncio.create_task(workflow.orchestrate(Stage.A))
    while not log:
        await turns()
    second = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert "setup b" not in log
    opening.set()
    while not gate.waiting:
        await turns()
    gate.waiting[0].set_result(Stage.DONE)
    assert await second is Stage.DONE
    assert [line for line in log if line.startswith(("up", "down"))] == ["up a", "up b", "down b", "down a"]


async def test_the_last_run_to_leave_during_the_set_up_ends_it() -> None:
    """A set-up that hangs is cancelled with the last run that waits for it, and what was up is torn down first."""
    log: list[str] = []

    class Hangs:
        async def setup(self) -> None:
            log.append("hanging")
            try:
                await asyncio.sleep(3600)
            finally:
                log.append("interrupted")

        async def teardown(self) -> None:
            log.append("never")

    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", log), "h": Hangs()}))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workflow.orchestrate(Stage.A), 0.01)
    assert log == ["setup a", "up a", "hanging", "interrupted", "teardown a", "down a"]


async def test_a_run_that_arrives_during_the_teardown_sets_up_anew() -> None:
    """A run that comes while the last one tears down waits for the end of that, and begins again."""
    log: list[str] = []
    gate = Gate()
    workflow = single(gate, Resources({"a": Recorder("a", log)}))
    runs = await started(workflow, gate, 1)
    gate.waiting[0].set_result(Stage.DONE)
    while "teardown a" not in log:
        await turns()
    late = asyncio.create_task(workflow.orchestrate(Stage.A))
    await runs[0]
    while len(gate.waiting) < 2:
        await turns()
    gate.waiting[1].set_result(Stage.DONE)
    await late
    assert log == ["setup a", "up a", "teardown a", "down a"] * 2


async def test_a_run_cancelled_while_it_waits_for_a_teardown_disturbs_nothing() -> None:
    """A run that waits for an earlier teardown can be cancelled, and the teardown goes on."""
    log: list[str] = []
    closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Slow:
        async def teardown(self) -> None:
            log.append("teardown")
            await closing
            log.append("down")

    workflow = single(going(Stage.DONE), Resources({"a": Slow()}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    while "teardown" not in log:
        await turns()
    late = [asyncio.create_task(workflow.orchestrate(Stage.A)) for _ in range(2)]
    await turns(3)
    for each in late:
        each.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    assert all(each.cancelled() for each in late)
    assert not run.done()
    closing.set_result(None)
    assert await run is Stage.DONE
    assert log == ["teardown", "down"]


async def test_a_failed_set_up_reaches_every_run_that_waits() -> None:
    """Runs that wait for one set-up all get its error, and the next run tries again."""
    log: list[str] = []
    error = ValueError("down for now")
    workflow = single(going(Stage.DONE), Resources({"a": Plain("a", log), "b": Recorder("b", log, setup=error)}))
    ended = await asyncio.gather(*(workflow.orchestrate(Stage.A) for _ in range(3)), return_exceptions=True)
    assert all(each is error for each in ended)
    assert log == ["up a", "setup b", "down a"]
    with pytest.raises(ValueError, match="down for now"):
        await workflow.orchestrate(Stage.A)
    assert log == ["up a", "setup b", "down a"] * 2


async def test_the_exit_sees_the_error_of_the_run_that_failed() -> None:
    """With several runs, an exit sees the one error, or a group of several: one run's success commits no other's failure."""
    seen: list[BaseException | None] = []

    @asynccontextmanager
    async def transaction() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            seen.append(error)
            raise
        seen.append(None)

    gate = Gate()
    workflow = single(gate, Resources({"t": shared(transaction)}))
    for errors in ([], [ValueError("1")], [ValueError("1"), OSError("2")]):
        gate.waiting.clear()
        runs = await started(workflow, gate, 3)
        for future, error in zip(gate.waiting, [*errors, None, None, None], strict=False):
            if error is None:
                future.set_result(Stage.DONE)
            else:
                future.set_exception(error)
        await asyncio.gather(*runs, return_exceptions=True)
    assert seen[0] is None
    assert type(seen[1]) is ValueError
    assert isinstance(seen[2], BaseExceptionGroup)
    assert [type(each) for each in seen[2].exceptions] == [ValueError, OSError]


async def test_the_last_run_hears_of_a_failed_teardown() -> None:
    """The run that waits for the teardown raises what went wrong in it; the others had ended before."""
    gate = Gate()
    runs = await started(single(gate, Resources({"a": Recorder("a", [], teardown=ValueError("t"))})), gate, 2)
    for future in gate.waiting:
        future.set_result(Stage.DONE)
    ended = await asyncio.gather(*runs, return_exceptions=True)
    assert ended[0] is Stage.DONE
    assert isinstance(ended[1], TeardownFailed)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_resource_that_breaks_interrupts_its_runs(count: int) -> None:
    """A background task of a resource dies: every run that uses it ends with its error, and the next run sets up anew."""
    alive: list[asyncio.Future[None]] = []
    log: list[str] = []

    @asynccontextmanager
    async def service() -> AsyncIterator[str]:
        async with asyncio.TaskGroup() as group:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            alive.append(future)

            async def background() -> None:
                await future

            group.create_task(background())
            yield "service"
            future.cancel()

    class Cleans:
        async def __call__(self) -> Stage:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                log.append("cleaned")
            return Stage.DONE

    workflow = single(Cleans(), Resources({"a": Plain("a", log), "s": shared(service)}))
    runs = [asyncio.create_task(workflow.orchestrate(Stage.A)) for _ in range(count)]
    await turns(8)
    alive[0].set_exception(OSError("lost"))
    ended = await asyncio.gather(*runs, return_exceptions=True)
    for each in ended:
        assert isinstance(each, ResourceBroken)
        assert isinstance(each.__cause__, ExceptionGroup)
        assert isinstance(each.__cause__.exceptions[0], OSError)
    assert all(run.cancelling() == 0 for run in runs)
    assert log == ["up a", *["cleaned"] * count, "down a"]
    again = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns(8)
    assert log[-1] == "up a"
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


@pytest.mark.parametrize("apart", [False, True])
async def test_a_broken_resource_of_a_run_and_a_run_inside_it(apart: bool) -> None:
    """A run and one that its task has started, in the same asyncio task or in another, both end; neither waits for the other."""
    handle: list[asyncio.Task[Any]] = []

    @asynccontextmanager
    async def service() -> AsyncIterator[None]:
        owner = asyncio.current_task()
        assert owner is not None
        handle.append(owner)
        yield

    inside = 0
    inner: list[asyncio.Task[Any]] = []

    async def step() -> Stage:
        nonlocal inside
        inside += 1
        if inside == 2:
            await asyncio.sleep(3600)
        if not apart:
            return await workflow.orchestrate(Stage.A)  # type: ignore[no-any-return]
        inner.append(asyncio.create_task(workflow.orchestrate(Stage.A)))
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.wait(inner)
        return Stage.DONE

    workflow = single(step, Resources({"s": shared(service)}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    while inside < 2:
        await turns()
    handle[0].cancel()
    with pytest.raises(ResourceBroken) as caught:
        await run
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    for each in inner:
        error = each.exception()
        assert isinstance(error, ResourceBroken)
        assert isinstance(error.__cause__, asyncio.CancelledError)
    assert run.cancelling() == 0


async def test_a_run_inside_a_run_shares_what_is_up() -> None:
    """A run that a task starts on the same workflow uses what is set up already."""
    log: list[str] = []
    depth = 0

    async def step() -> Stage:
        nonlocal depth
        depth += 1
        return await workflow.orchestrate(Stage.A) if depth < 3 else Stage.DONE  # type: ignore[no-any-return]

    workflow = single(step, Resources({"a": Plain("a", log)}))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert log == ["up a", "down a"]


async def test_a_cancellation_wins_over_a_broken_resource() -> None:
    """If the caller cancels in the same moment as the resource breaks, the caller's cancellation comes out."""
    handle: list[asyncio.Task[Any]] = []

    @asynccontextmanager
    async def service() -> AsyncIterator[None]:
        owner = asyncio.current_task()
        assert owner is not None
        handle.append(owner)
        yield

    async def forever() -> Stage:
        await asyncio.sleep(3600)
        return Stage.DONE

    run = asyncio.create_task(single(forever, Resources({"s": shared(service)})).orchestrate(Stage.A))
    await turns(5)
    handle[0].cancel()
    await turns()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelled()


async def test_own_resources_are_each_run_s_own() -> None:
    """A per_run recipe makes one for each of the overlapping runs, and each is torn down with its run."""
    log: list[str] = []
    made: list[Plain] = []

    def make() -> Plain:
        made.append(Plain(f"own {len(made)}", log))
        return made[-1]

    seen: list[Plain] = []
    gate = Gate()

    async def step(own: Plain) -> Stage:
        seen.append(own)
        return await gate()

    workflow = single(step, Resources({"own": per_run(make)}))
    runs = await started(workflow, gate, 2)
    assert seen == made
    gate.waiting[1].set_result(Stage.DONE)
    await runs[1]
    assert log == ["up own 0", "up own 1", "down own 1"]
    gate.waiting[0].set_result(Stage.DONE)
    await runs[0]
    assert log[-1] == "down own 0"
