"""A task is tried again only if somebody asked for it, and then as often and as late as they said (engine 5, 6, 7, TK-11)."""

import asyncio
import functools
import gc
import pickle
import threading
import traceback
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cano.errors import ResultInvalid, context_of
from cano.resilience import Retry
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.stages import Stage, single, turns

NOW = Retry(3, delay=0)


class Failing:
    """A task that fails so many times, each time with a new error, and then goes on."""

    def __init__(self, times: int, make: Callable[[int], BaseException] = lambda number: OSError(f"failure {number}")) -> None:
        self.calls = 0
        self._times = times
        self._make = make

    async def run_bare(self) -> Stage:
        """Fail, or go on."""
        self.calls += 1
        if self.calls <= self._times:
            raise self._make(self.calls)
        return Stage.DONE


def workflow_of(run: Any, retry: Retry | None, **options: Any) -> Workflow[Stage]:
    """Make a workflow of one state, A, whose task is tried as often as this says."""
    return Workflow(state=Stage, **options).register(Stage.A, run, retry=retry).add_exit_state(Stage.DONE)


async def failure(workflow: Workflow[Any], **options: Any) -> BaseException:
    """Run, and return what came out."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await workflow.orchestrate(Stage.A, **options)
    return caught.value


async def test_without_a_retry_a_failure_is_not_tried_again() -> None:
    """The default is one attempt; so is Retry(1)."""
    for retry in (None, Retry(1)):
        run = Failing(1)
        await failure(workflow_of(run, retry))
        assert run.calls == 1


async def test_a_failure_that_passes_is_no_failure_of_the_run() -> None:
    """The attempt that goes well gives the next state, and nothing else is left."""
    run = Failing(2)
    assert await workflow_of(run, NOW).orchestrate(Stage.A) is Stage.DONE
    assert run.calls == 3


async def test_when_the_attempts_are_used_up_the_last_exception_comes_out() -> None:
    """It is the task's own, and its context has the number of the attempt and those before it."""
    run = Failing(9)
    error = await failure(workflow_of(run, NOW))
    found = context_of(error)
    assert type(error) is OSError
    assert error.args == ("failure 3",)
    assert found is not None
    assert found.attempt == run.calls == 3
    assert [(each.number, each.error, each.message) for each in found.earlier] == [
        (1, "OSError", "failure 1"),
        (2, "OSError", "failure 2"),
    ]
    assert error.__notes__ == [f"in state A, task {found.task}, attempt 3, run {found.run_id}; path: A"]
    assert error.__context__ is None
    assert context_of(pickle.loads(pickle.dumps(error))) == found


async def test_the_decorator_says_it_and_the_registration_wins() -> None:
    """A retry belongs to a task, or to a task in its place."""
    calls = 0

    @task(to=Stage.DONE, retry=NOW)
    async def run() -> Stage:
        nonlocal calls
        calls += 1
        raise OSError

    await failure(single(run))
    assert calls == 3
    await failure(workflow_of(run, Retry(5, delay=0)))
    assert calls == 8


async def test_a_registration_may_take_a_retry_back() -> None:
    """``Retry(1)`` is one attempt; nothing said leaves what the task says."""
    for retry, calls in ((Retry(1), 1), (None, 3)):
        tried = Failing(9)

        @task(to=Stage.DONE, retry=NOW)
        async def run(tried: Failing = tried) -> Stage:
            return await tried.run_bare()

        await failure(workflow_of(run, retry))
        assert tried.calls == calls


@pytest.mark.parametrize("kind", ["class", "subclass", "partial", "method"])
async def test_any_kind_of_task_is_tried_again(kind: str) -> None:
    """What a decorator says of a class or function holds for its instances, subclasses and partials."""
    calls: list[int] = []

    @task(to=Stage.DONE, retry=NOW)
    class Run:
        async def run(self, res: Resources) -> Stage:
            calls.append(len(calls))
            raise OSError

    class Below(Run):
        pass

    class Marked:
        @task(to=Stage.DONE, retry=NOW)
        async def run_bare(self) -> Stage:
            calls.append(len(calls))
            raise OSError

    @task(to=Stage.DONE, retry=NOW)
    async def step(number: int) -> Stage:
        calls.append(number)
        raise OSError

    made = {"class": Run(), "subclass": Below(), "partial": functools.partial(step, 1), "method": Marked()}
    await failure(single(made[kind]))
    assert len(calls) == 3


