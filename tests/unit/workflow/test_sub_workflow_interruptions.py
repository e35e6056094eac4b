"""A run inside another one is interrupted with it: deadlines, tokens, cancellation (engine 15)."""

import asyncio
import threading

import pytest

from cano.errors import AttemptTimeout, RunCancelled, RunTimeout
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Workflow
from tests.unit.callers import Caller, forever, outcome_of
from tests.unit.stages import Plain, Recorder, Stage, going, turns
from tests.unit.sub_workflows import Inner, Told, around, child, cleaning, contexts, inside, ok, watching

watched_or_not = pytest.mark.parametrize("watched", [False, True])


async def test_an_attempt_s_timeout_interrupts_the_whole_run() -> None:
    """AttemptTimeout names the workflow inside, whose resources are torn down once; the next attempt is a run of its own."""
    clock, log = FakeClock(), []
    res = Resources({"a": Recorder("a", log), "b": per_run(lambda: Recorder("b", log))})
    outer = around(inside(forever, res), clock=clock, timeout=5, retry=Retry(2, delay=1, jitter=0))
    error = await outcome_of(outer.orchestrate(Stage.A), clock, 20)
    assert type(error) is AttemptTimeout
    assert (error.task, error.limit) == ("Inner", 5)
    assert type(error.__cause__) is asyncio.CancelledError
    assert [each.attempt for each in contexts(error)] == [2]
    one = ["setup a", "up a", "setup b", "up b", "teardown b", "down b", "teardown a", "down a"]
    assert log == one + one


async def test_a_timeout_of_a_task_inside_is_an_error_of_that_task() -> None:
    """It is told by both contexts, and is tried again where somebody around asks for it."""
    clock = FakeClock()
    made = Workflow(state=Inner, clock=clock).register(Inner.IN, task(timeout=2)(forever_in)).add_exit_state(Inner.OK)
    outer = around(made.as_task(Inner.IN, to=Stage.DONE), clock=clock, retry=Retry(2, delay=0, on=AttemptTimeout))
    error = await outcome_of(outer.orchestrate(Stage.A), clock)
    assert type(error) is AttemptTimeout
    assert [(each.task, each.attempt) for each in contexts(error)] == [("Inner", 2), ("forever_in", 1)]


async def forever_in() -> Inner:
    """Wait for what never comes."""
    return await forever()  # type: ignore[no-any-return]


@watched_or_not
@pytest.mark.parametrize("place", ["task", "timed task", "branch", "timed branch"])
@pytest.mark.parametrize("way", ["token", "thread", "timeout", "caller"])
async def test_the_run_around_interrupts_once(way: str, place: str, watched: bool) -> None:
    """What ends the run around interrupts the task inside once, whose clean-up goes on undisturbed, and wins over its error."""
    clock, token, log = FakeClock(), CancellationToken(), []
    told = Told()

    async def work() -> Inner:
        return await cleaning(log)

    res = Resources({"a": Plain("a", log), "b": per_run(lambda: Plain("b", log))})
    sub = inside(work, res, **({"observers": [told]} if watched else {}))
    outer = Workflow(state=Stage, clock=clock).add_exit_state(Stage.DONE)
    limit = 100 if place.startswith("timed") else None
    if place.endswith("task"):
        outer.register(Stage.A, sub, timeout=limit)
    else:
        outer.register_split(Stage.A, [Branch(sub, timeout=limit), going("x")], to=Stage.DONE)
    caller = Caller(outer.orchestrate(Stage.A, token=token, timeout=9))
    await turns(8)
    if way == "token":
        token.cancel()
    elif way == "thread":
        await asyncio.to_thread(token.cancel)
    elif way == "timeout":
        await clock.advance(10)
    else:
        caller.task.cancel()
    await turns(12)
    error = await caller.ended(cancels=way == "caller")
    kinds: dict[str, type[BaseException]] = {"timeout": RunTimeout, "caller": asyncio.CancelledError}
    assert type(error) is kinds.get(way, RunCancelled)
    assert log == ["up a", "up b", "cleaned up", "down b", "down a"]
    if way != "caller":
        assert contexts(error)[0].state == "A"
        assert isinstance(error.__cause__, asyncio.CancelledError)
    if watched:
        assert [type(error) for _, error in told.ended.values()] == [asyncio.CancelledError]
    assert clock.waiting == 0
    assert token._callbacks == set()


async def test_tasks_inside_get_the_token_of_the_run_around() -> None:
    """The very token, at any depth, and in branches; a run that was given none has one of its own for all of them."""
    seen: list[CancellationToken] = []

    async def look(token: CancellationToken) -> Inner:
        seen.append(token)
        return Inner.OK

    deep = child(child(look).as_task(Inner.IN)).as_task(Inner.IN, to=Stage.B)
    outer = (
        Workflow(state=Stage)
        .register(Stage.A, deep)
        .register_split(Stage.B, [child(look).as_task(Inner.IN)], to=Stage.DONE)
        .add_exit_state(Stage.DONE)
    )
    token = CancellationToken()
    await outer.orchestrate(Stage.A, token=token)
    assert seen == [token, token]
    for _ in range(2):
        await outer.orchestrate(Stage.A)
    assert seen[2] is seen[3]
    assert seen[4] is seen[5]
    assert len({id(each) for each in seen}) == 3


