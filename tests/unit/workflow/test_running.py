"""The loop: transitions, results, reports, event loops (engine 1, 4, 13)."""

import asyncio
import gc
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import Any, Literal

import pytest

from cano._identity import new_run_id
from cano._trace import CURRENT
from cano.errors import EventLoopMisuse, context_of
from cano.ports import SYSTEM_CLOCK
from cano.resources import Resources, per_run
from cano.store import MemoryStore
from cano.tasks import TaskResult
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.loops import eager_task_factory
from tests.unit.stages import Recorder, Stage, going, single, turns


async def test_a_chain_is_walked_to_the_exit() -> None:
    """Each task's result is the next state, until an exit state."""
    seen: list[str] = []

    def step(name: str, to: Any) -> Any:
        async def run() -> Any:
            seen.append(name)
            return to

        return run

    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, step("a", Stage.C))
        .register(Stage.C, step("c", TaskResult.single(Stage.B)))
        .register(Stage.B, step("b", Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert seen == ["a", "c", "b"]


@pytest.mark.parametrize("name", ["orchestrate", "run"])
def test_a_synchronous_call_inside_a_loop(name: str) -> None:
    """It is refused before a coroutine is made, so that nothing is left un-awaited, and says what to write."""
    workflow = single(going(Stage.DONE))

    async def main() -> None:
        with pytest.raises(EventLoopMisuse, match=rf"await workflow\.{name}\("):
            getattr(workflow, f"{name}_sync")(Stage.A)

    asyncio.run(main())
    gc.collect()
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE


def test_a_report_without_a_loop() -> None:
    """``run_sync`` returns what ``run`` returns, of a run in an event loop of its own."""
    store = MemoryStore()
    report = single(going(Stage.DONE), Resources({"store": store})).run_sync(Stage.A, resources={"store": MemoryStore()})
    assert report.state is Stage.DONE
    assert [step.label for step in report.path] == ["A", "DONE"]


@pytest.mark.parametrize("call", ["orchestrate", "run"])
@pytest.mark.parametrize("resources", [None, Resources({"x": per_run(lambda: 3)})])
def test_orchestrate_outside_a_loop(call: str, resources: Resources | None) -> None:
    """Driven by something else than asyncio, it is refused, and says what to call."""
    coroutine = getattr(single(going(Stage.DONE), resources), call)(Stage.A)
    with pytest.raises(EventLoopMisuse, match="orchestrate_sync"):
        coroutine.send(None)


def test_one_event_loop_after_another_and_threads() -> None:
    """A workflow without a life cycle runs in any event loop, one after another and several at once (engine 4)."""
    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, counting_step(Stage.B))
        .register(Stage.B, going(Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
    gate = threading.Barrier(6)
    ended: list[Any] = []

    def run() -> None:
        gate.wait()
        ended.extend(workflow.orchestrate_sync(Stage.A) for _ in range(5))

    workers = [threading.Thread(target=run) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ended == [Stage.DONE] * 30


def counting_step(to: Any) -> Any:
    """Make a task that suspends, and goes on."""

    async def step() -> Any:
        await turns(2)
        return to

    return step


async def test_fifty_runs_do_not_mix() -> None:
    """Fifty runs of one workflow with inputs of their own, ten of them cancelled, keep paths, ids and errors apart (I2)."""

    class Input:
        def __init__(self, number: int) -> None:
            self.number = number
            self.seen: list[str] = []

    async def first(mine: Input) -> Stage:
        mine.seen.append("first")
        await turns(mine.number % 7)
        if mine.number % 10 == 3:
            raise LookupError(mine.number)
        return Stage.B if mine.number % 2 else Stage.C

    def rest(name: str) -> Any:
        async def step(mine: Input) -> Literal[Stage.DONE]:
            await turns(3)
            mine.seen.append(name)
            return Stage.DONE

        return step

    workflow = (
        Workflow(Resources({"mine": per_run(of=Input)}), state=Stage)
        .register(Stage.A, first)
        .register(Stage.B, rest("b"))
        .register(Stage.C, rest("c"))
        .add_exit_state(Stage.DONE)
    )
    inputs = [Input(number) for number in range(60)]
    runs = [asyncio.create_task(workflow.run(Stage.A, resources={"mine": each})) for each in inputs[:50]]
    for number in range(0, 50, 5):
        await turns()
        runs[number].cancel()
    ended = await asyncio.gather(*runs, return_exceptions=True)
    ended += await asyncio.gather(
        *(workflow.run(Stage.A, resources={"mine": each}) for each in inputs[50:]), return_exceptions=True
    )
    ids = set()
    for mine, end in zip(inputs, ended, strict=True):
        if isinstance(end, asyncio.CancelledError):
            assert mine.number % 5 == 0
            continue
        if isinstance(end, BaseException):
            context = context_of(end)
            assert end.args == (mine.number,)
            assert context is not None
            assert context.path == ("A",)
            ids.add(context.run_id)
            continue
        expected = "B" if mine.number % 2 else "C"
        assert [step.label for step in end.path] == ["A", expected, "DONE"]
        assert mine.seen == ["first", expected.lower()]
        ids.add(end.run_id)
    assert len(ids) == sum(not isinstance(end, asyncio.CancelledError) for end in ended)


async def test_nothing_of_a_run_stays_in_the_workflow() -> None:
    """After a run, good or failed, nothing of what it used is kept alive (I2)."""

    class Value:
        pass

    async def step(value: Value, fail: bool) -> Stage:
        if fail:
            raise LookupError
        return Stage.DONE

    workflow = single(step, Resources({"value": per_run(of=Value), "fail": per_run(of=bool)}))
    gone = []
    for fail in (False, True):
        value = Value()
        gone.append(weakref.ref(value))
        with suppress(LookupError):
            await workflow.orchestrate(Stage.A, resources={"value": value, "fail": fail})
        del value
    gc.collect()
    assert [each() for each in gone] == [None, None]


async def test_a_run_may_be_started_inside_a_run() -> None:
    """A task may run another workflow, or the same one."""
    inner = single(going(Stage.DONE))

    async def outer() -> Any:
        return await inner.orchestrate(Stage.A)

    assert await single(outer).orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize("call", ["orchestrate", "run"])
async def test_a_long_run_takes_constant_memory(call: str) -> None:
    """However many transitions a run makes, it keeps the beginning and the end of its path only."""
    longest = count = 0

    async def step() -> Stage:
        nonlocal longest, count
        count += 1
        path = CURRENT.get()
        assert isinstance(path, list)
        longest = max(longest, len(path))
        return Stage.DONE if count == 20_000 else Stage.A

    await getattr(single(step), call)(Stage.A)
    assert longest < 1000


async def test_the_report_of_a_long_run() -> None:
    """The path of a long run is its beginning and its end, with the time of each, and says how much is left out."""
    clock = FakeClock()
    count = 0

    async def step() -> Stage:
        nonlocal count
        count += 1
        clock.time += count
        return Stage.DONE if count == 20_000 else Stage.A

    report = await single(step, clock=clock).run(Stage.A)
    assert (len(report.path), report.omitted) == (256, 20_001 - 256)
    assert [each.seconds for each in report.path] == [*range(1, 129), *range(20_000 - 126, 20_001), 0]
    assert report.path[-1].state is Stage.DONE


async def test_the_report() -> None:
    """``run`` returns the exit state, the path with the time spent in each state, the whole time and an id of its own."""
    clock = FakeClock()

    def taking(seconds: float, to: Any) -> Any:
        async def step() -> Any:
            clock.time += seconds
            return to

        return step

    workflow = (
        Workflow(state=Stage, clock=clock)
        .register(Stage.A, taking(1.5, Stage.B))
        .register(Stage.B, taking(0.25, Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    report = await workflow.run(Stage.A)
    assert report.state is Stage.DONE
    assert [(step.state, step.label, step.seconds) for step in report.path] == [
        (Stage.A, "A", 1.5),
        (Stage.B, "B", 0.25),
        (Stage.DONE, "DONE", 0.0),
    ]
    assert (report.omitted, report.seconds) == (0, 1.75)
    again = await workflow.run(Stage.A)
    assert again.run_id != report.run_id
    with pytest.raises(AttributeError):
        report.state = Stage.A  # type: ignore[misc]


async def test_the_report_s_time_includes_the_life_cycle() -> None:
    """The whole time of a run is from its call to its return, set-up and teardown included."""
    clock = FakeClock()

    class Slow:
        def setup(self) -> None:
            clock.time += 10

        def teardown(self) -> None:
            clock.time += 20

    report = await single(going(Stage.DONE), Resources({"slow": Slow()}), clock=clock).run(Stage.A)
    assert report.seconds == 30
    assert sum(step.seconds for step in report.path) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_run_ids_differ_after_a_fork() -> None:
    """A forked child makes ids that its parent does not make."""
    mine = {new_run_id() for _ in range(3)}
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, " ".join(new_run_id() for _ in range(3)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = set(os.read(read, 10_000).decode().split())
    os.close(read)
    os.close(write)
    mine |= {new_run_id() for _ in range(3)}
    assert len(mine | theirs) == 9


def test_the_system_clock_is_the_monotonic_one() -> None:
    """Reading the real clock costs no Python call."""
    assert SYSTEM_CLOCK.now is time.monotonic


async def test_the_system_clock_sleeps() -> None:
    """A wait of no time gives the event loop a turn, and returns."""
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "another")
    await SYSTEM_CLOCK.sleep(0)
    assert ran == ["another"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in 3.12")
def test_runs_under_an_eager_task_factory() -> None:
    """With eager tasks, runs, overlapping life cycles and cancellation behave the same (engine 7)."""
    log: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(eager_task_factory)
        workflow = single(counting_step(Stage.DONE), Resources({"a": Recorder("a", log)}))
        runs = [asyncio.create_task(workflow.orchestrate(Stage.A)) for _ in range(3)]
        runs[0].cancel()
        ended = await asyncio.gather(*runs, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        assert ended[1:] == [Stage.DONE, Stage.DONE]

    asyncio.run(main())
    assert [line for line in log if line.startswith(("up", "down"))] == ["up a", "down a"]
