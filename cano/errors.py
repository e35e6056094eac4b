"""Every error that cano raises, with its facts as attributes.

An error holds objects and writes its sentence when it is printed. Its fields go to ``Exception.args``, so an error survives
``pickle`` and ``copy``, together with its cause and its notes. Each class is also the built-in error that it specialises.
"""

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Self

from cano._notes import ErrorContext as ErrorContext
from cano._notes import context_of as context_of
from cano._text import did_you_mean, key_text, label_text, name_of, portable, short_name, told_apart


class CanoError(Exception):
    """The root of all errors that the library itself raises."""

    category: ClassVar[str] = "generic"

    def _parts(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of its class that make the error, and what was added to it since."""
        return self.args, {**self.__dict__, "__cause__": self.__cause__, "__suppress_context__": self.__suppress_context__}

    def __reduce__(self) -> tuple[Any, ...]:
        arguments, state = self._parts()
        return type(self), tuple(map(portable, arguments)), {name: portable(value) for name, value in state.items()}

    def __copy__(self) -> Self:
        arguments, state = self._parts()
        copy = type(self)(*arguments)
        copy.__setstate__(state)
        return copy

    def __deepcopy__(self, memo: object, /) -> Self:
        return self.__copy__()  # its facts are not for changing


class StoreError(CanoError):
    """A store operation could not be done; the store is as it was before."""

    category = "store"


class KeyNotFound(StoreError, KeyError):
    """The key is not in the store.

    ``key`` is the key that was asked for, ``known`` the keys that the store held then (none of them if it held more than
    256: an error that is caught and forgotten must stay cheap).
    """

    def __init__(self, key: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(key, known)
        self.key = key
        self.known = known

    def __str__(self) -> str:
        return f"key {self.key!r} is not in the store{did_you_mean(str(self.key), self.known)}"


class TypeMismatch(StoreError, TypeError):
    """The value under ``key`` is not of the type ``expected``.

    ``found`` is the class that was met instead, ``where`` the way to it from the value (``"['rows'][3]"``; empty for the value
    itself), ``detail`` what there is to be said of it besides its class.
    """

    def __init__(self, key: str, expected: object, found: type, where: str = "", detail: str = "") -> None:
        super().__init__(key, expected, found, where, detail)
        self.key = key
        self.expected = expected
        self.found = found
        self.where = where
        self.detail = detail

    def __str__(self) -> str:
        hint = "; a default is given by keyword: default=None" if self.expected is None else ""
        found = " ".join(filter(None, (name_of(self.found), self.detail, f"at {self.where}" if self.where else "")))
        return f"key {self.key!r}: expected {name_of(self.expected)}, found {found}{hint}"


class AppendTypeMismatch(StoreError, TypeError):
    """``append`` found a value of the class ``found`` under ``key`` and only appends to an exact ``list``."""

    def __init__(self, key: str, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    @property
    def expected(self) -> type:
        """The only type that ``append`` extends."""
        return list

    def __str__(self) -> str:
        kind = "a subclass of list" if list in getattr(self.found, "__mro__", ()) else "no list"
        return f"key {self.key!r}: append needs an exact list, found {name_of(self.found)}, which is {kind}; the value is unchanged"


class CopyError(StoreError, TypeError):
    """The value under ``key``, of the class ``found``, cannot be copied, so ``get`` cannot hand out a copy."""

    def __init__(self, key: str, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    def __str__(self) -> str:
        why = f" ({self.__cause__})" if self.__cause__ is not None else ""
        return f"key {self.key!r}: {name_of(self.found)} cannot be copied{why}; use get_shared to read the stored object itself"


class CommitConflict(StoreError, RuntimeError):
    """A change was given up after ``runs`` runs of its function, because what it reads under ``key`` moved each time.

    ``own``: the function moved it itself, through the store.
    """

    def __init__(self, key: str, runs: int, own: bool) -> None:
        super().__init__(key, runs, own)
        self.key = key
        self.runs = runs
        self.own = own

    def __str__(self) -> str:
        if self.own:
            return (
                f"key {self.key!r}: the function changes it through the store itself, after it has read it, in each of its runs; "
                "let it return the new value (modify) or write through what it was given (transact)"
            )
        return f"key {self.key!r}: another writer came first in all of {self.runs:,} runs; nothing has changed"


class TransactionClosed(StoreError, RuntimeError):
    """A transaction was used after its function had returned."""

    def __str__(self) -> str:
        return "the transaction is over, since its function has returned: read and write in the function that transact calls"


class LockError(StoreError, RuntimeError):
    """pthread refused the lock with the error number ``errno``; the operation did nothing."""

    def __init__(self, errno: int, reason: str) -> None:
        super().__init__(errno, reason)
        self.errno = errno
        self.reason = reason

    def __str__(self) -> str:
        return f"the store's lock was refused: {self.reason} (errno {self.errno}); nothing was read or written"


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


class ResourceError(CanoError):
    """A resource could not be found, used or taken down."""

    category = "resource"


class ResourceNotFound(ResourceError, KeyError):
    """There is no resource under ``key``.

    ``known`` are the keys that exist, ``fitting`` those whose resource is of the type ``expected`` (None: no type was asked
    for), ``where`` the task and parameter that asked, if it was one, ``advice`` what else that may have meant.
    """

    category = "resource_not_found"

    def __init__(
        self,
        key: Hashable,
        expected: object = None,
        known: tuple[Hashable, ...] = (),
        fitting: tuple[Hashable, ...] = (),
        where: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(key, expected, known, fitting, where, advice)
        self.key = key
        self.expected = expected
        self.known = known
        self.fitting = fitting
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        text = f"{self.where}: " if self.where else ""
        text += f"no resource {key_text(self.key)}"
        near = did_you_mean(*told_apart(self.key, self.known))
        if self.fitting and self.expected is not None and (self.where or not near):
            other, kind = key_text(self.fitting[0]), short_name(self.expected)
            text += f"; {other} is a `{kind}`"
            if not self.where:
                return text
            rename = "rename the parameter or " if isinstance(self.fitting[0], str) else ""
            quoted = other.replace("'", '"')
            return f"{text}: {rename}write `Annotated[{kind}, {quoted}]`"
        text += near or f"; there are {', '.join(map(key_text, self.known)) or 'none'}"
        return f"{text}; {self.advice}" if self.advice else text


class ResourceNotBrought(ResourceNotFound):
    """Each run has to bring the resource under ``key``, of the type ``expected``, and this one did not."""

    def __str__(self) -> str:
        key = key_text(self.key)
        return f"resource {key} is per run and has no recipe; pass resources={{{key}: ...}} with a {name_of(self.expected)}"


class ResourceNotMade(ResourceNotFound):
    """The resource under ``key`` is made by a recipe when a run needs it, and this is not inside such a run."""

    def __str__(self) -> str:
        return (
            f"resource {key_text(self.key)} is a recipe (shared or per_run) and exists only during a run; "
            "a task gets it as a parameter, or from the container that it is given"
        )


class ResourceTypeMismatch(ResourceError, TypeError):
    """The resource under ``key`` is of the class ``found`` and not of the type ``expected``."""

    category = "resource_type_mismatch"

    def __init__(self, key: Hashable, expected: object, found: type, where: str = "") -> None:
        super().__init__(key, expected, found, where)
        self.key = key
        self.expected = expected
        self.found = found
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: " if self.where else ""
        return f"{text}resource {key_text(self.key)}: expected {name_of(self.expected)}, found {name_of(self.found)}"


class ResourceDuplicateKey(ResourceError, ValueError):
    """There is a resource of the class ``found`` under ``key`` already."""

    category = "resource_duplicate_key"

    def __init__(self, key: Hashable, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    def __str__(self) -> str:
        return f"resource {key_text(self.key)} exists already, a {name_of(self.found)}"


class ResourceInvalid(ResourceError, TypeError):
    """What was given cannot be a resource, or its key no key; ``reason`` says why and what to write instead."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"resource {self.key}: {self.reason}"


class ResourceInUse(ResourceError, RuntimeError):
    """``action`` cannot be done while runs use the resources; ``reason`` says what is in the way."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(action, reason)
        self.action = action
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.action}: {self.reason}"


class ResourceBroken(ResourceError, RuntimeError):
    """A resource broke down by itself: a shared one while runs used it, or a set-up or teardown with a CancelledError of its own.

    Its own error is the cause. ``key`` names the resource, if that is known.
    """

    def __init__(self, reason: str, key: Hashable = None) -> None:
        super().__init__(reason, key)
        self.reason = reason
        self.key = key

    def __str__(self) -> str:
        return self.reason if self.key is None else f"resource {key_text(self.key)}: {self.reason}"


class TeardownFailed(ResourceError, ExceptionGroup[Exception]):
    """The run ended well, in ``state``, and then resources failed to be torn down; all others were.

    ``state`` is None if it was no run that ended well, but the body of ``async with workflow``.

    A group of the failures, in the order in which they happened; a note on each names the resource.
    """

    category = "teardown_failed"
    state: Any

    def __new__(cls, state: object, failures: Sequence[Exception]) -> Self:
        what = "the body of `async with` ended well" if state is None else f"the run ended well, in {label_text(state)}"
        self = super().__new__(cls, f"{what}, but {len(failures)} teardown(s) failed", failures)
        self.state = state
        return self

    def __init__(self, state: object, failures: Sequence[Exception]) -> None:
        CanoError.__init__(self, state, failures)

    # Typeshed has derive() give a group of any kind, generic in its parts; this one gives its own kind alone.
    def derive(self, excs: Sequence[Exception], /) -> "TeardownFailed":  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return TeardownFailed(self.state, excs)

    def _parts(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.state, self.exceptions), super()._parts()[1]


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


class EventLoopMisuse(WorkflowError):
    """A call was made inside or outside an asyncio event loop where it cannot work; ``advice`` says what to call."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice

    def __str__(self) -> str:
        return self.advice