@pytest.mark.parametrize("given", [False, True])
async def test_a_task_inside_that_cancels_the_token_ends_the_whole_run(given: bool) -> None:
    """Also where the run around was given none: it is not tried again, and is no failure of the task around."""
    count = 0

    async def cancels(token: CancellationToken) -> Inner:
        nonlocal count
        count += 1
        token.cancel()
        return Inner.IN

    told = Told()
    outer = around(inside(cancels), retry=Retry(3, delay=0), observers=[told])
    with pytest.raises(RunCancelled) as caught:
        await outer.orchestrate(Stage.A, token=CancellationToken() if given else None)
    assert count == 1
    assert [each.state for each in contexts(caught.value)] == ["A"]
    assert told.ended[told.runs[0].run_id] == (None, caught.value)


async def test_a_thread_inside_is_told() -> None:
    """A blocking task of the run inside has its token cancelled, and is waited for, when the run around is cancelled."""
    begun = threading.Event()
    log: list[str] = []

    @task(blocking=True)
    def block(token: CancellationToken) -> Inner:
        begun.set()
        assert token.wait_sync(10)
        log.append("ended")
        return Inner.OK

    token = CancellationToken()
    run = asyncio.create_task(around(inside(block)).orchestrate(Stage.A, token=token))
    while not begun.is_set():
        await turns()
    token.cancel()
    with pytest.raises(RunCancelled):
        await run
    assert log == ["ended"]


@watched_or_not
async def test_the_token_is_looked_at_at_each_state_inside(watched: bool) -> None:
    """A chain inside that never suspends ends at its next state, and none after it begins; nor does an attempt."""
    token = CancellationToken()
    count = 0

    async def step() -> Inner:
        nonlocal count
        count += 1
        if count == 3:
            token.cancel()
        return Inner.IN

    outer = around(inside(step), retry=Retry(3, delay=0), **watching(watched))
    with pytest.raises(RunCancelled) as caught:
        await outer.orchestrate(Stage.A, token=token)
    assert count == 3
    assert contexts(caught.value)[0].state == "A"


@pytest.mark.parametrize("of", ["run", "attempt"])
async def test_a_deadline_around_a_chain_that_never_suspends(of: str) -> None:
    """The run inside gives the loop its turns, and there the deadline of the run, or of the attempt, around it arrives."""

    async def step() -> Inner:
        return Inner.IN

    outer = around(inside(step), timeout=0.01 if of == "attempt" else None)
    with pytest.raises(AttemptTimeout if of == "attempt" else RunTimeout) as caught:
        await outer.orchestrate(Stage.A, timeout=0.01 if of == "run" else None)
    assert contexts(caught.value)[0].state == "A"


async def test_a_token_that_was_cancelled_before() -> None:
    """A task that cancels the token and goes on to a state with a workflow: nothing is set up there."""
    log: list[str] = []

    async def cancel(token: CancellationToken) -> Stage:
        token.cancel()
        return Stage.B

    sub = inside(ok, Resources({"a": Plain("a", log)}))
    outer = Workflow(state=Stage).register(Stage.A, cancel).register(Stage.B, sub).add_exit_state(Stage.DONE)
    with pytest.raises(RunCancelled):
        await outer.orchestrate(Stage.A)
    assert log == []


@pytest.mark.parametrize("way", ["token", "timeout"])
async def test_what_the_run_inside_makes_of_its_interruption_is_the_cause(way: str) -> None:
    """A task inside that raises in its clean-up: its error, with its context, is the cause of the run's end."""
    clock, token = FakeClock(), CancellationToken()

    async def work() -> Inner:
        try:
            return await forever()  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            raise OSError("clean-up") from None

    caller = Caller(around(inside(work), clock=clock).orchestrate(Stage.A, token=token, timeout=5))
    await turns(4)
    if way == "token":
        token.cancel()
    await clock.advance(6)
    await turns(4)
    error = await caller.ended()
    assert type(error) is (RunCancelled if way == "token" else RunTimeout)
    causes, cause = [], error.__cause__
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    assert type(causes[-1]) is OSError
    assert contexts(causes[-1])[-1].state == "IN"


async def test_a_task_inside_that_swallows_the_token_saves_nothing() -> None:
    """The run inside ends at its next state, before another task begins."""
    token, log = CancellationToken(), []

    async def deaf() -> Inner:
        try:
            await forever()
        except asyncio.CancelledError:
            log.append("swallowed")
        return Inner.MORE

    async def more() -> Inner:
        log.append("more")
        return Inner.OK

    made = child(deaf).register(Inner.MORE, more).as_task(Inner.IN, to=Stage.DONE)
    caller = Caller(around(made).orchestrate(Stage.A, token=token))
    await turns(4)
    token.cancel()
    await turns(4)  # on a slow machine the runs give the loop turns of their own
    assert type(await caller.ended()) is RunCancelled
    assert log == ["swallowed"]
