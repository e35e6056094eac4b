"""The clock that a test moves by hand (engine 13)."""

import asyncio
import math
from datetime import timedelta
from typing import Any

import pytest

from cano.testing import FakeClock
from tests.unit.stages import turns


async def test_timers_fire_in_the_order_of_their_times() -> None:
    """Of equal times the first set is the first called, each at its own time."""
    clock, log = FakeClock(), []
    for number, seconds in enumerate((3, 1, 2, 1, 0.5)):
        clock.call_at(clock.now() + seconds, lambda number=number: log.append((number, clock.now())))
    await clock.advance(2)
    assert log == [(4, 0.5), (1, 1), (3, 1), (2, 2)]
    assert clock.waiting == 1
    assert (clock.now(), clock.time) == (2, 2)


async def test_a_timer_that_is_cancelled_never_fires() -> None:
    """Before its time, by another of the same time, or twice; one that has fired is not changed."""
    clock, log = FakeClock(), []
    second = clock.call_at(clock.now() + 1, lambda: log.append("second"))
    first = clock.call_at(clock.now() + 0.5, lambda: (log.append("first"), second.cancel()))
    assert clock.waiting == 2
    await clock.advance(2)
    first.cancel()
    second.cancel()
    assert log == ["first"]
    assert clock.waiting == 0


async def test_a_timer_may_set_itself_anew() -> None:
    """Within one move of the clock it fires as often as there is time for it."""
    clock, log = FakeClock(), []

    def tick() -> None:
        log.append(clock.now())
        clock.call_at(clock.now() + 1, tick)

    clock.call_at(clock.now() + 1, tick)
    await clock.advance(3.5)
    assert log == [1, 2, 3]
    assert clock.now() == 3.5


@pytest.mark.parametrize("seconds", [0, -1, -math.inf, -0.0])
async def test_what_is_due_at_once_happens_in_the_next_turn(seconds: float) -> None:
    """As on a real clock, without anybody moving this one, and never in the middle of a step."""
    clock, log = FakeClock(), []
    clock.call_at(clock.now() + seconds, lambda: log.append("called"))
    clock.call_at(clock.now() + seconds, lambda: log.append("never")).cancel()
    assert log == []
    await turns(2)
    assert log == ["called"]
    await clock.sleep(seconds)
    assert (clock.now(), clock.waiting) == (0, 0)


async def test_an_infinite_wait_never_ends() -> None:
    """However far the clock is moved, and that cannot be infinitely far."""
    clock = FakeClock()
    waits = asyncio.ensure_future(clock.sleep(math.inf))
    await clock.advance(10**300)
    assert not waits.done()
    assert clock.waiting == 1
    waits.cancel()
    await asyncio.wait((waits,))
    assert clock.waiting == 0


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(math.inf, ValueError), (math.nan, ValueError), (-1, ValueError), (True, TypeError), ("1", TypeError)],
)
async def test_what_is_no_duration_moves_nothing(seconds: Any, kind: type[Exception]) -> None:
    """It is refused, and the time is what it was."""
    clock = FakeClock()
    with pytest.raises(kind, match="seconds"):
        await clock.advance(seconds)
    assert clock.now() == 0


async def test_it_moves_by_a_timedelta() -> None:
    """Or by seconds, whole or not."""
    clock = FakeClock()
    await clock.advance(timedelta(minutes=1, milliseconds=500))
    await clock.advance(1)
    assert clock.now() == 61.5


async def test_who_sleeps_wakes_at_the_time_and_goes_on_before_the_next_one_does() -> None:
    """What a moment sets off has 50 turns before the clock moves on."""
    clock, log = FakeClock(), []

    async def sleeps(*seconds: float) -> None:
        for each in seconds:
            await clock.sleep(each)
            await turns(10)
            log.append(clock.now())

    both = [asyncio.ensure_future(sleeps(1, 1, 1)), asyncio.ensure_future(sleeps(1.5, 0.25))]
    await clock.advance(3)
    assert log == [1, 1.5, 1.75, 2, 3]
    assert all(each.done() for each in both)


async def test_a_sleep_that_is_cancelled_leaves_no_timer() -> None:
    """Before its time, and in the turn in which it is over."""
    clock = FakeClock()
    sleeps = asyncio.ensure_future(clock.sleep(1))
    await turns(2)
    sleeps.cancel()
    await asyncio.wait((sleeps,))
    assert sleeps.cancelled()
    assert clock.waiting == 0
    sleeps = asyncio.ensure_future(clock.sleep(1))
    await turns(2)
    clock.call_at(clock.now() + 1, sleeps.cancel)
    await clock.advance(1)
    assert sleeps.done()
    assert clock.waiting == 0


async def test_it_may_be_moved_while_it_moves() -> None:
    """By what a timer has woken: each move goes as far as it says from where it began, and time never runs backwards."""
    clock, log = FakeClock(), []

    async def moves() -> None:
        await clock.sleep(1)
        await clock.advance(5)
        log.append(("inner", clock.now()))

    async def ticks() -> None:
        for _ in range(8):
            await clock.sleep(1)
            log.append(("tick", clock.now()))

    inner, other = asyncio.ensure_future(moves()), asyncio.ensure_future(ticks())
    await clock.advance(3)
    await asyncio.wait((inner,))
    assert clock.now() == 6
    times = [time for _, time in log]
    assert times == sorted(times)
    assert [time for name, time in log if name == "tick"] == [1, 2, 3, 4, 5, 6]
    await clock.advance(2)
    assert other.done()


async def test_a_time_that_a_test_has_set_counts() -> None:
    """Who has moved ``time`` by hand finds timers that are due fired by the next move, however small."""
    clock, log = FakeClock(), []
    clock.call_at(clock.now() + 1, lambda: log.append(clock.now()))
    clock.time = 7
    await turns(3)
    assert log == []
    await clock.advance(0)
    assert log == [7]


async def test_it_tells_the_time() -> None:
    """And how many wait."""
    clock = FakeClock()
    clock.call_at(clock.now() + 9, turns)
    await clock.advance(2.5)
    assert repr(clock) == "<FakeClock at 2.5 s, 1 waiting>"
