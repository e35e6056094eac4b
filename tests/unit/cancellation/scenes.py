"""The kinds of runs that are interrupted: chains, waits, threads, and runs inside runs."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest

from cano.errors import AttemptTimeout
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.workflow import Join, Workflow
from tests.unit.cancellation.held import Held, managed
from tests.unit.cancellation.play import TURN, VARIABLE, Play, Scene
from tests.unit.stages import Stage

Run = Callable[[], Awaitable[Any]]


def workflow(play: Play, resources: Resources | None = None) -> Workflow[Any]:
    """Begin a workflow on the clock of the play; DONE is its exit."""
    return Workflow(resources, state=Stage, clock=play.clock).add_exit_state(Stage.DONE)


def running(play: Play, made: Workflow[Any]) -> Run:
    """Return the call that runs a workflow from A, with what interrupts the play."""
    return lambda: made.orchestrate(Stage.A, **play.options)


def chain(play: Play) -> Run:
    """Three tasks; the second one does not suspend."""

    async def first() -> Literal[Stage.B]:
        await play.piece("first", 2, cleanup=1)
        return Stage.B

    async def second() -> Literal[Stage.C]:
        play.point("code")
        return Stage.C

    async def third() -> Literal[Stage.DONE]:
        await play.piece("third", 1)
        return play.last(Stage.DONE)

    return running(play, workflow(play).register(Stage.A, first).register(Stage.B, second).register(Stage.C, third))


def busy_chain(play: Play) -> Run:
    """Three hundred steps that never suspend: the engine gives the loop a turn amid them."""

    async def step() -> Literal[Stage.A, Stage.DONE]:
        play.tries += 1
        if play.tries % 100 == 0:
            play.point("code")
        return play.last(Stage.DONE) if play.tries == 300 else Stage.A

    return running(play, workflow(play).register(Stage.A, step))


def retries(play: Play) -> Run:
    """A task that fails twice, with a wait of three turns before each further attempt."""

    async def flaky() -> Literal[Stage.DONE]:
        play.tries += 1
        await play.piece("flaky", 1, error=OSError(play.tries) if play.tries < 3 else None)
        return play.last(Stage.DONE)

    retry = Retry(3, delay=3 * TURN, jitter=0)
    return running(play, workflow(play).register(Stage.A, flaky, retry=retry))


def refused_retry(play: Play) -> Run:
    """A task that fails until its attempts are used up."""

    async def broken() -> Literal[Stage.DONE]:
        await play.piece("broken", 1, error=OSError())
        return Stage.DONE

    return running(play, workflow(play).register(Stage.A, broken, retry=Retry(2, delay=0)))


def timed_attempt(play: Play) -> Run:
    """An attempt that ends in time, with its timer armed."""

    async def quick() -> Literal[Stage.DONE]:
        await play.piece("quick", 3, cleanup=1)
        return play.last(Stage.DONE)

    return running(play, workflow(play).register(Stage.A, quick, timeout=50 * TURN))


def late_attempt(play: Play) -> Run:
    """An attempt that is out of time after five turns, and then cleans up; the second one is in time."""

    async def slow() -> Literal[Stage.DONE]:
        play.tries += 1
        await play.piece("slow", 20 if play.tries == 1 else 1, cleanup=2)
        return play.last(Stage.DONE)

    retry = Retry(2, delay=0, on=AttemptTimeout)
    return running(play, workflow(play).register(Stage.A, slow, timeout=5 * TURN, retry=retry))


def long_clean_up(play: Play) -> Run:
    """An attempt that is in time, and when interrupted is not: its clean-up takes longer than it has. Before it, a plain step."""

    async def slow() -> Literal[Stage.DONE]:
        await play.piece("slow", 3, cleanup=0)
        return play.last(Stage.DONE)

    async def cleaning() -> Literal[Stage.DONE]:
        try:
            return await slow()
        except asyncio.CancelledError:
            await play.pause(9)
            raise

    async def near() -> Literal[Stage.B]:
        play.point("code")
        return Stage.B

    return running(play, workflow(play).register(Stage.A, near).register(Stage.B, cleaning, timeout=5 * TURN))


def late_run(play: Play) -> Run:
    """An attempt that is out of time, and the last one."""

    async def slow() -> Literal[Stage.DONE]:
        await play.piece("slow", 20, cleanup=2)
        return Stage.DONE

    return running(play, workflow(play).register(Stage.A, slow, timeout=5 * TURN))


def stubborn(play: Play) -> Run:
    """A task that swallows what interrupts it, and goes on to the exit: that does not save the run."""

    async def deaf() -> Literal[Stage.DONE]:
        for _ in range(2):
            try:
                await play.pause(1)
            except asyncio.CancelledError:
                play.log.append("swallowed")
        return play.last(Stage.DONE)

    return running(play, workflow(play).register(Stage.A, deaf))


def defiant(play: Play) -> Run:
    """A task that makes an error of what interrupts it, which a retry would cover: it is not tried again."""

    async def failing() -> Literal[Stage.DONE]:
        if "swallowed" in play.log:
            play.faults.append("tried again, though a cancellation was asked for")
        try:
            await play.piece("failing", 2)
        except asyncio.CancelledError:
            play.log.append("swallowed")
            raise play.last(OSError()) from None
        return play.last(Stage.DONE)

    return running(play, workflow(play).register(Stage.A, failing, retry=Retry(3, delay=0)))


class Gate:
    """A thread waits in it until six turns of the loop after the run has begun to wait for the thread."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.begun, self.open, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.waits = True
        self.near = False
        play.on_suspension = lambda: self.meet() if self.near else None

    async def to(self) -> Literal[Stage.B]:
        """Be the task before: what the run waits for next is the thread."""
        self.near = True
        return Stage.B

    def pass_through(self) -> None:
        """Be the thread of the run."""
        self.play.begun["thread"] += 1
        VARIABLE.set("thread")
        self.stand()
        self.play.ended["thread"] += 1

    def stand(self) -> None:
        """Be a thread."""
        self.begun.set()
        if self.waits and not self.play.over:
            assert self.open.wait(10)
        self.ended.set()

    def meet(self) -> None:
        """Wait until the thread has begun; let it go in six turns."""
        assert self.begun.wait(10)
        self._later(6)

    def _later(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._later, turns - 1)
        else:
            self.waits = False
            self.open.set()
            assert self.ended.wait(10)


