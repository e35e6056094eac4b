"""A task as the engine sees it: what it asks for, where it may go, how it is called."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from cano.errors import AnnotationUnresolved, ResultInvalid, TaskInvalid
from cano.resources import Resources
from cano.tasks._blocking import in_thread
from cano.tasks._inject import Signature, signature_of
from cano.tasks._kinds import Kind, kind_of
from cano.tasks._names import Names, annotations_of, author_of
from cano.tasks._result import TaskResult
from cano.tasks._returns import ANYWHERE, Returns, agree, check_kinds, declared, returns_of

MARK = "__cano_task__"
UNSAID: Any = object()
S_co = TypeVar("S_co", covariant=True)

Call = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Mark:
    """What a decorator said about a task; ``names`` are local names that its annotations use."""

    state: type | None = None
    to: Any = UNSAID
    blocking: bool = False
    names: dict[str, object] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True if a task without the mark is the same task."""
        return self.state is None and self.to is UNSAID and not self.blocking and not self.names


class RunsWith(Protocol[S_co]):
    """A class task: its ``run`` gets resources."""

    @property
    def run(self) -> Callable[..., Awaitable[S_co | TaskResult[S_co]] | S_co | TaskResult[S_co]]: ...


class RunsBare(Protocol[S_co]):
    """A class task that uses no resources."""

    @property
    def run_bare(self) -> Callable[[], Awaitable[S_co | TaskResult[S_co]] | S_co | TaskResult[S_co]]: ...


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task, read once when it is registered."""

    name: str
    kind: Kind
    signature: Signature
    returns: Returns

    def bind(self, resources: Resources) -> Call:
        """Return the call without arguments whose awaited result is the next state."""
        call = self.signature.bind(resources)
        if self.kind is Kind.ASYNC:
            return call
        return functools.partial(in_thread if self.kind is Kind.BLOCKING else functools.partial(_checked, self.name), call)


def spec_of(subject: Any, state: type | None = None) -> TaskSpec:
    """Read a task; ``state`` is the class of the workflow's states, if that is known.

    Raises: TaskInvalid, AnnotationUnresolved.
    """
    own = getattr(subject, MARK, None)
    fn, method = _function_of(subject)
    inner = getattr(fn, MARK, None)
    marks = [each for each in (own, inner) if isinstance(each, Mark)]
    name = task_name(subject)
    names = Names(name, fn, {key: value for each in reversed(marks) for key, value in each.names.items()})
    kind = kind_of(fn, name, blocking=any(each.blocking for each in marks))
    returns = _returns(fn, names, marks)
    for kinds in [each.state for each in marks] + [state]:
        _check_states(returns, kinds, name)
    return TaskSpec(name, kind, signature_of(fn, names, method=method), returns)


def examine(subject: Any, mark: Mark) -> None:
    """Refuse at its definition what can never be a task; names that are not known yet may come later.

    Raises: TaskInvalid.
    """
    name = task_name(subject)
    for fn in methods_of(subject):
        kind_of(fn, name, blocking=mark.blocking)
        names = Names(name, fn, mark.names)
        try:
            _check_states(_returns(fn, names, [mark]), mark.state, name)
            signature_of(fn, names, method=None)
        except AnnotationUnresolved:
            continue


def methods_of(subject: Any) -> tuple[Any, ...]:
    """Return the functions to look at when a task is defined.

    Raises: TaskInvalid for a class without ``run``, and for what is not callable.
    """
    if not isinstance(subject, type):
        return (_function_of(subject)[0],)
    for method in ("run", "run_bare"):
        found = inspect.getattr_static(subject, method, None)
        if found is not None:
            return (found.__func__ if isinstance(found, staticmethod | classmethod) else found,)
    raise TaskInvalid(task_name(subject), "the class has neither run(self, ...) nor run_bare(self)")


def task_name(subject: Any) -> str:
    """Name a task for people: the qualified name of the function or class."""
    while isinstance(subject, functools.partial):
        subject = subject.func
    named = subject if isinstance(subject, type) or inspect.isroutine(subject) or hasattr(subject, "__code__") else type(subject)
    return str(getattr(named, "__qualname__", type(subject).__qualname__)).rpartition("<locals>.")[2]


def _function_of(subject: Any) -> tuple[Callable[..., Any], str | None]:
    name = task_name(subject)
    if isinstance(subject, type):
        raise TaskInvalid(name, f"it is a class; register an instance, {name}()")
    for method in ("run", "run_bare"):
        if callable(getattr(type(subject), method, None)):
            return getattr(subject, method), method
    if isinstance(subject, staticmethod | classmethod):
        kind = type(subject).__name__
        raise TaskInvalid(task_name(subject.__func__), f"it is a {kind} that is not in its class yet; write @{kind} above @task")
    if not callable(subject):
        raise TaskInvalid(name, "it is neither an async callable nor an object with run or run_bare")
    if inspect.iscoroutine(subject):
        raise TaskInvalid(name, "it is a coroutine, called already; register the function itself")
    return subject, None


def _returns(fn: Callable[..., Any], names: Names, marks: list[Mark]) -> Returns:
    annotations = annotations_of(author_of(fn))
    returns = returns_of(annotations["return"], names.task, names.resolver("return")) if "return" in annotations else ANYWHERE
    for each in marks:
        if each.to is not UNSAID:
            returns = agree(returns, declared(each.to, names.task), names.task)
    return returns


def _check_states(returns: Returns, state: type | None, name: str) -> None:
    if state is None:
        return
    check_kinds(returns.targets or (), (state,), name, "it goes to")
    if returns.kinds and not any(issubclass(each, state) or issubclass(state, each) for each in returns.kinds):
        raise TaskInvalid(name, f"it returns {returns.kinds[0].__qualname__}, and the states are {state.__qualname__}")


async def _checked(name: str, call: Callable[[], Any]) -> Any:
    result = call()
    if not inspect.isawaitable(result):
        reason = "it is a plain function that did not return an awaitable; write async def, or @task(blocking=True)"
        raise ResultInvalid(name, type(result).__name__, reason)
    return await result
