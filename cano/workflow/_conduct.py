"""A run with resources that have to be set up: the life cycle around the loop."""

import asyncio
import logging
from collections.abc import Hashable, Mapping
from typing import Any

from cano._notes import is_cancellation, is_thrown_away, notes_of, traceback_of, write_notes
from cano._text import name_of
from cano._trace import CURRENT, ENGINE_CODE
from cano.errors import ResourceBroken, TeardownFailed
from cano.resources.lifecycle import Lease, Stack, Tenancy, teardown_note
from cano.workflow._drive import Calls, bare_yield, drive, outside_of_asyncio, surface
from cano.workflow._plan import Node, Plan
from cano.workflow._trail import TimedPath

_log = logging.getLogger("cano")


async def conduct(plan: Plan, node: Node, timed: TimedPath | None, brought: Mapping[Hashable, object]) -> Node:
    """Set up, walk, tear down; return the exit node.

    Raises: what a set-up raises; what the run raises; CancelledError; TeardownFailed after a run that went well;
    ResourceBroken if a shared resource broke by itself.
    """
    plan.check(brought)
    task = asyncio.current_task() if asyncio._get_running_loop() is not None else None
    if task is None:
        raise outside_of_asyncio()
    if task.cancelling():
        await bare_yield()  # what was on its way before the run does not interrupt a set-up
    scope = _Scope(task, plan)
    verdict: Any = None
    try:
        await scope.hold()
        try:
            values = await scope.set_up(brought)
            end = await drive(plan, node, Calls(plan.resources._view(values)), timed)
        except BaseException as error:
            if is_thrown_away(error):
                raise
            verdict = await scope.tear_down(error, None)
            if verdict is error:
                raise
            if is_cancellation(verdict) and _is_error(error):
                raise verdict from error
            raise verdict  # noqa: B904 - it has a cause of its own
        verdict = await scope.tear_down(None, end)
        if verdict is not None:
            raise verdict
    except BaseException as error:
        if is_thrown_away(error):
            scope.drop(error)
        raise
    finally:
        del task, verdict, scope  # the task keeps an error that leaves here, and its traceback would lead back to it
    return end


class _Scope:
    """The resources of one run: a lease on the shared ones, and a stack of its own."""

    def __init__(self, task: "asyncio.Task[Any]", plan: Plan) -> None:
        self._task: asyncio.Task[Any] | None = task
        self._plan = plan
        self._cancelling = task.cancelling()
        self._lease = Lease(task, nested=CURRENT.get() is not None)
        self._tenancy: Tenancy | None = None
        self._stack = Stack(task.cancelling)

    async def hold(self) -> None:
        if self._plan.owner is not None:
            try:
                self._tenancy = await self._plan.owner.acquire(self._lease)
            finally:
                if self._tenancy is None:
                    self._forget()

    async def set_up(self, brought: Mapping[Hashable, object]) -> dict[Hashable, object]:
        values = dict(self._tenancy.values) if self._tenancy is not None else {}
        values.update(brought)
        for key, recipe in self._plan.own_recipes.items():
            if key not in brought:
                values[key] = await self._stack.open(key, recipe)
        self._plan.check(values)
        return values

    def drop(self, error: BaseException) -> None:
        """Leave without waiting: the coroutine was thrown away, and nothing can be awaited any more."""
        self._stack.abandon(error)
        if self._tenancy is not None:
            self._tenancy.leave(self._lease, None)

    async def tear_down(self, error: BaseException | None, end: Node | None) -> BaseException | None:
        """Tear down, and return what the run ends with: None if all went well.

        The caller's cancellation wins over a broken resource, and that over the run's own error, but neither over what is no
        error (a SystemExit).
        """
        failures: list[BaseException] = []
        self._lease.end()
        try:
            # First what is on its way, so that it does not interrupt the first teardown.
            cancel = None if is_cancellation(error) else await surface(self._task)
            failures = await self._stack.close(error if cancel is None else cancel)
            cancel = cancel or next(filter(is_cancellation, failures), None)
            failures = [each for each in failures if not is_cancellation(each)]
            broken, caller = await self._leave(error if cancel is None else cancel, failures)
            if broken is not None and self._task is not None and self._task.cancelling() <= self._cancelling:
                verdict: BaseException | None = caller or broken  # and what came before was the interruption
            else:
                verdict = error if is_cancellation(error) else cancel or caller or error
            if not (error is None or _is_error(error) or is_cancellation(error)):
                verdict = error
            if verdict is not None and failures:
                note_failures(verdict, failures)
            elif failures:
                return failed(end.state if end is not None else None, failures)
            return verdict
        finally:
            self._forget()
            failures, verdict, cancel, broken, caller, error = [], None, None, None, None, None  # their tracebacks lead here

    def _forget(self) -> None:
        """Let go what an error of the run may be kept by: its traceback leads to the scope."""
        self._task = self._tenancy = None
        self._stack = Stack(int)
        self._lease.settle()

    async def _leave(
        self, error: BaseException | None, failures: list[BaseException]
    ) -> tuple[ResourceBroken | None, asyncio.CancelledError | None]:
        if self._tenancy is None or self._plan.owner is None:
            return None, None
        interrupted = self._lease.settle()
        cancel = await self._plan.owner.release(self._tenancy, self._lease, None if interrupted else error)
        if interrupted and self._tenancy.broken is not None:
            return self._tenancy.blame(), cancel
        if self._tenancy.over.done():
            failures += self._tenancy.failures
        return None, cancel


def _is_error(error: BaseException) -> bool:
    return issubclass(type(error), Exception)  # isinstance would read an attribute of it


def failed(state: object, failures: list[BaseException]) -> BaseException:
    """Return what says that the teardown went wrong after a run that went well, or, with None, a body.

    That is a TeardownFailed, or a SystemExit or KeyboardInterrupt itself, with the others as notes.
    """
    ordinary = [each for each in failures if isinstance(each, Exception)]
    for each in failures:
        if not isinstance(each, Exception):
            write_notes(each, [*notes_of(each), *map(teardown_note, ordinary)])
            return each
    return TeardownFailed(state, ordinary)


def note_failures(error: BaseException, failures: list[BaseException]) -> None:
    """Write on a run's own error that teardowns failed after it, and log these with their tracebacks."""
    write_notes(error, [*notes_of(error), *map(teardown_note, failures)])
    for failure in failures:
        text = "a teardown failed after a run that had failed"
        try:
            _log.error(text, exc_info=(type(failure), failure, traceback_of(failure)))
        except Exception:  # noqa: BLE001 - to write a traceback is to run code of the exceptions in it
            _log.error("%s (%s)", text, name_of(type(failure)))


ENGINE_CODE.update(each.__code__ for each in (conduct, _Scope.hold, _Scope.set_up))
