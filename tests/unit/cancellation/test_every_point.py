"""Every kind of run, interrupted at each point in each way (engine 7, 8 and 12, RS-22, E4, G3, I2): the right end, nothing left.

The turns of the loop come before all else that is ready in the same turn, so they are between the end of a child and the
step in which the run learns of it; the steps of the scene's own are before the end of a child, in the same step.
"""

import asyncio
import gc
from collections.abc import Iterable

import pytest

from tests.unit.cancellation.kinds import KINDS, numbers_of
from tests.unit.cancellation.play import CANCEL, DEADLINE, TIMEOUT, TOKEN, WAYS, Point
from tests.unit.cancellation.proofs import play

# Who asks first and who second, in the same step.
PAIRS = [
    (CANCEL, TOKEN), (TOKEN, CANCEL), (CANCEL, DEADLINE), (TIMEOUT, CANCEL), (DEADLINE, TIMEOUT), (TOKEN, DEADLINE),
    (TOKEN, TIMEOUT), (TIMEOUT, TOKEN),
]  # fmt: skip


async def play_all(kind: str, ways: tuple[str, ...], points: Iterable[Point]) -> None:
    """Play a kind once for each point."""
    for point in points:
        played = await play(KINDS[kind], ways, point)
        assert played.requests, f"{point} is not reached"


def suspensions(kind: str, *, soon: bool = False, again: bool = False) -> list[Point]:
    """Return the suspensions of the run's own task."""
    return [Point("run", number, soon, again) for number in range(1, numbers_of(kind).run + 1)]


def steps(kind: str) -> list[Point]:
    """Return the steps of the scene's own."""
    return [Point("code", number) for number in range(1, numbers_of(kind).code + 1)]


def turns(kind: str) -> list[Point]:
    """Return the turns of the loop; threads take as many as they like."""
    return [] if KINDS[kind].threads else [Point("turn", number) for number in range(1, numbers_of(kind).turn + 1)]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_points_are_as_many_as_are_written_down(kind: str) -> None:
    """Undisturbed, each kind of run has so many suspensions, steps of the scene's own and turns of the loop; it ends well."""
    counts, numbers = (await play(KINDS[kind])).counts, numbers_of(kind)
    assert (counts["run"], counts["code"]) == (numbers.run, numbers.code)
    assert counts["turn"] == numbers.turn or KINDS[kind].threads


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_interrupted_at_each_point(kind: str, way: str) -> None:
    """Where the run's task waits, at once or by a callback; in each step of a task, a branch or a resource; at each turn."""
    if way not in KINDS[kind].ways:
        return
    await play_all(kind, (way,), [*suspensions(kind), *suspensions(kind, soon=True), *steps(kind), *turns(kind)])
    gc.collect()  # who was never awaited, and whose error was never read, tells it now


@pytest.mark.parametrize("kind", KINDS)
async def test_cancelled_again_and_again(kind: str) -> None:
    """From a point on the caller cancels at each suspension: children and shared resources see at most one of these."""
    if KINDS[kind].swallowed is None:
        await play_all(kind, (CANCEL,), [*suspensions(kind, again=True), *suspensions(kind, soon=True, again=True)])


@pytest.mark.parametrize("kind", KINDS)
async def test_two_ask_at_once(kind: str) -> None:
    """The caller wins over the token, that over the timeout of the run, and all of them over an attempt's, in whatever order."""
    for pair in PAIRS:
        if set(pair) <= set(KINDS[kind].ways):
            await play_all(kind, pair, [*suspensions(kind), *steps(kind)])
    gc.collect()


async def test_a_play_that_is_not_interrupted_where_it_should_be_is_seen() -> None:
    """A point that there is not leaves no request, and one that there is leaves one."""
    undisturbed = await play(KINDS["chain"], (CANCEL,), Point("run", 99))
    assert undisturbed.requests == []
    disturbed = await play(KINDS["chain"], (CANCEL,), Point("run", 1))
    assert [request.way for request in disturbed.requests] == [CANCEL]
    assert type(disturbed.outcome) is asyncio.CancelledError
