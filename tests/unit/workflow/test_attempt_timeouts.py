"""An attempt has the time that somebody gave it, and is over when it has stopped (engine 5, 7, 12, 13, G4)."""

import asyncio
import functools
import math
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from cano.errors import AttemptTimeout, RunTimeout, context_of
from cano.ports import SYSTEM_CLOCK
from cano.resilience import Retry
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, forever, myself, outcome_of
from tests.unit.stages import Stage, going, turns


class Counting(FakeClock):
    """A clock that counts the timers that it was asked for."""

    timers = 0

    def call_at(self, when: float, callback: Any) -> Any:
        """Count, and set the timer."""
        self.timers += 1
        return super().call_at(when, callback)


def limited(run: Any, clock: FakeClock, timeout: Any = 1, retry: Retry | None = None) -> Workflow[Stage]:
    """Make a workflow of one state, A, an attempt of whose task may take so long."""
    workflow = Workflow(state=Stage, clock=clock).register(Stage.A, run, timeout=timeout, retry=retry)
    return workflow.add_exit_state(Stage.DONE)


async def test_a_task_that_never_suspends_needs_no_timer_and_is_never_late() -> None:
    """Nothing can interrupt it, so its result counts, however long it took."""
    clock = Counting()

    async def run() -> Stage:
        clock.time += 5
        return Stage.DONE

    assert await limited(run, clock).orchestrate(Stage.A) is Stage.DONE
    assert clock.timers == 0


async def test_a_task_that_suspends_has_one_timer_until_it_ends() -> None:
    """However often it suspends."""
    clock = Counting()

    async def run() -> Stage:
        await turns(5)
        assert clock.waiting == 1
        return Stage.DONE

    assert await limited(run, clock).orchestrate(Stage.A) is Stage.DONE
    assert (clock.timers, clock.waiting) == (1, 0)


async def test_a_task_that_takes_too_long_is_cancelled_and_tells_so() -> None:
    """At its time and not before, with its name, its limit and the place where it was."""
    clock = FakeClock()
    caller = Caller(limited(forever, clock, 1).orchestrate(Stage.A))
    await clock.advance(0.875)
    assert not caller.task.done()
    await clock.advance(0.125)
    error = await caller.ended()
    found = context_of(error)
    assert type(error) is AttemptTimeout
    assert isinstance(error, TimeoutError)
    assert (error.task, error.limit, error.category) == ("forever", 1.0, "timeout")
    assert type(error.__cause__) is asyncio.CancelledError
    assert found is not None
    assert (found.state, found.attempt, found.path) == ("A", 1, ("A",))
    assert clock.waiting == 0


@pytest.mark.parametrize(("takes", "left"), [(0.75, 0.25), (1.0, 0), (7.0, 0)])
async def test_the_time_counts_from_the_start_and_not_from_the_first_wait(takes: float, left: float) -> None:
    """What the first step has used up is gone."""
    clock = FakeClock()

    async def run() -> Stage:
        clock.time += takes
        return await forever()  # type: ignore[no-any-return]

    caller = Caller(limited(run, clock).orchestrate(Stage.A))
    await turns(3)
    await clock.advance(left / 2)
    assert caller.task.done() == (left == 0)
    await clock.advance(left / 2)
    assert type(await caller.ended()) is AttemptTimeout


async def test_the_clean_up_of_a_late_task_is_awaited_and_has_no_limit() -> None:
    """What it does after its cancellation is over before the run goes on, however long it takes (engine 12)."""
    clock, log = FakeClock(), []

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            await clock.sleep(100)
            log.append("clean")

    caller = Caller(limited(run, clock).orchestrate(Stage.A))
    await clock.advance(50)
    assert not caller.task.done()
    await clock.advance(60)
    assert type(await caller.ended()) is AttemptTimeout
    assert log == ["clean"]


async def test_an_error_of_the_clean_up_is_the_cause() -> None:
    """The deadline is what happened; what came of it is kept (G4)."""
    mine = ValueError("in finally")

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            raise mine

    clock = FakeClock()
    error = await outcome_of(limited(run, clock).orchestrate(Stage.A), clock)
    assert type(error) is AttemptTimeout
    assert error.__cause__ is mine


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_task_that_swallows_the_interruption_has_failed_all_the_same(goes_on: bool) -> None:
    """A deadline that has passed is never a silent success (G4)."""
    clock = FakeClock()

    async def run() -> Stage:
        try:
            await forever()
        except asyncio.CancelledError:
            if goes_on:
                await clock.sleep(2)
        return Stage.DONE

    error = await outcome_of(limited(run, clock).orchestrate(Stage.A), clock)
    assert type(error) is AttemptTimeout
    assert error.__cause__ is None


