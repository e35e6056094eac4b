"""Of several reasons to end a run the strongest wins: caller, token, timeout of the run, of the attempt, task (engine 7)."""

import asyncio
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest

from cano.errors import AttemptTimeout, RunCancelled, RunTimeout, context_of
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, Held, forever, myself, outcome_of
from tests.unit.stages import Plain, Stage, turns

NAMES = ("caller", "token", "run", "attempt")  # the strongest first
KINDS: dict[str, type[BaseException]] = {
    "caller": asyncio.CancelledError,
    "token": RunCancelled,
    "run": RunTimeout,
    "attempt": AttemptTimeout,
}
watched_or_not = pytest.mark.parametrize("watched", [False, True])


def limited(run: Any, clock: FakeClock, timeout: float | None = 1, **options: Any) -> Workflow[Any]:
    """Make a workflow of one state, A, an attempt of whose task may take so long."""
    return Workflow(state=Stage, clock=clock).register(Stage.A, run, timeout=timeout, **options).add_exit_state(Stage.DONE)


async def fails() -> Stage:
    """Make an error of its interruption."""
    try:
        return await forever()  # type: ignore[no-any-return]
    except asyncio.CancelledError:
        raise OSError("clean-up") from None


async def swallows() -> Stage:
    """Make a success of its interruption."""
    with suppress(asyncio.CancelledError):
        await forever()
    return Stage.DONE


async def awaits() -> Stage:
    """Take some turns to clean up."""
    try:
        return await forever()  # type: ignore[no-any-return]
    finally:
        await turns(2)


@pytest.mark.parametrize("order", [each for count in (2, 3, 4) for each in permutations(NAMES, count)])
@pytest.mark.parametrize("run", [forever, awaits])
@pytest.mark.parametrize("own", [False, True])
async def test_the_strongest_of_several_in_one_step_wins(order: tuple[str, ...], run: Any, own: bool) -> None:
    """In whatever order they come, the others change nothing, all is torn down once, and the count is the caller's."""
    clock, log, token = Held(), [], CancellationToken()
    res = Resources({"plain": per_run(lambda: Plain("a", log))} if own else {})
    workflow = Workflow(res, state=Stage, clock=clock).register(Stage.A, run, timeout=1).add_exit_state(Stage.DONE)
    caller = Caller(workflow.orchestrate(Stage.A, timeout=1, token=token))
    await turns(5)
    of_run, of_attempt = clock.callbacks
    ways = {"caller": caller.task.cancel, "token": token.cancel, "run": of_run, "attempt": of_attempt}
    for each in order:
        ways[each]()
    error = await caller.ended(cancels="caller" in order)
    strongest = min(order, key=NAMES.index)
    assert type(error) is KINDS[strongest]
    assert isinstance(error.__cause__, asyncio.CancelledError | AttemptTimeout | None)
    assert clock.waiting == 0
    assert log == (["up a", "down a"] if own else [])


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("run", [fails, swallows])
async def test_what_the_task_makes_of_it_is_the_cause(name: str, run: Any) -> None:
    """An error is kept, a result is lost."""
    clock, token = Held(), CancellationToken()
    caller = Caller(limited(run, clock).orchestrate(Stage.A, timeout=1, token=token))
    await turns(3)
    {"token": token.cancel, "run": clock.callbacks[0], "attempt": clock.callbacks[1]}[name]()
    error = await caller.ended()
    assert type(error) is KINDS[name]
    assert type(error.__cause__) is (OSError if run is fails else type(None))
    assert context_of(error) is not None


