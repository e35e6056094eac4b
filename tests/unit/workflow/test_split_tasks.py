"""A branch is an asyncio task of its own, made as the loop makes tasks, and leaves nothing behind (engine 6 and 9, J1)."""

import asyncio
import contextvars
import gc
import sys
import traceback
import weakref
from typing import Any

import pytest

from cano.errors import BranchCancelled, context_of
from cano.resilience import Retry
from cano.tasks import SplitResult, task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.loops import eager_task_factory
from tests.unit.splits import Split, failing, giving, held, others, task_factory
from tests.unit.stages import Stage, single, turns

VAR = contextvars.ContextVar("VAR", default="unset")


async def test_context_variables_are_seen_and_do_not_leak() -> None:
    """What the caller has set is seen in each branch, threads included; what a branch sets, nobody else sees (J1)."""
    seen: list[tuple[str, str]] = []

    def branch(name: str) -> Any:
        async def run() -> str:
            before = VAR.get()
            VAR.set(name)
            await turns(3)
            return f"{before} {VAR.get()}"

        return run

    @task(blocking=True)
    def blocking() -> str:
        before = VAR.get()
        VAR.set("thread")
        return f"{before} {VAR.get()}"

    async def joined(result: SplitResult[str]) -> Stage:
        seen.extend((value, VAR.get()) for value in result.values)
        return Stage.DONE

    workflow = (
        Workflow(state=Stage)
        .register_split(Stage.A, [branch("x"), branch("y"), blocking], to=Stage.B)
        .register(Stage.B, joined)
        .add_exit_state(Stage.DONE)
    )
    token = VAR.set("run-7")
    try:
        await workflow.orchestrate(Stage.A)
        assert VAR.get() == "run-7"
    finally:
        VAR.reset(token)
    assert seen == [(f"run-7 {name}", "run-7") for name in ("x", "y", "thread")]


async def test_the_current_task_is_the_branch_s_own() -> None:
    """From its first step on a branch is the current task, a different one in each, and none of them is the run's."""
    seen: list[Any] = []

    async def branch() -> None:
        first = asyncio.current_task()
        await turns()
        assert asyncio.current_task() is first
        assert first in asyncio.all_tasks()
        seen.append(first)

    running = Split([branch] * 5).start()
    await running
    assert len({*seen, running}) == 6


async def test_asyncio_s_own_tools_work_inside() -> None:
    """``asyncio.timeout``, ``TaskGroup`` and ``shield`` belong to the branch, from its first step on."""

    async def timed() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return "timed out"
        return ""

    async def group() -> list[int]:
        async with asyncio.TaskGroup() as children:
            tasks = [children.create_task(giving(number)()) for number in range(3)]
        return [each.result() for each in tasks]

    async def shielded() -> str:
        return str(await asyncio.shield(asyncio.ensure_future(giving("kept")())))

    assert (await Split([timed, group, shielded]).run()).values == ("timed out", [0, 1, 2], "kept")


async def test_a_branch_may_cancel_itself() -> None:
    """Its own request ends it alone, at its next wait."""

    async def leaves() -> None:
        me = asyncio.current_task()
        assert me is not None
        me.cancel()
        await turns()

    result = await Split([leaves, giving(1)], Join.any()).run()
    assert (result.successes, result.cancelled) == ({1: 1}, (0,))


class Marked(asyncio.Task[Any]):
    """A task of the user's own class."""


async def test_a_task_factory_of_the_user_is_respected() -> None:
    """Branches are made by it, with whatever class it gives; so are those of a bulkhead."""
    made: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        made.append(Marked(coro, loop=loop, **options))
        return made[-1]  # type: ignore[no-any-return]

    async def branch() -> bool:
        await turns()
        return isinstance(asyncio.current_task(), Marked)

    with task_factory(factory):
        assert await Split([branch] * 3).run() == await Split([branch] * 3, bulkhead=1).run()
    assert len(made) == 6
    assert all(each.done() for each in made)


@pytest.mark.parametrize("at", [0, 2])
async def test_a_task_factory_that_fails(at: int) -> None:
    """Its error comes out, after the branches that had begun have been cancelled and awaited; no coroutine is left over."""
    refused = RuntimeError("no more tasks")
    branches = held(4)

    async def clean() -> None:
        await turns(3)
        branches[0].log.append("clean")

    branches[0].cleanup = clean
    made = 0

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        nonlocal made
        if made == at:
            raise refused
        made += 1
        return asyncio.Task(coro, loop=loop, **options)

    async def first() -> None:
        await branches[0].run_bare()

    split = Split([first, *branches[1:]], bulkhead=4)
    with task_factory(factory), pytest.raises(RuntimeError) as caught:
        await split.workflow.orchestrate(Stage.A)
    assert caught.value is refused
    assert all(not each.running for each in branches)
    assert branches[0].log.count("clean") == branches[0].begun
    assert await others() == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in 3.12")