@pytest.mark.parametrize("suspends", [False, True])
async def test_a_timeout_error_of_the_task_is_its_own(suspends: bool) -> None:
    """It comes out as itself while all time limits are far away (G4)."""
    mine, clock = TimeoutError("mine"), FakeClock()

    async def run() -> Stage:
        if suspends:
            await turns(2)
        raise mine

    assert await outcome_of(limited(run, clock, 100).orchestrate(Stage.A, timeout=100), clock, 0) is mine
    assert mine.__cause__ is None
    assert clock.waiting == 0


@pytest.mark.parametrize("mine", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("none")])
@pytest.mark.parametrize("watched", [False, True])
async def test_what_is_no_error_wins_over_the_deadline(mine: BaseException, watched: bool) -> None:
    """A SystemExit or its like out of a clean-up comes out as itself, and no cancel is left behind."""

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            raise mine

    clock = FakeClock()
    assert await outcome_of(limited(run, clock).orchestrate(Stage.A, timeout=100 if watched else None), clock) is mine


@pytest.mark.parametrize("timeout", [2, 2.0, timedelta(seconds=2)])
async def test_a_limit_is_seconds_or_a_timedelta(timeout: Any) -> None:
    """Whole ones, parts, or a difference of times."""
    clock = FakeClock()
    error = await outcome_of(limited(forever, clock, timeout).orchestrate(Stage.A), clock)
    assert error.limit == 2.0


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, timedelta(seconds=-1), 10**400])
@pytest.mark.parametrize("place", ["task", "register", "orchestrate"])
async def test_a_limit_that_is_no_time_is_refused(timeout: Any, place: str) -> None:
    """Where it is written, and before anything runs."""
    with pytest.raises(ValueError, match="timeout"):
        await given(timeout, place)


@pytest.mark.parametrize("timeout", [True, "1", (1,), 1j])
@pytest.mark.parametrize("place", ["task", "register", "orchestrate"])
async def test_a_limit_of_another_type_is_refused(timeout: Any, place: str) -> None:
    """A bool or a text is a slip, and no number of seconds."""
    with pytest.raises(TypeError, match="timeout"):
        await given(timeout, place)


async def given(timeout: Any, place: str) -> None:
    """Say a limit in one of the three places."""
    if place == "task":
        task(to=Stage.DONE, timeout=timeout)(forever)
    workflow = limited(going(Stage.DONE), FakeClock(), timeout if place == "register" else None)
    await workflow.orchestrate(Stage.A, timeout=timeout)


@pytest.mark.parametrize("clock", [FakeClock(), SYSTEM_CLOCK])
async def test_no_time_at_all_and_all_the_time_of_the_world(clock: Any) -> None:
    """Zero seconds are over at the first wait, an infinity never; a task that does not wait may have either."""

    async def waits() -> Stage:
        await turns(3)
        return Stage.DONE

    with pytest.raises(AttemptTimeout):
        await limited(forever, clock, 0).orchestrate(Stage.A)
    assert await limited(going(Stage.DONE), clock, 0).orchestrate(Stage.A) is Stage.DONE
    assert await limited(waits, clock, math.inf).orchestrate(Stage.A) is Stage.DONE


class Marked:
    """A task class that says a limit."""

    @task(to=Stage.DONE, timeout=1)
    async def run_bare(self) -> Stage:
        """Wait."""
        return await forever()  # type: ignore[no-any-return]


class Inherits(Marked):
    """One that leaves the method as it is."""


class Overrides(Marked):
    """One whose method says nothing."""

    async def run_bare(self) -> Stage:
        """Wait."""
        return await forever()  # type: ignore[no-any-return]


@task(to=Stage.DONE, timeout=1)
async def marked(number: int = 0) -> Stage:
    """Wait."""
    return await forever()  # type: ignore[no-any-return]


@functools.wraps(marked)
async def around(number: int = 0) -> Stage:
    """Be another function around it."""
    return await marked(number)


@pytest.mark.parametrize(
    ("run", "said", "limit"),
    [
        (marked, None, 1),
        (marked, 3, 3),
        (marked, math.inf, None),
        (functools.partial(marked, 1), None, 1),
        (Marked(), None, 1),
        (Marked().run_bare, None, 1),
        (Inherits(), None, 1),
        (Overrides(), None, None),
        (Overrides(), 2, 2),
        (around, None, None),
    ],
)
async def test_the_registration_wins_over_the_decorator(run: Any, said: float | None, limit: float | None) -> None:
    """A limit belongs to the very function that was decorated; wrappers and overrides say their own."""
    clock = FakeClock()
    caller = Caller(limited(run, clock, said).orchestrate(Stage.A))
    await clock.advance(5)
    assert caller.task.done() == (limit is not None)
    caller.task.cancel()
    error = await caller.ended(cancels=0 if limit else 1)
    assert limit is None or error.limit == limit