def thread(play: Play) -> Run:
    """A blocking task in its thread, which is let go only after the interruption."""
    gate = Gate(play)

    @task(blocking=True)
    def blocking() -> Literal[Stage.DONE]:
        gate.pass_through()
        return play.last(Stage.DONE)

    made = workflow(play, Resources({"a": Held(play, "shared a"), "b": per_run(managed(play, "own b"))}))
    return running(play, made.register(Stage.A, gate.to).register(Stage.B, blocking))


def listening_thread(play: Play) -> Run:
    """A blocking task that waits for its token, which the interruption cancels; undisturbed, its timeout does."""

    begun = threading.Event()
    play.on_suspension = lambda: None if begun.wait(10) else pytest.fail("no thread has begun")

    @task(blocking=True)
    def blocking(token: CancellationToken) -> Literal[Stage.DONE]:
        play.begun["thread"] += 1
        begun.set()
        assert token.wait_sync(10) or play.over
        play.ended["thread"] += 1
        return Stage.DONE

    return running(play, workflow(play).register(Stage.A, blocking, timeout=3 * TURN))


def queued_thread(play: Play) -> Run:
    """A blocking task for which no thread is free before the interruption."""
    gate = Gate(play)
    pool = play.kept["pool"] = ThreadPoolExecutor(1)
    play.kept["gate"] = gate
    loop = asyncio.get_running_loop()
    loop.set_default_executor(pool)
    pool.submit(gate.stand)

    @task(blocking=True)
    def blocking() -> Literal[Stage.DONE]:
        play.log.append("ran")
        return play.last(Stage.DONE)

    return running(play, workflow(play).register(Stage.A, gate.to).register(Stage.B, blocking))


async def withdrawn(play: Play) -> None:
    """See that a call which no thread had begun is not made any more."""
    assert ("ran" in play.log) == (play.outcome is Stage.DONE)


