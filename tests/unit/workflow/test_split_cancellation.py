"""A cancellation wins over what a split gives, in whatever step they meet, and waits for the branches (engine 7 and 9)."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import RunCancelled, RunTimeout, SplitFailed, SplitTimeout, context_of
from cano.ports import SYSTEM_CLOCK
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.testing import FakeClock
from cano.workflow import Join
from tests.unit.splits import Held, Split, failing, giving, held, others
from tests.unit.stages import Recorder, Stage, turns


class Meeting:
    """A run of a split of three, and what may happen to it in one step of the loop."""

    def __init__(self, join: Join, resources: Resources | None = None) -> None:
        self.clock = FakeClock()
        self.token = CancellationToken()
        self.branches = held(3)
        self.split = Split(self.branches, join, clock=self.clock, timeout=10, resources=resources)
        self.reached = False
        self.run = asyncio.create_task(self.caller())
        self.error = ValueError("child")

    async def caller(self) -> None:
        """Run, as a caller who would go on."""
        await self.split.workflow.orchestrate(Stage.A, token=self.token, timeout=20)
        self.reached = True

    def cancel(self) -> None:
        """Cancel it, as its caller does."""
        self.run.cancel()

    def cancel_token(self) -> None:
        """Cancel its token."""
        self.token.cancel()

    def decide(self) -> None:
        """Let a branch return."""
        if self.branches[0].waits:
            self.branches[0].returns("value")

    def fail(self) -> None:
        """Let a branch raise."""
        if self.branches[1].waits:
            self.branches[1].raises(self.error)

    def split_timeout(self) -> None:
        """Let the time of the split be up."""
        self._fire(10)

    def run_timeout(self) -> None:
        """Let the time of the run be up."""
        self._fire(20)

    def _fire(self, time: float) -> None:
        timers = [timer for due, _, timer in self.clock._timers if due == time and timer.callback is not None]
        self.clock.time = max(self.clock.time, time)
        for each in timers:
            each.fire()

    async def outcome(self) -> BaseException | None:
        """Wait for its end, and see that nothing is left."""
        await asyncio.wait((self.run,))
        assert not any(each.running for each in self.branches)
        assert all(each.cancels <= 1 for each in self.branches)
        assert await others() == []
        assert self.clock.waiting == 0
        return None if self.run.cancelled() else self.run.exception()


def orders(*names: str) -> Iterator[tuple[str, ...]]:
    """Give all orders of some of these that have the first among them."""
    for size in range(1, len(names) + 1):
        for chosen in itertools.combinations(names, size):
            if names[0] in chosen:
                yield from itertools.permutations(chosen)


def names(order: tuple[str, ...]) -> str:
    """Name a case."""
    return "-".join(order)


@pytest.mark.parametrize("apart", [0, 1, 3])
@pytest.mark.parametrize("join", [Join.any(), Join.all()], ids=repr)
@pytest.mark.parametrize("order", list(orders("cancel", "decide", "fail", "split_timeout")), ids=names)
async def test_the_caller_s_cancellation_wins(order: tuple[str, ...], join: Join, apart: int) -> None:
    """Over a decided split, a failing child and a timeout, whichever is first, in one step or while losers are awaited."""
    meeting = Meeting(join)

    async def clean() -> None:
        await turns(4)

    meeting.branches[2].cleanup = clean
    await turns(4)
    for each in order:
        getattr(meeting, each)()
        if each != order[-1] and apart:
            await turns(apart)
        if meeting.run.done():
            break
    else:
        assert await meeting.outcome() is None
        assert meeting.run.cancelled()
        assert not meeting.reached
        return
    await meeting.outcome()  # the run was over before


@pytest.mark.parametrize("join", [Join.any(), Join.all()], ids=repr)
@pytest.mark.parametrize("order", list(orders("cancel_token", "decide", "fail", "run_timeout")), ids=names)
async def test_the_token_wins_over_all_but_the_caller(order: tuple[str, ...], join: Join) -> None:
    """A RunCancelled comes out, in all orders, and the branches have been awaited."""
    meeting = Meeting(join)
    await turns(4)
    for each in order:
        getattr(meeting, each)()
    outcome = await meeting.outcome()
    assert type(outcome) is RunCancelled
    found = context_of(outcome)
    assert found is not None
    assert (found.state, found.path) == ("A", ("A",))


@pytest.mark.parametrize("join", [Join.any(), Join.all()], ids=repr)
@pytest.mark.parametrize("order", list(orders("run_timeout", "decide", "fail", "split_timeout")), ids=names)
async def test_the_timeout_of_the_run_wins_over_the_split(order: tuple[str, ...], join: Join) -> None:
    """Over its decision, its failure and its own timeout, in all orders."""
    meeting = Meeting(join)
    await turns(4)
    for each in order:
        getattr(meeting, each)()
    assert type(await meeting.outcome()) is RunTimeout


@pytest.mark.parametrize("order", list(itertools.permutations(["cancel", "cancel_token", "run_timeout"])), ids=names)
async def test_the_caller_wins_over_token_and_timeout(order: tuple[str, ...]) -> None:
    """All three in one step are a cancellation."""
    meeting = Meeting(Join.all())
    await turns(4)
    for each in order:
        getattr(meeting, each)()
    assert await meeting.outcome() is None
    assert meeting.run.cancelled()


@pytest.mark.parametrize("by", ["cancel", "cancel_token", "run_timeout"])
@pytest.mark.parametrize("resources", [False, True])
async def test_branches_have_ended_before_a_cancelled_run_has(by: str, resources: bool) -> None:
    """Their clean-up is awaited, and then the resources are torn down."""
    log: list[str] = []
    meeting = Meeting(Join.all(), Resources({"r": Recorder("r", log)}) if resources else None)

    async def clean() -> None:
        await turns(5)
        log.append("clean")

    meeting.branches[0].cleanup = clean
    await turns(9)
    log.clear()
    getattr(meeting, by)()
    await meeting.outcome()
    assert log == ["clean", "teardown r", "down r"][: 3 if resources else 1]


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_second_cancellation_does_not_reach_the_branches(times: int) -> None:
    """However often the caller cancels while the branches clean up, each has one cancellation, and is awaited."""
    meeting = Meeting(Join.all())
    log: list[str] = []

    async def clean() -> None:
        for _ in range(8):
            await turns()
            log.append("clean")

    meeting.branches[0].cleanup = clean
    await turns(4)
    for _ in range(times):
        meeting.cancel()
        await turns(2)
    assert await meeting.outcome() is None
    assert meeting.run.cancelled()
    assert log == ["clean"] * 8


@pytest.mark.parametrize("wins", [False, True])
async def test_what_the_branches_raised_is_the_cause(wins: bool) -> None:
    """A cancellation keeps what failed before it, and in the clean-up after it, as one group with indices."""
    branches = held(4)
    before, broken = ValueError("before"), OSError("in the clean-up")

    async def breaks() -> None:
        raise broken

    branches[2].cleanup = breaks
    split = Split(branches, Join.any() if wins else Join.quorum(2))
    run = asyncio.create_task(split.workflow.orchestrate(Stage.A))
    await turns(4)
    branches[0].raises(before)
    await turns(2)
    if wins:
        branches[1].returns()
    run.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await run
    cause = caught.value.__cause__
    assert isinstance(cause, SplitFailed)
    assert cause.exceptions == (before, broken)
    assert cause.indices == (0, 2)
    assert cause.successes == ({1: None} if wins else {})


async def test_a_cancellation_without_failures_has_no_cause() -> None:
    """Nor has one that meets a success."""
    for decide in (False, True):
        branches = held(2)
        run = asyncio.create_task(Split(branches, Join.any()).workflow.orchestrate(Stage.A))
        await turns(4)
        if decide:
            branches[0].returns()
        run.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await run
        assert caught.value.__cause__ is None


async def test_a_timeout_that_meets_a_cancellation_is_its_cause() -> None:
    """The verdict that it wins over is kept."""
    meeting = Meeting(Join.all())
    await turns(4)
    meeting.split_timeout()
    meeting.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await meeting.run
    cause = caught.value.__cause__
    assert isinstance(cause, SplitFailed)
    assert [type(each) for each in cause.exceptions] == [SplitTimeout]


@pytest.mark.parametrize("branch", [giving(1), failing(ValueError("child"))])
@pytest.mark.parametrize("join", [Join.all(), Join.any(), Join.partial_results(1)], ids=repr)
async def test_a_branch_that_cancels_its_run_at_once(branch: Any, join: Join) -> None:
    """A cancellation out of a branch's first step, where the split may be over before it waits, still wins."""
    run: asyncio.Task[Any] | None = None

    async def cancels() -> Any:
        assert run is not None
        run.cancel()
        return await branch()

    split = Split([cancels, branch], join)

    async def caller() -> None:
        await turns()
        await split.workflow.orchestrate(Stage.A)

    run = asyncio.create_task(caller())
    await asyncio.wait((run,))
    assert run.cancelled()
    assert split.results == []  # the join state has not begun
    assert await others() == []