async def test_a_function_around_a_task_is_not_tried_again_by_itself() -> None:
    """What wraps a task that retries has said nothing of retries; it is another function."""
    calls = 0

    @task(retry=NOW)
    async def run() -> Stage:
        nonlocal calls
        calls += 1
        raise OSError

    @functools.wraps(run)
    async def around() -> Stage:
        return await run()

    await failure(single(around))
    assert calls == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError(), GeneratorExit()])
async def test_what_is_no_error_ends_the_run_at_once(error: BaseException) -> None:
    """Whatever the retry says (H2)."""
    for retry in (Retry(5, delay=0, on=BaseException), Retry(5, delay=0, unless=ValueError)):
        run = Failing(9, lambda _: error)
        assert await failure(workflow_of(run, retry)) is error
        assert run.calls == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BaseExceptionGroup("", [KeyboardInterrupt()])])
async def test_what_is_no_error_tells_of_the_attempts_before(error: BaseException) -> None:
    """The number of the attempt is in every context."""
    found = context_of(
        await failure(workflow_of(Failing(9, lambda number: error if number == 3 else OSError()), Retry(5, delay=0)))
    )
    assert found is not None
    assert (found.attempt, [each.number for each in found.earlier]) == (3, [1, 2])


async def test_what_is_a_cancellation_too_is_not_tried_again() -> None:
    """Whatever else its class says it is."""

    class Dual(ValueError, asyncio.CancelledError):
        pass

    run = Failing(9, lambda _: Dual())
    await failure(workflow_of(run, NOW))
    assert run.calls == 1


async def test_a_wrapper_that_returns_no_awaitable_is_not_tried_again() -> None:
    """That is a refused result, whatever the wrapper has done."""
    calls = 0

    def wrapper() -> Awaitable[Stage]:
        nonlocal calls
        calls += 1
        return Stage.DONE  # type: ignore[return-value]

    assert type(await failure(workflow_of(wrapper, NOW))) is ResultInvalid
    assert calls == 1


async def test_a_result_that_is_no_state_is_not_tried_again() -> None:
    """The task has done its work, and would do it twice."""
    calls = 0

    async def run() -> Any:
        nonlocal calls
        calls += 1
        return 7

    assert type(await failure(workflow_of(run, NOW))) is ResultInvalid
    assert calls == 1


async def test_it_waits_by_the_clock_of_the_workflow() -> None:
    """As long as the retry says after each failure, and no longer."""
    clock, run = FakeClock(), Failing(3)
    running = asyncio.ensure_future(workflow_of(run, Retry(4, delay=1, jitter=0), clock=clock).orchestrate(Stage.A))
    for calls, wait in ((1, 1), (2, 2), (3, 4)):
        await turns(3)
        await clock.advance(wait - 0.125)
        await turns(3)
        assert run.calls == calls
        await clock.advance(0.125)
    await turns(3)
    assert running.done()
    assert await running is Stage.DONE


async def test_a_retry_without_a_wait_gives_the_loop_a_turn() -> None:
    """So that others run, and a cancellation arrives, however often a task fails."""
    seen = []
    run = Failing(10**9)
    running = asyncio.ensure_future(workflow_of(run, Retry(10**9, delay=0)).orchestrate(Stage.A))
    for _ in range(5):
        await turns()
        seen.append(run.calls)
    assert seen == sorted(set(seen))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("at", ["the task", "the wait", "the turn"])
async def test_a_cancellation_is_not_counted_and_ends_the_run(at: str) -> None:
    """Wherever it falls, it comes out, nothing is tried again, and all is torn down once (engine 7)."""
    log: list[str] = []
    calls = 0

    class Opened:
        def setup(self) -> None:
            log.append("up")

        def teardown(self) -> None:
            log.append("down")

    async def run(opened: Opened) -> Stage:
        nonlocal calls
        calls += 1
        if at == "the task":
            await asyncio.Event().wait()
        raise OSError

    retry = Retry(5, delay=0 if at == "the turn" else 1, on=BaseException)
    workflow = Workflow(Resources({"opened": per_run(Opened)}), state=Stage, clock=FakeClock())
    workflow.register(Stage.A, run, retry=retry).add_exit_state(Stage.DONE)
    running = asyncio.ensure_future(workflow.orchestrate(Stage.A))
    while not calls:
        await turns()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert log == ["up", "down"]
    assert calls == 1


