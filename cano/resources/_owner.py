"""Shared resources with a life cycle belong to one task of their own: the owner.

Overlapping runs hold leases on one tenancy: the first to come starts it, the last to go ends it and waits until all is torn
down. The cancellation of a run never reaches the set-up that others wait for, nor any teardown.
"""

import asyncio
import sys
import threading
from collections.abc import Hashable, Mapping
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any

from cano._notes import Note, is_cancellation, is_thrown_away, notes_of, traceback_of, write_notes
from cano._text import name_of
from cano._trace import ENGINE_CODE, pass_on
from cano.errors import ResourceBroken, ResourceInUse
from cano.resources._lifecycle import Stack

# How many errors of runs a tenancy keeps for the exits of its resources; a service that stays open must not grow.
_KEPT_ERRORS = 16


class Lease:
    """One run's hold on a tenancy, and the one way to interrupt that run: at most one cancel is in flight.

    ``task`` is the run's, None for ``async with``. A ``nested`` run was started inside another one, which may wait for it.
    """

    __slots__ = ("_active", "_before", "_sent", "nested", "task")

    def __init__(self, task: "asyncio.Task[Any] | None", *, nested: bool = False) -> None:
        self.task = task
        self.nested = nested
        self._active = task is not None
        self._before = task.cancelling() if task is not None else 0
        self._sent = False

    def interrupt(self) -> None:
        """Cancel the run. Called by the owner: the run's task is suspended inside the run, and the cancel comes out there."""
        if self._active and not self._sent and self.task is not None:
            self._sent = True
            self.task.cancel()

    def end(self) -> None:
        """Let nothing interrupt the run any more, for it is tearing down; what was sent before is still to be settled."""
        self._active = False

    def caller_cancels(self) -> bool:
        """Tell whether somebody else asked for a cancellation, too: asyncio makes one CancelledError of two requests."""
        return self.task is not None and self.task.cancelling() - self._sent > self._before

    def settle(self) -> bool:
        """End the interruptions: take the cancel back, if one was sent, and tell whether it was."""
        self._active = False
        task, self.task = self.task, None  # an error of the run is kept by its task, and may lead here
        if not self._sent or task is None:
            return False
        self._sent = False
        task.uncancel()
        return True


