"""Each start has its end, whatever becomes of the run (engine 10, OB-3, SJ-12, K2)."""

import asyncio
import gc
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import AttemptTimeout, MaxStepsReached, ResultInvalid, RunCancelled, RunTimeout, TargetUndeclared, TeardownFailed
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow, _definition
from tests.observed import Witness
from tests.unit.callers import Caller, forever, myself, outcome_of
from tests.unit.cancellation.kinds import KINDS, numbers_of
from tests.unit.cancellation.play import CANCEL, THROW_AWAY, TIMEOUT, TOKEN, Point
from tests.unit.cancellation.proofs import play
from tests.unit.splits import failing, giving, held
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns
from tests.unit.watching import Log, until

WAYS = {"cancelled": CANCEL, "by the token": TOKEN, "out of time": TIMEOUT, "thrown away": THROW_AWAY}


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """Give each workflow of a test an observer that looks at all that it is told."""
    witness = Witness()
    monkeypatch.setattr(_definition, "check_observers", witness.given)
    return witness


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_wherever_a_run_is_interrupted(kind: str, way: str, seeing: Witness) -> None:
    """Every kind of run, interrupted at each suspension: what has begun ends, once, the inner before the outer."""
    scene = KINDS[kind]
    if WAYS[way] not in (*scene.ways, THROW_AWAY) or (way == "thrown away" and scene.threads):
        return
    for number in range(1, numbers_of(kind).run + 1):
        await play(scene, (WAYS[way],), Point("run", number))
    gc.collect()
    assert seeing.close() == []
    assert seeing.events > 0 or kind == "health"


def limits(steps: Any, **options: Any) -> tuple[Workflow[Any], Log, FakeClock]:
    """Make a workflow of one task, A, on a clock of its own."""
    clock, log = FakeClock(), Log()
    made = Workflow(
        options.pop("resources", None), state=Stage, observers=[log], clock=clock, max_steps=options.pop("max_steps", None)
    )
    made.register(Stage.A, steps, **options).add_exit_state(Stage.DONE)
    return made, log, clock


async def lost() -> Stage:
    """Go nowhere."""
    return "nowhere"  # type: ignore[return-value]


@task(to=Stage.DONE)
async def elsewhere() -> Stage:
    """Go where it has not said."""
    return Stage.A


async def fail() -> Stage:
    """Raise."""
    raise LookupError("mine")


async def cancelled_by_itself() -> Stage:
    """Raise what nobody has asked for."""
    raise asyncio.CancelledError


@task(to=[Stage.A, Stage.DONE])
async def again() -> Stage:
    """Go round."""
    return Stage.A


class Stop(BaseException):
    """No error, as SystemExit is none; asyncio would end the loop for that."""


async def stop() -> Stage:
    """Raise it."""
    raise Stop


FAILURES = [
    (fail, LookupError, LookupError),
    (lost, ResultInvalid, ResultInvalid),
    (elsewhere, TargetUndeclared, TargetUndeclared),
    (cancelled_by_itself, asyncio.CancelledError, asyncio.CancelledError),
    (stop, Stop, Stop),
]


@pytest.mark.parametrize(("step", "ends", "raised"), FAILURES)
async def test_a_task_that_fails(step: Any, ends: type[BaseException], raised: type[BaseException]) -> None:
    """The task ends with what it raised, or with what was wrong with what it returned; the run with what the caller gets."""
    workflow, log, _ = limits(step)
    with pytest.raises(raised) as caught:
        await workflow.orchestrate(Stage.A)
    assert log.lines == ["run", "enter A", "task A", f"end A {ends.__name__}", f"over {raised.__name__}"]
    assert log.events[-1].error is caught.value  # type: ignore[union-attr]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_task_that_ends_the_process(error: BaseException) -> None:
    """SystemExit and KeyboardInterrupt are told like any other end, before they end the loop."""

    async def leave() -> Stage:
        raise error

    workflow, log, _ = limits(leave)
    with pytest.raises(type(error)):
        workflow.orchestrate_sync(Stage.A)
    assert log.lines[2:] == ["task A", f"end A {type(error).__name__}", f"over {type(error).__name__}"]


