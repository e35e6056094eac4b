"""Plain functions in threads (engine 2 and 12, J1, J3)."""

import asyncio
import contextvars
import threading
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from typing import Any, Literal

import pytest

from cano.errors import ResultInvalid, context_of
from cano.resources import Resources
from cano.store import MemoryStore
from cano.tasks import task
from tests.unit.stages import Plain, Stage, going, single, turns

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR", default="unset")


class Held:
    """A blocking task that a test holds in its thread."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.entered = threading.Event()
        self.leave = threading.Event()
        self.error: BaseException | None = None

    def run(self, res: Resources) -> Stage:
        """Stay in the thread until told to leave."""
        self.log.append("enter")
        self.entered.set()
        assert self.leave.wait(30)
        self.log.append("leave")
        if self.error is not None:
            raise self.error
        return Stage.DONE


HeldTask = task(blocking=True)(Held)


async def inside(held: Held) -> None:
    """Wait until the thread has begun."""
    await asyncio.to_thread(held.entered.wait, 30)


async def test_a_plain_function_runs_in_a_thread() -> None:
    """``blocking=True`` runs functions, lambdas and class tasks in another thread, with their resources."""
    seen: list[Any] = []

    @task(blocking=True)
    def step(store: MemoryStore) -> Literal[Stage.DONE]:
        seen.append(threading.current_thread())
        store.put("x", 1)
        return Stage.DONE

    store = MemoryStore()
    assert await single(step, Resources({"store": store})).orchestrate(Stage.A) is Stage.DONE
    assert store.get("x", int) == 1
    assert seen != [threading.current_thread()]
    assert await single(task(blocking=True)(lambda: Stage.DONE)).orchestrate(Stage.A) is Stage.DONE


async def test_context_variables_go_in_and_do_not_come_out() -> None:
    """The thread sees the run's context variables; what it sets stays there (J1)."""
    seen: list[str] = []

    @task(blocking=True)
    def step() -> Stage:
        seen.append(VAR.get())
        VAR.set("inside")
        return Stage.DONE

    async def run() -> None:
        VAR.set("run-7")
        await single(step).orchestrate(Stage.A)
        seen.append(VAR.get())

    await asyncio.create_task(run())
    assert seen == ["run-7", "run-7"]


async def test_the_loop_stays_free() -> None:
    """While a blocking task is in its thread, the event loop turns."""
    held = HeldTask([])
    run = asyncio.create_task(single(held).orchestrate(Stage.A))
    await inside(held)
    await turns(50)
    assert not run.done()
    held.leave.set()
    assert await run is Stage.DONE


async def test_a_cancellation_waits_for_the_thread() -> None:
    """A cancelled run ends after its thread, with the caller's CancelledError, and nothing is torn down before (J3)."""
    log: list[str] = []
    held = HeldTask(log)
    run = asyncio.create_task(single(held, Resources({"a": Plain("a", log)})).orchestrate(Stage.A))
    await inside(held)
    for _ in range(3):
        run.cancel("why")
        await turns(5)
    assert not run.done()
    assert log == ["up a", "enter"]
    held.leave.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelled()
    assert log == ["up a", "enter", "leave", "down a"]


async def test_a_timeout_around_waits_for_the_thread() -> None:
    """``asyncio.timeout`` around a blocking task overruns until the thread has ended, and then times out."""
    log: list[str] = []
    held = HeldTask(log)
    timeout = asyncio.timeout(None)

    async def limited() -> None:
        async with timeout:
            await single(held).orchestrate(Stage.A)

    waiting = asyncio.create_task(limited())
    await inside(held)
    timeout.reschedule(0)  # which is over
    await turns(5)
    assert timeout.expired()
    assert not waiting.done()
    held.leave.set()
    with pytest.raises(TimeoutError):
        await waiting
    assert log == ["enter", "leave"]


async def test_the_thread_s_error_is_the_cause_of_the_cancellation() -> None:
    """An error that the thread ends with after a cancellation is not lost."""
    held = HeldTask([])
    held.error = ValueError("late")
    run = asyncio.create_task(single(held).orchestrate(Stage.A))
    await inside(held)
    run.cancel()
    await turns(3)
    held.leave.set()
    with pytest.raises(asyncio.CancelledError) as caught:
        await run
    assert caught.value.__cause__ is held.error


async def test_work_that_is_still_queued_is_withdrawn() -> None:
    """A blocking task that no thread has begun is withdrawn at once by a cancellation, and never runs."""
    log: list[str] = []
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        loop.set_default_executor(pool)
        first, second = HeldTask(log), HeldTask(log)
        running = asyncio.create_task(single(first).orchestrate(Stage.A))
        while not first.entered.is_set():
            await turns()
        queued = asyncio.create_task(single(second).orchestrate(Stage.A))
        await turns(5)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        first.leave.set()
        assert await running is Stage.DONE
    assert log == ["enter", "leave"]


@pytest.mark.parametrize("error", [StopIteration(3), StopAsyncIteration(), KeyError("k"), SystemExit(2), KeyboardInterrupt()])
async def test_whatever_a_thread_raises_arrives(error: BaseException) -> None:
    """Every exception of the thread reaches the caller; a StopIteration as the cause of a RuntimeError, as in any coroutine."""

    @task(blocking=True)
    def step() -> Stage:
        raise error

    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await single(step).orchestrate(Stage.A)
    if isinstance(error, StopIteration):
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.__cause__ is error
    else:
        assert caught.value is error
    context = context_of(caught.value)
    assert context is not None
    assert context.task == "step"


async def test_a_thread_that_returns_a_coroutine() -> None:
    """A blocking task that returns a coroutine has not awaited it: the coroutine is closed, and the error says so."""
    made: list[Any] = []

    @task(blocking=True)
    def step() -> Any:
        made.append(going(Stage.DONE)())
        return made[0]

    with pytest.raises(ResultInvalid, match=r"step returned .*a coroutine that nobody awaited"):
        await single(step).orchestrate(Stage.A)
    assert made[0].cr_frame is None


def test_blocking_tasks_under_orchestrate_sync() -> None:
    """A script's run may use threads, and a thread may run a workflow of its own inside."""

    @task(blocking=True)
    def outer() -> Stage:
        return single(going(Stage.DONE)).orchestrate_sync(Stage.A)  # type: ignore[no-any-return]

    assert single(outer).orchestrate_sync(Stage.A) is Stage.DONE


async def test_a_pool_whose_threads_cannot_begin() -> None:
    """If the default executor breaks, its own error comes out, and nobody speaks of a missing return."""

    def broken() -> None:
        raise ValueError("no thread")

    @task(blocking=True)
    def step() -> Stage:
        raise AssertionError

    with ThreadPoolExecutor(1, initializer=broken) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        for _ in range(2):
            with pytest.raises(BrokenExecutor):
                await single(step).orchestrate(Stage.A)