class Tenancy:
    """The life of the shared resources from one set-up to the teardown after it; all of it in one event loop."""

    __slots__ = (
        "blamed",
        "broken",
        "closing",
        "errors",
        "failure",
        "failures",
        "interrupted",
        "leases",
        "loop",
        "me",
        "over",
        "ready",
        "setting_up",
        "task",
        "trace",
        "vacant",
        "values",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.me = object()  # a context that outlives the tenancy must not keep more of it than this
        self.loop = loop
        self.ready: asyncio.Future[None] = loop.create_future()
        self.vacant: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self.task: asyncio.Task[None] | None = None
        self.leases: set[Lease] = set()
        self.values: dict[Hashable, object] = {}
        self.setting_up = True
        self.interrupted = False
        self.closing = False
        self.broken: ResourceBroken | None = None
        self.blamed: list[ResourceBroken] = []
        self.failure: BaseException | None = None
        self.trace: TracebackType | None = None  # of the failure, as it was before the first run raised it
        self.errors: list[BaseException] = []
        self.failures: list[BaseException] = []

    def leave(self, lease: Lease, error: BaseException | None) -> bool:
        """Give a lease back and tell whether it was the last; then the tenancy ends by itself."""
        self.leases.discard(lease)
        if error is not None and len(self.errors) < _KEPT_ERRORS and not any(error is each for each in self.errors):
            self.errors.append(error)
        if self.leases:
            return False
        self.closing = True
        if not (self.vacant.done() or self.loop.is_closed()):
            self.vacant.set_result(None)
            if self.setting_up:
                self.loop.call_soon(self._interrupt)
        return True

    def _interrupt(self) -> None:
        """End a set-up that nobody waits for any more. A callback of the loop, for then the owner is at an await of the set-up."""
        if self.setting_up and self.task is not None:
            self.interrupted = True
            self.task.cancel()

    def blame(self) -> ResourceBroken:
        """Return what a run raises because a resource broke; its cause may become known only when all runs have left."""
        assert self.broken is not None
        broken = ResourceBroken(*self.broken.args)
        broken.__cause__ = self.broken.__cause__
        if not self.over.done():
            self.blamed.append(broken)
        return broken

    def verdict(self) -> BaseException | None:
        """Return what the exits get to see: the error of the one run that failed, a group if several did."""
        if len(self.errors) > 1:
            return BaseExceptionGroup("several runs failed", self.errors)
        return self.errors[0] if self.errors else None


class Owner:
    """Who sets shared resources up and tears them down. Safe between threads; used from one event loop at a time."""

    __slots__ = ("_entries", "_lock", "_tenancy")

    def __init__(self, entries: Mapping[Hashable, object]) -> None:
        self._entries = entries
        self._lock = threading.Lock()
        self._tenancy: Tenancy | None = None

    def live(self) -> dict[Hashable, object]:
        """Return the resources that are set up now."""
        tenancy = self._tenancy
        return dict(tenancy.values) if tenancy is not None and tenancy.ready.done() else {}

    async def acquire(self, lease: Lease) -> Tenancy:
        """Join the tenancy, or begin one, and return it when all is set up.

        Raises: what a set-up raised, after what was set up before it is torn down; ResourceInUse if runs in another event loop
        hold the resources; ResourceBroken if one of them broke and holders have not left yet.
        """
        tenancy = await self._join(lease)
        cancel: asyncio.CancelledError | None = None
        try:
            while not tenancy.ready.done():
                await _until(tenancy.ready)
        except asyncio.CancelledError as error:
            cancel = error
        except GeneratorExit:
            tenancy.leave(lease, None)
            raise
        if cancel is None and tenancy.failure is None:
            return tenancy
        failure: BaseException | None = None
        try:
            theirs = lease.caller_cancels()
            ours = lease.settle() and not theirs
            later = await self.release(tenancy, lease, None if ours else cancel)
            cancel, failure = later if ours or cancel is None else cancel, tenancy.failure
            if ours and cancel is None and tenancy.broken is not None:
                raise tenancy.blame() from None
            if failure is None or (cancel is not None and issubclass(type(failure), Exception)):
                # ``cancel`` is there whenever this is reached, which no checker follows through the two conditions.
                raise cancel from failure  # type: ignore[misc]  # pyright: ignore
            pass_on(failure, sys._getframe())
            raise BaseException.with_traceback(failure, tenancy.trace)
        finally:
            del cancel, failure, tenancy, lease

    async def _join(self, lease: Lease) -> Tenancy:
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                tenancy = self._tenancy
                if tenancy is not None and tenancy.loop is not loop and not tenancy.loop.is_closed():
                    raise ResourceInUse(
                        "run",
                        "runs in another event loop hold the shared resources, which have a life cycle; "
                        "give each loop a workflow of its own, or make them per_run",
                    )
                fresh = tenancy is None or tenancy.loop is not loop
                if fresh:
                    tenancy = self._tenancy = Tenancy(loop)
            assert tenancy is not None
            if tenancy.me in _INSIDE.get() and (tenancy.closing or not tenancy.ready.done()):
                raise ResourceInUse(
                    "run", "called from the set-up or teardown of these very resources, and each would wait for the other"
                )
            if tenancy.broken is not None and not tenancy.over.done():
                raise tenancy.blame()
            if not tenancy.closing:
                tenancy.leases.add(lease)
                if fresh:
                    task = loop.create_task(self._own(tenancy), name="cano resources")
                    tenancy.task = None if task.done() else task
                    task.add_done_callback(partial(self._end_unbegun, tenancy))
                return tenancy
            await _until(tenancy.over)

    async def release(self, tenancy: Tenancy, lease: Lease, error: BaseException | None) -> asyncio.CancelledError | None:
        """Give a lease back; the last one waits until all is torn down, however often it is cancelled.

        If a resource broke, all wait, to hear why; a nested run does not, because the run around it may wait for it.
        Returns the first cancellation that came meanwhile. ``tenancy.failures`` then holds what went wrong in the teardown.
        """
        if tenancy.leave(lease, error) or (tenancy.broken is not None and not lease.nested):
            return await outlast(tenancy.over)
        return None

    async def _own(self, tenancy: Tenancy) -> None:
        task = asyncio.current_task()
        assert task is not None
        tenancy.task = task
        _INSIDE.set((*_INSIDE.get(), tenancy.me))
        stack = Stack(task.cancelling)
        try:
            failure = await self._set_up(tenancy, stack)
            if failure is None:
                tenancy.ready.set_result(None)
                failure = await self._wait_for_runs(tenancy)
            failures = await stack.close(failure if failure is not None else tenancy.verdict())
            # Nobody but a resource cancels the owner during a teardown (a task group of it, whose child has failed).
            tenancy.failures = [_broken(each) if is_cancellation(each) else each for each in failures]
            self._judge(tenancy, failure)
        except BaseException as error:
            if is_thrown_away(error):
                stack.abandon(error)
            raise
        finally:
            self._end(tenancy)
            del tenancy, task
            failure, failures = None, []  # their tracebacks lead here

    def _end(self, tenancy: Tenancy) -> None:
        with self._lock:
            if self._tenancy is tenancy:
                self._tenancy = None
        tenancy.closing = True
        tenancy.setting_up = False
        tenancy.values, tenancy.errors, tenancy.task = {}, [], None
        for future in (tenancy.ready, tenancy.over):
            if not (future.done() or tenancy.loop.is_closed()):
                future.set_result(None)

    def _end_unbegun(self, tenancy: Tenancy, _: object) -> None:
        """End a tenancy whose owner was cancelled before its first step (a loop that shuts down): none of its code has run."""
        if not tenancy.over.done():
            tenancy.failure = _broken(asyncio.CancelledError())
            self._end(tenancy)

    async def _set_up(self, tenancy: Tenancy, stack: Stack) -> BaseException | None:
        """Set all up, and return what stopped it: an error, or a cancellation because the last run has left."""
        try:
            for key, entry in self._entries.items():
                tenancy.values[key] = await stack.open(key, entry)
                if tenancy.closing:
                    return asyncio.CancelledError()
        except BaseException as error:
            if is_thrown_away(error):
                raise
            tenancy.closing = True
            return error
        finally:
            tenancy.setting_up = False
            if tenancy.interrupted and tenancy.task is not None:
                tenancy.task.uncancel()
            del tenancy  # which will keep the error, whose traceback leads here
        return None

    async def _wait_for_runs(self, tenancy: Tenancy) -> BaseException | None:
        """Wait until the last run has left; return what broke the resources, if something did before that.

        A resource that holds a task group makes the group cancel this very task when a child of it fails.
        """
        broke: asyncio.CancelledError | None = None
        while not tenancy.vacant.done():
            try:
                await _until(tenancy.vacant)
            except asyncio.CancelledError as cancel:
                broke = broke or cancel.with_traceback(None)  # which would lead here
                tenancy.broken = tenancy.broken or ResourceBroken("a shared resource broke while runs used it")
            if broke is not None:
                for lease in tenancy.leases:
                    lease.interrupt()
                if not any(lease.task is not None for lease in tenancy.leases):
                    break  # only `async with` holds on, and its body may be what is being shut down
        tenancy.closing = True
        return broke

    def _judge(self, tenancy: Tenancy, failure: BaseException | None) -> None:
        """Decide what the runs get to hear."""
        if tenancy.broken is not None:
            for broken in (tenancy.broken, *tenancy.blamed):
                broken.__cause__ = tenancy.failures[0] if tenancy.failures else failure
        elif failure is not None:
            if is_cancellation(failure):
                failure = _broken(tenancy.failures[0] if tenancy.failures else failure)
            else:
                write_notes(failure, [*notes_of(failure), *map(teardown_note, tenancy.failures)])
            tenancy.failure, tenancy.trace = failure, traceback_of(failure)


# The identities of the tenancies whose set-up or teardown the current code belongs to, or has been started in.
_INSIDE: ContextVar[tuple[object, ...]] = ContextVar("cano_inside", default=())


def _broken(error: BaseException) -> ResourceBroken:
    broken = ResourceBroken("a shared resource broke while others were set up or torn down")
    broken.__cause__ = error
    return broken


def teardown_note(failure: BaseException) -> Note:
    """Say in one line that a teardown failed as well, without calling the failure's own code."""
    where = next((note for note in reversed(notes_of(failure)) if note.startswith("while resource")), "in teardown")
    # Typeshed declares ``args`` a plain attribute; it is a descriptor, read here past the failure's own class.
    first = BaseException.args.__get__(failure)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    detail = f": {first[0]}" if first and type(first[0]) is str else ""
    return Note(f"{where}: {name_of(type(failure))}{detail}")


async def _until(future: "asyncio.Future[None]") -> None:
    """Wait for a future that others wait for, too, as asyncio.wait does, at half its cost."""
    waiter: asyncio.Future[None] = future.get_loop().create_future()

    def wake(_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    future.add_done_callback(wake)
    try:
        await waiter
    finally:
        future.remove_done_callback(wake)


async def outlast(future: "asyncio.Future[None]") -> asyncio.CancelledError | None:
    """Wait for a future whatever happens; return the first cancellation that came meanwhile."""
    interrupted: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await _until(future)
        except asyncio.CancelledError as cancel:
            interrupted = interrupted or cancel.with_traceback(None)  # which would lead here
    return interrupted


ENGINE_CODE.update(each.__code__ for each in (Owner.acquire, Owner._set_up, Owner._own))
