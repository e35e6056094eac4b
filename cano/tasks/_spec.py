"""A task as the engine sees it: what it asks for, where it may go, how it is called."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Generator, Hashable, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from cano._text import name_of, shown_message, shown_text
from cano.errors import AnnotationUnresolved, ConfigurationError, TaskInvalid
from cano.ports import Clock, seconds
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.store import Key, MemoryStore
from cano.tasks._binding import Call, End, accepted, attempt_of, going_to, put_into, tried
from cano.tasks._inject import Signature, signature_of
from cano.tasks._kinds import Kind, kind_of
from cano.tasks._marks import UNSAID, Mark, Options, marks_of, options_of
from cano.tasks._names import Names, annotations_of, author_of, body_of, owner_of
from cano.tasks._place import LISTENING, sent
from cano.tasks._pure import Inputs, inputs_of
from cano.tasks._result import TaskResult
from cano.tasks._returns import ANYWHERE, Returns, agree, check_kinds, declared, returns_of

S_co = TypeVar("S_co", covariant=True)


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
    """A task, read once when it is registered.

    ``signature`` is what it asks of the container and of the run, ``work`` what fills the parameters of its function: a signature
    without the executor, or the inputs of a pure one. The value of a pure one goes under ``output``; then, unless it is a branch,
    the run goes ``to`` a state.
    """

    name: str
    kind: Kind
    signature: Signature
    returns: Returns
    retry: Retry | None = None
    timeout: float | None = None
    work: Signature | Inputs | None = None
    output: str | Key[Any] | None = None
    to: Any = UNSAID

    @property
    def splits(self) -> bool:
        """False: it is one task."""
        return False

    @property
    def tries(self) -> bool:
        """True if it may leave work behind, or if that matters: an attempt has a deadline, or is not the last."""
        return self.retry is not None or self.timeout is not None or self.kind is Kind.SENT

    @property
    def branch_names(self) -> tuple[str, ...]:
        """The names of its branches: it has none."""
        return ()

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """What it asks for; of a split there are several."""
        return (self.signature,)

    def binder(self, resources: Resources, mine: Set[Hashable], clock: Clock) -> Callable[[Resources], Call]:
        """Return what makes, for the resources of a run, the call without arguments whose awaited result is the next state.

        ``mine`` are the keys of what belongs to a run; the rest is found now. Its waits go by the clock.
        """
        work = self.work or self.signature
        bind, positional = work.binder(resources, mine), work.positional
        if self.kind is Kind.ASYNC and self.timeout is None and self.retry is None and work is self.signature and not work.given:
            return bind

        def bound(own: Resources) -> Call:
            call = attempt_of(self.kind, bind, own, self.signature, positional)
            ends: list[End] = [accepted] if self.kind is Kind.AWAITABLE else []
            if self.output is not None and isinstance(work, Inputs):
                ends.append(functools.partial(put_into, own.get(work.store, MemoryStore), self.output, self.name))
            call = tried(call, self.name, self.timeout, self.retry, clock, tuple(ends))
            return call if self.to is UNSAID else functools.partial(going_to, self.to, call)

        return bound


def spec_of(
    subject: Any,
    state: type | None = None,
    *,
    retry: Retry | None = None,
    timeout: float | timedelta | None = None,
    branch: bool = False,
) -> TaskSpec:
    """Read a task; ``state`` is the class of the workflow's states, if known; ``retry`` and ``timeout`` win over the task's own.

    A ``branch`` of a split may return anything, and its return annotation says nothing of states.

    Raises: TaskInvalid, AnnotationUnresolved; TypeError, ValueError for a timeout that is none.
    """
    limit = None if timeout is None else seconds(timeout, "timeout")
    with reading(subject):
        fn, method = _function_of(subject)
        marks = marks_of(subject, fn)
        name = task_name(subject)
        options = options_of(name, fn, marks)
        names, kind = _names(name, subject, fn, marks), _kind(name, fn, options)
        returns = ANYWHERE if branch else _returns(fn, names, marks, options)
        for kinds in () if branch else [each.state for each in marks] + [state]:
            _check_states(returns, kinds, name)
        own = [each for each in marks if each.body is body_of(fn)]
        retry = retry if retry is not None else next((each.retry for each in own if each.retry is not None), None)
        limit = limit if limit is not None else next((each.timeout for each in own if each.timeout is not None), None)
        work = signature_of(fn, names, method=method) if options.inputs is None else inputs_of(fn, names, options.inputs)
        signature = work if isinstance(work, Signature) else work.signature
        if kind is Kind.SENT:
            signature = sent(signature, options, limit)
        elif kind is Kind.BLOCKING and limit is not None and not signature.takes(CancellationToken):
            raise TaskInvalid(name, LISTENING)
        to = UNSAID if branch or options.output is None else options.to
        return TaskSpec(name, kind, signature, returns, retry, limit, work, options.output, to)


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


def examine(subject: Any, said: Mark) -> tuple[Mark, ...]:
    """Refuse at its definition what can never be a task; names that are not known yet may come later.

    Returns what is now said about the task, with what other decorators said before.

    Raises: TaskInvalid.
    """
    name, fn = task_name(subject), method_of(subject)
    marks = [said, *marks_of(subject, fn)]
    options = options_of(name, fn, marks)
    names = _names(name, subject, fn, marks)
    _kind(name, fn, options)
    with suppress(AnnotationUnresolved):
        returns = _returns(fn, names, marks, options)
        for each in marks:
            _check_states(returns, each.state, name)
        if options.inputs is None:
            signature_of(fn, names, method=None)
        else:
            inputs_of(fn, names, options.inputs)
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


def _kind(name: str, fn: Callable[..., Any], options: Options) -> Kind:
    return kind_of(fn, name, blocking=options.blocking, executor=options.executor is not None)


def _returns(fn: Callable[..., Any], names: Names, marks: list[Mark], options: Options) -> Returns:
    if options.output is not None:
        return declared(options.to, names.task)  # what it returns is a value
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
