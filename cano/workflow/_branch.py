"""A branch of a split, under conditions of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias

from cano._text import name_of, shown_text
from cano.errors import TaskInvalid
from cano.ports import seconds
from cano.resilience import Retry, check_retry
from cano.tasks import TaskSpec, reading, spec_of
from cano.tasks.protocols import RunsBare, RunsWith
from cano.workflow._nested import SubWorkflow

AnyTask: TypeAlias = Callable[..., Awaitable[Any] | Any] | RunsWith[Any] | RunsBare[Any] | SubWorkflow[Any]


@dataclass(frozen=True, slots=True)
class Branch:
    """A task as a branch of a split, with ``retry`` and ``timeout`` (seconds an attempt may take) in the place of its own.

    What says no more than the task itself needs no ``Branch``: :meth:`Workflow.register_split` takes tasks, too.

    Raises: TypeError if ``retry`` is no Retry; TypeError, ValueError if ``timeout`` is no duration.
    """

    task: AnyTask
    retry: Retry | None = field(default=None, kw_only=True)
    timeout: float | timedelta | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_retry(self.retry)
        if self.timeout is not None:
            seconds(self.timeout, "timeout")

    @property
    def spec(self) -> TaskSpec:
        """The task, read.

        Raises: TaskInvalid, AnnotationUnresolved.
        """
        return read_task(self.task, None, self.retry, self.timeout, branch=True)


def read_task(
    task: object, state: type | None, retry: Retry | None, timeout: float | timedelta | None, *, branch: bool = False
) -> TaskSpec:
    """Read a task, also one that is a workflow.

    Raises: TaskInvalid, AnnotationUnresolved; TypeError, ValueError for a timeout that is none.
    """
    if type(task) is SubWorkflow:  # isinstance would ask the task, which may be any object of the user's
        if not branch:
            task._check_states(state)
        return replace(task._spec, retry=retry, timeout=None if timeout is None else seconds(timeout, "timeout"))
    with reading(task):
        if all(name in dir(type(task)) for name in ("orchestrate", "as_task")):
            advice = "a workflow becomes a task by as_task: register(state, workflow.as_task(start, to=...))"
            raise TaskInvalid(name_of(type(task)), advice)
    return spec_of(task, state, retry=retry, timeout=timeout, branch=branch)


def check_one(task: object) -> None:
    """Refuse branches in the place of the one task of a state.

    Raises: TaskInvalid.
    """
    if type(task) in (list, tuple, Branch):
        raise TaskInvalid(shown_text(task), "tasks side by side are branches: write register_split(state, [...], to=...)")


def check_first(state: object) -> None:
    """Refuse branches in the place of a state.

    Raises: TypeError.
    """
    if type(state) is list:
        raise TypeError("the state comes first; write register_split(state, branches, to=...)")
