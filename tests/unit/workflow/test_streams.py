"""A stream gives the events of one run to one reader, which the run waits for (engine 10)."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from cano._turn import begins_at_once
from cano.errors import EventLoopMisuse, ResourceNotFound, RunCancelled, RunTimeout, StateUnknown, TeardownFailed, WorkflowInvalid
from cano.ports import Event, RunEnded, StateEntered, TaskRetried
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.callers import myself
from tests.unit.stages import Plain, Stage, going, single, turns
from tests.unit.watching import Log, chain, observer_of, read, told, until, whole_workflow


@pytest.mark.parametrize("buffer", [1, 2, 5, 256])
async def test_the_events_are_those_of_an_observer(buffer: int) -> None:
    """The same records in the same order, however many may wait; the last one is the end of the run."""
    log = Log()
    events = await read(whole_workflow(log).stream(Stage.A, buffer=buffer))
    assert events == log.events
    assert all(mine.run is theirs.run for mine, theirs in zip(events, log.events, strict=True))
    last = events[-1]
    assert isinstance(last, RunEnded)
    assert last.state is Stage.DONE


async def test_a_stream_of_a_workflow_without_observers() -> None:
    """It needs none, and other runs of the workflow stay what they are."""
    workflow = single(going(Stage.DONE))
    assert told(await read(workflow.stream(Stage.A))) == ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize("buffer", [1, 256])
async def test_a_run_that_fails_raises_after_its_last_event(buffer: int) -> None:
    """The reader sees RunEnded with the error, and then gets it."""

    async def fail() -> Stage:
        raise LookupError("mine")

    events: list[Event] = []
    with pytest.raises(LookupError) as caught:
        await read(single(fail).stream(Stage.A, buffer=buffer), events)
    assert told(events) == ["run", "enter A", "task A", "end A LookupError", "over LookupError"]
    assert events[-1].error is caught.value  # type: ignore[union-attr]


async def test_a_run_that_ends_by_a_cancellation_of_its_own() -> None:
    """It comes out of the stream as it comes out of the run, and the reader itself is not cancelled."""

    async def cancelled() -> Stage:
        raise asyncio.CancelledError

    events: list[Event] = []
    with pytest.raises(asyncio.CancelledError):
        await read(single(cancelled).stream(Stage.A), events)
    assert told(events)[-1] == "over CancelledError"
    assert myself().cancelling() == 0
    await turns(2)


# The reader is slow.


def most_waiting(buffer: int, per_state: int) -> int:
    """Say how many events may wait: the buffer, one state's, and those of the exit."""
    return buffer - 1 + per_state + 3


@pytest.mark.parametrize("buffer", [1, 4, 16])
async def test_a_run_waits_for_its_reader(buffer: int) -> None:
    """It stays at a boundary while there is no room, and goes on when there is: nothing is lost, and never too much waits."""
    log = Log()
    stream = chain(100, log).stream(0, buffer=buffer)
    events = []
    async for event in stream:
        events.append(event)
        await turns(3)
        assert len(log.events) - len(events) <= most_waiting(buffer, 3)
        assert len(log.events) - len(events) >= min(buffer, 303 - len(events)) - 1  # it goes ahead as far as it may
    assert events == log.events
    assert len(events) == 303


@pytest.mark.parametrize("bulkhead", [None, 1, 3])
@pytest.mark.parametrize("nested", [False, True])
async def test_branches_wait_for_the_reader(nested: bool, bulkhead: int | None) -> None:
    """Those that have begun go on, and their events come on top; no further one begins while there is no room."""
    log = Log()

    async def branch() -> Stage:
        return Stage.DONE

    each = single(branch).as_task(Stage.A) if nested else branch
    workflow = Workflow(state=Stage, observers=[log], clock=FakeClock())
    workflow.register_split(Stage.A, [each] * 50, to=Stage.B, bulkhead=bulkhead)
    workflow.register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
    events = []
    per_branch = 8 if nested else 2
    async for event in workflow.stream(Stage.A, buffer=4):
        events.append(event)
        await turns(8)
        at_once = per_branch * (50 if lazy() and bulkhead is None else bulkhead or 1)  # else a branch is over when it has begun
        assert len(log.events) - len(events) <= most_waiting(4, 3 + at_once)
    assert events == log.events
    assert len(events) == 9 + per_branch * 50


def lazy() -> bool:
    """Tell whether tasks begin in the next turn of the loop only."""
    return not begins_at_once(asyncio.get_running_loop())


async def split_that_waits(
    join: Join, *, fails: bool = False, **options: Any
) -> tuple[AsyncGenerator[Event, None], Log, FakeClock, "asyncio.Future[None]"]:
    """Begin a stream of a split whose first branch is under way, and whose second one waits for the reader."""
    log, clock = Log(), FakeClock()
    held = asyncio.get_running_loop().create_future()

    async def first() -> None:
        await held

    async def second() -> None:
        if fails:
            raise OSError

    workflow = Workflow(state=Stage, observers=[log], clock=clock)
    workflow.register_split(Stage.A, [first, *[second] * 300], to=Stage.DONE, join=join, **options).add_exit_state(Stage.DONE)
    stream = workflow.stream(Stage.A, buffer=3)
    await anext(stream)
    await until(lambda: "task A0" in log.lines)
    await turns(5)
    assert "task A299" not in log.lines
    return stream, log, clock, held