@pytest.mark.parametrize("turned", [True, False])
async def test_a_cancellation_that_a_task_turns_into_an_error_is_not_tried_again(turned: bool) -> None:
    """Or that is asked for in the very step in which it fails: then it comes out, with the failure as its cause."""
    calls = 0

    async def run() -> Stage:
        nonlocal calls
        calls += 1
        if turned:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise OSError("turned") from None
        me = asyncio.current_task()
        assert me is not None
        me.cancel()
        raise OSError("same step")

    running = asyncio.ensure_future(workflow_of(run, NOW).orchestrate(Stage.A))
    if turned:
        while not calls:
            await turns()
        running.cancel()
        with pytest.raises(OSError, match="turned"):
            await running
    else:
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        assert type(caught.value.__cause__) is OSError
    assert calls == 1


async def test_a_cancelled_wait_tells_what_it_waited_for() -> None:
    """The failure of the attempt before is the cause of the cancellation."""
    run = Failing(9)
    running = asyncio.ensure_future(workflow_of(run, Retry(3, delay=9), clock=FakeClock()).orchestrate(Stage.A))
    await turns(5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    assert isinstance(caught.value.__cause__, OSError)
    assert run.calls == 1


async def test_a_clock_that_does_not_wait_starves_nobody() -> None:
    """Others run between two attempts whatever the clock does."""

    class Hasty(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.time += seconds

    run = Failing(10**9)
    running = asyncio.ensure_future(workflow_of(run, Retry(10**9), clock=Hasty()).orchestrate(Stage.A))
    await turns(5)
    assert run.calls < 10
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_clock_that_fails_ends_the_run() -> None:
    """Its error comes out and tells of the attempts."""

    class Broken(FakeClock):
        async def sleep(self, seconds: float) -> None:
            raise LookupError("clock")

    error = await failure(workflow_of(Failing(9), Retry(3), clock=Broken()))
    found = context_of(error)
    assert error.args == ("clock",)
    assert found is not None
    assert (found.attempt, [each.number for each in found.earlier]) == (1, [1])


async def test_what_an_earlier_attempt_left_on_an_instance_is_gone() -> None:
    """An error of an inner run that the task raises by itself later is told without that run."""
    error = OSError("both")
    inner = workflow_of(Failing(9, lambda _: error), None)
    calls = 0

    async def outer() -> Stage:
        nonlocal calls
        calls += 1
        if calls == 1:
            return await inner.orchestrate(Stage.A)
        raise error

    found = context_of(await failure(workflow_of(outer, Retry(2, delay=0))))
    assert found is not None
    assert found.inner is None
    assert len(error.__notes__) == 1


async def test_what_somebody_else_keeps_under_the_name_is_left_alone() -> None:
    """An exception's own attribute of that name is no record of ours."""
    error = OSError()
    error.cano_attempts = 3  # type: ignore[attr-defined]
    assert await failure(workflow_of(Failing(9, lambda _: error), None)) is error
    assert error.cano_attempts == 3  # type: ignore[attr-defined]


async def test_one_instance_that_every_attempt_of_every_run_raises_does_not_grow() -> None:
    """It keeps one note, and a traceback of the last attempt alone."""
    error = OSError("constant")
    workflow = workflow_of(Failing(10**9, lambda _: error), Retry(4, delay=0))
    depths = set()
    for _ in range(50):
        assert await failure(workflow) is error
        depths.add(len(traceback.extract_tb(error.__traceback__)))
        assert len(error.__notes__) == 1
        assert "attempt 4" in error.__notes__[0]
    fresh = await failure(workflow_of(Failing(4), Retry(4, delay=0)))
    assert depths == {len(traceback.extract_tb(fresh.__traceback__))}


async def test_what_a_failed_attempt_held_is_let_go() -> None:
    """The frames of an attempt that is over do not outlive it."""
    kept: list[weakref.ref[Any]] = []
    alive: list[int] = []
    errors: list[OSError] = []  # whoever keeps the exception does not keep the frames

    class Large:
        pass

    async def run() -> Stage:
        alive.append(sum(each() is not None for each in kept))
        large = Large()
        kept.append(weakref.ref(large))
        errors.append(OSError())
        raise errors[-1]

    gc.disable()
    try:
        await failure(workflow_of(run, Retry(5, delay=0)))
    finally:
        gc.enable()
    assert alive == [0] * 5


async def test_of_many_attempts_the_ends_are_kept() -> None:
    """The context is bounded, and says which attempts it shows."""
    found = context_of(await failure(workflow_of(Failing(10**9), Retry(1000, delay=0))))
    assert found is not None
    assert found.attempt == 1000
    assert [each.number for each in found.earlier] == [*range(1, 17), *range(984, 1000)]


async def test_a_predicate_that_fails_ends_the_run() -> None:
    """Its error comes out, with the task's own as its context."""

    def broken(error: Exception) -> bool:
        raise LookupError("predicate")

    error = await failure(workflow_of(Failing(9), Retry(5, delay=0, on=broken)))
    found = context_of(error)
    assert error.args == ("predicate",)
    assert type(error.__context__) is OSError
    assert found is not None
    assert (found.attempt, found.earlier) == (1, ())


async def test_the_message_of_an_attempt_is_no_code_of_the_exception() -> None:
    """Only arguments that are texts and numbers are written; no method of the exception runs."""

    class Loud(Exception):
        def __str__(self) -> str:
            raise AssertionError

        __repr__ = __str__

    made: list[BaseException] = [Loud("text", 7), Loud(Loud()), ValueError(10**5000), ValueError("x" * 10**6), Loud()]
    found = context_of(await failure(workflow_of(Failing(9, lambda number: made[number - 1]), Retry(5, delay=0))))
    assert found is not None
    assert [each.message for each in found.earlier] == ["text, 7", "", "", "x" * 200]


async def test_overlapping_runs_count_their_attempts_for_themselves() -> None:
    """Nothing of a run is kept in the plan."""
    calls: dict[str, int] = {}

    async def run(name: str) -> Stage:
        calls[name] = calls.get(name, 0) + 1
        await turns(2)
        if calls[name] <= len(name):
            raise OSError(name)
        return Stage.DONE

    workflow = Workflow(Resources({"name": per_run(of=str)}), state=Stage)
    workflow.register(Stage.A, run, retry=Retry(3, delay=0)).add_exit_state(Stage.DONE)
    runs = [workflow.orchestrate(Stage.A, resources={"name": name}) for name in ("", "a", "bb", "ccc")]
    *fine, failed = await asyncio.gather(*runs, return_exceptions=True)
    assert fine == [Stage.DONE] * 3
    assert calls == {"": 1, "a": 2, "bb": 3, "ccc": 3}
    assert isinstance(failed, OSError)


async def test_a_blocking_task_is_tried_again_in_a_thread() -> None:
    """Never two at once."""
    log: list[str] = []
    threads: set[int] = set()

    @task(to=Stage.DONE, blocking=True, retry=Retry(3, delay=0, on=OSError))
    def run() -> Stage:
        threads.add(threading.get_ident())
        log.append("enter")
        go_on.wait(10)
        log.append("leave")
        if len(log) < 6:
            raise OSError
        return Stage.DONE

    go_on = threading.Event()
    running = asyncio.ensure_future(single(run).orchestrate(Stage.A))
    while not log:
        await turns()
    await turns(20)
    assert log == ["enter"]
    go_on.set()
    assert await running is Stage.DONE
    assert log == ["enter", "leave"] * 3
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("wrong", [3, True, "3", {"attempts": 3}])
def test_what_is_no_retry_is_refused(wrong: Any) -> None:
    """Where it is given, with what to write."""
    with pytest.raises(TypeError, match=r"retry is .*; write retry=Retry\(attempts=3\)$"):
        workflow_of(Failing(1), wrong)
    with pytest.raises(TypeError, match="retry is"):
        task(retry=wrong)


async def test_an_inner_run_that_was_tried_again_is_told_apart() -> None:
    """The attempts of an inner run are in its own context, those of the outer one in the outer."""
    inner = workflow_of(Failing(10**9), Retry(2, delay=0))

    async def outer() -> Stage:
        return await inner.orchestrate(Stage.A)

    found = context_of(await failure(workflow_of(outer, NOW)))
    assert found is not None
    assert found.inner is not None
    assert (found.attempt, found.inner.attempt) == (3, 2)
    assert ([each.number for each in found.earlier], [each.number for each in found.inner.earlier]) == ([1, 2], [1])
