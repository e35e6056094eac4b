"""An observed run: who is told what, and when."""

import inspect
import time
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from cano._log import log_failure
from cano._notes import traceback_of
from cano._run_id import run_id_of
from cano._text import name_of
from cano._trace import CURRENT, Trail
from cano._turn import bare_yield
from cano.ports import RunInfo, StepInfo
from cano.workflow._hooks import Hook, Hooks
from cano.workflow._plan import Node

# The branch that the current code belongs to, if its run is observed, with the path of that run.
_BRANCH: ContextVar[tuple[object, StepInfo] | None] = ContextVar("cano_branch", default=None)

Enter = Callable[[Node], object]
Left = Callable[[BaseException | None], None]

_context = BaseException.__dict__["__context__"]


class Watch:
    """Tells the observers of one run.

    A task begins when its state is entered and ends when the next one is, or when the run leaves the loop, so the loop is as it is
    without observers: it calls what :meth:`entering` gives, in the place of what notes the path.
    """

    __slots__ = ("_began", "_left", "_now", "failed", "hooks", "run", "trail")

    def __init__(self, hooks: Hooks, trail: Trail, workflow: str, parent: list[Any] | None, now: Callable[[], float]) -> None:
        self.hooks, self.trail = hooks, trail
        parent_id = None if parent is None else run_id_of(parent)
        self.run = RunInfo(run_id_of(trail), workflow, time.time(), parent_id)
        self._now = now
        self._began = now()
        self._left: Left | None = None  # tells that the task has ended that has begun
        self.failed: BaseException | None = None  # what the run raises

    def begin(self) -> None:
        """Tell that the run begins."""
        self._tell(self.hooks.run_start, self.run)

    def end(self, node: Node | None) -> None:
        """Tell that the run is over, in this exit state or with what :attr:`failed`."""
        error, self.failed = self.failed, None  # its traceback leads here
        state = node.state if node is not None and error is None else None
        try:
            if self.hooks.run_end:
                self._tell(self.hooks.run_end, self.run, state, self._now() - self._began, error)
        finally:
            del error

    def _tell(self, hooks: tuple[Hook, ...], *facts: Any) -> None:
        """Tell where the code around may not be the run's any more, or not yet: hooks belong to it all the same."""
        token = CURRENT.set(self.trail)
        try:
            _tell(hooks, *facts)
        finally:
            CURRENT.reset(token)
            del facts

    def entering(self, enter: Enter) -> Enter:
        """Return what is to be called with each node that the run enters, in the place of ``enter``."""
        hooks = self.hooks
        told = [*hooks.state_enter, *hooks.task_start, *hooks.task_end]
        if not told:
            return enter
        # The usual observer of a long run has one of these hooks, and is called at each state.
        if len(told) == 1 and not hooks.task_end:
            return _entering(self.run, enter, told[0], exits=bool(hooks.state_enter))
        make = _ending if len(told) == 1 else _following
        entered, self._left = make(self.run, enter, hooks, self._now)
        return entered

    def leave(self, error: BaseException | None) -> None:
        """Tell that the task has ended that was the last to begin, if it has not been told."""
        if self._left is not None:
            token = CURRENT.set(self.trail)  # the code around may not be the run's any more: hooks belong to it all the same
            try:
                self._left(error)
            finally:
                CURRENT.reset(token)
                del error

    @property
    def watches_branches(self) -> bool:
        """True if an observer wants to know what branches do."""
        return bool(self.hooks.task_start or self.hooks.task_end or self.hooks.retry)

    def branch_starts(self, step: StepInfo) -> float:
        """Tell that a branch of a split begins, in its own asyncio task, and return the time."""
        _BRANCH.set((self.trail, step))  # the context is the branch's own
        if self.hooks.task_start:
            _tell(self.hooks.task_start, self.run, step)
        return self._now()

    def branch_ends(self, step: StepInfo, began: float, error: BaseException | None) -> None:
        """Tell that it has ended."""
        if self.hooks.task_end:
            self._tell(self.hooks.task_end, self.run, step, self._now() - began, error)

    async def retried(self, attempt: int, delay: float, error: Exception) -> None:
        """Tell that an attempt has failed and another one comes; wait for observers that have no room."""
        if self.hooks.retry:
            branch = _BRANCH.get()
            step: StepInfo = branch[1] if branch is not None and branch[0] is self.trail else self.trail[-1].step
            _tell(self.hooks.retry, self.run, step, attempt, delay, error)
        await self.room()

    @property
    def full(self) -> bool:
        """True if the run has to wait for an observer."""
        return any(each.full for each in self.hooks.slow)

    async def turn(self) -> None:
        """Give the event loop a turn, and as many more as observers need to get room."""
        await bare_yield()
        await self.room()

    async def room(self) -> None:
        """Wait until no observer has to be waited for."""
        while self.full:
            for each in self.hooks.slow:
                await each.room()


# Written out, and not by way of _tell: what is called at each state of a long run is to cost a call of the hook and one more.


