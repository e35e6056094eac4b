"""Hooks that fail, hooks that are none, and hooks that meddle with the run (engine 10, OB-2, K2): the run is unharmed."""

import asyncio
import gc
import logging
import traceback
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import EventLoopMisuse, RunCancelled, SplitFailed, WorkflowFrozen, context_of
from cano.ports import RunInfo, StepInfo
from cano.resilience import CancellationToken, Retry
from cano.tasks import task
from cano.workflow import Workflow
from cano.workflow._watch import Watch
from tests.unit.callers import myself
from tests.unit.stages import Stage, going, single, turns
from tests.unit.watching import HOOKS, Log, observer_of, told, whole_workflow


class Unspeakable(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def raising(error: BaseException) -> Any:
    """Make a hook that raises this."""

    def hook(*_: object) -> None:
        raise error

    return hook


@pytest.mark.parametrize(
    "error", [ValueError("mine"), asyncio.CancelledError("nobody's"), Unspeakable()], ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize("name", HOOKS)
async def test_a_hook_that_raises_is_logged_and_skipped(name: str, error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises, for a state, an attempt or a branch: the others are told all the same, and the run goes on."""
    undisturbed, before, after = Log(), Log(), Log()
    await whole_workflow(undisturbed).orchestrate(Stage.A)
    workflow = whole_workflow(before, observer_of(**{name: raising(error)}), after)
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert before.lines == after.lines == undisturbed.lines
    said = [record for record in caplog.records if record.name == "cano"]
    assert len(said) >= {"on_state_enter": 4, "on_task_start": 5, "on_task_end": 5, "on_retry": 2}.get(name, 1)
    assert all(record.levelno == logging.ERROR for record in said)
    assert all("hook" in record.getMessage() and "skipped" in record.getMessage() for record in said)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", HOOKS)
async def test_a_hook_alone(name: str, fails: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The only hook of the only observer is told what one of many is told, each event once, whether it raises or not."""
    log, alone = Log(), Log()
    await whole_workflow(log).orchestrate(Stage.A)

    def hook(*facts: Any) -> None:
        getattr(alone, name)(*facts)
        if fails:
            raise ValueError("mine")

    assert await whole_workflow(observer_of(**{name: hook})).orchestrate(Stage.A) is Stage.DONE
    kinds = {type(event) for event in alone.events}
    assert len(kinds) == 1
    assert alone.lines == told(event for event in log.events if type(event) in kinds)
    assert len([record for record in caplog.records if record.name == "cano"]) == (len(alone.events) if fails else 0)


@pytest.mark.parametrize("name", ["on_task_end", "on_run_end", "on_retry"])
async def test_a_hook_may_raise_the_error_that_it_is_told(name: str) -> None:
    """The error reaches the caller as it was: with no frame of a hook in its traceback, and with its context."""
    raised = 0

    def again(*facts: Any) -> None:
        nonlocal raised
        if isinstance(facts[-1], BaseException):
            raised += 1
            try:
                raise KeyError
            except KeyError:
                raise facts[-1]  # noqa: B904

    def names(error: BaseException) -> list[str]:
        return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    @task(retry=Retry(2, delay=0))
    async def fail() -> Stage:
        raise error

    tracebacks = []
    for observer in (Log(), observer_of(**{name: again})):
        error = LookupError("mine")
        error.__context__ = OSError("before")
        with pytest.raises(LookupError) as caught:
            await single(fail, observers=[observer]).orchestrate(Stage.A)
        tracebacks.append(names(caught.value))
        assert isinstance(caught.value.__context__, OSError)
    assert tracebacks[0] == tracebacks[1]
    assert raised == 1


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keep the cyclic collector off: what lives on is in a cycle."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("hook", [None, "raises another", "raises the same"])
@pytest.mark.parametrize("body", ["fails", "fails in a branch", "goes", "cancelled", "pending"])
async def test_an_observed_run_leaves_no_cycle(body: str, hook: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the frames of a failed run hold is let go with its error, and the error that is kept keeps nothing of the watch."""
    monkeypatch.setattr(logging.getLogger("cano"), "disabled", True)

    class Value:
        pass

    alive: list[weakref.ref[Value]] = []

    async def step() -> Any:
        value = Value()
        alive.append(weakref.ref(value))
        if body == "cancelled":
            await asyncio.get_running_loop().create_future()
        if body == "pending":
            myself().cancel()
        if body != "goes":
            raise ValueError(value)
        return Stage.DONE

    def end(*facts: Any) -> None:
        if hook is not None and facts[-1] is not None:
            raise facts[-1] if hook == "raises the same" else OSError("hook")

    observer = observer_of(on_state_enter=lambda *_: None, on_task_end=end, on_run_end=end)
    workflow: Workflow[Any] = Workflow(observers=[observer]).add_exit_state(Stage.DONE)
    if "branch" in body:
        workflow.register_split("A", [step], to=Stage.DONE)
    else:
        workflow.register("A", step)

    async def later() -> None:
        await turns()
        await workflow.orchestrate("A")

    run = asyncio.create_task(later())
    if body == "cancelled":
        await turns(12)
        run.cancel()
    with suppress(Exception, asyncio.CancelledError):
        await run
    del run
    await turns(3)
    assert alive
    assert [ref for ref in alive if ref() is not None] == []


@pytest.mark.usefixtures("no_collection")
async def test_a_kept_error_does_not_keep_the_watch() -> None:
    """Of an error that is kept, the traceback leads to no Watch any more, once the run is over."""

    async def fail() -> Stage:
        raise LookupError("mine")

    log = Log()
    with pytest.raises(LookupError) as caught:
        await single(fail, observers=[log]).orchestrate(Stage.A)
    held = [value for frame, _ in traceback.walk_tb(caught.value.__traceback__) for value in frame.f_locals.values()]
    held += [getattr(value, "watch", None) for value in held]
    assert not any(isinstance(value, Watch) for value in held)
    assert not any(isinstance(getattr(value, "__self__", None), Watch) for value in held)


async def test_a_hook_that_starts_another_run() -> None:
    """In a task of its own, it is a run like any other, and its parent is the run that the hook was told of."""
    inner, tasks = Log(), []
    other = single(going(Stage.DONE), observers=[inner])
    for name in HOOKS:
        log = Log()
        start = lambda *_: tasks.append(asyncio.create_task(other.orchestrate(Stage.A)))  # noqa: E731
        await whole_workflow(observer_of(**{name: start}), log).orchestrate(Stage.A)
        await asyncio.gather(*tasks)
        assert inner.lines[:6] == ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]
        assert {event.run.parent_id for event in inner.events} == {log.events[0].run.run_id}
        inner.events.clear()
        tasks.clear()


async def test_a_hook_that_would_block_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    """A run inside a hook is refused as in any code on the loop, which is logged."""
    other = single(going(Stage.DONE))
    workflow = single(going(Stage.DONE), observers=[observer_of(on_task_start=lambda *_: other.orchestrate_sync(Stage.A))])
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert isinstance(caplog.records[0].exc_info[1], EventLoopMisuse)  # type: ignore[index]


@pytest.mark.parametrize("name", HOOKS)
async def test_a_hook_that_cancels_its_task(name: str) -> None:
    """It is the caller's cancellation: it comes out at the next await, inside the run or after it, and all that began has ended."""
    log = Log()

    async def step() -> Stage:
        await turns(2)
        return Stage.DONE

    workflow = whole_workflow(observer_of(**{name: lambda *_: myself().cancel()}), log)

    async def caller() -> None:
        await workflow.orchestrate(Stage.A)
        await turns(2)

    run = asyncio.create_task(caller())
    await asyncio.wait((run,))
    assert run.cancelled()
    counts = {word: sum(line.startswith(word) for line in log.lines) for word in ("run", "over", "task", "end")}
    assert counts["run"] == counts["over"] == 1
    assert counts["task"] == counts["end"]


@pytest.mark.parametrize("name", ["on_run_start", "on_state_enter", "on_task_start", "on_task_end", "on_retry"])
async def test_a_hook_that_cancels_the_token(name: str) -> None:
    """The run ends at its next boundary or wait, with RunCancelled."""
    token, log = CancellationToken(), Log()
    workflow = whole_workflow(observer_of(**{name: lambda *_: token.cancel()}), log)
    with pytest.raises(RunCancelled):
        await workflow.orchestrate(Stage.A, token=token)
    assert log.lines[-1] == "over RunCancelled"
    assert sum(line.startswith("task") for line in log.lines) == sum(line.startswith("end") for line in log.lines)


async def test_a_hook_cannot_change_the_workflow(caplog: pytest.LogCaptureFixture) -> None:
    """It is frozen by then."""
    made: list[Workflow[Any]] = []
    observer = observer_of(on_run_start=lambda _: made[0].register(Stage.B, going(Stage.DONE)))
    made.append(single(going(Stage.DONE), observers=[observer]))
    assert await made[0].orchestrate(Stage.A) is Stage.DONE
    assert isinstance(caplog.records[0].exc_info[1], WorkflowFrozen)  # type: ignore[index]


@pytest.mark.parametrize("name", HOOKS)
async def test_what_is_no_error_passes_when_all_have_been_told(name: str) -> None:
    """A hook's SystemExit or KeyboardInterrupt ends the run; the others hear of the event, and of the end of all that began."""

    class Stop(BaseException):
        pass

    logs = Log(), Log()
    workflow = whole_workflow(logs[0], observer_of(**{name: raising(Stop())}), logs[1])
    with pytest.raises(Stop):
        await workflow.orchestrate(Stage.A)
    assert logs[0].lines == logs[1].lines
    assert sum(line.startswith("task") for line in logs[0].lines) == sum(line.startswith("end") for line in logs[0].lines)
    assert logs[0].lines[0] == "run"
    assert logs[0].lines[-1] == ("over DONE" if name == "on_run_end" else "over Stop")


async def test_an_observer_s_own_attributes_mean_nothing() -> None:
    """One that is full, or has no room, is not waited for."""

    class Full(Log):
        full = True

        async def room(self) -> None:
            """Never have any."""
            raise AssertionError

    log = Full()
    assert await whole_workflow(log).orchestrate(Stage.A) is Stage.DONE
    assert log.lines[-1] == "over DONE"


async def test_the_error_of_a_task_is_told_with_its_context() -> None:
    """The hook for the end of a task sees the very error that the caller gets, with the note and context of the run."""
    seen: list[Any] = []

    async def fail() -> Stage:
        raise LookupError("mine")

    def end(*facts: Any) -> None:
        seen.append((facts[-1], context_of(facts[-1]), facts[0].run_id))

    with pytest.raises(LookupError) as caught:
        await single(fail, observers=[observer_of(on_task_end=end, on_run_end=end)]).orchestrate(Stage.A)
    for error, context, run_id in seen:
        assert error is caught.value
        assert context is not None
        assert context.run_id == run_id
    assert len(seen) == 2


async def test_the_error_of_a_branch_is_told_with_its_context() -> None:
    """That of this run, also if the same instance has been raised in another one before."""
    seen: list[Any] = []
    error = LookupError("mine")

    async def fail() -> None:
        raise error

    def end(run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        if step.branch is not None and error is not None:
            context = context_of(error)
            assert context is not None
            seen.append((context.run_id == run.run_id, context.task))

    workflow = Workflow(state=Stage, observers=[observer_of(on_task_end=end)])
    workflow.register_split(Stage.A, [fail], to=Stage.DONE).add_exit_state(Stage.DONE)
    for _ in range(2):
        with pytest.raises(SplitFailed):
            await workflow.orchestrate(Stage.A)
    assert [right for right, _ in seen] == [True, True]
    assert all(task.endswith("fail[0]") for _, task in seen)


@pytest.mark.unobserved
async def test_one_hook_that_ends_the_process_is_told_once() -> None:
    """A SystemExit from the only hook leaves no end to be told again."""
    ends: list[Any] = []

    def end(run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        ends.append((step.label, error))
        raise SystemExit

    workflow = Workflow(state=Stage, observers=[observer_of(on_task_end=end)])
    workflow.register(Stage.A, going(Stage.B)).register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
    with pytest.raises(SystemExit):
        await workflow.orchestrate(Stage.A)
    assert ends == [("A", None)]


async def test_a_hook_that_ends_the_process_begins_nothing() -> None:
    """A SystemExit at the end of a task, or at the entering of a state, is raised before the next thing begins."""
    for name, lines in (("on_task_end", ["enter A", "task A", "end A"]), ("on_state_enter", ["enter A"])):
        log = Log()
        workflow = Workflow(state=Stage, observers=[observer_of(**{name: raising(SystemExit())}), log])
        workflow.register(Stage.A, going(Stage.B)).register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
        with pytest.raises(SystemExit):
            await workflow.orchestrate(Stage.A)
        assert [line for line in log.lines if line.split()[0] in ("enter", "task", "end")] == lines


async def test_a_filter_of_the_log_that_raises_harms_nobody() -> None:
    """What the library logs of a hook goes through the user's filters; the run goes on, a task's error stays what it is."""

    def refuse(_: object) -> bool:
        raise KeyError("filter")

    def fail(*_: Any) -> None:
        raise ValueError("hook")

    async def broken() -> Stage:
        raise OSError("task")

    log = logging.getLogger("cano")
    log.addFilter(refuse)
    try:
        hooks = dict.fromkeys(("on_run_start", "on_state_enter", "on_task_start", "on_task_end", "on_run_end"), fail)
        assert await single(going(Stage.DONE), observers=[observer_of(**hooks)]).orchestrate(Stage.A) is Stage.DONE
        with pytest.raises(OSError, match="task"):
            await single(broken, observers=[observer_of(**hooks)]).orchestrate(Stage.A)
    finally:
        log.removeFilter(refuse)
