"""A reader that goes away ends the run of its stream, wherever both are (engine 10)."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from cano.ports import Event
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, forever, myself
from tests.unit.splits import others, task_factory
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns
from tests.unit.watching import Log, chain, read, told, until


def with_resources(down: list[str], log: Log) -> Workflow[Any]:
    """Make a workflow of a task, a split and resources, all of which suspend."""

    async def first() -> Stage:
        await turns(2)
        return Stage.B

    async def branch() -> None:
        await turns(2)

    resources = Resources({"shared": Recorder("shared", down), "own": per_run(lambda: Recorder("own", down))})
    workflow = Workflow(resources, state=Stage, observers=[log], clock=FakeClock()).register(Stage.A, task(to=Stage.B)(first))
    return workflow.register_split(Stage.B, [branch, branch], to=Stage.DONE).add_exit_state(Stage.DONE)


async def leave(stream: AsyncGenerator[Event, None], way: str, number: int) -> None:
    """Read so many events, and leave in this way."""
    count = 0
    async with aclosing(stream) as events:
        async for _ in events:
            count += 1
            if count == number:
                if way == "break":
                    return
                if way == "raise":
                    raise LookupError("the reader's")
                if way == "cancel":
                    myself().cancel()
                    await turns(1)
                asyncio.get_running_loop().call_soon(myself().cancel)  # it falls where the reader waits next


async def outcome_of_leaving(stream: AsyncGenerator[Event, None], way: str, number: int) -> Any:
    """Leave, and return what comes out of it."""
    caller = Caller(leave(stream, way, number))
    await until(lambda: caller.task.done())
    return caller.outcome


OUTCOMES = {"break": [type(None)], "raise": [LookupError], "cancel": [asyncio.CancelledError]}


@pytest.mark.parametrize("way", ["break", "raise", "cancel", "cancel where it waits"])
@pytest.mark.parametrize("buffer", [1, 256])
async def test_a_reader_that_leaves_at_each_event(way: str, buffer: int) -> None:
    """The run is cancelled if it is not over; when the reader is gone all is torn down, and no task is left."""
    for number in range(1, 12):
        down: list[str] = []
        log = Log()
        workflow = with_resources(down, log)
        caller = Caller(leave(workflow.stream(Stage.A, buffer=buffer), way, number))
        await until(lambda caller=caller: caller.task.done())  # type: ignore[misc]
        assert type(caller.outcome) in OUTCOMES.get(way, [asyncio.CancelledError, type(None)])
        assert caller.cancelling == isinstance(caller.outcome, asyncio.CancelledError)
        word = "teardown" if "cancel" in way else "down"  # which the caller's cancellation may interrupt, and to leave may not
        for name in ("shared", "own"):
            assert down.count(f"up {name}") == down.count(f"{word} {name}")
        assert (log.lines[0], log.lines[-1].split()[0]) == ("run", "over")
        assert sum(line.startswith("task") for line in log.lines) == sum(line.startswith("end") for line in log.lines)
        assert await others() == []
        assert await workflow.orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize("way", ["closed", "collected"])
async def test_a_stream_that_is_closed_after_each_event(way: str) -> None:
    """By hand the run is over when the closing is; one that is collected is closed soon after. To close it again does nothing."""
    for number in range(12):
        down: list[str] = []
        log = Log()
        stream = with_resources(down, log).stream(Stage.A, buffer=1)
        for _ in range(number):
            await anext(stream)
        if way == "closed":
            await stream.aclose()
            await stream.aclose()
        else:
            del stream
            gc.collect()
            await until(lambda log=log: not log.lines or log.lines[-1].startswith("over"))  # type: ignore[misc]
        assert bool(log.lines) == bool(number)
        assert not number or log.lines[-1].startswith("over")
        assert down.count("up shared") == down.count("down shared")
        assert await others() == []


async def test_a_run_that_nobody_reads_does_not_begin() -> None:
    """A stream that is never read runs nothing, and nothing warns that it was not awaited."""
    log = Log()
    stream = single(going(Stage.DONE), observers=[log]).stream(Stage.A)
    await turns(3)
    await stream.aclose()
    single(going(Stage.DONE), observers=[log]).stream(Stage.A)
    gc.collect()
    assert log.lines == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_teardown_when_the_reader_leaves(fails: bool) -> None:
    """Closing waits for it, and if it fails, the error is noted on the cancellation, which nobody is told."""
    down: list[str] = []
    resources = Resources({"own": per_run(lambda: Plain("own", down, teardown=OSError("down") if fails else None))})
    stream = single(forever, resources).stream(Stage.A)
    await anext(stream)
    await until(lambda: down == ["up own"])
    await stream.aclose()
    assert down == ["up own", "down own"]


async def makes_an_error() -> Stage:
    """Make an error, with a context of its own, of the cancellation."""
    try:
        return await forever()  # type: ignore[no-any-return]
    except asyncio.CancelledError:
        try:
            raise OSError("first")
        except OSError:
            raise LookupError("the run's")  # noqa: B904


@pytest.mark.parametrize("way", ["close", "break", "raise", "throw"])
async def test_a_run_that_fails_when_its_reader_leaves(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """The reader keeps what it leaves with, and the run's error is logged as it was."""
    stream = single(makes_an_error).stream(Stage.A)
    if way in ("break", "raise"):
        outcome = await outcome_of_leaving(stream, way, 3)
        assert repr(outcome) == {"break": "None", "raise": repr(LookupError("the reader's"))}[way]
    else:
        for _ in range(3):
            await anext(stream)
        if way == "close":
            await stream.aclose()
        else:
            with pytest.raises(LookupError, match="the reader's"):
                await stream.athrow(LookupError("the reader's"))
    (said,) = [record for record in caplog.records if record.name == "cano"]
    assert "reader had left" in said.getMessage()
    assert said.exc_info is not None
    assert repr(said.exc_info[1]) == repr(LookupError("the run's"))
    assert isinstance(said.exc_info[1].__context__, OSError)  # type: ignore[union-attr]