async def test_a_split_that_is_decided_waits_for_no_reader() -> None:
    """What has not begun by then never begins."""
    stream, log, _, held = await split_that_waits(Join.any(), fails=True)
    held.set_result(None)
    await turns(5)
    assert "end A" in log.lines
    assert "task A299" not in log.lines
    assert told([*await read(stream)])[-1] == "over DONE"


async def test_the_timeout_of_a_split_goes_on_while_it_waits_for_the_reader() -> None:
    """And ends the wait."""
    stream, log, clock, _ = await split_that_waits(Join.all(), timeout=5)
    await clock.advance(6)
    await turns(5)
    assert "end A SplitFailed" in log.lines
    with pytest.raises(ExceptionGroup):
        await read(stream)
    assert "task A299" not in log.lines


async def test_a_cancellation_while_a_split_waits_for_the_reader() -> None:
    """It comes out there, and the branches that have begun are cancelled; so it is when the reader leaves."""
    stream, log, _, held = await split_that_waits(Join.all())
    await stream.aclose()
    assert held.cancelled()
    assert log.lines[-1] == "over CancelledError"
    assert "task A299" not in log.lines


async def test_attempts_wait_for_the_reader() -> None:
    """Before each further attempt, of a task and of a branch."""
    log = Log()
    calls = 0

    async def flaky() -> None:
        nonlocal calls
        calls += 1
        raise OSError

    retry = Retry(20, delay=0)
    workflow = Workflow(state=Stage, observers=[log], clock=FakeClock())
    workflow.register_split(Stage.A, [Branch(flaky, retry=retry)], to=Stage.DONE).add_exit_state(Stage.DONE)
    events: list[Event] = []

    async def slowly() -> None:
        async for event in workflow.stream(Stage.A, buffer=1):
            events.append(event)
            await turns(5)
            if isinstance(event, TaskRetried):
                assert calls <= event.attempt + 1

    with pytest.raises(ExceptionGroup):
        await slowly()
    assert sum(isinstance(event, TaskRetried) for event in events) == 19
    assert events == log.events


@pytest.mark.parametrize("branch", [False, True])
async def test_a_task_that_fails_again_and_again_waits_for_the_reader(branch: bool) -> None:
    """While nobody reads it makes no further attempt."""
    calls = 0

    @task(retry=Retry(50, delay=0))
    async def flaky() -> Stage:
        nonlocal calls
        calls += 1
        raise OSError

    workflow = Workflow(state=Stage, clock=FakeClock()).add_exit_state(Stage.DONE)
    if branch:
        workflow.register_split(Stage.A, [flaky], to=Stage.DONE)
    else:
        workflow.register(Stage.A, flaky)
    stream = workflow.stream(Stage.A, buffer=4)
    await anext(stream)
    before = 3 if branch else 2  # events that wait when the first attempt begins; each attempt adds one
    for read_on in range(4):
        await turns(60)
        assert calls == 4 - before + read_on
        await anext(stream)
    await stream.aclose()


async def test_the_traceback_of_a_failed_attempt() -> None:
    """It is there while a hook is told, and is dropped before the record is read."""
    seen: list[bool] = []
    events = await read(
        whole_workflow(observer_of(on_retry=lambda *facts: seen.append(bool(facts[-1].__traceback__)))).stream(Stage.A)
    )
    assert seen == [True, True]
    assert [event.error.__traceback__ for event in events if isinstance(event, TaskRetried)] == [None, None]


async def waiting(**options: Any) -> tuple[AsyncGenerator[Event, None], Log, FakeClock]:
    """Begin a stream whose run waits for its reader."""
    log, clock = Log(), FakeClock()
    stream = chain(10, log, clock=clock).stream(0, buffer=1, **options)
    await anext(stream)
    await until(lambda: log.lines[-1:] == ["end 0"])
    await turns(3)
    assert log.lines[-1] == "end 0"
    return stream, log, clock


async def test_time_that_a_run_waits_for_its_reader_counts() -> None:
    """Its timeout goes on, and interrupts the wait."""
    stream, log, clock = await waiting(timeout=5)
    await clock.advance(6)
    await turns(3)
    assert log.lines[-2:] == ["end 0", "over RunTimeout"]
    events: list[Event] = []
    with pytest.raises(RunTimeout):
        await read(stream, events)
    assert told(events) == log.lines[1:]


async def test_a_token_interrupts_the_wait_for_the_reader() -> None:
    """The run ends at once."""
    token = CancellationToken()
    stream, log, _ = await waiting(token=token)
    token.cancel()
    await turns(5)
    assert log.lines[-1] == "over RunCancelled"
    with pytest.raises(RunCancelled):
        await read(stream)


