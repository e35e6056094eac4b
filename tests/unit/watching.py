"""An observer that writes down what it is told, and texts for that."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Literal

from cano._text import label_text
from cano.ports import (
    Event,
    Observer,
    RunEnded,
    RunInfo,
    RunStarted,
    StateEntered,
    StepInfo,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)
from cano.resilience import Retry
from cano.tasks import SplitResult, task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.stages import Stage, going

HOOKS = ("on_run_start", "on_state_enter", "on_task_start", "on_retry", "on_task_end", "on_run_end")


class Log(Observer):
    """Keeps all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def on_run_start(self, run: RunInfo) -> None:
        """Keep it."""
        self.events.append(RunStarted(run))

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Keep it."""
        self.events.append(StateEntered(run, step))

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """Keep it."""
        self.events.append(TaskStarted(run, step))

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        """Keep it."""
        self.events.append(TaskRetried(run, step, attempt, delay, error))

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Keep it."""
        self.events.append(TaskEnded(run, step, seconds, error))

    def on_run_end(self, run: RunInfo, state: Any, seconds: float, error: BaseException | None) -> None:
        """Keep it."""
        self.events.append(RunEnded(run, state, seconds, error))

    @property
    def lines(self) -> list[str]:
        """What was told, in short."""
        return told(self.events)


def told(events: Iterable[Event]) -> list[str]:
    """Write events in short: ``run``, ``enter A``, ``task A``, ``retry A 1``, ``end A``, ``end A ValueError``, ``over DONE``."""
    return [_line(event) for event in events]


def _line(event: Event) -> str:
    if isinstance(event, RunStarted):
        return "run"
    if isinstance(event, RunEnded):
        return f"over {label_text(event.state) if event.error is None else type(event.error).__name__}"
    name = event.step.label if event.step.branch is None else f"{event.step.label}{event.step.branch}"
    if isinstance(event, StateEntered):
        return f"enter {name}"
    if isinstance(event, TaskStarted):
        return f"task {name}"
    if isinstance(event, TaskRetried):
        return f"retry {name} {event.attempt}"
    return f"end {name}" + ("" if event.error is None else f" {type(event.error).__name__}")


def whole_workflow(*observers: Observer, clock: FakeClock | None = None, **options: Any) -> Workflow[Any]:
    """Make a workflow that has all events: a task that fails once, and a split with a branch that does, and one that loses."""
    left = {"a": 1, "b": 1}

    def failing_once(key: str) -> None:
        left[key] -= 1
        if left[key] == 0:
            raise OSError(key)
        left[key] = 1  # for the next run

    async def flaky() -> Literal[Stage.B]:
        failing_once("a")
        return Stage.B

    async def flaky_branch() -> int:
        failing_once("b")
        return 7

    async def steady() -> int:
        return 8

    async def joined(result: SplitResult[int]) -> Literal[Stage.DONE]:
        assert sorted(result.successes.values()) == [7, 8]
        return Stage.DONE

    retry = Retry(3, delay=0)
    return (
        Workflow(state=Stage, observers=observers, clock=clock or FakeClock(), **options)
        .register(Stage.A, task(retry=retry)(flaky))
        .register_split(Stage.B, [task(retry=retry)(flaky_branch), steady], to=Stage.C)
        .register(Stage.C, joined)
        .add_exit_state(Stage.DONE)
    )


WHOLE = [
    "run", "enter A", "task A", "retry A 1", "end A",
    "enter B", "task B", "task B0", "retry B0 1", "task B1", "end B1", "end B0", "end B",
    "enter C", "task C", "end C", "enter DONE", "over DONE",
]  # fmt: skip


async def until(condition: Any, turns: int = 100) -> None:
    """Give the loop turns until something is so."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come")


async def read(stream: AsyncGenerator[Event, None], events: list[Event] | None = None) -> list[Event]:
    """Read all events, into this list."""
    events = [] if events is None else events
    async for event in stream:
        events.append(event)
    return events


def chain(length: int, log: Log | None = None, **options: Any) -> Workflow[Any]:
    """Make a workflow of so many states, numbers, that never suspend."""
    workflow: Workflow[Any] = Workflow(observers=[] if log is None else [log], **options)
    for number in range(length):
        workflow.register(number, going(number + 1))
    return workflow.add_exit_state(length)


def observer_of(**hooks: Any) -> Any:
    """Make an observer with these hooks set on the instance."""
    observer: Any = Observer()
    for name, hook in hooks.items():
        setattr(observer, name, hook)
    return observer