async def test_a_caller_that_cancels_or_runs_out_of_time() -> None:
    """The task ends with CancelledError, and so does the run; ``asyncio.timeout`` is the caller's."""
    workflow, log, _ = limits(forever)
    caller = Caller(workflow.orchestrate(Stage.A))
    await until(lambda: "task A" in log.lines)
    caller.task.cancel()
    await caller.ended(cancels=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await workflow.orchestrate(Stage.A)
    each = ["run", "enter A", "task A", "end A CancelledError", "over CancelledError"]
    assert log.lines == each * 2


@pytest.mark.parametrize(("options", "error"), [({"timeout": 5}, RunTimeout), ({"token": CancellationToken()}, RunCancelled)])
async def test_a_run_that_is_ended(options: Any, error: type[Exception]) -> None:
    """A token or the run's timeout: the task ends with CancelledError, the run with its own error."""
    workflow, log, clock = limits(forever)
    caller = Caller(workflow.orchestrate(Stage.A, **options))
    await clock.advance(1)
    options.get("token", CancellationToken()).cancel()
    await clock.advance(9)
    assert type(await caller.ended()) is error
    assert log.lines == ["run", "enter A", "task A", "end A CancelledError", f"over {error.__name__}"]


@pytest.mark.parametrize("after", [Stage.B, Stage.DONE])
@pytest.mark.parametrize("suspends", [False, True])
async def test_a_task_that_has_succeeded_before_the_run_is_ended(suspends: bool, after: Stage) -> None:
    """A run that is cut at the boundary after it, the one before the exit state, too: the task has gone well."""
    token = CancellationToken()

    async def step() -> Stage:
        token.cancel()
        with suppress(asyncio.CancelledError):  # a task that swallows an interruption does not save the run
            await turns(2 * suspends)
        return after

    workflow, log, _ = limits(step)
    workflow.register(Stage.B, going(Stage.DONE))
    with pytest.raises(RunCancelled):
        await workflow.orchestrate(Stage.A, token=token)
    assert log.lines == ["run", "enter A", "task A", "end A", "over RunCancelled"]


async def test_a_run_with_too_many_steps() -> None:
    """The last task has gone well; the one that does not begin is not told."""
    workflow, log, _ = limits(again, max_steps=2)
    with pytest.raises(MaxStepsReached):
        await workflow.orchestrate(Stage.A)
    assert log.lines == ["run", *["enter A", "task A", "end A"] * 2, "over MaxStepsReached"]


async def test_attempts_that_are_too_late() -> None:
    """All attempts of a task are one task, which ends with the last error."""
    workflow, log, clock = limits(forever, timeout=1, retry=Retry(3, delay=0, on=AttemptTimeout))
    assert type(await outcome_of(workflow.orchestrate(Stage.A), clock)) is AttemptTimeout
    assert log.lines == ["run", "enter A", "task A", "retry A 1", "retry A 2", "end A AttemptTimeout", "over AttemptTimeout"]


@pytest.mark.parametrize("own", [False, True])
async def test_a_set_up_that_fails(own: bool) -> None:
    """The run has begun and ends, and no state was entered."""
    broken = per_run(lambda: Recorder("a", [], setup=LookupError("mine"))) if own else Recorder("a", [], setup=LookupError("mine"))
    workflow, log, _ = limits(going(Stage.DONE), resources=Resources({"a": broken}))
    with pytest.raises(LookupError):
        await workflow.orchestrate(Stage.A)
    assert log.lines == ["run", "over LookupError"]


async def test_a_teardown_that_fails() -> None:
    """It comes after the exit state, and the run has failed."""
    resources = Resources({"a": Plain("a", [], teardown=LookupError("mine"))})
    workflow, log, _ = limits(going(Stage.DONE), resources=resources)
    with pytest.raises(TeardownFailed):
        await workflow.orchestrate(Stage.A)
    assert log.lines == ["run", "enter A", "task A", "end A", "enter DONE", "over TeardownFailed"]


async def test_what_is_wrong_before_a_run_is_no_run() -> None:
    """Arguments that are refused begin none, nor does a cancellation that was on its way before."""
    workflow, log, _ = limits(going(Stage.DONE))
    for options in ({"timeout": "x"}, {"token": 1}, {"resources": {"x": 1}}):
        with pytest.raises((TypeError, LookupError)):
            await workflow.orchestrate(Stage.A, **options)  # type: ignore[arg-type]

    async def pending() -> None:
        myself().cancel()
        await workflow.orchestrate(Stage.A)

    run = asyncio.create_task(pending())
    await asyncio.wait((run,))
    assert run.cancelled()
    assert log.lines == []


def test_a_blocking_task() -> None:
    """It is told in the loop's thread, when it begins and when its thread has ended."""

    @task(blocking=True)
    def work() -> Stage:
        return Stage.DONE

    workflow, log, _ = limits(work)
    workflow.orchestrate_sync(Stage.A)
    assert log.lines == ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]


def branches(log: Log) -> dict[str, list[str]]:
    """What was told of each branch."""
    lines: dict[str, list[str]] = {}
    for line in log.lines:
        words = line.split()
        if words[0] in ("task", "retry", "end") and words[1][-1].isdigit():
            lines.setdefault(words[1], []).append(line)
    return lines


def splitting(tasks: Any, join: Join | None = None, **options: Any) -> tuple[Workflow[Any], Log, FakeClock]:
    """Make a workflow of one split, A."""
    clock, log = FakeClock(), Log()
    workflow: Workflow[Any] = Workflow(state=Stage, observers=[log], clock=clock)
    workflow.register_split(Stage.A, tasks, to=Stage.DONE, join=join, **options).add_exit_state(Stage.DONE)
    return workflow, log, clock