@pytest.mark.parametrize("way", ["break", "raise"])
async def test_a_reader_that_leaves_a_run_that_has_failed(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """It keeps what it leaves with; the error is logged, unless the last event has told it."""
    for number in range(1, 6):
        caplog.clear()

        async def fail() -> Stage:
            raise OSError("the run's")

        stream = single(fail).stream(Stage.A)
        outcome = await outcome_of_leaving(stream, way, number)
        assert type(outcome) is {"break": type(None), "raise": LookupError}[way]
        said = [record for record in caplog.records if record.name == "cano"]
        assert len(said) == (number < 5)


async def test_a_cancelled_reader_of_a_run_that_fails_gets_its_error_as_the_cause() -> None:
    """It is the reader's own cancellation."""
    outcome = await outcome_of_leaving(single(makes_an_error).stream(Stage.A), "cancel where it waits", 3)
    assert type(outcome) is asyncio.CancelledError
    assert isinstance(outcome.__cause__, LookupError)


async def test_what_is_no_error_wins_over_what_the_reader_leaves_with() -> None:
    """As it does everywhere."""

    class Stop(BaseException):
        pass

    async def step() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            raise Stop from None

    assert type(await outcome_of_leaving(single(step).stream(Stage.A), "raise", 3)) is Stop


async def test_a_run_whose_reader_has_left_keeps_nothing_for_it() -> None:
    """A task that swallows the cancellation goes on, and waits for no reader; its events are dropped."""
    log = Log()
    again = iter(range(500))

    @task(to=[Stage.A, Stage.DONE])
    async def stubborn() -> Stage:
        with suppress(asyncio.CancelledError):
            await turns(9)
        return Stage.DONE if next(again, None) is None else Stage.A

    stream: Any = single(stubborn, observers=[log]).stream(Stage.A)
    await anext(stream)
    await until(lambda: "task A" in log.lines)
    events = stream.ag_frame.f_locals["events"]
    closing = asyncio.create_task(stream.aclose())
    await until(lambda: len(log.lines) > 600, 9000)
    assert len(events._events) == 0
    await closing
    assert log.lines[-1] == "over DONE"


async def test_a_reader_that_is_cancelled_again_while_it_closes() -> None:
    """The run is cancelled once and waited for all the same."""
    hits = 0

    async def slow() -> Stage:
        nonlocal hits
        try:
            return await forever()  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            hits += 1
            await turns(6)
            raise

    log = Log()
    reader = asyncio.create_task(read(single(slow, observers=[log]).stream(Stage.A)))
    await until(lambda: "task A" in log.lines)
    for _ in range(4):
        await turns(2)
        reader.cancel()
    await asyncio.wait((reader,))
    assert reader.cancelled()
    assert hits == 1
    assert log.lines[-1] == "over CancelledError"


async def test_a_reader_s_own_timeout() -> None:
    """``asyncio.timeout`` around the reading ends the run, and is a TimeoutError outside."""
    log = Log()

    async def too_long() -> Any:
        timeout.reschedule(0)  # which is over
        return await forever()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            await read(single(too_long, observers=[log]).stream(Stage.A))
    assert log.lines[-1] == "over CancelledError"
    assert myself().cancelling() == 0


async def test_a_read_that_is_cancelled_ends_the_run() -> None:
    """So does a timeout for one event: the stream is over then."""
    log = Log()
    stream = single(forever, observers=[log]).stream(Stage.A)
    for _ in range(3):
        await anext(stream)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.01)
    assert log.lines[-1] == "over CancelledError"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_second_reader_is_refused() -> None:
    """By Python, as with any generator, and the first one reads on."""
    held = asyncio.get_running_loop().create_future()

    async def step() -> Stage:
        await held
        return Stage.DONE

    stream = single(step).stream(Stage.A)
    first = asyncio.create_task(read(stream))
    await turns(5)
    with pytest.raises(RuntimeError, match="already running"):
        await anext(stream)
    with pytest.raises(RuntimeError, match="already running"):
        await stream.aclose()
    held.set_result(None)
    assert told(await first)[-1] == "over DONE"


