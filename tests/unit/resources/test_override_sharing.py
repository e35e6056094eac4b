"""What runs inside and outside of a block of ``override`` both use is set up once (engine 8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cano.errors import ResourceBroken, ResourceInUse, TeardownFailed
from cano.resources import Healthy, Resources, shared
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


class Gates:
    """A task that writes down the names of its resources, and is let go by hand, one run after the other."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.waiting: list[asyncio.Future[Stage]] = []

    async def __call__(self, a: Any, b: Any) -> Stage:
        self.log.append(f"ran {a.name} {b.name}")
        future: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return await future


class Slow:
    """A resource whose set-up and teardown last until the test lets them go on."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def setup(self) -> None:
        self.log.append(f"setup {self.name}")
        await self.gate
        self.log.append(f"up {self.name}")

    async def teardown(self) -> None:
        self.log.append(f"teardown {self.name}")
        await self.gate
        self.log.append(f"down {self.name}")


async def begun(workflow: Workflow[Any], gates: Gates) -> asyncio.Task[Any]:
    """Start a run and wait until it is inside its task."""
    count = len(gates.waiting)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    while len(gates.waiting) == count:
        assert not run.done(), run
        await turns()
    return run


@pytest.mark.parametrize("recipe", [False, True], ids=["object", "recipe"])
async def test_what_is_not_replaced_is_set_up_once_for_a_service_and_the_block(recipe: bool) -> None:
    """Around a block, ``async with workflow`` keeps its resources up: runs in the block use them."""
    log: list[str] = []
    made = shared(lambda: Plain("b", log)) if recipe else Plain("b", log)
    res = Resources({"a": Plain("a", log), "b": made})
    gates = Gates(log)
    workflow = single(gates, res)
    async with workflow:
        with res.override({"a": Plain("new", log)}):
            assert (await res.check_all_health())["b"] == Healthy()
            for _ in range(2):
                run = await begun(workflow, gates)
                gates.waiting[-1].set_result(Stage.DONE)
                await run
        log.append("after")
        run = await begun(workflow, gates)
        gates.waiting[-1].set_result(Stage.DONE)
        await run
    lines = ["up a", "up b", *(["up new", "ran new b", "down new"] * 2), "after", "ran a b", "down b", "down a"]
    assert log == lines


async def test_objects_that_change_places_are_set_up_once() -> None:
    """An object that is up outside is not set up again because it stands under another key in the block."""
    log: list[str] = []
    first, second = Plain("first", log), Plain("second", log)
    res = Resources({"a": first, "b": second})
    workflow = single(going(Stage.DONE), res)
    async with workflow:
        with res.override({"a": second, "b": first}):
            await workflow.orchestrate(Stage.A)
    assert log == ["up first", "up second", "down second", "down first"]


async def test_a_run_that_outlives_the_block_lends_to_those_after_it() -> None:
    """Runs after the block find up what a run of the block still uses; it goes down with the last of all, after the replacement."""
    log: list[str] = []
    res = Resources({"a": Recorder("a", log), "b": Recorder("b", log)})
    gates = Gates(log)
    workflow = single(gates, res)
    with res.override({"a": Recorder("new", log)}):
        first = await begun(workflow, gates)
    second = await begun(workflow, gates)
    gates.waiting[0].set_result(Stage.DONE)
    await turns(10)
    gates.waiting[1].set_result(Stage.DONE)
    await asyncio.gather(first, second)
    short = [line for line in log if not line.startswith(("setup", "teardown"))]
    assert short == ["up new", "up b", "ran new b", "up a", "ran a b", "down a", "down b", "down new"]


async def test_runs_that_begin_at_once_inside_and_outside() -> None:
    """Two runs whose set-ups meet set up once what both use, the later one waiting for the earlier one."""
    log: list[str] = []
    res = Resources({"b": Recorder("b", log), "a": Recorder("a", log)})
    gates = Gates(log)
    workflow = single(gates, res)
    runs = [asyncio.create_task(workflow.orchestrate(Stage.A))]
    await turns()
    for _ in range(2):
        with res.override({"a": Recorder("new", log)}):
            runs.append(asyncio.create_task(workflow.orchestrate(Stage.A)))
            await turns()
    while len(gates.waiting) < 3:
        await turns()
    for future in gates.waiting:
        future.set_result(Stage.DONE)
    await asyncio.gather(*runs)
    ups = [line for line in log if line.startswith("up ")]
    assert ups == ["up b", "up a", "up new", "up new"]
    assert log[-1] == "down b"


@pytest.mark.parametrize("inner", ["fails", "is cancelled"])
async def test_a_set_up_that_ends_badly_takes_nothing_from_others(inner: str) -> None:
    """A run whose replacement cannot be set up, or that is cancelled then, leaves what it borrowed as it was (engine 7)."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log), "b": Plain("b", log)})
    gates = Gates(log)
    workflow = single(gates, res)
    outer = await begun(workflow, gates)
    with res.override({"a": Recorder("new", log, setup=ValueError("no") if inner == "fails" else None)}):
        run = asyncio.create_task(workflow.orchestrate(Stage.A))
        while "setup new" not in log:
            await turns()
        if inner == "is cancelled":
            run.cancel()
        with pytest.raises(ValueError if inner == "fails" else asyncio.CancelledError):
            await run
    assert "down b" not in log
    gates.waiting[0].set_result(Stage.DONE)
    assert await outer is Stage.DONE
    assert log[-2:] == ["down b", "down a"]
    assert log.count("up b") == 1


