"""A run with resources that have to be set up: the life cycle around the loop."""

import asyncio
from collections.abc import Hashable, Mapping
from typing import Any

from cano._interrupts import Interrupts
from cano._log import log_failure
from cano._notes import is_cancellation, is_thrown_away, note_attempts, notes_of, write_notes
from cano._run_id import run_id_of
from cano._trace import CURRENT, ENGINE_CODE, Trail
from cano._turn import surface
from cano.errors import ResourceBroken, RunCancelled, RunTimeout, TeardownFailed, context_of
from cano.resources.lifecycle import Lease, Stack, Tenancy, teardown_note
from cano.workflow._drive import drive
from cano.workflow._failure import annotate
from cano.workflow._guard import Guard
from cano.workflow._plan import Node, Plan
from cano.workflow._trail import TimedPath


async def conduct(
    plan: Plan,
    node: Node,
    timed: TimedPath | None,
    trail: Trail,
    guard: Guard | None,
    brought: Mapping[Hashable, object],
) -> Node:
    """Set up, walk, tear down; return the exit node. ``trail`` has what interrupts the run.

    Raises: what a set-up raises; what the run raises; CancelledError; TeardownFailed after a run that went well;
    ResourceBroken if a shared resource broke by itself.
    """
    assert trail.interrupts is not None
    if brought:
        plan.check(brought)
    scope = _Scope(trail.interrupts, plan, trail)
    verdict: Any = None
    try:
        try:
            if guard is not None:
                guard.refuse()
            await scope.hold()
        except BaseException as error:
            verdict = await _verdict(error, guard, trail, node)
            if verdict is error:
                raise
            raise verdict  # noqa: B904 - it has a cause of its own
        try:
            own = plan.resources._view(await scope.set_up(brought))
            end = await drive(plan, node, own, timed, trail, guard)
        except BaseException as error:
            if is_thrown_away(error):
                raise
            verdict = await scope.tear_down(await _verdict(error, guard, trail, node), None)
            if verdict is error:
                raise
            if is_cancellation(verdict) and _is_error(error):
                raise verdict from error
            raise verdict  # noqa: B904 - as above
        verdict = await scope.tear_down(None, end)
        if verdict is not None:
            raise verdict
    except BaseException as error:
        if is_thrown_away(error):
            scope.drop(error)
        raise
    finally:
        del verdict, scope, guard, trail  # the task keeps an error that leaves here, and its traceback would lead back to it
    return end


async def _verdict(error: BaseException, guard: Guard | None, trail: Trail, node: Node) -> BaseException:
    """Return what a run raises, which this error has kept from beginning; what has begun has decided that by itself."""
    if guard is None or is_thrown_away(error):
        return error
    verdict = await guard.verdict(error)
    try:
        if isinstance(verdict, RunCancelled | RunTimeout) and context_of(verdict) is None:
            note_attempts(verdict, 0, ())  # no state was entered
            annotate(verdict, trail, 0, node, run_id_of(trail))
        return verdict
    finally:
        del error, verdict, guard  # the task keeps it


class _Scope:
    """The resources of one run: a lease on the shared ones, and a stack of its own."""

    def __init__(self, interrupts: Interrupts, plan: Plan, trail: Trail) -> None:
        assert interrupts.task is not None
        self._interrupts: Interrupts = interrupts
        self._plan = plan
        self._lease = Lease(interrupts, nested=CURRENT.get() is not None)
        self._tenancy: Tenancy | None = None
        self._stack = Stack(interrupts.task.cancelling, trail)

    async def hold(self) -> None:
        if self._plan.owner is not None:
            try:
                self._tenancy = await self._plan.owner.acquire(self._lease)
            finally:
                if self._tenancy is None:
                    self._stack = Stack(int)

    async def set_up(self, brought: Mapping[Hashable, object]) -> dict[Hashable, object]:
        values = {} if self._tenancy is None else {key: value for key, value in self._tenancy.values.items() if key not in brought}
        for key, recipe in self._plan.own_recipes.items():
            if key not in brought:
                values[key] = await self._stack.open(key, recipe)
        self._plan.check(values)  # what is brought has been looked at
        values.update(brought)
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
        self._interrupts.end()
        try:
            # First what is on its way, so that it does not interrupt the first teardown.
            cancel = None if is_cancellation(error) else await surface(self._interrupts.task)
            failures = await self._stack.close(error if cancel is None else cancel)
            cancel = cancel or next(filter(is_cancellation, failures), None)
            failures = [each for each in failures if not is_cancellation(each)]
            broken, caller = await self._leave(error if cancel is None else cancel, failures)
            if broken is not None and not self._interrupts.caller_cancels():
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
        except GeneratorExit as thrown:
            if is_thrown_away(thrown):
                self.drop(thrown)
            raise
        finally:
            self._forget()
            failures, verdict, cancel, broken, caller, error = [], None, None, None, None, None  # their tracebacks lead here

    def _forget(self) -> None:
        """Let go what an error of the run may be kept by: its traceback leads to the scope."""
        self._lease.settle()
        self._interrupts.forget()
        self._tenancy = None
        self._stack = Stack(int)

    async def _leave(
        self, error: BaseException | None, failures: list[BaseException]
    ) -> tuple[ResourceBroken | None, asyncio.CancelledError | None]:
        if self._tenancy is None or self._plan.owner is None:
            return None, None
        interrupted = self._lease.settle()
        cancel = await self._plan.owner.release(self._tenancy, self._lease, None if interrupted else error)
        if interrupted and self._tenancy.broken is not None:
            return self._tenancy.blame(), cancel
        if self._tenancy.over.is_set():
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
        log_failure("a teardown failed after a run that had failed", failure)


ENGINE_CODE.update(each.__code__ for each in (conduct, _Scope.hold, _Scope.set_up))