def _entering(run: RunInfo, enter: Enter, hook: Hook, *, exits: bool) -> Callable[[Node], None]:
    """Call one hook at each state; ``exits`` says whether also at an exit state."""

    def entered(node: Node) -> None:
        enter(node)
        if exits or node.spec is not None:
            try:
                result = hook(run, node.step)
                if result is not None:
                    _look_at(hook, result)
            except (Exception, CancelledError) as error:  # noqa: BLE001 - as in _tell
                _skip(hook, error)

    return entered


def _ending(run: RunInfo, enter: Enter, hooks: Hooks, now: Callable[[], float]) -> tuple[Callable[[Node], None], Left]:
    """Call the one hook that wants to know when a task has ended."""
    (hook,) = hooks.task_end
    step: StepInfo | None = None  # whose task has begun and not ended
    since = 0.0

    def entered(node: Node) -> None:
        nonlocal step, since
        time, ended, step = now(), step, None
        if ended is not None:
            try:
                result = hook(run, ended, time - since, None)
                if result is not None:
                    _look_at(hook, result)
            except (Exception, CancelledError) as error:  # noqa: BLE001 - as in _tell
                _skip(hook, error)
        since = time
        enter(node)
        step = None if node.spec is None else node.step

    def left(error: BaseException | None) -> None:
        nonlocal step
        ended, step = step, None
        if ended is not None:
            _tell((hook,), run, ended, now() - since, error)

    return entered, left


def _following(run: RunInfo, enter: Enter, hooks: Hooks, now: Callable[[], float]) -> tuple[Callable[[Node], None], Left]:
    """Call any number of hooks."""
    state_enter, task_start, task_end = hooks.state_enter, hooks.task_start, hooks.task_end
    step: StepInfo | None = None  # whose task has begun and not ended
    since = 0.0

    def entered(node: Node) -> None:
        nonlocal step, since
        fatal: BaseException | None = None
        if task_end:
            time, ended, step = now(), step, None
            if ended is not None:
                for hook in task_end:
                    try:
                        result = hook(run, ended, time - since, None)
                        if result is not None:
                            _look_at(hook, result)
                    except BaseException as error:  # noqa: BLE001 - as in _tell
                        fatal = _failed(hook, error) or fatal
                if fatal is not None:
                    _raise(fatal)
            since = time
        enter(node)
        told = node.step
        for hook in state_enter:
            try:
                result = hook(run, told)
                if result is not None:
                    _look_at(hook, result)
            except BaseException as error:  # noqa: BLE001 - as in _tell
                fatal = _failed(hook, error) or fatal
        if node.spec is not None and fatal is None:
            step = told
            for hook in task_start:
                try:
                    result = hook(run, told)
                    if result is not None:
                        _look_at(hook, result)
                except BaseException as error:  # noqa: BLE001 - as in _tell
                    fatal = _failed(hook, error) or fatal
        if fatal is not None:
            _raise(fatal)

    def left(error: BaseException | None) -> None:
        nonlocal step
        ended, step = step, None
        if ended is not None and task_end:
            _tell(task_end, run, ended, now() - since, error)

    return entered, left


def _tell(hooks: tuple[Hook, ...], *facts: Any) -> None:
    told = facts[-1]  # where it is an error, a hook may raise it
    as_it_was = _state_of(told) if isinstance(told, BaseException) else None
    fatal: BaseException | None = None
    for hook in hooks:
        try:
            result = hook(*facts)
            if result is not None:
                _look_at(hook, result)
        except BaseException as error:  # noqa: BLE001 - it is the user's code
            fatal = _failed(hook, error) or fatal
            if error is told and as_it_was is not None and fatal is not error:
                _restore(error, as_it_was)
    if fatal is not None:
        try:
            _raise(fatal)
        finally:
            del fatal, facts, told, as_it_was  # its traceback leads here


def _failed(hook: Hook, error: BaseException) -> BaseException | None:
    """Log what a hook raised; return a SystemExit and its like, to be raised once the others know what it might end."""
    if not isinstance(error, (Exception, CancelledError)):  # nobody can have cancelled a hook
        return error
    _skip(hook, error)
    return None


def _raise(fatal: BaseException) -> None:
    try:
        raise fatal
    finally:
        del fatal  # its traceback leads here


def _state_of(error: BaseException) -> tuple[TracebackType | None, BaseException | None]:
    return traceback_of(error), _context.__get__(error)


def _restore(error: BaseException, state: tuple[TracebackType | None, BaseException | None]) -> None:
    """Take off an error what raising it once more has put there: it would lead to itself."""
    trace, context = state
    BaseException.with_traceback(error, trace)
    _context.__set__(error, context)


def _look_at(hook: Hook, result: object) -> None:
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"{_name(hook)} returned a coroutine, and hooks are not awaited")
    if isinstance(result, Generator | AsyncGenerator):
        raise TypeError(f"{_name(hook)} returned a generator, and hooks are not iterated over")


def _skip(hook: Hook, error: BaseException) -> None:
    log_failure(f"the hook {_name(hook)} failed and was skipped", error)


def _name(hook: Hook) -> str:
    try:
        return str(getattr(hook, "__qualname__", None) or name_of(type(hook)))
    except Exception:  # noqa: BLE001 - it is the user's code, too
        return name_of(type(hook))