async def test_branches_that_lose() -> None:
    """They end with CancelledError before the split does, which goes well."""
    hands = held(3)
    workflow, log, _ = splitting([giving(1), *hands], Join.quorum(2))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await until(lambda: hands[2].waits)
    hands[1].returns(1)
    await run
    won = {f"A{number}": [f"task A{number}", f"end A{number}"] for number in (0, 2)}
    lost = {f"A{number}": [f"task A{number}", f"end A{number} CancelledError"] for number in (1, 3)}
    assert branches(log) == {**won, **lost}
    assert log.lines[-3:] == ["end A", "enter DONE", "over DONE"]


async def test_branches_that_never_begin() -> None:
    """When all is certain before there is room for them, nothing is told of them."""
    workflow, log, _ = splitting([giving(1), giving(2), giving(3)], Join.any(), bulkhead=1)
    await workflow.orchestrate(Stage.A)
    assert log.lines == ["run", "enter A", "task A", "task A0", "end A0", "end A", "enter DONE", "over DONE"]


async def test_a_split_that_fails_or_is_out_of_time() -> None:
    """A failing branch ends with its own error, the others with CancelledError, the split with what it raises."""
    workflow, log, _ = splitting([*held(1), failing(LookupError("mine"))])
    with pytest.raises(ExceptionGroup):
        await workflow.orchestrate(Stage.A)
    assert branches(log) == {"A0": ["task A0", "end A0 CancelledError"], "A1": ["task A1", "end A1 LookupError"]}
    assert log.lines[-2:] == ["end A SplitFailed", "over SplitFailed"]
    workflow, log, clock = splitting(held(2), timeout=5)
    await outcome_of(workflow.orchestrate(Stage.A), clock)
    assert branches(log) == {f"A{number}": [f"task A{number}", f"end A{number} CancelledError"] for number in (0, 1)}
    assert log.lines[-2:] == ["end A SplitFailed", "over SplitFailed"]


async def test_retries_of_branches_are_told_as_theirs() -> None:
    """Each attempt of a branch, with the branch's own record; a run inside a branch tells its own."""
    inner = Log()
    other = single(fail, observers=[inner])

    async def runs_another() -> None:
        await other.orchestrate(Stage.A)

    tries = Retry(2, delay=0)
    workflow, log, _ = splitting(
        [Branch(runs_another, retry=tries), Branch(failing(OSError()), retry=tries)], Join.partial_results(2)
    )
    with pytest.raises(ExceptionGroup):
        await workflow.orchestrate(Stage.A)
    told = {"A0": ["task A0", "retry A0 1", "end A0 LookupError"], "A1": ["task A1", "retry A1 1"]}
    assert branches(log)["A0"] == told["A0"]
    assert branches(log)["A1"][:2] == told["A1"]
    assert inner.lines == ["run", "enter A", "task A", "end A LookupError", "over LookupError"] * 2


async def test_a_retry_inside_a_run_in_a_branch_is_the_inner_one_s() -> None:
    """The step of a retry is that of the run whose task is tried again."""
    inner = Log()
    other = Workflow(state=Stage, observers=[inner], clock=FakeClock())
    other.register(Stage.C, task(to=Stage.DONE)(fail), retry=Retry(2, delay=0)).add_exit_state(Stage.DONE)

    async def runs_another() -> None:
        await other.orchestrate(Stage.C)

    workflow, log, _ = splitting([runs_another])
    with pytest.raises(ExceptionGroup):
        await workflow.orchestrate(Stage.A)
    assert inner.lines == ["run", "enter C", "task C", "retry C 1", "end C LookupError", "over LookupError"]
    assert not [line for line in log.lines if line.startswith("retry")]


async def test_a_run_that_a_task_starts_by_hand() -> None:
    """It has the id of the run around as its parent, and tells its own observers alone."""
    inner = Log()
    other = single(going(Stage.DONE), observers=[inner])

    async def step() -> Stage:
        await other.orchestrate(Stage.A)
        return Stage.DONE

    workflow, log, _ = limits(step)
    await workflow.orchestrate(Stage.A)
    assert log.lines == inner.lines == ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]
    assert {event.run.parent_id for event in inner.events} == {log.events[0].run.run_id}


async def test_a_coroutine_that_is_closed_while_a_cancellation_is_awaited() -> None:
    """A task that failed while its run is cancelled, and thrown away before that arrives, has an end: with its own error."""

    async def step() -> Stage:
        myself().cancel()
        raise LookupError("mine")

    workflow, log, _ = limits(step)
    steps: Any = workflow.orchestrate(Stage.A)

    async def by_hand() -> None:
        steps.send(None)
        steps.close()

    await asyncio.wait((asyncio.create_task(by_hand()),))
    assert log.lines == ["run", "enter A", "task A", "end A LookupError", "over GeneratorExit"]
