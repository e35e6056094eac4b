"""Errors of a run that are no task's own."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from cano._notes import ErrorContext
from cano._text import did_you_mean
from cano.errors._base import CanoError


class WorkflowError(CanoError, RuntimeError):
    """A run went wrong in a way that is no task's own error."""

    category = "workflow"


class TargetUndeclared(WorkflowError, ValueError):
    """A task named a state as the next one that it did not declare, or that the workflow does not have.

    ``declared`` are the states that it may name; None means any state that the workflow has, and those are ``known``.
    """

    def __init__(self, task: str, target: str, declared: tuple[str, ...] | None, known: tuple[str, ...] = ()) -> None:
        super().__init__(task, target, declared, known)
        self.task = task
        self.target = target
        self.declared = declared
        self.known = known

    def __str__(self) -> str:
        if self.declared is None:
            hint = did_you_mean(self.target, self.known)
            return f"{self.task} named {self.target} as the next state, which has no task and is no exit state{hint}"
        return f"{self.task} named {self.target} as the next state, but declares only {', '.join(self.declared) or 'none'}"


class ResultInvalid(WorkflowError, TypeError):
    """A task returned something that is no state: ``result`` is its text, ``reason`` says why."""

    def __init__(self, task: str, result: str, reason: str) -> None:
        super().__init__(task, result, reason)
        self.task = task
        self.result = result
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.task} returned {self.result}, which is no state: {self.reason}"


class MaxStepsReached(WorkflowError):
    """The run executed ``limit`` tasks, the ``max_steps`` of the workflow, and had not reached an exit state."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"no exit state after {self.limit} steps (max_steps)"


class RunCancelled(WorkflowError):
    """A CancellationToken cancelled the run. What the run was amid is the cause, if that ended in an error of its own."""

    category = "cancelled"

    def __str__(self) -> str:
        return "the run was cancelled by its token"


class RunTimeout(WorkflowError, TimeoutError):
    """The run took longer than ``limit`` seconds, the ``timeout`` that it was started with."""

    category = "timeout"

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the run took longer than its timeout of {self.limit:g} s"


class AttemptTimeout(WorkflowError, TimeoutError):
    """An attempt of the task ``task`` took longer than ``limit`` seconds, the task's ``timeout``.

    The cause is what the attempt made of its interruption: the CancelledError, with the place where it was, or another error. If it
    was ``abandoned``, work of it, or of something that it had begun, goes on in an executor, and it is never tried again.
    """

    category = "timeout"

    def __init__(self, task: str, limit: float, abandoned: bool = False) -> None:
        super().__init__(task, limit, abandoned)
        self.task = task
        self.limit = limit
        self.abandoned = abandoned

    def __str__(self) -> str:
        text = f"an attempt of {self.task} took longer than its timeout of {self.limit:g} s"
        return f"{text}; work of it was abandoned, and goes on in its executor" if self.abandoned else text


class SplitTimeout(WorkflowError, TimeoutError):
    """The branches of a split had not decided it after ``limit`` seconds, its ``timeout``. Part of a SplitFailed."""

    category = "timeout"

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the branches had not decided the split after its timeout of {self.limit:g} s"


class BranchCancelled(WorkflowError):
    """The branch ``index``, the task ``task``, ended by a CancelledError that nobody had asked for. Part of a SplitFailed."""

    category = "cancelled"

    def __init__(self, index: int, task: str) -> None:
        super().__init__(index, task)
        self.index = index
        self.task = task

    def __str__(self) -> str:
        return f"branch {self.index} ({self.task}) raised CancelledError, though nobody had cancelled it"


class SplitFailed(WorkflowError, ExceptionGroup[Exception]):
    """A split did not get what it asked for; a group of what its branches raised, in the order in which they ended.

    ``state`` is the label of the split's state, ``join`` what was asked for, of so many ``branches``. Beside ``exceptions`` stand
    ``indices``, the branch of each (None for a SplitTimeout, which is no branch's), and ``contexts``, where in the run each was
    raised. ``successes`` maps the indices of branches that had succeeded to what they returned, ``cancelled`` are the indices of
    the others. What cancelled branches raised in their clean-up comes last in the group.
    """

    category = "split_failed"
    state: str
    join: str
    branches: int
    indices: tuple[int | None, ...]
    contexts: tuple[ErrorContext | None, ...]
    successes: Mapping[int, Any]
    cancelled: tuple[int, ...]

    def __new__(
        cls,
        state: str,
        join: str,
        branches: int,
        exceptions: Sequence[Exception],
        indices: tuple[int | None, ...],
        contexts: tuple[ErrorContext | None, ...],
        successes: Mapping[int, Any],
        cancelled: tuple[int, ...],
    ) -> Self:
        counts = f"{len(successes)} succeeded, {branches - len(successes) - len(cancelled)} failed, {len(cancelled)} cancelled"
        self = ExceptionGroup.__new__(cls, f"split {state}: {join} of {branches} branches: {counts}", exceptions)
        self.state, self.join, self.branches = state, join, branches
        self.indices, self.contexts, self.successes, self.cancelled = indices, contexts, successes, cancelled
        return self

    def __init__(
        self,
        state: str,
        join: str,
        branches: int,
        exceptions: Sequence[Exception],
        indices: tuple[int | None, ...],
        contexts: tuple[ErrorContext | None, ...],
        successes: Mapping[int, Any],
        cancelled: tuple[int, ...],
    ) -> None:
        CanoError.__init__(self, state, join, branches, exceptions, indices, contexts, successes, cancelled)

    # Typeshed has derive() give a group of any kind, generic in its parts; this one gives its own kind alone.
    def derive(self, excs: Sequence[Exception], /) -> "SplitFailed":  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        members = {id(each) for each in self.exceptions}
        kept, at = [], 0
        for each in excs:
            if id(each) in members:
                while at < len(self.exceptions) and self.exceptions[at] is not each:
                    at += 1
            else:
                leaves = _leaves(each)
                while at < len(self.exceptions) and not leaves <= _leaves(self.exceptions[at]):
                    at += 1
            kept.append(at)
            at += 1
        beside = [at for at in kept if at < len(self.exceptions)]
        if len(beside) < len(kept):  # somebody puts in what never was there
            return SplitFailed(
                self.state, self.join, self.branches, excs, (None,) * len(excs), (None,) * len(excs), self.successes, self.cancelled
            )
        indices, contexts = tuple(self.indices[at] for at in beside), tuple(self.contexts[at] for at in beside)
        return SplitFailed(self.state, self.join, self.branches, excs, indices, contexts, self.successes, self.cancelled)

    def _parts(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        parts = (self.state, self.join, self.branches, self.exceptions, self.indices, self.contexts, self.successes, self.cancelled)
        return parts, super()._parts()[1]


def _leaves(error: BaseException) -> set[int]:
    """Return what an exception is made of, by identity; to split a group within a group makes a new one of the same parts."""
    if not isinstance(error, BaseExceptionGroup):
        return {id(error)}
    return set[int]().union(*map(_leaves, error.exceptions))


class EventLoopMisuse(WorkflowError):
    """A call was made inside or outside an asyncio event loop where it cannot work; ``advice`` says what to call."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice

    def __str__(self) -> str:
        return self.advice
