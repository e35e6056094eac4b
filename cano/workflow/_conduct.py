"""A run with resources that have to be set up: the life cycle around the loop."""

import asyncio
import logging
from collections.abc import Hashable, Mapping
from typing import Any

from cano._notes import is_cancellation, notes_of, traceback_of, write_notes
from cano.errors import ResourceBroken, TeardownFailed
from cano.resources.lifecycle import Lease, Stack, Tenancy, teardown_note
from cano.workflow._drive import Calls, bare_yield, drive, outside_of_asyncio
from cano.workflow._failure import ENGINE_CODE
from cano.workflow._plan import Node, Plan
from cano.workflow._trail import CURRENT_RUN, TimedPath

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
    scope = _Scope(task, plan)
    try:
        await scope.hold()
        try:
            values = await scope.set_up(brought)
            end = await drive(plan, node, Calls(plan.resources._view(values)), timed)
        except GeneratorExit:
            raise
        except BaseException as error:
            await scope.tear_down(error, None)
            raise
        await scope.tear_down(None, end)
    except GeneratorExit as error:
        scope.drop(error)
        raise
    return end


class _Scope:
    """The resources of one run: a lease on the shared ones, and a stack of its own."""

    def __init__(self, task: "asyncio.Task[Any]", plan: Plan) -> None:
        self._task = task
        self._plan = plan
        self._cancelling = task.cancelling()
        self._lease = Lease(task, nested=CURRENT_RUN.get() is not None)
        self._tenancy: Tenancy | None = None
        self._stack = Stack()

    async def hold(self) -> None:
        if self._plan.owner is not None:
            self._tenancy = await self._plan.owner.acquire(self._lease)

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
        if self._tenancy is not None and not self._tenancy.loop.is_closed():
            self._tenancy.leave(self._lease, None)

    async def tear_down(self, error: BaseException | None, end: Node | None) -> None:
        """Tear down, and raise what wins over the run's own end; return if nothing does."""
        cancel = await self._surface(error)
        failures = await self._stack.close(cancel or error)
        if cancel is None and self._task.cancelling() > self._cancelling:
            cancel = next((each for each in failures if is_cancellation(each)), None)
            failures = [each for each in failures if each is not cancel]
        broken, caller = await self._leave(cancel or error, failures)
        ours = broken is not None and self._task.cancelling() <= self._cancelling
        cancel = caller if ours else cancel or caller
        if broken is not None and ours and cancel is None:
            raise broken
        verdict = cancel if cancel is not None and not is_cancellation(error) else error
        if end is not None and verdict is None and failures:
            raise_failures(end.state, failures)
        if verdict is not None and failures:
            note_failures(verdict, failures)
        if verdict is not None and verdict is not error:
            raise verdict

    async def _surface(self, error: BaseException | None) -> asyncio.CancelledError | None:
        """Let a cancellation that is on its way arrive now, so that it does not interrupt the first teardown."""
        if is_cancellation(error) or not self._task.cancelling():
            return None
        try:
            await bare_yield()
        except asyncio.CancelledError as cancel:
            return cancel
        return None

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


def raise_failures(state: object, failures: list[BaseException]) -> None:
    """Raise what went wrong in the teardown after a run that went well.

    Raises: TeardownFailed; a SystemExit or KeyboardInterrupt as itself, with the others as notes.
    """
    ordinary = [each for each in failures if isinstance(each, Exception)]
    for each in failures:
        if not isinstance(each, Exception):
            write_notes(each, [*notes_of(each), *map(teardown_note, ordinary)])
            raise each
    raise TeardownFailed(state, ordinary)


def note_failures(error: BaseException, failures: list[BaseException]) -> None:
    """Write on a run's own error that teardowns failed after it, and log these with their tracebacks."""
    write_notes(error, [*notes_of(error), *map(teardown_note, failures)])
    for failure in failures:
        _log.error("a teardown failed after a run that had failed", exc_info=(type(failure), failure, traceback_of(failure)))


ENGINE_CODE.add(conduct.__code__)