async def test_a_buffer_that_is_none_is_refused_at_once() -> None:
    """When the stream is made."""
    workflow = single(going(Stage.DONE))
    for buffer, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), (None, TypeError)):
        with pytest.raises(error, match="buffer is"):
            workflow.stream(Stage.A, buffer=buffer)  # type: ignore[arg-type]


@pytest.mark.parametrize("ran", [False, True])
@pytest.mark.parametrize(
    ("start", "options", "error"),
    [
        (Stage.A, {"timeout": "x"}, TypeError),
        (Stage.A, {"timeout": -1}, ValueError),
        (Stage.A, {"token": 1}, TypeError),
        (Stage.A, {"resources": 1}, TypeError),
        (Stage.A, {"resources": {"no": 1}}, ResourceNotFound),
        (Stage.C, {}, StateUnknown),
    ],
)
async def test_what_is_wrong_with_a_run_is_said_at_its_first_read(start: Stage, options: Any, error: Any, ran: bool) -> None:
    """As orchestrate says it when it is awaited, before anything runs, whether the workflow has run before or not."""
    log = Log()
    workflow = single(going(Stage.DONE), observers=[log])
    if ran:
        await workflow.orchestrate(Stage.A)
        log.events.clear()
    stream = workflow.stream(start, **options)
    with pytest.raises(error):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert log.lines == []


async def test_a_workflow_that_is_invalid_says_so_at_the_first_read() -> None:
    """And may be mended until then."""
    workflow = Workflow(state=Stage).register(Stage.A, going(Stage.DONE))
    with pytest.raises(WorkflowInvalid):
        await anext(workflow.stream(Stage.A))
    stream = workflow.stream(Stage.A)
    workflow.add_exit_state(Stage.DONE)
    assert told(await read(stream))[-1] == "over DONE"


def test_a_stream_that_asyncio_does_not_run() -> None:
    """It is said as of any run."""
    stream = single(going(Stage.DONE)).stream(Stage.A)
    with pytest.raises(EventLoopMisuse, match="stream needs a running asyncio event loop"):
        anext(stream).__await__().__next__()  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["reading", "making"])
async def test_resources_that_are_overridden_where_a_stream_is_read(where: str) -> None:
    """They count, as where orchestrate is awaited; not those that were where it was made."""
    used: list[str] = []

    async def step(name: str) -> Stage:
        used.append(name)
        return Stage.DONE

    resources = Resources({"name": "mine"})
    workflow = single(step, resources)
    await workflow.orchestrate(Stage.A)
    if where == "making":
        with resources.override({"name": "theirs"}):
            stream, run = workflow.stream(Stage.A), workflow.orchestrate(Stage.A)
        await read(stream)
        await run
    else:
        stream, run = workflow.stream(Stage.A), workflow.orchestrate(Stage.A)
        with resources.override({"name": "theirs"}):
            await read(stream)
            await run
    assert used == ["mine", *["mine" if where == "making" else "theirs"] * 2]


async def test_a_teardown_that_fails_after_a_good_run() -> None:
    """It is the run's error, and the last event has it."""
    resources = Resources({"own": Plain("own", [], teardown=OSError("down"))})
    events: list[Event] = []
    with pytest.raises(TeardownFailed):
        await read(single(going(Stage.DONE), resources).stream(Stage.A), events)
    assert told(events)[-1] == "over TeardownFailed"


async def test_two_streams_at_once() -> None:
    """Each has its own run and sees that alone; the observers see both."""
    log = Log()
    workflow = chain(20, log)
    one, two = await asyncio.gather(read(workflow.stream(0, buffer=1)), read(workflow.stream(0)))
    assert told(one) == told(two)
    assert len({event.run.run_id for event in one}) == len({event.run.run_id for event in two}) == 1
    assert one[0].run.run_id != two[0].run.run_id
    assert sorted(map(id, (event.run for event in log.events))) == sorted(map(id, (event.run for event in (*one, *two))))


async def test_a_stream_inside_a_run_and_a_run_between_two_events() -> None:
    """The run of a stream that a task reads has the task's run as its parent; what the reader runs in between has not."""
    log = Log()
    other = single(going(Stage.DONE), observers=[log])

    async def step() -> Stage:
        return Stage.DONE if len(await read(other.stream(Stage.A))) == 6 else Stage.B

    report = await single(step).run(Stage.A)
    assert {event.run.parent_id for event in log.events} == {report.run_id}
    log.events.clear()
    async for event in single(going(Stage.DONE)).stream(Stage.A):
        if isinstance(event, StateEntered):
            await other.orchestrate(Stage.A)
    assert {event.run.parent_id for event in log.events} == {None}


def lines_of(make: Callable[[], AsyncGenerator[Event, None]]) -> list[str]:
    """Read a stream in a loop of its own."""
    return told(asyncio.run(read(make())))


def test_a_stream_may_be_made_outside_of_its_loop() -> None:
    """What it needs of the loop it takes when it is read."""
    stream = chain(3).stream(0)
    assert lines_of(lambda: stream) == lines_of(lambda: chain(3).stream(0))
