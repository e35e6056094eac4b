"""What resources raise that looks like the engine's own: CancelledError, GeneratorExit (engine 7 and 8)."""

import asyncio
from typing import Any

import pytest

from cano.errors import ResourceBroken, ResourceInUse, TeardownFailed
from cano.resources import Resources, per_run, shared
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


class Raising:
    """A resource whose set-up or teardown raises."""

    def __init__(self, *, setup: BaseException | None = None, teardown: BaseException | None = None) -> None:
        self._setup = setup
        self._teardown = teardown

    async def setup(self) -> None:
        """Raise what is to be raised."""
        if self._setup is not None:
            raise self._setup

    async def teardown(self) -> None:
        """Raise what is to be raised."""
        if self._teardown is not None:
            raise self._teardown


class Background:
    """The commonest resource that gets it wrong: it awaits the task that it has cancelled."""

    async def setup(self) -> None:
        """Begin the background task."""
        self.task = asyncio.ensure_future(asyncio.get_running_loop().create_future())

    async def teardown(self) -> None:
        """End it, with its CancelledError."""
        self.task.cancel()
        await self.task


def placed(own: bool, make: Any) -> Any:
    """Return a recipe, shared or of the run's own."""
    return per_run(make) if own else shared(make)


each_place = pytest.mark.parametrize("own", [False, True])


@each_place
async def test_a_teardown_s_own_cancellation_is_a_failure(own: bool) -> None:
    """A teardown that raises CancelledError though nobody cancelled fails like any other, and the run is not cancelled."""
    log: list[str] = []
    res = Resources({"a": placed(own, lambda: Plain("a", log)), "b": placed(own, Background)})
    run = asyncio.create_task(single(going(Stage.DONE), res).orchestrate(Stage.A))
    with pytest.raises(TeardownFailed) as caught:
        await run
    [failure] = caught.value.exceptions
    assert isinstance(failure, ResourceBroken)
    assert failure.key == "b"
    assert isinstance(failure.__cause__, asyncio.CancelledError)
    assert "resource 'b': its teardown raised CancelledError" in str(failure)
    assert any("resource 'b'" in note for note in failure.__notes__)
    assert log == ["up a", "down a"]
    assert not run.cancelled()


@each_place
async def test_a_set_up_s_own_cancellation_is_a_failure(own: bool) -> None:
    """A set-up that raises CancelledError though nobody cancelled is an error that names the resource, and what was up is down."""
    log: list[str] = []
    wrong = Raising(setup=asyncio.CancelledError("mine"))
    res = Resources({"a": placed(own, lambda: Plain("a", log)), "b": placed(own, lambda: wrong)})
    with pytest.raises(ResourceBroken, match="resource 'b': its set-up raised CancelledError") as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert caught.value.key == "b"
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert log == ["up a", "down a"]


@each_place
async def test_a_resource_s_own_cancellation_in_a_cancelled_task(own: bool) -> None:
    """In a task that handles its own cancellation, a resource's CancelledError is told from the one that has been delivered."""
    workflow = single(going(Stage.DONE), Resources({"b": placed(own, Background)}))
    ended: list[BaseException] = []

    async def main() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            with pytest.raises(TeardownFailed) as caught:
                await workflow.orchestrate(Stage.A)
            ended.append(caught.value)
            raise

    task = asyncio.create_task(main())
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


@each_place
async def test_a_cancellation_during_the_teardown_is_the_caller_s(own: bool) -> None:
    """A cancellation that arrives in the teardown of a good run comes out as itself."""
    log: list[str] = []
    run = asyncio.create_task(
        single(going(Stage.DONE), Resources({"a": placed(own, lambda: Recorder("a", log))})).orchestrate(Stage.A)
    )
    while "teardown a" not in log:
        await turns()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelled()


async def test_a_cancelled_run_does_not_interrupt_a_roll_back() -> None:
    """A set-up has failed and what was up is being torn down: the last run's cancellation waits for that (RS-10, engine 8)."""
    log: list[str] = []
    leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Slow:
        async def teardown(self) -> None:
            log.append("teardown")
            try:
                await leave
            except BaseException:
                log.append("interrupted")
                raise
            log.append("down")

    error = ValueError("b")
    run = asyncio.create_task(single(going(Stage.DONE), Resources({"a": Slow(), "b": Raising(setup=error)})).orchestrate(Stage.A))
    while not log:
        await turns()
    run.cancel()
    await turns(5)
    assert not run.done()
    leave.set_result(None)
    with pytest.raises(asyncio.CancelledError) as caught:
        await run
    assert caught.value.__cause__ is error
    assert log == ["teardown", "down"]