@pytest.mark.parametrize("join", [Join.all(), Join.any()], ids=repr)
async def test_a_branch_that_cancels_the_token_of_its_run(join: Join) -> None:
    """The join state does not begin, be the split decided or not."""
    for branch in (giving(1), failing(ValueError("child"))):

        async def cancels(token: CancellationToken, branch: Any = branch) -> Any:
            token.cancel()
            return await branch()

        split = Split([cancels, branch], join)
        with pytest.raises(RunCancelled):
            await split.workflow.orchestrate(Stage.A, token=CancellationToken())
        assert split.results == []


async def test_a_cancellation_that_was_pending_before_the_run() -> None:
    """It comes out, and no branch begins; one that is pending when the split begins does, too."""
    for steps in (0, 1):
        begun = Held()

        async def caller(steps: int = steps, begun: Held = begun) -> None:
            me = asyncio.current_task()
            assert me is not None
            if steps:
                await turns(steps)
            me.cancel()
            await Split([begun]).workflow.orchestrate(Stage.A)

        run = asyncio.create_task(caller())
        await asyncio.wait((run,))
        assert run.cancelled()
        assert begun.begun == 0


@pytest.mark.parametrize("way", ["timeout", "wait_for", "uncancel", "token", "run timeout", "failure", "success"])
async def test_nothing_stays_cancelled_and_the_next_run_works(way: str) -> None:
    """``cancelling()`` is what it was, no task and no timer is left, and the same workflow runs again."""
    me = asyncio.current_task()
    assert me is not None
    branches = held(3)
    free = False

    def branch(one: Held) -> Callable[[], Any]:
        async def run() -> Any:
            return None if free else await one.run_bare()

        return run

    clock = SYSTEM_CLOCK if way == "run timeout" else None
    split = Split([branch(each) for each in branches], Join.any(), bulkhead=2, clock=clock)
    loop = asyncio.get_running_loop()
    if way == "timeout":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await split.run()
    elif way == "wait_for":
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(split.run(), 0.001)
    elif way == "uncancel":
        loop.call_soon(me.cancel)
        with pytest.raises(asyncio.CancelledError):
            await split.run()
        assert me.uncancel() == 0
    elif way == "token":
        token = CancellationToken()
        loop.call_soon(token.cancel)
        with pytest.raises(RunCancelled):
            await split.run(token=token)
    elif way == "run timeout":
        with pytest.raises(RunTimeout):
            await split.run(timeout=0.001)
    elif way == "failure":

        async def fail() -> None:
            for each in branches:
                await turns(4)
                each.raises(ValueError())

        failing_ = asyncio.create_task(fail())
        await split.failure()
        await failing_
    else:
        loop.call_later(0, branches[1].returns)
        await split.run()
    assert me.cancelling() == 0
    assert await others() == []
    free = True
    assert (await split.run()).successes == {0: None}
    assert me.cancelling() == 0


async def test_a_run_in_the_handler_of_a_cancellation() -> None:
    """A clean-up that runs a split while its task's cancellation is handled works to its end."""
    done: list[Any] = []

    async def caller() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            done.append((await Split([turns, giving(1)]).run()).values)
            raise

    run = asyncio.create_task(caller())
    await turns(2)
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    assert done == [(None, 1)]


async def test_a_run_that_is_thrown_away() -> None:
    """A coroutine of a run that is closed amid its split cancels its branches, which end by themselves."""
    branches = held(2)
    run = Split(branches).workflow.orchestrate(Stage.A)
    while not branches[1].begun:
        run.send(None)
        await turns()
    run.close()
    await turns(3)
    assert [each.cancels for each in branches] == [1, 1]
    assert await others() == []
