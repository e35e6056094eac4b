"""Workflows that are tasks of others: their states, what makes them, and an observer that writes everything down."""

import asyncio
from enum import Enum, auto
from typing import Any

from cano.errors import ErrorContext, context_of
from cano.ports import Observer, RunInfo, StepInfo
from cano.resources import Resources
from cano.workflow import Workflow
from tests.unit.callers import forever
from tests.unit.stages import Stage, turns


class Inner(Enum):
    """The states of a workflow inside another one."""

    IN = auto()
    MORE = auto()
    OK = auto()
    BAD = auto()


def child(run: Any, resources: Resources | None = None, *, exits: Any = (Inner.OK,), **options: Any) -> Workflow[Any]:
    """Make a workflow of one state, IN, whose task may go anywhere."""
    made = Workflow(resources, state=Inner, **options).register(Inner.IN, run)
    for each in exits:
        made.add_exit_state(each)
    return made


def around(
    sub: Any, resources: Resources | None = None, *, retry: Any = None, timeout: Any = None, **options: Any
) -> Workflow[Any]:
    """Make a workflow of one state, A, with this task; DONE is its exit."""
    made = Workflow(resources, state=Stage, **options).register(Stage.A, sub, retry=retry, timeout=timeout)
    return made.add_exit_state(Stage.DONE)


def inside(run: Any, resources: Resources | None = None, *, keys: Any = None, **options: Any) -> Any:
    """Make a workflow of one task, as a task that goes to DONE."""
    return child(run, resources, **options).as_task(Inner.IN, to=Stage.DONE, resources=keys)


async def ok() -> Inner:
    """End well."""
    await asyncio.sleep(0)
    return Inner.OK


def raises(error: BaseException) -> Any:
    """Make a task that raises this very instance."""

    async def fail() -> Inner:
        raise error

    return fail


class Told(Observer):
    """Writes down each event as a tuple: its name, the workflow, and what it is about; and the records of runs."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.runs: list[RunInfo] = []
        self.ended: dict[str, tuple[Any, BaseException | None]] = {}  # by the run's id

    def on_run_start(self, run: RunInfo) -> None:
        """Write it down."""
        self.runs.append(run)
        self.events.append(("run", run.workflow))

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Write it down."""
        self.events.append(("state", run.workflow, step.label))

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """Write it down."""
        self.events.append(("task", run.workflow, step.label, step.branch))

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        """Write it down."""
        self.events.append(("retry", run.workflow, step.label, attempt))

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Write it down."""
        self.events.append(("task end", run.workflow, step.label, step.branch, type(error).__name__))

    def on_run_end(self, run: RunInfo, state: Any, seconds: float, error: BaseException | None) -> None:
        """Write it down."""
        self.ended[run.run_id] = (state, error)
        self.events.append(("run end", run.workflow, getattr(state, "name", state), type(error).__name__))


def watching(watched: bool) -> dict[str, Any]:
    """Return the options of a workflow that somebody watches, or nobody."""
    return {"observers": [Told()]} if watched else {}


def contexts(error: BaseException) -> list[ErrorContext]:
    """Return the context and those inside it."""
    found, context = [], context_of(error)
    while context is not None:
        found.append(context)
        context = context.inner
    return found


async def cleaning(log: list[str]) -> Inner:
    """Take some turns to clean up, and note whether that was disturbed."""
    try:
        return await forever()  # type: ignore[no-any-return]
    finally:
        try:
            await turns(6)
            log.append("cleaned up")
        except asyncio.CancelledError:
            log.append("disturbed")
            raise