async def test_a_run_in_the_block_waits_for_a_teardown_outside() -> None:
    """While the last run outside tears down, a run in the block waits, and then sets up for itself, whatever went wrong there."""
    log: list[str] = []
    slow = Slow("a", log)
    slow.gate.set_result(None)
    res = Resources({"a": slow, "b": Plain("b", log, teardown=ValueError("late"))})
    gates = Gates(log)
    workflow = single(gates, res)
    outer = await begun(workflow, gates)
    slow.gate = asyncio.get_running_loop().create_future()
    gates.waiting[0].set_result(Stage.DONE)
    await turns(10)
    with res.override({"a": Plain("new", log)}):
        inner = asyncio.create_task(workflow.orchestrate(Stage.A))
        await turns(10)
    assert log[-2:] == ["down b", "teardown a"]
    slow.gate.set_result(None)
    with pytest.raises(TeardownFailed):
        await outer
    while len(gates.waiting) < 2:
        await turns()
    gates.waiting[1].set_result(Stage.DONE)
    with pytest.raises(TeardownFailed):
        await inner
    short = [line for line in log if not line.startswith(("setup", "teardown"))]
    assert short == ["up a", "up b", "ran a b", "down b", "down a", "up new", "up b", "ran new b", "down b", "down new"]


async def test_the_last_run_hears_of_a_teardown_that_it_only_borrowed() -> None:
    """A teardown that fails is raised by the last run that used the resource, also if that had borrowed it."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log), "b": Plain("b", log, teardown=ValueError("late"))})
    gates = Gates(log)
    workflow = single(gates, res)
    outer = await begun(workflow, gates)
    with res.override({"a": Plain("new", log, teardown=OSError("too"))}):
        inner = await begun(workflow, gates)
    gates.waiting[0].set_result(Stage.DONE)
    assert await outer is Stage.DONE
    gates.waiting[1].set_result(Stage.DONE)
    with pytest.raises(TeardownFailed) as caught:
        await inner
    assert [str(each) for each in caught.value.exceptions] == ["too", "late"]


async def test_a_failed_set_up_outside_is_tried_again_in_the_block() -> None:
    """A run in the block that waits for a set-up outside which fails does not fail with it, but begins when all is down."""
    log: list[str] = []
    failing = Slow("a", log)
    res = Resources({"b": Plain("b", log), "a": failing})
    gates = Gates(log)
    workflow = single(gates, res)
    outer = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns(5)
    with res.override({"a": Plain("new", log)}):
        inner = asyncio.create_task(workflow.orchestrate(Stage.A))
        await turns(5)
    assert log == ["up b", "setup a"]
    failing.gate.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await outer
    while not gates.waiting:
        await turns()
    gates.waiting[0].set_result(Stage.DONE)
    assert await inner is Stage.DONE
    assert log == ["up b", "setup a", "down b", "up b", "up new", "ran new b", "down new", "down b"]


async def test_the_exit_sees_the_error_of_a_run_that_borrowed() -> None:
    """What was set up outside hears at its end of the run in the block that failed (E4)."""
    seen: list[BaseException] = []

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Any]:
        try:
            yield Plain("b", [])
        except BaseException as error:
            seen.append(error)
            raise

    res = Resources({"a": Plain("a", []), "b": shared(transaction)})
    gates = Gates([])
    workflow = single(gates, res)
    error = LookupError("mine")
    async with workflow:
        with res.override({"a": Plain("new", [])}):
            run = await begun(workflow, gates)
        gates.waiting[0].set_exception(error)
        with pytest.raises(LookupError):
            await run
    assert seen == [error]


class Breaks:
    """Makes a resource whose background task the test lets die."""

    def __init__(self) -> None:
        self.broke: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        async with asyncio.TaskGroup() as group:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.broke.append(future)

            async def background() -> None:
                await future

            background_task = group.create_task(background())
            yield Plain("b", [])
            background_task.cancel()


def root(error: BaseException) -> BaseException:
    """Return the error at the end of the causes, out of its groups."""
    while error.__cause__ is not None or isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    return error


async def test_a_borrowed_resource_that_breaks_interrupts_who_borrowed_it() -> None:
    """The runs in the block hear of it as the others do, with the resource's own error at the end of the causes (engine 8)."""
    service = Breaks()
    log: list[str] = []
    res = Resources({"a": Plain("a", log), "b": shared(service)})
    gates = Gates(log)
    workflow = single(gates, res)
    outer = await begun(workflow, gates)
    with res.override({"a": Plain("new", log)}):
        runs = [await begun(workflow, gates) for _ in range(2)]
    service.broke[0].set_exception(OSError("lost"))
    ended = await asyncio.gather(outer, *runs, return_exceptions=True)
    for each in ended:
        assert type(each) is ResourceBroken
        assert isinstance(root(each), OSError)
    assert not any(run.cancelling() for run in (outer, *runs))
    assert {"down a", "down new"} <= {*log}


