"""Whatever a task waits for and however it does that, a limit changes nothing until its time is up (engine 7, 12, G4)."""

import asyncio
import functools
import gc
import types
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

import anyio.lowlevel
import pytest

from cano.errors import AttemptTimeout
from cano.resilience import Retry
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, Held, forever, myself, outcome_of
from tests.unit.stages import Stage, turns

Gate = Callable[[], Awaitable[Any]]


def limited(run: Any, clock: FakeClock, timeout: float | None = 1, retry: Retry | None = None) -> Workflow[Any]:
    """Make a workflow of one state, A, an attempt of whose task may take so long."""
    return Workflow(state=Stage, clock=clock).register(Stage.A, run, timeout=timeout, retry=retry).add_exit_state(Stage.DONE)


async def in_a_timeout(gate: Gate) -> None:
    """Wait inside a deadline of asyncio that is far away."""
    async with asyncio.timeout(3600):
        await gate()


async def after_a_timeout(gate: Gate) -> None:
    """Wait after a deadline of asyncio that was over at once."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await forever()
    await gate()


async def in_a_group(gate: Gate) -> None:
    """Wait for two children."""
    async with asyncio.TaskGroup() as group:
        group.create_task(in_a_timeout(gate))
        group.create_task(in_a_timeout(gate))


async def after_a_failed_group(gate: Gate) -> None:
    """Wait after a group that has cancelled its own task, this one."""

    async def fail() -> None:
        raise LookupError

    with suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await forever()
    await gate()


async def in_a_scope(gate: Gate) -> None:
    """Wait inside a scope of anyio, after one that was cancelled."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.lowlevel.checkpoint()
    with anyio.CancelScope():
        await gate()


async def shielded(gate: Gate) -> None:
    """Wait behind a shield."""
    inner = asyncio.ensure_future(gate())
    try:
        await asyncio.shield(inner)
    finally:
        inner.cancel()


async def gathered(gate: Gate) -> None:
    """Wait for several at once."""
    await asyncio.gather(gate(), gate(), gate())


async def waited_for(gate: Gate) -> None:
    """Wait by ``wait_for``."""
    await asyncio.wait_for(gate(), 3600)


async def generated(gate: Gate) -> None:
    """Wait inside an async generator."""

    async def each() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await gate()
            yield 2
        finally:
            await turns()

    numbers = [number async for number in each()]
    assert numbers == [1, 2]


class ByHand:
    """An awaitable that somebody wrote by hand."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __await__(self) -> Generator[Any, Any, None]:
        yield
        yield from asyncio.ensure_future(self._gate()).__await__()
        yield


async def by_hand(gate: Gate) -> None:
    """Wait for an awaitable that somebody wrote by hand."""
    await ByHand(gate)


async def of_generators(gate: Gate) -> None:
    """Wait in a generator that counts as a coroutine."""

    @types.coroutine
    def steps() -> Generator[Any, Any, None]:
        yield
        yield from asyncio.ensure_future(gate()).__await__()

    await steps()


async def for_a_task(gate: Gate) -> None:
    """Wait for a task."""
    await asyncio.ensure_future(gate())


async def again_and_again(gate: Gate) -> None:
    """Swallow cancellations of one's own before waiting."""
    for _ in range(5):
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        with suppress(asyncio.CancelledError):
            await future
    await gate()


WAITS = [
    in_a_timeout,
    after_a_timeout,
    in_a_group,
    after_a_failed_group,
    in_a_scope,
    shielded,
    gathered,
    waited_for,
    generated,
    by_hand,
    of_generators,
    for_a_task,
    again_and_again,
]


class CallableTask:
    """A callable object."""

    def __init__(self, fn: Any) -> None:
        self._fn = fn

    async def __call__(self) -> Stage:
        return await self._fn()  # type: ignore[no-any-return]


def wrapped(fn: Any) -> Any:
    """Make a plain function that returns a coroutine."""

    @functools.wraps(fn)
    def wrapper() -> Awaitable[Stage]:
        return fn()  # type: ignore[no-any-return]

    return wrapper


def by_hand_too(fn: Any) -> Any:
    """Make a plain function that returns what is no coroutine."""

    @functools.wraps(fn)
    def wrapper() -> Awaitable[Stage]:
        return asyncio.ensure_future(fn())  # type: ignore[no-any-return]

    return wrapper


def plain(fn: Any) -> Any:
    """Leave a function as it is."""
    return fn


@pytest.mark.parametrize("form", [plain, CallableTask, wrapped, by_hand_too])
@pytest.mark.parametrize("waits", WAITS)
@pytest.mark.parametrize("late", [False, True])
async def test_a_limit_is_seen_only_when_time_is_up(waits: Any, form: Any, late: bool) -> None:
    """The task ends as it would without; or is cut, its clean-up has run, and nothing of it goes on."""
    clock, log = FakeClock(), []
    opened = asyncio.Event()

    async def gate() -> None:
        log.append("in")
        try:
            await opened.wait()
        finally:
            log.append("out")

    async def run() -> Stage:
        try:
            await waits(gate)
        finally:
            await turns()
            log.append("end")
        return Stage.DONE

    running = Caller(limited(form(run), clock).orchestrate(Stage.A))
    await clock.advance(0.5)
    assert "end" not in log
    if late:
        await clock.advance(0.5)
    else:
        opened.set()
        await turns(20)
    outcome = await running.ended()
    assert type(outcome) is AttemptTimeout if late else outcome is Stage.DONE
    await turns(3)  # a gate that was shielded is cancelled, and no more
    assert log[-1] == "end" or waits is shielded
    assert log.count("in") == log.count("out") >= 1
    assert clock.waiting == 0


