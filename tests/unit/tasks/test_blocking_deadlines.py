"""A thread cannot be stopped, so a blocking task with a deadline is one that listens (engine 2, 7 and 12, J3)."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cano.errors import AttemptTimeout, RunCancelled, RunTimeout, TaskInvalid
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Workflow
from tests.unit.stages import Plain, Stage


class Listening:
    """A blocking task that stays in its thread until its token is cancelled, and counts how many are inside."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.entered = threading.Event()
        self.inside = self.most = 0
        self.tokens: list[CancellationToken] = []
        self._lock = threading.Lock()

    def run(self, token: CancellationToken) -> Stage:
        """Wait for the token."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.tokens.append(token)
        self.log.append("enter")
        self.entered.set()
        assert token.wait_sync(30)
        self.log.append("leave")
        with self._lock:
            self.inside -= 1
        return Stage.DONE


Listener = task(blocking=True)(Listening)


def workflow_of(run: Any, log: list[str], clock: FakeClock, **options: Any) -> Workflow[Any]:
    """Make a workflow of one state over a resource that writes down when it is torn down."""
    workflow = Workflow(Resources({"plain": Plain("plain", log)}), state=Stage, clock=clock)
    return workflow.register(Stage.A, run, **options).add_exit_state(Stage.DONE)


async def entered(run: Listening) -> None:
    """Wait until a thread is inside, and be ready for the next."""
    await asyncio.to_thread(run.entered.wait, 30)
    run.entered.clear()


@pytest.mark.parametrize("where", ["decorator", "registration", "branch"])
def test_a_timeout_needs_a_token(where: str) -> None:
    """Registration refuses a blocking task that has a timeout and would not hear of it, and says what to write (engine 12)."""

    def deaf() -> Stage:
        return Stage.DONE

    marked = task(blocking=True, timeout=1 if where == "decorator" else None)(deaf)
    workflow = Workflow(state=Stage)
    ways: dict[str, Any] = {
        "decorator": lambda: workflow.register(Stage.A, marked),
        "registration": lambda: workflow.register(Stage.A, marked, timeout=1),
        "branch": lambda: workflow.register_split(Stage.A, [Branch(marked, timeout=1)], to=Stage.DONE),
    }
    with pytest.raises(TaskInvalid, match=r"deaf.*token: CancellationToken"):
        ways[where]()


async def test_a_late_thread_is_told_and_waited_for() -> None:
    """Its token is cancelled, its result does not count, and nothing is torn down under it (J3)."""
    log: list[str] = []
    clock, run = FakeClock(), Listener(log)
    running = asyncio.create_task(workflow_of(run, log, clock, timeout=1).orchestrate(Stage.A))
    await entered(run)
    await clock.advance(1)
    with pytest.raises(AttemptTimeout):
        await running
    assert log == ["up plain", "enter", "leave", "down plain"]


async def test_there_are_never_two_copies_of_an_attempt() -> None:
    """The next attempt begins when the thread of the last one has ended, and has a token of its own (J3)."""
    log: list[str] = []
    clock, run = FakeClock(), Listener(log)
    workflow = workflow_of(run, log, clock, timeout=1, retry=Retry(3, delay=0))
    running = asyncio.create_task(workflow.orchestrate(Stage.A))
    for _ in range(3):
        await entered(run)
        await clock.advance(1)
    with pytest.raises(AttemptTimeout):
        await running
    assert log == ["up plain", *["enter", "leave"] * 3, "down plain"]
    assert (run.most, len({id(token) for token in run.tokens})) == (1, 3)


@pytest.mark.parametrize("way", ["caller", "token", "timeout"])
async def test_whatever_ends_the_run_tells_the_thread(way: str) -> None:
    """Also without a timeout of its own; the run's own token stays the caller's (engine 7)."""
    log: list[str] = []
    clock, run, token = FakeClock(), Listener(log), CancellationToken()
    running = asyncio.create_task(workflow_of(run, log, clock).orchestrate(Stage.A, timeout=9, token=token))
    await entered(run)
    if way == "timeout":
        await clock.advance(9)
    else:
        (running if way == "caller" else token).cancel()
    with pytest.raises({"caller": asyncio.CancelledError, "token": RunCancelled, "timeout": RunTimeout}[way]):
        await running
    assert log == ["up plain", "enter", "leave", "down plain"]
    assert run.tokens[0].is_cancelled
    assert token.is_cancelled is (way == "token")


async def test_work_that_no_thread_has_begun_is_withdrawn() -> None:
    """It never begins, and nobody waits for it (engine 12)."""
    log: list[str] = []
    clock, run = FakeClock(), Listener(log)
    free = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        busy = pool.submit(free.wait, 30)
        running = asyncio.create_task(workflow_of(run, log, clock, timeout=1).orchestrate(Stage.A))
        await clock.advance(1)
        with pytest.raises(AttemptTimeout):
            await running
        assert not busy.done()
        free.set()
    assert log == ["up plain", "down plain"]
