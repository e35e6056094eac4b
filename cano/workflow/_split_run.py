"""One run of a split: branches side by side, until its outcome is certain."""

import asyncio
import math
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from cano._interrupts import BRANCH_STOPPED
from cano._notes import ErrorContext, is_cancellation, is_thrown_away
from cano._run_id import run_id_of
from cano._trace import CURRENT, ENGINE_CODE, Trail
from cano._turn import Task, bare_yield, begins_at_once, surface
from cano.errors import BranchCancelled, SplitFailed, SplitTimeout
from cano.ports import Clock, Timer
from cano.tasks import Call, SplitResult
from cano.workflow._failure import annotate_branch
from cano.workflow._hooks import Slow
from cano.workflow._join import Join, Strategy

# Branches may never suspend: so many begin in one turn of the loop, or so many seconds of them and one.
_TURN_BRANCHES = 256
_TURN_SECONDS = 0.005


class SplitRun:
    """One run of a split: who has ended how, and the tasks of those that have not.

    Each branch writes down its outcome itself, at the moment it ends, so it is decided at the same moment whether tasks begin at
    once or in the next turn of the loop. The task of the split does the rest: it starts, and cancels and waits. The ending branch
    starts none: where tasks begin at once that would be a recursion.
    """

    __slots__ = (
        "_began", "_calls", "_children", "_cleanup", "_clock", "_contexts", "_done", "_ended", "_enough", "_failures", "_fatal",
        "_held", "_join", "_limit", "_look_at", "_loop", "_lost", "_names", "_now", "_outcome", "_room", "_slow", "_successes",
        "_task", "_timed_out", "_timer", "_trail", "_turn", "_waiter", "_wanted", "_watch",
    )  # fmt: skip

    def __init__(
        self, names: Sequence[str], calls: Sequence[Call], *, join: Join, clock: Clock, limit: float | None, bulkhead: int | None
    ) -> None:
        self._names, self._calls, self._join, self._clock, self._limit = names, calls, join, clock, limit
        self._room = bulkhead or len(calls)
        self._now = clock.now
        self._began = self._turn = clock.now()  # and since when branches begin in this turn of the loop
        self._held = 0  # who waits for a turn to begin in
        self._loop = asyncio.get_running_loop()
        task, trail = asyncio.current_task(), CURRENT.get()
        assert task is not None
        assert type(trail) is Trail
        self._task: asyncio.Task[Any] | None = task
        self._trail = trail
        watch = trail.watch
        self._watch = watch if watch is not None and watch.watches_branches else None
        self._slow: tuple[Slow, ...] = () if watch is None else watch.hooks.slow  # who may have no room for what branches tell
        self._successes: dict[int, Any] = {}
        self._failures: dict[int, Exception] = {}
        self._lost: dict[int, BaseException] = {}  # who raised CancelledError by itself
        self._cleanup: dict[int, BaseException] = {}
        self._contexts: dict[int, ErrorContext] = {}
        self._fatal: BaseException | None = None
        self._ended = self._done = 0
        self._outcome: bool | None = None
        self._timed_out = False
        # How many successes may make the outcome certain; asked at each, before the exact question.
        self._enough = len(calls) if join.strategy is Strategy.PARTIAL_TIMEOUT else join.needed(len(calls))
        self._children: dict[int, asyncio.Task[None]] = {}  # but those that ended while they were made
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = len(calls)  # how many have to have ended for the waiting task of the split to be woken
        self._look_at = 0  # how many have to have ended for a success to be able to change anything
        self._timer: Timer | None = None

    async def run(self) -> None:
        """Run the branches until the outcome is certain, and leave it in the trail.

        Raises: SplitFailed; what a branch raised that is no Exception; CancelledError; what a task factory or a clock raises.
        """
        broke: BaseException | None = None
        result: SplitResult[Any] | None = None
        failed: SplitFailed | None = None
        try:
            await self._start_all()
            while self._outcome is None:
                await self._until(len(self._calls))
        except BaseException as error:
            if is_thrown_away(error):
                raise
            broke = error  # the caller's cancellation; or a task factory of the user's, a clock, a signal
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._outcome is None:
                self._outcome = False
            left = [child for child in self._children.values() if not child.done()]
            with suppress(RuntimeError):  # thrown away with its loop, which is closed
                for child in left:
                    timed = self._trail.timed.get(child)
                    if timed is None:
                        child.cancel()
                    else:  # if its time is up, the attempt cleans up already
                        timed.interrupt(BRANCH_STOPPED)
        try:
            while left:
                try:
                    await asyncio.wait(left)
                except asyncio.CancelledError as cancel:
                    broke = broke or cancel
                left = [child for child in left if not child.done()]
            broke = self._fatal or broke or await surface(self._task)
            result = self._result()
            if is_cancellation(broke):
                raise broke from (self._failed(result) if self._cleanup or not self._outcome else None)
            if broke is not None:
                raise broke
            failed = None if self._outcome else self._failed(result)
            if failed is not None:
                raise failed
            self._trail.split = (self._trail[-1], result)
        finally:
            # Frames of branches that failed before they suspended, where tasks begin at once, lead here.
            self._task = self._fatal = broke = result = failed = None
            self._children, self._failures, self._lost, self._cleanup = {}, {}, {}, {}

    async def _start_all(self) -> None:
        """Start all branches, or as many as there is room for and then one for each that ends, as long as nothing is certain."""
        loop, start, slow = self._loop, Task, self._slow
        eager = begins_at_once(loop)
        room, started = self._room, 0
        self._settle()
        for index, call in enumerate(self._calls):
            if self._outcome is not None:
                return
            while (crowded := index - self._ended >= room) or (slow and self._full()):
                await self._until(index - room + 1 if crowded else len(self._calls))
                self._turn, started = self._now(), 0
                if self._outcome is not None:
                    return
            if eager:
                # What a task factory of CPython's own does, without asking for one: a third of the cost.
                child: asyncio.Task[None] = start(self._branch(index, call), loop=loop, eager_start=True)
            else:
                child = self._start_later(self._branch(index, call))
            if not child.done():
                self._children[index] = child
            started += 1
            while (started >= _TURN_BRANCHES or self._held) and self._outcome is None:
                self._arm()
                await bare_yield()
                started = 0

    def _full(self) -> bool:
        """Tell whether an observer has no room for what another branch tells; the task of the split is woken when it has."""
        full = next((each for each in self._slow if each.full), None)
        if full is not None:
            full.notify(self._wake)
        return full is not None

    def _start_later(self, branch: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        try:
            child = self._loop.create_task(branch)
        except BaseException:
            branch.close()  # a task factory of the user's has failed
            raise
        child.add_done_callback(self._end_unbegun)
        return child

    async def _branch(self, index: int, call: Call) -> None:
        """Run one branch, and write down how it ended; one that begins when all is certain does not begin."""
        watch, step, began = self._watch, None, 0.0
        try:
            if self._outcome is not None:
                return
            try:
                if self._now() - self._turn > _TURN_SECONDS:
                    await self._next_turn()
                    if self._outcome is not None:
                        return
                if watch is not None:
                    step = self._trail[-1].branches[index]
                    began = watch.branch_starts(step)
                value = await call()
            except BaseException as error:  # noqa: BLE001 - raised again, or written down
                try:
                    if is_thrown_away(error):
                        raise
                    self._fail(index, error, sys._getframe())
                finally:
                    if watch is not None and step is not None:
                        watch.branch_ends(step, began, error)
            else:
                if watch is not None and step is not None:
                    watch.branch_ends(step, began, None)
                if self._outcome is None:
                    self._successes[index] = value
                    self._ended = ended = self._ended + 1
                    if ended >= self._look_at:
                        self._settle()
        finally:
            del self, call, watch  # the error's traceback leads here

    async def _next_turn(self) -> None:
        """Wait for a turn of the loop to begin a branch in; in each, one of those that wait begins, however late it is."""
        turn = -math.inf
        self._held += 1
        try:
            while turn != self._turn and self._now() - self._turn > _TURN_SECONDS and self._outcome is None:
                turn = self._turn
                await bare_yield()
            if turn == self._turn:
                self._turn = self._now()
        finally:
            self._held -= 1

    def _fail(self, index: int, error: BaseException, here: FrameType) -> None:
        late = self._outcome is not None
        if is_cancellation(error):
            if late:
                return
            self._lost[index] = error
        else:
            name, trail = self._names[index], self._trail
            self._contexts[index] = annotate_branch(error, trail, trail.omitted, index, name, run_id_of(trail), here)
            if not issubclass(type(error), Exception):  # isinstance would read an attribute of it
                self._fatal = self._fatal or error
                self._outcome = False
            elif late:
                self._cleanup[index] = error
            else:
                self._failures[index] = error  # type: ignore[assignment]  # pyright: ignore[reportArgumentType] - an Exception
        if not late:
            self._ended += 1
            self._settle()

    def _end_unbegun(self, _: object) -> None:
        """Write down who was cancelled, by somebody, before its first step: none of its code has run."""
        self._done += 1
        if self._outcome is None and self._done > self._ended:
            known = self._successes.keys() | self._failures.keys() | self._lost.keys()
            for index, child in self._children.items():
                if child.done() and index not in known:
                    self._lost[index] = asyncio.CancelledError()
                    self._ended += 1
            self._settle()

    def _settle(self) -> None:
        """Decide, if it can be, and wake the task of the split if there is something for it to do."""
        if self._outcome is None:
            total = len(self._calls)
            ended = len(self._successes), len(self._failures), len(self._lost)
            self._outcome = self._join.outcome(total, *ended, time_is_up=self._timed_out)
            self._look_at = min(self._wanted, self._enough + len(self._failures) + len(self._lost))
        if self._outcome is not None or self._ended >= self._wanted:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _until(self, ended: int) -> None:
        """Wait until so many branches have ended, or the outcome is certain."""
        self._arm()
        self._waiter = self._loop.create_future()
        self._wanted = ended
        self._look_at = min(self._look_at, ended)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _arm(self) -> None:
        """Set the timer, from the start of the split on, before the first wait."""
        if self._timer is None and self._limit is not None:
            self._timer = self._clock.call_at(self._began + self._limit, self._time_is_up)

    def _time_is_up(self) -> None:
        if self._outcome is None:
            self._timed_out = True
            self._settle()

    def _result(self) -> SplitResult[Any]:
        ended = self._successes.keys() | self._failures.keys()
        cancelled = tuple([index for index in range(len(self._calls)) if index not in ended])
        return SplitResult(self._successes, self._failures, cancelled, self._cleanup)

    def _failed(self, result: SplitResult[Any]) -> SplitFailed | None:
        """Return what the branches raised, as one error; None if that is nothing: then the split was cancelled."""
        told: list[tuple[int | None, Exception]] = [*self._failures.items()]
        for index, cancel in self._lost.items():
            error = BranchCancelled(index, self._names[index])
            error.__cause__ = cancel
            told.append((index, error))
        if self._timed_out:
            assert self._limit is not None
            told.append((None, SplitTimeout(self._limit)))
        told += [(index, error) for index, error in self._cleanup.items() if isinstance(error, Exception)]
        if not told:
            return None
        indices = tuple([index for index, _ in told])
        contexts = tuple([self._contexts.get(index) if index is not None else None for index in indices])
        errors = [error for _, error in told]
        state = self._trail[-1].label
        return SplitFailed(state, repr(self._join), len(self._calls), errors, indices, contexts, result.successes, result.cancelled)


ENGINE_CODE.update(each.__code__ for each in (SplitRun.run, SplitRun._start_all, SplitRun._branch))