def give_pool_back(play: Play) -> None:
    """End the thread, and give the loop an executor that has begun none."""
    play.kept["gate"].open.set()
    play.kept["pool"].shutdown()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def inner_workflow(play: Play) -> Workflow[Any]:
    """Make a workflow that has resources of both kinds, retries and a split."""
    inner = Resources({"c": Held(play, "shared c"), "d": per_run(managed(play, "own d"))})

    async def flaky() -> Literal[Stage.B]:
        play.tries += 1
        await play.piece("flaky", 1, error=OSError() if play.tries < 2 else None)
        return Stage.B

    async def one() -> None:
        VARIABLE.set("branch")
        await play.piece("one", 1)

    async def two() -> None:
        await play.piece("two", 30, cleanup=2)

    inside = workflow(play, inner).register(Stage.A, flaky, retry=Retry(2, delay=2 * TURN, jitter=0))
    return inside.register_split(Stage.B, [one, two], to=Stage.DONE, join=Join.any())


def in_resources(play: Play, outer: Any, **options: Any) -> Run:
    """Make a workflow with resources of both kinds, this task, and a plain one after it."""

    async def end() -> Literal[Stage.DONE]:
        await play.piece("end", 1)
        return play.last(Stage.DONE)

    around = workflow(play, Resources({"a": Held(play, "shared a"), "b": per_run(managed(play, "own b"))}))
    return running(play, around.register(Stage.A, outer, **options).register(Stage.B, end))


def nested(play: Play) -> Run:
    """A task with a run inside."""
    inside = inner_workflow(play)

    async def outer() -> Literal[Stage.B]:
        await inside.orchestrate(Stage.A)
        return Stage.B

    return in_resources(play, outer)


def sub_workflow(play: Play) -> Run:
    """A task that is a workflow, whose runs have the token of the run around."""
    return in_resources(play, inner_workflow(play).as_task(Stage.A, to=Stage.B))


def failing_sub_workflow(play: Play) -> Run:
    """A task that is a workflow and takes a resource from around it; its first run fails, and is torn down before the next one."""

    async def flaky(b: str) -> Literal[Stage.DONE]:
        play.tries += 1
        await play.piece(f"in {b}", 1, cleanup=2, error=OSError() if play.tries < 2 else None)
        return Stage.DONE

    inner = workflow(play, Resources({"d": Held(play, "shared d"), "b": per_run(of=str)})).register(Stage.A, flaky)
    return in_resources(play, inner.as_task(Stage.A, to=Stage.B), retry=Retry(2, delay=TURN, jitter=0), timeout=900 * TURN)


def branch_workflows(play: Play) -> Run:
    """Branches that are workflows: two end well, the third is cancelled then, cleans up, and has a resource to tear down."""

    def branch(name: str, turns: int, resources: Resources | None = None) -> Any:
        async def work() -> Literal[Stage.DONE]:
            VARIABLE.set("branch")
            await play.piece(name, turns, cleanup=2)
            return Stage.DONE

        return workflow(play, resources).register(Stage.A, work).as_task(Stage.A)

    async def end() -> Literal[Stage.DONE]:
        await play.piece("end", 1)
        return play.last(Stage.DONE)

    branches = [branch("one", 1), branch("two", 3), branch("three", 30, Resources({"d": Held(play, "shared d")}))]
    around = workflow(play).register_split(Stage.A, branches, to=Stage.B, join=Join.quorum(2))
    return running(play, around.register(Stage.B, end))


SCENES = {
    "chain": Scene(chain, Stage.DONE),
    "busy chain": Scene(busy_chain, Stage.DONE),
    "retries": Scene(retries, Stage.DONE),
    "refused retry": Scene(refused_retry, OSError),
    "timed attempt": Scene(timed_attempt, Stage.DONE),
    "late attempt": Scene(late_attempt, Stage.DONE),
    "long clean-up": Scene(long_clean_up, Stage.DONE),
    "late run": Scene(late_run, AttemptTimeout),
    "stubborn": Scene(stubborn, Stage.DONE, swallowed=Stage.DONE),
    "defiant": Scene(defiant, Stage.DONE, swallowed=OSError),
    "thread": Scene(thread, Stage.DONE, threads=True),
    "listening thread": Scene(listening_thread, AttemptTimeout, threads=True),
    "queued thread": Scene(queued_thread, Stage.DONE, threads=True, after=withdrawn, close=give_pool_back),
    "nested": Scene(nested, Stage.DONE, nested=True),
    "sub-workflow": Scene(sub_workflow, Stage.DONE, nested=True),
    "failing sub-workflow": Scene(failing_sub_workflow, Stage.DONE, nested=True),
    "branches of workflows": Scene(branch_workflows, Stage.DONE, nested=True),
}