@pytest.mark.parametrize("other", ["attempt", "run", "token"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("run", [forever, fails, swallows, awaits])
async def test_the_caller_wins_whatever_the_task_makes_of_it(other: str, run: Any, first: bool) -> None:
    """asyncio makes one CancelledError of two requests in one step: the caller's comes out, and the task's error is its cause."""
    clock, token = Held(), CancellationToken()
    workflow = limited(run, clock, retry=Retry(5, delay=0))
    caller = Caller(workflow.orchestrate(Stage.A, timeout=100, token=token))
    await turns(3)
    ways = {"attempt": clock.callbacks[1], "run": clock.callbacks[0], "token": token.cancel}
    for interrupt in (caller.task.cancel, ways[other])[:: 1 if first else -1]:
        interrupt()
    error = await caller.ended(cancels=1)
    assert type(error) is asyncio.CancelledError
    assert run is not fails or type(error.__cause__) is OSError


@watched_or_not
@pytest.mark.parametrize("late", [0, 1])
async def test_a_caller_who_cancels_amid_the_clean_up_wins(late: int, watched: bool) -> None:
    """The clean-up is interrupted by it, as any code is, and the caller finds the own cancellation."""
    clock, log = Held(), []

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            try:
                await forever()
            finally:
                log.append("interrupted")

    caller = Caller(limited(run, clock).orchestrate(Stage.A, timeout=100 if watched else None))
    await turns(3)
    clock.callbacks[-1]()
    await turns(1 + late)
    caller.task.cancel()
    assert type(await caller.ended(cancels=1)) is asyncio.CancelledError
    assert log == ["interrupted"]


@watched_or_not
async def test_a_second_reason_does_not_interrupt_the_clean_up_of_the_first(watched: bool) -> None:
    """A token and a deadline of the run wait for the clean-up of a late attempt, and win over it then."""
    clock, token, log = Held(), CancellationToken(), []
    opened = asyncio.Event()

    async def run() -> Stage:
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            await opened.wait()
            log.append("clean")

    caller = Caller(limited(run, clock).orchestrate(Stage.A, timeout=9, token=token if watched else None))
    await turns(3)
    clock.callbacks[1]()
    await turns(2)
    clock.callbacks[0]()
    token.cancel()
    await turns(3)
    assert log == []
    opened.set()
    assert type(await caller.ended()) is (RunCancelled if watched else RunTimeout)
    assert log == ["clean"]


@watched_or_not
@pytest.mark.parametrize("first", ["a turn", "a wait"])
async def test_a_task_that_cancels_itself_is_not_saved_by_its_deadline(first: str, watched: bool) -> None:
    """Its request was there before, also if it was made before the first wait; the clean-up may take as long as it likes."""

    async def run() -> Stage:
        if first == "a wait":
            await turns()
        myself().cancel()
        try:
            return await forever()  # type: ignore[no-any-return]
        finally:
            await clock.sleep(5)

    clock = FakeClock()
    caller = Caller(limited(run, clock).orchestrate(Stage.A, timeout=100 if watched else None))
    await clock.advance(10)
    assert type(await caller.ended(cancels=1)) is asyncio.CancelledError


@pytest.mark.unobserved  # an observed run gives the loop a turn before it begins
@watched_or_not
@pytest.mark.parametrize("retry", [None, Retry(5, delay=0, on=BaseException)])
@pytest.mark.parametrize("timeout", [None, 1])
async def test_a_cancellation_from_before_the_run_wins(timeout: float | None, retry: Retry | None, watched: bool) -> None:
    """It is on its way when the run begins, and comes out before a task can make an error of it that is tried again."""
    calls = 0

    async def run() -> Stage:
        nonlocal calls
        calls += 1
        try:
            await turns(2)
        except asyncio.CancelledError:
            await clock.sleep(5)
            raise OSError from None
        return Stage.DONE

    async def cancelled() -> Any:
        myself().cancel()
        return await limited(run, clock, timeout, retry=retry).orchestrate(Stage.A, timeout=100 if watched else None)

    clock = FakeClock()
    caller = Caller(cancelled())
    await clock.advance(10)
    plain = timeout is None and retry is None and not watched  # a plain await of the task: all of it is the task's
    assert type(await caller.ended(cancels=1)) is (OSError if plain else asyncio.CancelledError)
    assert calls <= plain


@pytest.mark.parametrize("limit", ["attempt", "run"])
@pytest.mark.parametrize("run", ["group", "task"])
async def test_a_run_in_the_clean_up_of_its_caller_has_deadlines_of_its_own(limit: str, run: str) -> None:
    """The cancellation that the caller is handling is past, whatever a task group that fails makes of the count."""
    clock, seen = FakeClock(), []

    async def child() -> None:
        try:
            await forever()
        finally:
            raise ValueError

    async def grouped() -> Stage:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            await turns()
        return Stage.DONE

    async def handles() -> Any:
        try:
            await forever()
        except asyncio.CancelledError:
            task = grouped if run == "group" else fails
            workflow = limited(task, clock, 1 if limit == "attempt" else None)
            try:
                await workflow.orchestrate(Stage.A, timeout=1 if limit == "run" else None)
            except Exception as error:  # noqa: BLE001 - whatever it is
                seen.append(error)
            await turns(3)
            raise

    caller = Caller(handles())
    await turns(2)
    caller.task.cancel()
    await clock.advance(10)
    assert type(await caller.ended(cancels=1)) is asyncio.CancelledError
    assert [type(each) for each in seen] == [AttemptTimeout if limit == "attempt" else RunTimeout]
    assert isinstance(seen[0].__cause__, ExceptionGroup if run == "group" else OSError)


def nested(clock: FakeClock, inner: tuple[float | None, float | None], outer: tuple[float | None, float | None]) -> Any:
    """Make a run inside a run; each has a limit for its attempt and one for itself."""
    inside = limited(awaits, clock, inner[0])

    async def run() -> Any:
        return await inside.orchestrate(Stage.A, timeout=inner[1])

    return limited(run, clock, outer[0]).orchestrate(Stage.A, timeout=outer[1])


@pytest.mark.parametrize("inner", [(1, None), (None, 1), (1, 1)])
@pytest.mark.parametrize("outer", [(5, None), (None, 5), (5, 5)])
async def test_a_run_inside_an_attempt_has_its_own_limits(inner: Any, outer: Any) -> None:
    """The one that ends first cuts what it limits, and its error goes through the outer run as an error of the task."""
    clock = FakeClock()
    error = await outcome_of(nested(clock, inner, outer), clock)
    assert type(error) is (RunTimeout if inner[1] else AttemptTimeout)
    assert clock.waiting == 0
    found = context_of(error)
    assert found is not None
    assert found.inner is not None
    error = await outcome_of(nested(clock, outer, inner), clock)
    assert type(error) is (RunTimeout if inner[1] else AttemptTimeout)
    assert context_of(error) is not None
    assert type(error.__cause__) is asyncio.CancelledError


@pytest.mark.parametrize("inner", [(1, None), (None, 1), (1, 1)])
@pytest.mark.parametrize("outer", [(1, None), (None, 1), (1, 1)])
@pytest.mark.parametrize("backwards", [False, True])
async def test_of_two_runs_that_are_late_at_once_the_outer_one_tells(inner: Any, outer: Any, backwards: bool) -> None:
    """To the inner one that is a cancellation by its caller, which wins."""
    clock = Held()
    caller = Caller(nested(clock, inner, outer))
    await turns(3)
    of_outer = sum(each is not None for each in outer)
    assert len(clock.callbacks) == of_outer + sum(each is not None for each in inner)
    for callback in reversed(clock.callbacks) if backwards else clock.callbacks:
        callback()
    error = await caller.ended()
    assert type(error) is (RunTimeout if outer[1] else AttemptTimeout)
    found = context_of(error)
    assert found is not None
    assert found.inner is None


async def test_a_run_inside_an_attempt_does_not_save_it_by_ending_well() -> None:
    """If a task of the inner run swallows the cancel that the outer one has sent."""
    clock = FakeClock()
    inside = limited(swallows, clock, None)

    async def run() -> Any:
        return await inside.orchestrate(Stage.A)

    assert type(await outcome_of(limited(run, clock).orchestrate(Stage.A), clock)) is AttemptTimeout


@watched_or_not
async def test_in_a_caller_who_was_cut_the_next_run_works(watched: bool) -> None:
    """After each of the reasons, in the same task."""
    clock, late = Held(), [True]

    async def run() -> Stage:
        if late[0]:
            await forever()
        await turns(3)
        return Stage.DONE

    async def often() -> Any:
        for _ in range(5):
            late[0] = True
            with suppress(AttemptTimeout):
                await workflow.orchestrate(Stage.A, timeout=100 if watched else None)
            assert myself().cancelling() == 0
            late[0] = False
            assert await workflow.orchestrate(Stage.A, timeout=100 if watched else None) is Stage.DONE
        return "done"

    workflow = limited(run, clock)
    caller = Caller(often())
    await clock.advance(20)
    assert await caller.ended() == "done"
    assert clock.waiting == 0