async def test_what_broke_is_not_borrowed() -> None:
    """A run that begins in a block while those outside still leave what broke waits, and makes its own (engine 8)."""
    service = Breaks()
    leave = asyncio.Event()

    async def lingers(a: Any, b: Any) -> Stage:
        try:
            await asyncio.sleep(3600)
        finally:
            await leave.wait()
        return Stage.DONE

    res = Resources({"a": Plain("a", []), "b": shared(service)})
    outer = asyncio.create_task(single(lingers, res).orchestrate(Stage.A))
    await turns(10)
    service.broke[0].set_exception(OSError("lost"))
    await turns(10)
    with res.override({"a": Plain("new", [])}):
        inner = asyncio.create_task(single(going(Stage.DONE), res).orchestrate(Stage.A))
        await turns(10)
    assert not inner.done()
    leave.set()
    with pytest.raises(ResourceBroken):
        await outer
    assert await inner is Stage.DONE
    assert len(service.broke) == 2


async def test_a_run_in_a_run_across_the_block_whose_resource_breaks() -> None:
    """When what both use breaks, the inner run does not wait for the outer one, which waits for it (engine 8)."""
    service = Breaks()
    res = Resources({"a": Plain("a", []), "b": shared(service)})
    gates = Gates([])
    inner = single(gates, res)

    async def outer() -> Any:
        with res.override({"a": Plain("new", [])}):
            return await inner.orchestrate(Stage.A)

    run = asyncio.create_task(single(outer, res).orchestrate(Stage.A))
    while not gates.waiting:
        await turns()
    service.broke[0].set_exception(OSError("lost"))
    with pytest.raises(ResourceBroken) as caught:
        await asyncio.wait_for(run, 5)
    assert isinstance(root(caught.value), OSError)
    assert not run.cancelling()


async def test_a_run_in_a_run_across_the_block() -> None:
    """A run that starts another one in a block, or after it, shares with it, and neither waits for the other's end."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log), "b": Plain("b", log)})
    inner = single(going(Stage.DONE), res)

    async def outer() -> Any:
        with res.override({"a": Plain("new", log)}):
            return await inner.orchestrate(Stage.A)

    assert await asyncio.wait_for(single(outer, res).orchestrate(Stage.A), 5) is Stage.DONE
    assert log == ["up a", "up b", "up new", "down new", "down b", "down a"]
    log.clear()
    block = res.override({"a": Plain("new", log)})

    async def leaving() -> Any:
        block.__exit__(None, None, None)
        return await inner.orchestrate(Stage.A)

    workflow = single(leaving, res)
    block.__enter__()
    assert await asyncio.wait_for(workflow.orchestrate(Stage.A), 5) is Stage.DONE
    assert log == ["up new", "up b", "up a", "down a", "down b", "down new"]


async def test_a_block_in_a_set_up_waits_for_nobody() -> None:
    """A run in a block that its own resource's set-up or teardown opens would wait for that for ever, so it is refused."""
    refused: list[str] = []

    class Starts:
        async def setup(self) -> None:
            with res.override({"a": 2}), pytest.raises(ResourceInUse, match="from the set-up or teardown of these"):
                await inner.orchestrate(Stage.A)
            refused.append("once")

        teardown = setup

    res = Resources({"a": 1, "b": Starts()})
    inner = single(going(Stage.DONE), res)
    assert await asyncio.wait_for(inner.orchestrate(Stage.A), 5) is Stage.DONE
    assert refused == ["once", "once"]


async def test_another_event_loop_borrows_nothing() -> None:
    """A run in a block in another event loop is refused while runs here hold what it would share."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log), "b": Plain("b", log)})
    workflow = single(going(Stage.DONE), res)
    async with workflow:
        with res.override({"a": Plain("new", log)}), pytest.raises(ResourceInUse, match="another event loop"):
            await asyncio.to_thread(workflow.orchestrate_sync, Stage.A)
        with res.override({"a": Plain("new", log), "b": Plain("other", log)}):
            assert await asyncio.to_thread(workflow.orchestrate_sync, Stage.A) is Stage.DONE
    assert log == ["up a", "up b", "up new", "up other", "down other", "down new", "down b", "down a"]