@pytest.mark.parametrize("suspends", [False, True])
async def test_a_stop_iteration_of_a_task_is_a_runtime_error(suspends: bool) -> None:
    """As in any coroutine, before and after its first wait."""

    async def run() -> Stage:
        if suspends:
            await turns(2)
        raise StopIteration(Stage.DONE)

    error = await outcome_of(limited(run, FakeClock()).orchestrate(Stage.A), FakeClock())
    assert type(error) is RuntimeError
    assert type(error.__cause__) is StopIteration


async def test_what_asyncio_refuses_is_told_to_the_task() -> None:
    """A task that yields what is no future finds the error where it yielded, and may go on."""
    told = []

    class Odd:
        def __await__(self) -> Generator[Any, Any, None]:
            for odd in (42, "text", 43):
                try:
                    yield odd
                except RuntimeError as error:
                    told.append(str(error))

    async def run() -> Stage:
        await Odd()
        return Stage.DONE

    assert await outcome_of(limited(run, FakeClock()).orchestrate(Stage.A), FakeClock()) is Stage.DONE
    assert [text.split()[-1] for text in told] == ["42", "'text'", "43"]


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("amid", ["the wait", "its interruption", "the clean-up"])
async def test_a_run_that_is_thrown_away_leaves_no_timer_and_no_cancel(amid: str, watched: bool) -> None:
    """The task sees a GeneratorExit, wherever it is."""
    clock, seen = Held(), []

    async def run() -> Stage:
        try:
            await forever()
        except BaseException as error:
            seen.append(type(error))
            if amid == "the clean-up" and len(seen) == 1:
                return await run()
            raise
        return Stage.DONE

    coroutine = limited(run, clock).orchestrate(Stage.A, timeout=100 if watched else None)
    task = asyncio.ensure_future(coroutine)
    await turns(3)
    assert clock.waiting == 1 + watched
    if amid != "the wait":
        clock.callbacks[-1]()
    if amid == "the clean-up":
        await turns(3)
    coroutine.close()
    assert seen[-1] is GeneratorExit
    assert clock.waiting == 0
    assert task.cancelling() == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Broken(FakeClock):
    """A clock that sets no timers."""

    def call_at(self, when: float, callback: Any) -> Any:
        """Fail."""
        raise LookupError("no timers")


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("waits", [turns, forever])
async def test_a_clock_that_sets_no_timer_ends_the_run(waits: Any, swallows: bool) -> None:
    """Its error reaches the task, whose clean-up is awaited, and comes out whatever the task makes of it (engine 13)."""
    log = []

    async def run() -> Stage:
        try:
            await waits()
        except LookupError:
            await turns(2)
            log.append("clean")
            if not swallows:
                raise
        return Stage.DONE

    error = await outcome_of(limited(run, Broken()).orchestrate(Stage.A), FakeClock())
    assert repr(error) == "LookupError('no timers')"
    assert log == ["clean"]


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keep the cyclic collector off: what lives on is in a cycle."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Value:
    """What a frame holds, and a cycle would keep."""


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("late", ["in time", "late", "swallows", "retried"])
@pytest.mark.parametrize("watched", [False, True])
async def test_what_a_failed_attempt_held_dies_with_its_error(late: str, watched: bool) -> None:
    """Also if it waited for a future that failed (engine 6)."""
    clock, alive = FakeClock(), []

    async def child() -> None:
        await turns(2)
        value = Value()
        alive.append(weakref.ref(value))
        raise ValueError(value)

    async def run() -> Stage:
        value = Value()
        alive.append(weakref.ref(value))
        if late in ("late", "retried"):
            await forever()
        if late == "swallows":
            with suppress(asyncio.CancelledError):
                await forever()
        await asyncio.gather(child())
        return Stage.DONE

    workflow = limited(run, clock, retry=Retry(3, delay=0) if late == "retried" else None)
    error = await outcome_of(workflow.orchestrate(Stage.A, timeout=100 if watched else None), clock)
    assert isinstance(error, AttemptTimeout | ValueError)
    assert alive[-1]() is not None
    del error
    await turns(3)
    assert [ref() for ref in alive if ref() is not None] == []


@pytest.mark.usefixtures("no_collection")
async def test_what_an_attempt_has_waited_for_is_let_go() -> None:
    """While it goes on: the result of the first wait may be large."""
    alive, clock = [], FakeClock()

    async def child() -> Value:
        await turns(2)
        return Value()

    async def run() -> Stage:
        first = asyncio.ensure_future(child())
        alive.append(weakref.ref(await first))
        del first
        await turns(3)
        assert alive[0]() is None
        return Stage.DONE

    assert await limited(run, clock).orchestrate(Stage.A) is Stage.DONE


async def test_a_late_task_was_awaited_in_the_callers_own_task() -> None:
    """No other is made for it: ``current_task`` and what belongs to it are the caller's."""
    seen = []

    async def run() -> Stage:
        seen.append(myself())
        await turns()
        seen.append(myself())
        return Stage.DONE

    await limited(run, FakeClock()).orchestrate(Stage.A)
    assert seen == [myself()] * 2