async def test_a_late_attempt_is_tried_again_with_all_of_its_time() -> None:
    """If the retry says so; the last one comes out and tells of those before (engine 5)."""
    clock, starts = FakeClock(), []

    async def run() -> Stage:
        starts.append(clock.time)
        return await forever()  # type: ignore[no-any-return]

    error = await outcome_of(limited(run, clock, 2, Retry(3, delay=1, multiplier=1, jitter=0)).orchestrate(Stage.A), clock)
    found = context_of(error)
    assert type(error) is AttemptTimeout
    assert starts == [0, 3, 6]
    assert found is not None
    assert found.attempt == 3
    name = "cano.errors.AttemptTimeout"
    assert [(each.number, each.error) for each in found.earlier] == [(1, name), (2, name)]


@pytest.mark.parametrize(
    ("retry", "calls"),
    [
        (Retry(3, delay=0), 3),
        (Retry(3, delay=0, on=AttemptTimeout), 3),
        (Retry(3, delay=0, on=TimeoutError), 3),
        (Retry(3, delay=0, on=ValueError), 1),
        (Retry(3, delay=0, unless=AttemptTimeout), 1),
        (Retry(3, delay=0, on=TimeoutError, unless=lambda error: error.args[1] == 1.0), 1),
    ],
)
@pytest.mark.parametrize("watched", [False, True])
async def test_who_retries_says_whether_a_late_attempt_counts(retry: Retry, calls: int, watched: bool) -> None:
    """By its class, as any error (engine 5)."""
    clock, starts = FakeClock(), []

    async def run() -> Stage:
        starts.append(clock.time)
        return await forever()  # type: ignore[no-any-return]

    error = await outcome_of(limited(run, clock, 1, retry).orchestrate(Stage.A, timeout=100 if watched else None), clock)
    assert type(error) is AttemptTimeout
    assert len(starts) == calls


async def test_an_attempt_in_time_after_late_ones_is_a_success() -> None:
    """And nothing of the late ones is left."""
    clock, starts = FakeClock(), []

    async def run() -> Stage:
        starts.append(clock.time)
        if len(starts) < 3:
            await forever()
        await turns(3)
        return Stage.DONE

    assert await outcome_of(limited(run, clock, 1, Retry(3, delay=0)).orchestrate(Stage.A), clock) is Stage.DONE
    assert clock.waiting == 0


async def test_one_task_in_fifty_runs_has_fifty_limits() -> None:
    """Each run's attempt is cut by its own time, and the others by theirs or not at all (I2)."""
    clock = FakeClock()
    number: ContextVar[int] = ContextVar("number")

    async def run() -> Stage:
        await clock.sleep(number.get() / 10)
        return Stage.DONE

    workflow = limited(run, clock, 2.55)
    callers = []
    for each in range(50):
        number.set(each)
        callers.append(Caller(workflow.orchestrate(Stage.A)))
    await clock.advance(10)
    outcomes = [await caller.ended() for caller in callers]
    assert outcomes[:26] == [Stage.DONE] * 26
    assert {type(each) for each in outcomes[26:]} == {AttemptTimeout}
    assert len({id(each) for each in outcomes[26:]}) == 24


@pytest.mark.parametrize("timeout", [None, 1])
async def test_context_variables_are_those_of_the_run(timeout: float | None) -> None:
    """A task sees what is set around it, and what it sets is seen after it, with a limit as without."""
    name: ContextVar[str] = ContextVar("name")

    async def run() -> Stage:
        assert name.get() == "caller"
        name.set("first step")
        await turns(2)
        assert name.get() == "first step"
        name.set("later step")
        return Stage.DONE

    name.set("caller")
    assert await limited(run, FakeClock(), timeout).orchestrate(Stage.A) is Stage.DONE
    assert name.get() == "later step"


async def test_a_late_run_leaves_the_next_one_alone() -> None:
    """In the same task, workflow and clock; and the caller's task knows of no cancel."""
    clock, late = FakeClock(), True

    async def run() -> Stage:
        if late:
            await forever()
        await turns(3)
        return Stage.DONE

    async def twice() -> Any:
        nonlocal late
        workflow = limited(run, clock)
        with pytest.raises(AttemptTimeout):
            await workflow.orchestrate(Stage.A)
        assert myself().cancelling() == 0
        late = False
        return await workflow.orchestrate(Stage.A)

    assert await outcome_of(twice(), clock) is Stage.DONE


async def test_the_deadline_of_a_run_keeps_the_late_attempt_as_its_cause() -> None:
    """If the clean-up of the one takes until the other (engine 7)."""
    clock = FakeClock()

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            clock.time += 5

    error = await outcome_of(limited(run, clock).orchestrate(Stage.A, timeout=3), clock)
    assert type(error) is RunTimeout
    assert type(error.__cause__) is AttemptTimeout
