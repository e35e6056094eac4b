"""A task as the engine sees it: what it asks for, where it may go, how it is called."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from cano._text import name_of, shown_message, shown_text
from cano.errors import AnnotationUnresolved, ConfigurationError, ResultInvalid, TaskInvalid
from cano.resources import Resources
from cano.tasks._blocking import in_thread
from cano.tasks._inject import Signature, signature_of
from cano.tasks._kinds import Kind, kind_of
from cano.tasks._names import Names, annotations_of, author_of, body_of, owner_of
from cano.tasks._result import TaskResult
from cano.tasks._returns import ANYWHERE, Returns, agree, check_kinds, declared, returns_of

MARK = "__cano_task__"  # holds a tuple of Mark, the last decorator's first
UNSAID: Any = object()
S_co = TypeVar("S_co", covariant=True)

Call = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Mark:
    """What a decorator said about a task; ``names`` are local names that its annotations use.

    A mark travels where nobody meant it to: into subclasses, and with the ``__dict__`` that ``functools.wraps`` copies. So it
    keeps the function that it was made for, ``body``. How that is called, ``blocking``, is true of it alone; the rest belongs to
    its annotations, and holds wherever these are read.
    """

    body: Any
    state: type | None = None
    to: Any = UNSAID
    blocking: bool = False
    names: dict[str, object] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True if a task without the mark is the same task."""
        return self.state is None and self.to is UNSAID and not self.blocking and not self.names

    def annotates(self, fn: Callable[..., Any]) -> bool:
        """Tell whether the annotations of ``fn`` are those of the marked function."""
        return author_of(fn) is author_of(self.body)


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
    with reading(subject):
        fn, method = _function_of(subject)
        marks = _marks(subject, fn)
        name = task_name(subject)
        names, kind = _names(name, subject, fn, marks), _kind(name, fn, marks)
        returns = _returns(fn, names, marks)
        for kinds in [each.state for each in marks] + [state]:
            _check_states(returns, kinds, name)
        return TaskSpec(name, kind, signature_of(fn, names, method=method), returns)


@contextmanager
def reading(subject: Any) -> Generator[None, None, None]:
    """Turn whatever a task's own code raises while it is looked at into an error that names the task.

    Raises: TaskInvalid.
    """
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # a metaclass, a property or a __getattr__ is the user's code
        reason = f"it cannot be read ({type(error).__name__}: {shown_message(error)})"
        raise TaskInvalid(name_of(type(subject)), reason) from error


def _marks(subject: Any, fn: Callable[..., Any]) -> list[Mark]:
    """Collect what decorators said about this function, on the task itself or anywhere below it, the nearest first."""
    found = [getattr(each, MARK, None) for each in (subject, fn, body_of(fn), author_of(fn))]
    marks = [mark for each in found if isinstance(each, tuple) for mark in each if isinstance(mark, Mark)]
    return list({id(mark): mark for mark in marks if mark.annotates(fn)}.values())


def examine(subject: Any, said: Mark) -> tuple[Mark, ...]:
    """Refuse at its definition what can never be a task; names that are not known yet may come later.

    Returns what is now said about the task, with what other decorators said before.

    Raises: TaskInvalid.
    """
    name, fn = task_name(subject), method_of(subject)
    marks = [said, *_marks(subject, fn)]
    names = _names(name, subject, fn, marks)
    _kind(name, fn, marks)
    with suppress(AnnotationUnresolved):
        returns = _returns(fn, names, marks)
        for each in marks:
            _check_states(returns, each.state, name)
        signature_of(fn, names, method=None)
    return tuple(marks)


def method_of(subject: Any) -> Any:
    """Return the function to look at when a task is defined.

    Raises: TaskInvalid for a class without ``run``, and for what is not callable.
    """
    if not isinstance(subject, type):
        return _function_of(subject)[0]
    for method in ("run", "run_bare"):
        found = inspect.getattr_static(subject, method, None)
        if found is not None:
            return found.__func__ if isinstance(found, staticmethod | classmethod) else found
    raise TaskInvalid(task_name(subject), "the class has neither run(self, ...) nor run_bare(self)")


def check_order(state: Any, subject: Any) -> None:
    """Refuse a state and a task that stand in each other's place.

    Raises: TaskInvalid.
    """
    with reading(subject):
        if not _looks_like_task(subject) and _looks_like_task(state):
            shown = shown_text(subject)
            raise TaskInvalid(shown, f"the state comes first; write register({shown}, {task_name(state)})")


def _looks_like_task(subject: Any) -> bool:
    """Tell whether somebody may have meant this as a task: it is no class, and can be called or has a ``run``."""
    if isinstance(subject, type):
        return False
    return callable(subject) or any(callable(getattr(type(subject), method, None)) for method in ("run", "run_bare"))


def task_name(subject: Any) -> str:
    """Name a task for people: the qualified name of the function or class."""
    while isinstance(subject, functools.partial):
        subject = subject.func
    named = subject if isinstance(subject, type) or inspect.isroutine(subject) or hasattr(subject, "__code__") else type(subject)
    named = subject if inspect.iscoroutine(subject) else named
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
    if callable(subject):
        return subject, None
    if inspect.isawaitable(subject):
        raise TaskInvalid(name, f"it is a {type(subject).__name__}, called already; register the function itself")
    raise TaskInvalid(name, f"{shown_text(subject)} is neither an async callable nor an object with run or run_bare")


def _names(name: str, subject: Any, fn: Callable[..., Any], marks: list[Mark]) -> Names:
    return Names(name, fn, {key: value for each in reversed(marks) for key, value in each.names.items()}, owner_of(subject))


def _kind(name: str, fn: Callable[..., Any], marks: list[Mark]) -> Kind:
    return kind_of(fn, name, blocking=any(each.blocking and each.body is body_of(fn) for each in marks))


def _returns(fn: Callable[..., Any], names: Names, marks: list[Mark]) -> Returns:
    annotations = annotations_of(author_of(fn))
    returns = ANYWHERE
    if "return" in annotations:
        with names.reading("return", annotations["return"], "annotate -> Literal[Stage.NEXT], or -> Stage") as resolve:
            returns = returns_of(annotations["return"], names.task, resolve)
    said = next((each.to for each in marks if each.to is not UNSAID), UNSAID)
    return returns if said is UNSAID else agree(returns, declared(said, names.task), names.task)


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
