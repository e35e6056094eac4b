"""How many branches run at once, and for how long: bulkhead and timeout go with every strategy (engine 9 and 12, H5)."""

import asyncio
import random
import threading
from typing import Any

import pytest

from cano.errors import AttemptTimeout, SplitFailed, SplitTimeout
from cano.resilience import CancellationToken, Retry
from cano.tasks import SplitResult, task
from cano.testing import FakeClock
from cano.workflow import Branch, Join
from tests.unit.splits import Held, Split, held, others, whole
from tests.unit.stages import Stage, turns

STRATEGIES = [
    Join.all(), Join.any(), Join.quorum(2), Join.percentage(0.5), Join.partial_results(3), Join.partial_timeout()
]  # fmt: skip
each_strategy = pytest.mark.parametrize("join", STRATEGIES, ids=repr)


class Room:
    """Counts who is inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    def __enter__(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)

    def __exit__(self, *error: object) -> None:
        self.inside -= 1


@each_strategy
@pytest.mark.parametrize("bulkhead", [1, 2, 3, 9])
async def test_at_most_so_many_run_at_once(join: Join, bulkhead: int) -> None:
    """With every strategy, and all the room is used while there are branches left (SJ-5)."""
    clock, room = FakeClock(), Room()

    def branch(number: int) -> Any:
        async def run() -> int:
            with room:
                await clock.sleep(1 + number % 3)
            return number

        return run

    split = Split([branch(number) for number in range(6)], join, clock=clock, bulkhead=bulkhead, timeout=100)
    running = split.start()
    await clock.advance(100)
    result = await running
    assert room.most == min(bulkhead, 6)
    assert room.inside == 0
    assert whole(result, 6)


async def test_the_next_begins_when_one_has_ended() -> None:
    """In the order of the branches, whichever ends, and whether it succeeds, fails or is cancelled (SJ-3, SJ-5)."""
    branches = held(6)
    running = Split(branches, Join.partial_results(3), bulkhead=2).start()
    await turns(3)

    def begun() -> list[int]:
        return [number for number, each in enumerate(branches) if each.begun]

    assert begun() == [0, 1]
    branches[1].returns(1)
    await turns(3)
    assert begun() == [0, 1, 2]
    branches[0].raises(ValueError("0"))
    branches[2].raises(asyncio.CancelledError())
    await turns(3)
    assert begun() == [0, 1, 2, 3, 4]
    branches[4].returns(4)
    await turns(3)
    assert begun() == [0, 1, 2, 3, 4, 5]
    branches[5].returns(5)
    result = await running
    assert (list(result.successes), list(result.failures), result.cancelled) == ([1, 4, 5], [0], (2, 3))


async def test_room_is_held_through_attempts_and_waits() -> None:
    """A branch that waits for its next attempt keeps its place (SJ-5)."""
    clock = FakeClock()
    calls = 0

    async def flaky() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise OSError

    second = Held()
    split = Split([Branch(flaky, retry=Retry(3, delay=10, multiplier=1, jitter=0)), second], clock=clock, bulkhead=1)
    running = split.start()
    await clock.advance(19)
    assert (calls, second.begun) == (2, 0)
    await clock.advance(1)
    assert (calls, second.begun) == (3, 1)
    second.returns()
    await running


async def test_a_permit_cannot_be_lost() -> None:
    """One ends in the step in which the next in line would be cancelled by its own timeout; the third runs all the same (H5)."""
    clock = FakeClock()
    branches = held(3)
    split = Split(
        [branches[0], Branch(branches[1], timeout=5), branches[2]], Join.partial_results(2), clock=clock, bulkhead=1, timeout=99
    )
    running = split.start()
    await turns(3)
    branches[0].returns(0)
    await turns(3)
    assert branches[1].begun
    clock.time += 5
    await clock.advance(0)
    assert branches[2].begun
    branches[2].returns(2)
    result = await running
    assert result.successes == {0: 0, 2: 2}
    assert isinstance(result.failures[1], AttemptTimeout)


def joins(rng: random.Random, branches: int) -> Join:
    """Choose a strategy that so many branches can satisfy."""
    some = rng.randint(1, branches)
    made = [Join.all(), Join.any(), Join.quorum(some), Join.percentage(some / branches)]
    return rng.choice([*made, Join.partial_results(some), Join.partial_timeout()])


class Chance:
    """A branch that does what the dice say, and says where it is."""

    def __init__(self, rng: random.Random, clock: FakeClock, room: Room) -> None:
        self.steps = rng.choice([0, 0, 1, 2, 5])
        self.waits = rng.choice([0, 0, 1, 3])
        self.ends = rng.choice(["returns", "returns", "returns", "raises", "cancels", "swallows", "breaks"])
        self.state = "new"
        self._clock, self._room = clock, room

    async def run_bare(self) -> str:
        """Take some turns and some time, and end in one way or another."""
        assert self.state == "new"
        self.state = "running"
        with self._room:
            try:
                await turns(self.steps)
                if self.waits:
                    await self._clock.sleep(self.waits)
                if self.ends == "raises":
                    raise ValueError
                if self.ends == "cancels":
                    raise asyncio.CancelledError
                return "value"
            except asyncio.CancelledError:
                await turns(self.steps)
                if self.ends == "swallows":
                    return "late"
                if self.ends == "breaks":
                    raise OSError from None
                raise
            finally:
                self.state = "ended"


@pytest.mark.parametrize("seed", range(600))
async def test_each_branch_is_accounted_for_however_they_meet(seed: int) -> None:
    """Random branches, strategies, bulkheads, timeouts and cancellations: disjoint, complete, none left running (H5, SJ-9)."""
    rng = random.Random(seed)
    clock, room = FakeClock(), Room()
    branches = [Chance(rng, clock, room) for _ in range(rng.randint(1, 9))]
    kinds: list[Any] = [
        Branch(each, timeout=rng.choice([1, 2])) if rng.random() < 0.3 else Branch(each, retry=Retry(1)) for each in branches
    ]
    join, bulkhead = joins(rng, len(branches)), rng.choice([None, 1, 2, 3])
    split = Split(kinds, join, clock=clock, bulkhead=bulkhead, timeout=rng.choice([1, 2, 4, 50]))
    running = split.start()
    if rng.random() < 0.25:
        await turns(rng.randrange(12))
        running.cancel()
    await clock.advance(60)
    outcome: Any = running.exception() if running.done() and not running.cancelled() else None
    if outcome is None and not running.cancelled():
        result = running.result()
        assert whole(result, len(branches))
        assert set(result.cleanup_errors) <= set(result.cancelled)
        states = {index: branches[index].state for index in (*result.successes, *result.failures)}
    elif outcome is not None:
        assert type(outcome) is SplitFailed
        failures = [index for index in outcome.indices if index is not None and index not in outcome.cancelled]
        assert whole(SplitResult(outcome.successes, dict.fromkeys(failures, ValueError()), outcome.cancelled), len(branches))
        assert len(outcome.indices) == len(outcome.contexts) == len(outcome.exceptions)
        states = {index: branches[index].state for index in (*outcome.successes, *failures)}
    else:
        states = {}
    assert set(states.values()) <= {"ended"}
    assert {each.state for each in branches} <= {"new", "ended"}
    assert room.inside == 0
    assert room.most <= (bulkhead or len(branches))
    assert clock.waiting == 0
    assert await others() == []


@each_strategy
@pytest.mark.parametrize("bulkhead", [None, 1, 2])
async def test_a_timeout_goes_with_every_strategy_and_bulkhead(join: Join, bulkhead: int | None) -> None:
    """When time is up the split is decided by what there is; waiting for room counts (SJ-6, SJ-10)."""
    clock = FakeClock()
    branches = held(4)
    split = Split(branches, join, clock=clock, bulkhead=bulkhead, timeout=10)
    running: asyncio.Task[Any] = asyncio.create_task(split.run() if join == Join.partial_timeout() else split.failure())
    await clock.advance(5)
    if join != Join.any():
        branches[0].returns("in time")
    await clock.advance(4.9)
    assert not running.done()
    await clock.advance(0.1)
    assert running.done()
    begun = 4 if bulkhead is None else bulkhead + (join != Join.any())
    assert [each.begun for each in branches] == [1] * begun + [0] * (4 - begun)
    assert sum(each.cancels for each in branches) == begun - (join != Join.any())
    if join == Join.partial_timeout():
        assert (running.result().successes, running.result().cancelled) == ({0: "in time"}, (1, 2, 3))
        return
    error = running.result()
    assert error.indices == (None,)
    assert error.contexts == (None,)
    assert isinstance(error.exceptions[0], SplitTimeout)
    assert error.exceptions[0].limit == 10
    assert error.successes == ({} if join == Join.any() else {0: "in time"})


async def test_partial_timeout_takes_failures_and_ends_early() -> None:
    """It waits no longer than for the last; a failure in time is something, and nothing at all is a failure."""
    clock = FakeClock()
    for end in ("early", "failure", "nothing"):
        branches = held(2)
        split = Split(branches, Join.partial_timeout(), clock=clock, timeout=10)
        running: asyncio.Task[Any] = asyncio.create_task(split.failure() if end == "nothing" else split.run())
        await turns(3)
        error = ValueError("in time")
        if end != "nothing":
            branches[1].raises(error)
        if end == "early":
            branches[0].returns("value")
            result = await running
            assert (result.successes, result.failures) == ({0: "value"}, {1: error})
            continue
        await clock.advance(10)
        if end == "failure":
            result = await running
            assert (result.successes, result.failures, result.cancelled) == ({}, {1: error}, (0,))
        else:
            failed = await running
            assert [type(each) for each in failed.exceptions] == [SplitTimeout]
            assert failed.cancelled == (0, 1)


async def test_a_success_in_the_moment_of_the_timeout() -> None:
    """Who is first of the two decides, and nothing is decided twice."""
    for first in ("branch", "timer"):
        clock = FakeClock()
        branches = held(2)
        split = Split(branches, Join.any(), clock=clock, timeout=10)
        running: asyncio.Task[Any] = asyncio.create_task(split.workflow.orchestrate(Stage.A))
        await turns(3)
        due = next(timer for _, _, timer in clock._timers if timer.callback is not None)
        if first == "branch":
            branches[0].returns("value")
            await turns()
            due.fire()
        else:
            due.fire()
            branches[0].returns("value")
        if first == "branch":
            await running
        else:
            with pytest.raises(SplitFailed):
                await running
        assert branches[1].cancels == 1


async def test_attempts_of_branches_have_timeouts_of_their_own() -> None:
    """They run inside the split's time, are tried again there, and end with it."""
    clock = FakeClock()
    slow = Held()
    calls = 0

    async def again() -> None:
        nonlocal calls
        calls += 1
        await clock.sleep(100)

    branches = [Branch(again, timeout=3, retry=Retry(9, delay=1)), slow]
    split = Split(branches, Join.quorum(2), clock=clock, timeout=10)
    running = asyncio.create_task(split.failure())
    await clock.advance(9.5)
    assert calls == 3
    await clock.advance(0.5)
    error = await running
    assert [type(each) for each in error.exceptions] == [SplitTimeout]
    assert error.cancelled == (0, 1)
    assert clock.waiting == 0


async def test_blocking_branches_are_awaited() -> None:
    """A thread that has begun ends before the next state does; its token tells it that its branch has lost (engine 12)."""
    begun, told = threading.Event(), threading.Event()
    log: list[str] = []

    @task(blocking=True)
    def blocking(token: CancellationToken) -> str:
        begun.set()
        while not token.is_cancelled:
            told.wait(0.001)
        log.append("thread")
        return "late"

    async def winner() -> str:
        while not begun.is_set():
            await turns()
        return "won"

    split = Split([blocking, winner], Join.any())
    result = await split.run()
    assert log == ["thread"]
    assert (result.successes, result.cancelled) == ({1: "won"}, (0,))