async def test_an_interrupted_set_up_leaves_no_cancellation_behind() -> None:
    """A set-up that is ended because nobody waits any more leaves a count of none to the teardowns after it."""
    counts: list[int] = []

    class Counts:
        async def teardown(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            counts.append(task.cancelling())

    class Swallows:
        async def setup(self) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                counts.append(-1)

    run = asyncio.create_task(single(going(Stage.DONE), Resources({"a": Counts(), "b": Swallows()})).orchestrate(Stage.A))
    await turns(4)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert counts == [-1, 0]


async def test_a_run_that_is_thrown_away_at_once_blocks_nobody() -> None:
    """A run whose coroutine is closed before the owner's first step lets the next run set up."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Plain("a", log)}))

    async def main() -> None:
        run = workflow.orchestrate(Stage.A)
        run.send(None)
        run.close()
        await workflow.orchestrate(Stage.A)

    await asyncio.create_task(main())
    assert log[-2:] == ["up a", "down a"]


@pytest.mark.parametrize("how", ["direct", "task", "service", "around"])
@pytest.mark.parametrize("moment", ["setup", "teardown"])
async def test_a_run_from_a_life_cycle_on_the_same_resources_is_refused(moment: str, how: str) -> None:
    """A set-up or teardown that runs a workflow on its own container would wait for itself: that is an error (engine 8)."""
    refused: list[ResourceInUse] = []

    async def attempt() -> None:
        if how == "service":
            async with workflow:
                raise AssertionError
        elif how == "task":
            await asyncio.create_task(workflow.orchestrate(Stage.A))
        elif how == "around":
            await single(going(Stage.DONE), Resources({"other": Nested()})).orchestrate(Stage.A)
        else:
            await workflow.orchestrate(Stage.A)

    class Nested:
        async def setup(self) -> None:
            await workflow.orchestrate(Stage.A)

    class Uses:
        async def run(self) -> None:
            try:
                await attempt()
            except ResourceInUse as error:
                refused.append(error)

    setattr(Uses, moment, Uses.run)
    workflow = single(going(Stage.DONE), Resources({"a": Uses()}))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert "set-up or teardown of these very resources" in str(refused[0])


async def test_a_background_task_of_a_resource_may_run_workflows() -> None:
    """What a set-up has started in the background may run on the same resources once these are up."""
    go = asyncio.Event()

    class Scheduler:
        async def setup(self) -> None:
            self.task = asyncio.create_task(self.work())

        async def work(self) -> Any:
            await go.wait()
            return await workflow.orchestrate(Stage.A)

        async def teardown(self) -> None:
            assert self.task.done()

    scheduler = Scheduler()
    workflow = single(going(Stage.DONE), Resources({"s": scheduler}))
    async with workflow:
        go.set()
        assert await scheduler.task is Stage.DONE


@each_place
@pytest.mark.parametrize("moment", ["setup", "teardown"])
async def test_a_generator_exit_of_a_resource_is_like_any_exception(moment: str, own: bool) -> None:
    """A GeneratorExit that a set-up or teardown raises by itself does not stop the teardowns before it, and comes out (RS-11)."""
    log: list[str] = []
    error = GeneratorExit(moment)
    wrong = Raising(setup=error) if moment == "setup" else Raising(teardown=error)
    res = Resources({"a": placed(own, lambda: Recorder("a", log)), "b": placed(own, lambda: wrong)})
    with pytest.raises(GeneratorExit) as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert caught.value is error
    assert log == ["setup a", "up a", "teardown a", "down a"]


@each_place
async def test_a_generator_exit_of_a_task_tears_down(own: bool) -> None:
    """A task that raises GeneratorExit has not thrown the run away: all is torn down in full, and it comes out."""
    log: list[str] = []

    async def fail() -> Stage:
        raise GeneratorExit

    with pytest.raises(GeneratorExit):
        await single(fail, Resources({"a": placed(own, lambda: Recorder("a", log))})).orchestrate(Stage.A)
    assert log == ["setup a", "up a", "teardown a", "down a"]
