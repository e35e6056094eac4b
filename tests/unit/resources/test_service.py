"""``async with workflow``: a service keeps its shared resources up between runs (engine 8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cano.errors import TeardownFailed
from cano.resources import Resources, shared
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


async def test_a_service_keeps_its_resources_up() -> None:
    """``async with workflow`` sets up once for all runs in its body."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", log)}))
    async with workflow as entered:
        assert entered is workflow
        for _ in range(3):
            assert await workflow.orchestrate(Stage.A) is Stage.DONE
        assert log == ["setup a", "up a"]
    assert log == ["setup a", "up a", "teardown a", "down a"]


async def test_a_service_without_a_life_cycle_is_nothing() -> None:
    """``async with workflow`` works, and does nothing, where nothing is to be set up."""
    async with single(going(Stage.DONE)) as workflow:
        assert await workflow.orchestrate(Stage.A) is Stage.DONE


async def test_a_service_s_body_error_reaches_the_exits() -> None:
    """The error of the body is what exits see, and it is not replaced by a failing teardown."""
    seen: list[Any] = []

    @asynccontextmanager
    async def transaction() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            seen.append(error)
            raise

    workflow = single(going(Stage.DONE), Resources({"t": shared(transaction), "b": Plain("b", [], teardown=OSError("late"))}))
    with pytest.raises(LookupError) as caught:
        async with workflow:
            raise LookupError("body")
    assert seen == [caught.value]
    assert any("OSError: late" in note for note in caught.value.__notes__)


async def test_a_service_whose_teardown_fails_says_so() -> None:
    """Leaving a good body raises what went wrong in the teardown."""
    with pytest.raises(TeardownFailed):
        async with single(going(Stage.DONE), Resources({"b": Plain("b", [], teardown=OSError("late"))})):
            pass


async def test_a_service_does_not_collect_the_errors_of_its_runs() -> None:
    """However many runs fail while a service is up, what it keeps of them is bounded."""

    async def failing() -> Stage:
        raise LookupError

    seen: list[Any] = []

    @asynccontextmanager
    async def transaction() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            seen.append(error)
            raise

    workflow = single(failing, Resources({"t": shared(transaction)}))
    async with workflow:
        for _ in range(100):
            with pytest.raises(LookupError):
                await workflow.orchestrate(Stage.A)
    assert len(seen[0].exceptions) == 16


async def test_each_task_leaves_the_body_that_it_entered() -> None:
    """Of two tasks in one service, each leaves its own resources: one those that broke, one those that are new (engine 8)."""
    broke: list[asyncio.Future[None]] = []
    log: list[str] = []

    @asynccontextmanager
    async def service() -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            broke.append(asyncio.get_running_loop().create_future())

            async def background(future: asyncio.Future[None] = broke[-1]) -> None:
                await future

            group.create_task(background())
            log.append("up")
            yield
            broke[-1].cancel()
        log.append("down")

    workflow = single(going(Stage.DONE), Resources({"s": shared(service)}))
    leave = [asyncio.Event(), asyncio.Event()]

    async def body(number: int) -> None:
        async with workflow:
            await leave[number].wait()

    first = asyncio.create_task(body(0))
    await turns(5)
    broke[0].set_exception(OSError("lost"))
    await turns(10)
    second = asyncio.create_task(body(1))
    await turns(5)
    assert log == ["up", "up"]
    leave[0].set()
    with pytest.raises(TeardownFailed):
        await first
    await turns(5)
    assert log == ["up", "up"]
    leave[1].set()
    await second
    assert log == ["up", "up", "down"]


async def test_a_body_may_be_left_by_another_task() -> None:
    """A fixture's two halves may run in two tasks: the second one leaves what the first has entered."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Plain("a", log)}))
    await asyncio.create_task(workflow.__aenter__())
    assert log == ["up a"]
    await asyncio.create_task(workflow.__aexit__(None, None, None))
    assert log == ["up a", "down a"]


async def test_a_body_that_was_not_entered_cannot_be_left() -> None:
    """To leave more often than one has entered is an error that says so."""
    workflow = single(going(Stage.DONE), Resources({"a": Plain("a", [])}))
    async with workflow:
        pass
    with pytest.raises(RuntimeError, match="not entered"):
        await workflow.__aexit__(None, None, None)


async def test_a_service_speaks_of_no_run() -> None:
    """What says that leaving failed speaks of the body, for there was no run that ended well."""
    workflow = single(going(Stage.DONE), Resources({"b": Plain("b", [], teardown=OSError("late"))}))
    with pytest.raises(TeardownFailed, match="body of `async with`") as caught:
        async with workflow:
            pass
    assert caught.value.state is None
    assert "None" not in str(caught.value)


async def test_a_body_s_falsy_error_counts() -> None:
    """An exception that is false as a condition is an error all the same: it comes out, with the failed teardown as a note."""

    class Falsy(Exception):
        def __bool__(self) -> bool:
            return False

    error = Falsy()
    with pytest.raises(Falsy) as caught:
        async with single(going(Stage.DONE), Resources({"b": Plain("b", [], teardown=OSError("late"))})):
            raise error
    assert caught.value is error
    assert any("OSError: late" in note for note in error.__notes__)


async def test_a_cancellation_while_a_body_is_left_keeps_the_body_s_error() -> None:
    """A cancellation during the teardown after a failed body wins, with the body's error as its cause (engine 7)."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", log)}))
    error = LookupError("body")

    async def body() -> Any:
        async with workflow:
            raise error

    task = asyncio.create_task(body())
    while "teardown a" not in log:
        await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.__cause__ is error
    assert log[-1] == "down a"
