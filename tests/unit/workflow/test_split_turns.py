"""The branches of a split do not keep the event loop for themselves while they begin (engine 9 and 11)."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from cano.errors import SplitTimeout
from cano.testing import FakeClock
from cano.workflow import Join
from tests.unit.splits import Held, Split, others
from tests.unit.stages import turns


class Ticker:
    """Another task of the loop: counts its turns, and knows what time it was in each."""

    def __init__(self, clock: FakeClock) -> None:
        self.ticks = 0
        self.times: list[float] = []
        self._clock = clock
        self._task = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self.ticks += 1
            self.times.append(self._clock.time)
            await asyncio.sleep(0)

    @property
    def longest(self) -> float:
        """Return for how long it had no turn."""
        return max([later - earlier for earlier, later in pairwise([*self.times, self._clock.time])])

    async def end(self) -> None:
        """Stop it."""
        self._task.cancel()
        await asyncio.wait((self._task,))


@pytest.mark.parametrize("bulkhead", [None, 1, 300])
async def test_trivial_branches_give_a_turn_after_so_many(bulkhead: int | None) -> None:
    """Of 10,000 branches that never suspend at most 256 run between two turns of the loop, also when no time passes."""
    clock = FakeClock()
    most = since = seen = 0

    async def branch() -> None:
        nonlocal most, since, seen
        since = since + 1 if ticker.ticks == seen else 1
        seen = ticker.ticks
        most = max(most, since)

    ticker = Ticker(clock)
    await turns()
    result = await Split([branch] * 10_000, clock=clock, bulkhead=bulkhead).run()
    await ticker.end()
    assert len(result.successes) == 10_000
    assert most <= 256
    assert ticker.ticks < 30_000


@pytest.mark.parametrize("bulkhead", [None, 2, 100])
@pytest.mark.parametrize("cost", [0.0001, 0.001, 0.003, 0.02])
async def test_slow_branches_give_a_turn_after_about_five_milliseconds(cost: float, bulkhead: int | None) -> None:
    """Branches that take their time without suspending hold the loop for 5 ms and one of them, however many there are."""
    clock = FakeClock()

    async def branch() -> None:
        clock.time += cost

    ticker = Ticker(clock)
    await turns()
    await Split([branch] * 100, clock=clock, bulkhead=bulkhead).run()
    await ticker.end()
    assert ticker.longest <= 0.005 + cost + 1e-9


async def test_slow_branches_after_quick_ones() -> None:
    """That the first ones were quick does not let later ones hold the loop."""
    clock = FakeClock()

    def branch(number: int) -> Any:
        async def run() -> None:
            clock.time += 0.004 if number >= 60 else 0
            await turns(3)
            clock.time += 0

        return run

    ticker = Ticker(clock)
    await turns()
    await Split([branch(number) for number in range(100)], clock=clock).run()
    await ticker.end()
    assert ticker.longest <= 0.0091


async def test_others_that_hold_the_loop_do_not_keep_branches_from_beginning() -> None:
    """However long other tasks take in each turn, at least one branch begins in it."""
    clock = FakeClock()
    begun = 0

    async def branch() -> None:
        nonlocal begun
        begun += 1
        clock.time += 0.001

    async def busy() -> None:
        while True:
            clock.time += 0.05
            await asyncio.sleep(0)

    others_ = [asyncio.create_task(busy()) for _ in range(2)]
    running = Split([branch] * 20, clock=clock).start()
    await turns(60)
    assert begun == 20
    assert running.done()
    for each in others_:
        each.cancel()


async def test_a_slow_branch_that_decides_keeps_the_waiting_ones_from_beginning() -> None:
    """Who waits for a turn to begin in has not begun: it never begins when all is decided meanwhile."""
    clock = FakeClock()
    begun: list[int] = []

    def branch(number: int) -> Any:
        async def run() -> int:
            begun.append(number)
            clock.time += 0.004
            if number == 3:
                return number
            raise ValueError(number)

        return run

    result = await Split([branch(number) for number in range(20)], Join.any(), clock=clock).run()
    assert begun == [0, 1, 2, 3]
    assert result.cancelled == tuple(range(4, 20))
    assert await others() == []


@pytest.mark.parametrize("step", range(12))
async def test_a_split_is_cancelled_while_its_branches_begin(step: int) -> None:
    """A cancellation in whatever turn of the beginning ends it, and no branch is left or begins later (engine 7)."""
    clock = FakeClock()
    begun = 0

    async def branch() -> None:
        nonlocal begun
        begun += 1
        clock.time += 0.002
        await asyncio.get_running_loop().create_future()

    running = Split([branch] * 20, clock=clock).start()
    await turns(step)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await others() == []
    before = begun
    await turns(3)
    assert begun == before


async def test_the_timeout_of_a_split_counts_from_its_start() -> None:
    """Branches that use the time up without suspending let it fail as soon as the loop has its turn; no later one begins (SJ-6)."""
    clock = FakeClock()
    begun = 0

    async def branch() -> int:
        nonlocal begun
        begun += 1
        clock.time += 0.003
        return begun

    split = Split([branch] * 2_000, timeout=0.05, clock=clock)
    running = asyncio.create_task(split.failure())
    while not running.done():
        await clock.advance(0)  # the clock's timers are called by the test
    error = await running
    assert [type(each) for each in error.exceptions] == [SplitTimeout]
    assert len(error.successes) == begun < 200
    assert error.cancelled == tuple(range(begun, 2_000))


async def test_a_first_step_that_takes_long_counts_to_the_timeout() -> None:
    """The timer is set only when the split first waits, and for what is left of its time by then (SJ-6)."""
    clock = FakeClock()

    async def slow() -> None:
        clock.time += 6

    for bulkhead in (None, 1):
        waits = Held()
        running = asyncio.create_task(Split([slow, waits], timeout=10, clock=clock, bulkhead=bulkhead).failure())
        await clock.advance(0)
        await clock.advance(3.9)
        assert (running.done(), waits.begun) == (False, 1)
        await clock.advance(0.1)
        assert (await running).successes == {0: None}


async def test_a_split_that_never_suspends_cannot_be_timed_out() -> None:
    """There is no look at the clock when a branch ends: what has ended has ended (engine 9)."""
    clock = FakeClock()

    async def branch() -> None:
        clock.time += 0.001

    result = await Split([branch] * 3, timeout=0, clock=clock).run()
    assert len(result.successes) == 3
