"""Who watches runs: hooks, and the records that they get."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from cano._text import name_of, shown_text


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run of a workflow, made once: every hook of the run gets the same object.

    ``run_id`` is unique across processes, ``workflow`` the name of the workflow, ``started`` the time at which the run began, in
    seconds since the epoch. ``parent_id`` is the id of the run whose task started this one, None if none did.
    """

    run_id: str
    workflow: str
    started: float
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class StepInfo:
    """One state of a workflow, or a branch of its split, made once: every run that enters it tells the same object.

    ``task`` is the name of the task, empty for an exit state; ``branch`` the index of the branch, None for the state itself.
    """

    state: Any
    label: str
    task: str
    branch: int | None = None


class Observer:
    """Watches runs: derive from it, override the hooks you want, and pass it as ``Workflow(..., observers=[...])``.

    Hooks are plain methods, called one observer after another, in the run's own asyncio task or that of the branch, between two
    steps of it: they are to be quick, and what takes long goes into a queue. Only hooks that are overridden, or set on the
    observer, when the workflow is made are called; the others cost nothing. A hook that raises an Exception is logged to ``cano``
    and skipped: the run goes on, and so do the other observers.

    Each start has its end, whatever becomes of the run: :meth:`on_run_start` :meth:`on_run_end`, :meth:`on_task_start`
    :meth:`on_task_end`. A run goes: run start; then for each state, state enter, task start, retries, task end; the exit state,
    which is only entered; run end. The branches of a split start and end between start and end of the split. Runs overlap, and
    each has its ``run``.

    An observer is given to any number of workflows, and hooks may be called from several event loops in as many threads.
    """

    def on_run_start(self, run: RunInfo) -> None:
        """Note that a run begins; nothing is set up yet."""

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Note that a state is entered, an exit state included."""

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """Note that a task begins, a split or one of its branches; once for all attempts of it."""

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        """Note that an attempt (counted from 1) has failed with this error, and that the next one begins in ``delay`` seconds.

        The error has its traceback during this call only, and is to be logged or formatted here: afterwards that is dropped.
        """

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Note that a task has ended, ``seconds`` after its start, with what it raised: None if it went well.

        A CancelledError is what a task raises that was interrupted: by the caller, a token, a timeout, a split that was decided.
        """

    def on_run_end(self, run: RunInfo, state: Any, seconds: float, error: BaseException | None) -> None:
        """Note that a run is over, all torn down, in an exit state, or (``state`` is then None) with the error that it raises."""


HOOKS = tuple(name for name in vars(Observer) if name.startswith("on_"))
_FACTS = {name: tuple(inspect.signature(vars(Observer)[name]).parameters)[1:] for name in HOOKS}


def check_observers(observers: Iterable[Observer]) -> tuple[Observer, ...]:
    """Return the observers, each once, in their order.

    Raises: TypeError for what is no observer, for a hook that is async, a generator or takes other arguments, and for a method that
    is one but for its spelling.
    """
    if isinstance(observers, Observer) or not hasattr(type(observers), "__iter__"):
        raise TypeError(f"observers is {shown_text(observers)}; pass a list of observers")
    given = tuple(observers)
    for each in given:
        if isinstance(each, type):
            raise TypeError(f"observers has the class {name_of(each)}; pass an instance, {name_of(each)}()")
        if not isinstance(each, Observer):
            raise TypeError(f"observers has {shown_text(each)}, which is no Observer; derive its class from cano.Observer")
        kind = name_of(type(each))
        own = getattr(each, "__dict__", {})
        for name in sorted({*dir(type(each)), *own} - set(HOOKS)):
            meant = _meant(name) if name.startswith("on_") else None
            if meant is not None and callable(own[name] if name in own else getattr(type(each), name)):
                raise TypeError(f"{kind}.{name} is no hook and would never be called; did you mean {meant!r}?")
        for name in HOOKS:
            _check_hook(getattr(each, name), f"{kind}.{name}", _FACTS[name])
    return tuple({id(each): each for each in given}.values())


def overridden(observer: Observer, name: str) -> Callable[..., object] | None:
    """Return the hook of that name, None if it is the one that does nothing."""
    hook: Callable[..., object] = getattr(observer, name)
    return None if getattr(hook, "__func__", None) is getattr(Observer, name) else hook


def _meant(name: str) -> str | None:
    """Return the hook that a name is a misspelling of, or has another form of a word of: ``on_task_started``, ``on_retries``.

    Others that begin with ``on_``, ``on_error``, ``on_state_exit``, are an observer's own: it may serve two masters.
    """
    words = name.split("_")
    for hook in HOOKS:
        theirs = hook.split("_")
        if len(words) == len(theirs) and (
            all(word in _forms(each) for word, each in zip(words, theirs, strict=True))
            or (abs(len(name) - len(hook)) <= 2 and SequenceMatcher(None, name, hook).ratio() >= _CLOSE)
        ):
            return hook
    return None


def _forms(word: str) -> tuple[str, ...]:
    return (word, *(f"{word}{end}" for end in ("s", "ed", "ing")), *(f"{word[:-1]}{end}" for end in ("ies", "ied")))


_CLOSE = 0.9  # a letter in a dozen


def _check_hook(hook: Any, name: str, facts: tuple[str, ...]) -> None:
    if not callable(hook):
        raise TypeError(f"{name} is {shown_text(hook)}, and a hook is a method; leave out what is not wanted")
    called = (hook, getattr(type(hook), "__call__", None))  # noqa: B004 - what runs, if it is an object that can be called
    if any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in called):
        raise TypeError(f"{name} is async, and hooks are not awaited; write a plain def that puts into a queue")
    if any(inspect.isgeneratorfunction(each) for each in called):
        raise TypeError(f"{name} is a generator, and hooks are not iterated over; write a plain def without yield")
    try:
        signature = inspect.signature(hook)
    except (TypeError, ValueError):  # what is not written in Python may not say
        return
    try:
        signature.bind(*facts)
    except TypeError as error:
        raise TypeError(f"{name} cannot be called with ({', '.join(facts)}): {error}") from None
