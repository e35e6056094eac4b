"""Limits of a run, its turns of the event loop, and cancellations that arrive in them (engine 7, 11)."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from cano.errors import MaxStepsReached, context_of
from cano.testing import FakeClock
from tests.unit.stages import Stage, counting, single, turns


@pytest.mark.parametrize(("limit", "needed"), [(1, 1), (7, 7), (8, 8), (9, 9), (300, 300), (1000, 300)])
async def test_max_steps_lets_so_many_run(limit: int, needed: int) -> None:
    """A run that needs as many steps as are allowed, or fewer, reaches its exit; the exit state is no step."""
    assert await single(counting(needed, Stage.DONE, Stage.A), max_steps=limit).orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 9, 17, 255, 256, 257, 300])
async def test_max_steps_stops_an_endless_loop(limit: int) -> None:
    """Exactly so many tasks run, and the next one is refused (engine 11)."""
    count = 0

    async def step() -> Stage:
        nonlocal count
        count += 1
        return Stage.A

    with pytest.raises(MaxStepsReached, match=f"after {limit} steps") as caught:
        await single(step, max_steps=limit).orchestrate(Stage.A)
    assert count == limit
    assert caught.value.limit == limit
    assert context_of(caught.value) is not None


async def test_max_steps_counts_across_turns_of_the_loop() -> None:
    """The limit is exact also where a turn of the event loop falls between quick steps and slow ones."""
    clock = FakeClock()
    count = 0

    async def step() -> Stage:
        nonlocal count
        count += 1
        clock.time += 1 if count in (9, 10, 17) else 0
        return Stage.A

    for limit in range(1, 40):
        count = 0
        with pytest.raises(MaxStepsReached):
            await single(step, max_steps=limit, clock=clock).orchestrate(Stage.A)
        assert count == limit


async def test_no_starvation_by_count() -> None:
    """Tasks that never suspend give the event loop a turn after at most 256 transitions, also when no time passes."""
    ticks = 0
    most, since = 0, 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    seen = 0

    async def step() -> Stage:
        nonlocal most, since, seen
        since = since + 1 if ticks == seen else 1
        seen = ticks
        most = max(most, since)
        return Stage.DONE if ticks > 5 else Stage.A

    other = asyncio.create_task(ticker())
    assert await single(step, clock=FakeClock()).orchestrate(Stage.A) is Stage.DONE
    other.cancel()
    assert most == 256


async def test_no_starvation_by_time() -> None:
    """Tasks that take long by the clock give the event loop a turn after about 5 ms."""
    clock = FakeClock()
    between: list[float] = []
    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            between.append(clock.time)
            ticks += 1
            await asyncio.sleep(0)

    async def step() -> Stage:
        clock.time += 0.003
        return Stage.DONE if ticks > 20 else Stage.A

    other = asyncio.create_task(ticker())
    assert await single(step, clock=clock).orchestrate(Stage.A) is Stage.DONE
    other.cancel()
    gaps = [later - earlier for earlier, later in pairwise(between)]
    assert max(gaps) <= 0.0091


async def test_a_busy_run_can_be_cancelled() -> None:
    """A chain that never suspends is cancelled at one of its turns, and the next run works (engine 7)."""

    async def step() -> Stage:
        return Stage.A if busy else Stage.DONE

    busy = True
    workflow = single(step)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns(2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    busy = False
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


async def test_wait_for_around_a_run() -> None:
    """``wait_for`` gets its TimeoutError, the line after the await inside does not run, and nothing stays cancelled (G3)."""
    reached: list[str] = []

    async def forever() -> Stage:
        await asyncio.sleep(3600)
        return Stage.DONE

    async def caller() -> None:
        await single(forever).orchestrate(Stage.A)
        reached.append("next line")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(caller(), 0.001)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(single(forever).orchestrate(Stage.A), 0.001)
    task_ = asyncio.current_task()
    assert task_ is not None
    assert task_.cancelling() == 0
    assert reached == []


async def test_a_cancelled_error_of_a_task_is_its_own() -> None:
    """A CancelledError that a task raises by itself propagates as it is, without a note."""
    error = asyncio.CancelledError("mine")

    async def step() -> Stage:
        raise error

    with pytest.raises(asyncio.CancelledError) as caught:
        await single(step).orchestrate(Stage.A)
    assert caught.value is error
    assert context_of(error) is None


async def test_a_cancellation_on_its_way_wins_over_the_engine_s_own_error() -> None:
    """A run that is cancelled in the step in which it would be refused ends as cancelled (engine 7)."""

    async def step() -> Any:
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        return "no state"

    run = asyncio.create_task(single(step).orchestrate(Stage.A))
    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelled()