@pytest.mark.parametrize("late", [False, True])
async def test_a_task_factory_that_raises(late: bool) -> None:
    """Its error comes out of the stream, nothing has run, and nothing warns."""
    log = Log()

    def refuse(*_: Any, **__: Any) -> Any:
        raise LookupError("no task")

    stream = single(going(Stage.DONE), observers=[log]).stream(Stage.A)
    with task_factory(refuse), pytest.raises(LookupError, match="no task"):
        await anext(stream)
    gc.collect()
    assert log.lines == []
    if late:
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_events_of_a_failed_run_that_nobody_reads_make_no_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that leaves with the errors of the run unread lets them die."""
    monkeypatch.setattr(logging.getLogger("cano"), "disabled", True)

    class Mine(Exception):
        pass

    async def fail() -> Stage:
        await turns(1)  # an eager task that fails in its first step is a cycle of asyncio's
        raise Mine

    def alive() -> int:
        return sum(type(each) is Mine for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        stream = single(fail).stream(Stage.A)
        await anext(stream)
        await turns(5)
        await stream.aclose()
        del stream
        await turns(3)
        assert alive() == 0
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # of asyncio's own
def test_a_loop_that_is_closed_amid_a_stream() -> None:
    """It hangs nowhere, and the workflow streams in the next loop."""
    log = Log()
    workflow = chain(5, log)
    for stop in range(1, 20):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)
        reader = loop.create_task(read(workflow.stream(0, buffer=1)))
        for _ in range(stop):
            loop.call_soon(loop.stop)
            loop.run_forever()
        loop.close()
        del reader
        gc.collect()
        assert told(asyncio.run(read(workflow.stream(0))))[-1].startswith("over")


async def test_a_reader_in_a_task_of_its_own() -> None:
    """A child task reads while the parent waits for it, and its cancellation ends the run."""
    log = Log()
    async with asyncio.TaskGroup() as group:
        reader = group.create_task(read(single(forever, observers=[log]).stream(Stage.A)))
        await until(lambda: "task A" in log.lines)
        reader.cancel()
    assert log.lines[-1] == "over CancelledError"
    caller = Caller(read(single(going(Stage.DONE)).stream(Stage.A)))
    await until(lambda: caller.task.done())
    assert len(await caller.ended()) == 6
