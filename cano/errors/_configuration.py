"""Errors of what is put together: tasks, states, workflows. Nothing has run when one of them is raised."""

from cano._text import did_you_mean
from cano.errors._base import CanoError


class ConfigurationError(CanoError, ValueError):
    """A workflow, a task or its resources are put together wrongly; nothing has run."""

    category = "configuration"


class TaskInvalid(ConfigurationError, TypeError):
    """The object cannot be a task: ``task`` names it, ``reason`` says why and what to write instead."""

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task = task
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.task} cannot be a task: {self.reason}"


class AnnotationUnresolved(ConfigurationError, NameError):
    """An annotation of ``task`` names something that its module does not know when the task is registered.

    ``where`` is the parameter, or ``return``; ``annotation`` is the text as written.
    """

    def __init__(self, task: str, where: str, annotation: str, module: str) -> None:
        super().__init__(task, where, annotation, module)
        self.task = task
        self.where = where
        self.annotation = annotation
        self.module = module

    def __str__(self) -> str:
        why = f" ({self.__cause__})" if self.__cause__ is not None else ""
        return (
            f"{self.task}: the annotation {self.annotation!r} of {self.where} cannot be resolved in {self.module}{why}; "
            "import the name there, or decorate the task with @task where the name is in scope"
        )


class StateInvalid(ConfigurationError, TypeError):
    """The object cannot be a state of this workflow; ``state`` is its text, ``reason`` says why."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(state, reason)
        self.state = state
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.state} cannot be a state: {self.reason}"


class StateDuplicate(ConfigurationError):
    """The state is registered already, for the task named ``task``."""

    def __init__(self, state: str, task: str) -> None:
        super().__init__(state, task)
        self.state = state
        self.task = task

    def __str__(self) -> str:
        return f"state {self.state} is registered already, for {self.task}; equal values are one state, and a state has one task"


class StateUnknown(ConfigurationError, LookupError):
    """A run was asked to start in a state that the workflow does not have; ``known`` are those that it has."""

    def __init__(self, state: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(state, known)
        self.state = state
        self.known = known

    def __str__(self) -> str:
        hint = did_you_mean(self.state, self.known) or f"; it has {', '.join(self.known) or 'none'}"
        return f"the workflow has no state {self.state} to start in{hint}"


class WorkflowInvalid(ConfigurationError):
    """The workflow cannot run as it is put together; ``problems`` are all faults found, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"the workflow cannot run: {self.problems[0]}"
        return f"the workflow cannot run, {len(self.problems)} problems:" + "".join(f"\n  - {each}" for each in self.problems)


class WorkflowFrozen(ConfigurationError, RuntimeError):
    """``action`` would change a workflow that has begun to run."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action

    def __str__(self) -> str:
        return f"{self.action}: the workflow is frozen since its first run; put it together before"