async def test_a_factory_that_begins_some_tasks_at_once() -> None:
    """Who is cancelled before the first step keeps its index where others have begun, and ended, while they were made (SJ-15)."""
    made = 0

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        nonlocal made
        made += 1
        if made < 3:
            return eager_task_factory(loop, coro, **options)
        child: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        if made == 4:
            child.cancel()
        return child

    with task_factory(factory):
        error = await Split([giving(0), giving(1), giving(2), giving(3)]).failure()
    assert error.indices == (3,)
    assert isinstance(error.exceptions[0], BranchCancelled)
    assert error.successes == {0: 0, 1: 1, 2: 2}


def depth(error: BaseException) -> int:
    """Count the entries of the traceback."""
    return len(list(traceback.walk_tb(error.__traceback__)))


async def test_one_instance_that_fails_several_branches() -> None:
    """It stands in the group once for each, with the context of each beside it."""
    error = ValueError("constant")
    for bulkhead in (None, 1):
        split = Split([failing(error), giving(1), failing(error), failing(error)], Join.quorum(2), bulkhead=bulkhead)
        failed = await split.failure()
        assert failed.exceptions == (error, error, error)[: len(failed.exceptions)]
        assert failed.indices == (0, 2, 3)
        assert [each and each.task for each in failed.contexts] == ["fail[0]", "fail[2]", "fail[3]"]
        assert [note.split(",")[1] for note in error.__notes__] == [" branch 0", " branch 2", " branch 3"]


@pytest.mark.parametrize("wrapped", ["plain", "retry", "timeout", "nested"])
async def test_a_constant_that_a_branch_raises_in_fifty_runs(wrapped: str) -> None:
    """It keeps one note and its traceback does not grow, whether its branch fails the split or not."""
    error = ValueError("constant")

    async def fail() -> None:
        await turns()
        raise error

    inner = single(failing(error))

    async def nested() -> None:
        await inner.orchestrate(Stage.A)

    branch: Any = {
        "plain": fail,
        "retry": Branch(fail, retry=Retry(3, delay=0)),
        "timeout": Branch(fail, timeout=9),
        "nested": nested,
    }[wrapped]
    fails = Split([branch, giving(1)], clock=FakeClock())
    passes = Split([branch, turns], Join.partial_results(1), clock=FakeClock())
    depths = []
    for number in range(50):
        if number % 3:
            await fails.failure()
            found = context_of(error)
            assert found is not None
            assert found.task.endswith("[0]")
            assert len(error.__notes__) == (2 if wrapped == "nested" else 1)
        else:
            await passes.run()
        depths.append(depth(error))
    assert max(depths) == max(depths[:3])


class Value:
    """What a frame holds, and a cycle would keep."""


@pytest.mark.parametrize("way", ["fails", "passes", "late", "lost", "cleanup", "cancelled", "timeout", "exit", "fails at once"])
async def test_a_split_leaves_no_cycle(way: str) -> None:
    """What the frames of branches hold is let go with result and error, without the cyclic collector."""
    alive: list[weakref.ref[Value]] = []

    def hold() -> Value:
        value = Value()
        alive.append(weakref.ref(value))
        return value

    async def branch() -> Any:
        value = hold()
        if way == "fails at once":
            raise ValueError(value)
        try:
            await turns()
            if way in ("fails", "passes"):
                raise ValueError(value)
            if way == "lost":
                raise asyncio.CancelledError(value)
            if way == "exit":
                raise BaseException(value)
            if way == "late":
                return value
            await asyncio.get_running_loop().create_future()
        finally:
            if way == "cleanup":
                raise OSError(value)

    async def winner() -> None:
        await turns(4)

    async def later() -> None:
        await turns()
        await workflow.orchestrate(Stage.A)

    join = Join.any() if way in ("passes", "cleanup") else Join.all()
    clock = FakeClock()
    workflow = (
        Workflow(state=Stage, clock=clock)
        .register_split(Stage.A, [branch, winner, branch], to=Stage.DONE, join=join, timeout=0 if way == "timeout" else None)
        .add_exit_state(Stage.DONE)
    )
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            run = asyncio.create_task(later())
            if way == "cancelled":
                await turns(5)
                run.cancel()
            await clock.advance(1)
            await asyncio.wait((run,))
            assert run.cancelled() is (way == "cancelled")
            assert way == "cancelled" or (run.exception() is None) is (way in ("passes", "late", "cleanup"))
            del run
            await turns(3)
        assert len(alive) == (3 if way == "fails at once" else 6)
        assert [each for each in alive if each() is not None] == []
    finally:
        gc.enable()


async def test_nothing_of_a_run_stays_in_the_workflow() -> None:
    """Values and errors of branches die with the run (I2)."""
    alive: list[weakref.ref[Any]] = []

    async def branch() -> Value:
        value = Value()
        alive.append(weakref.ref(value))
        return value

    async def joined(result: SplitResult[Value]) -> Stage:
        assert len(result.values) == 2
        return Stage.DONE

    workflow = (
        Workflow(state=Stage).register_split(Stage.A, [branch] * 2, to=Stage.B).register(Stage.B, joined).add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.A)
    report = await workflow.run(Stage.A)
    assert report.state is Stage.DONE
    await turns(2)  # a callback of the loop is part of the run
    assert [each for each in alive if each() is not None] == []
