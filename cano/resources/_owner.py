"""Shared resources with a life cycle belong to one task of their own: the owner.

Overlapping runs hold leases on one tenancy: the first to come starts it, the last to go ends it and waits until all is torn
down. The cancellation of a run never reaches the set-up that others wait for, nor any teardown.
"""

import asyncio
import sys
from collections.abc import Hashable, Mapping
from functools import partial

from cano._interrupts import Interrupts
from cano._notes import Note, is_cancellation, is_thrown_away, notes_of, traceback_of, write_notes
from cano._text import name_of
from cano._trace import ENGINE_CODE, pass_on
from cano._turn import begin
from cano.errors import ResourceBroken
from cano.resources._lifecycle import Stack
from cano.resources._tenancy import INSIDE, Kin, Lease, Tenancy, outlast


class Owner:
    """Who sets shared resources up and tears them down. Safe between threads; used from one event loop at a time."""

    __slots__ = ("_entries", "_kin", "_tenancy")

    def __init__(self, entries: Mapping[Hashable, object], kin: Kin) -> None:
        self._entries = entries
        self._kin = kin
        self._tenancy: Tenancy | None = None

    async def acquire(self, lease: Lease) -> Tenancy:
        """Join the tenancy, or begin one, and return it when all is set up.

        Raises: what a set-up raised, after what was set up before it is torn down; ResourceInUse if runs in another event loop
        hold the resources; ResourceBroken if one of them broke and holders have not left yet.
        """
        tenancy = await self._join(lease)
        cancel: asyncio.CancelledError | None = None
        try:
            while not tenancy.ready.is_set():
                await tenancy.ready.wait()
        except asyncio.CancelledError as error:
            cancel = error
        except GeneratorExit:
            tenancy.leave(lease, None)
            raise
        if cancel is None and tenancy.failure is None:
            return tenancy
        failure: BaseException | None = None
        try:
            theirs = lease.interrupts is not None and lease.interrupts.caller_cancels()
            ours = lease.settle() and not theirs
            later = await self.release(tenancy, lease, None if ours else cancel)
            cancel, failure = later if ours or cancel is None else cancel, tenancy.failure
            if ours and cancel is None and tenancy.broken is not None:
                raise tenancy.blame() from None
            if failure is None or (cancel is not None and issubclass(type(failure), Exception)):
                # ``cancel`` is there whenever this is reached, which no checker follows through the two conditions.
                raise cancel from failure  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
            pass_on(failure, sys._getframe())
            raise BaseException.with_traceback(failure, tenancy.trace)
        finally:
            del cancel, failure, tenancy, lease

    async def _join(self, lease: Lease) -> Tenancy:
        loop = asyncio.get_running_loop()
        tenancy: Tenancy | None = None
        try:
            while True:
                with self._kin.lock:
                    tenancy = self._tenancy
                    if tenancy is not None:
                        tenancy.check(loop)
                    fresh = tenancy is None or tenancy.loop is not loop
                    if fresh:
                        tenancy = self._tenancy = self._kin.begin(loop, self._entries)
                assert tenancy is not None
                tenancy.check_outside()
                if tenancy.broken is not None and not tenancy.over.is_set():
                    raise tenancy.blame()
                if not tenancy.closing:
                    tenancy.leases.add(lease)
                    if fresh:
                        task = begin(loop, self._own(tenancy), "cano resources")
                        tenancy.task = None if task.done() else task
                        task.add_done_callback(partial(self._end_unbegun, tenancy))
                    return tenancy
                await tenancy.over.wait()
        finally:
            tenancy = None  # an eager owner's frames lead here, and so does the error that the tenancy keeps

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
        INSIDE.set((*INSIDE.get(), tenancy.me))
        stack = Stack(task.cancelling)
        try:
            failure = await self._set_up(tenancy, stack)
            if failure is None:
                tenancy.ready.set()
                failure = await self._wait_for_runs(tenancy)
            for _, lease in tenancy.borrowed:
                lease.end()
            verdict = failure if failure is not None else tenancy.verdict()
            theirs = tenancy.verdict() if is_cancellation(failure) else verdict
            failures = await self._give_back(tenancy, await stack.close(verdict), theirs)
            # Nobody but a resource cancels the owner during a teardown (a task group of it, whose child has failed).
            tenancy.failures = [_broken(each) if is_cancellation(each) else each for each in failures]
            self._judge(tenancy, failure)
        except BaseException as error:
            if is_thrown_away(error):
                stack.abandon(error)
                for lender, lease in tenancy.borrowed:
                    lender.leave(lease, None)
            raise
        finally:
            self._end(tenancy)
            del tenancy, task
            failure, verdict, theirs, failures = None, None, None, []  # their tracebacks lead here

    def _end(self, tenancy: Tenancy) -> None:
        with self._kin.lock:
            self._kin.end(tenancy)
            if self._tenancy is tenancy:
                self._tenancy = None
        tenancy.closing = True
        tenancy.setting_up = False
        tenancy.values, tenancy.errors, tenancy.task = {}, [], None
        for event in (tenancy.ready, tenancy.over):
            if not (event.is_set() or tenancy.loop.is_closed()):
                event.set()

    def _end_unbegun(self, tenancy: Tenancy, _: object) -> None:
        """End a tenancy whose owner was cancelled before its first step (a loop that shuts down): none of its code has run."""
        if not tenancy.over.is_set():
            tenancy.failure = _broken(asyncio.CancelledError())
            self._end(tenancy)

    async def _set_up(self, tenancy: Tenancy, stack: Stack) -> BaseException | None:
        """Set all up, and return what stopped it: an error, or a cancellation because the last run has left."""
        try:
            for lender in tenancy.earlier:
                await self._borrow(tenancy, lender)
            for key, entry in self._entries.items():
                if key in tenancy.values:
                    continue
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
            tenancy.earlier = ()
            if tenancy.interrupted and tenancy.task is not None:
                tenancy.task.uncancel()
            del tenancy  # which will keep the error, whose traceback leads here
        return None

    async def _borrow(self, tenancy: Tenancy, lender: Tenancy) -> None:
        """Take what an earlier tenancy has set up, and hold it up; if that one is ending, wait until it is down.

        Only a later tenancy waits for an earlier one, so that no two wait for each other.
        """
        if not lender.closing and lender.broken is None:
            assert tenancy.task is not None
            # The runs that the lender waits for may be around those of this one.
            lease = Lease(Interrupts(tenancy.task, tenancy.task.cancelling()), nested=True)
            lender.leases.add(lease)
            tenancy.borrowed.append((lender, lease))
            while not lender.ready.is_set():
                await lender.ready.wait()
            if not lender.closing:
                tenancy.values = lender.lends(self._entries) | tenancy.values
                return
        while not lender.over.is_set():
            await lender.over.wait()

    async def _give_back(self, tenancy: Tenancy, failures: list[BaseException], error: BaseException | None) -> list[BaseException]:
        """Let go what was borrowed, and add to the failures of the teardown what happened to that."""
        while tenancy.borrowed:
            lender, lease = tenancy.borrowed.pop()
            broke = lease.settle()
            lease.interrupts = None  # which lead to the task
            cancel = await self.release(lender, lease, None if broke else error)
            blame = [lender.blame()] if broke else []
            failures = [*blame, *failures, *(lender.failures if lender.over.is_set() and not broke else ())]
            failures += [cancel] if cancel is not None else []
        return failures

    async def _wait_for_runs(self, tenancy: Tenancy) -> BaseException | None:
        """Wait until the last run has left; return what broke the resources, if something did before that.

        A resource that holds a task group makes the group cancel this very task when a child of it fails.
        """
        broke: asyncio.CancelledError | None = None
        while not tenancy.vacant.is_set():
            try:
                await tenancy.vacant.wait()
            except asyncio.CancelledError as cancel:
                broke = broke or cancel.with_traceback(None)  # which would lead here
                tenancy.broken = tenancy.broken or ResourceBroken("a shared resource broke while runs used it")
            if broke is not None:
                for lease in tenancy.leases:
                    lease.interrupt()
                if not any(lease.of_run for lease in tenancy.leases):
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


ENGINE_CODE.update(each.__code__ for each in (Owner.acquire, Owner._set_up, Owner._own))
