"""The id of the run that code belongs to: one per run, the same wherever it is asked for (engine 6, engine 10)."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from multiprocessing import get_context
from typing import Any

import pytest

from cano import _run_id, current_run_id
from cano._identity import new_run_id
from cano.errors import MaxStepsReached, context_of
from cano.ports import Observer
from cano.resources import Resources, per_run, shared
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single, turns
from tests.unit.watching import HOOKS, Log, observer_of, whole_workflow


async def test_outside_of_runs_there_is_none() -> None:
    """Before, and after, and in another task beside."""
    assert current_run_id() is None
    seen: list[str | None] = []
    entered = asyncio.Event()

    async def step() -> Stage:
        entered.set()
        seen.append(current_run_id())
        return Stage.DONE

    run = asyncio.create_task(single(step).orchestrate(Stage.A))
    await entered.wait()
    assert current_run_id() is None
    await run
    assert seen[0]
    assert current_run_id() is None


async def test_tasks_branches_and_threads_see_the_id_of_their_run() -> None:
    """So does what they start, and the report has the same one."""
    seen: list[str | None] = []

    async def see() -> None:
        seen.append(current_run_id())

    async def step() -> Stage:
        await see()
        await asyncio.create_task(see())
        seen.append(await asyncio.to_thread(current_run_id))
        return Stage.B

    @task(blocking=True)
    def in_thread() -> Stage:
        seen.append(current_run_id())
        return Stage.DONE

    workflow = Workflow(state=Stage).register(Stage.A, step).register_split(Stage.B, [see, see], to=Stage.C)
    workflow.register(Stage.C, in_thread).add_exit_state(Stage.DONE)
    report = await workflow.run(Stage.A)
    assert seen == [report.run_id] * 6
    again = await workflow.run(Stage.A)
    assert seen[6:] == [again.run_id] * 6
    assert again.run_id != report.run_id


@pytest.mark.parametrize("way", ["plain", "observed", "split"])
async def test_the_error_has_the_same_id(way: str) -> None:
    """As the context and the note tell it, and the observers."""
    seen: list[str | None] = []
    log = Log()

    async def fail() -> Stage:
        seen.append(current_run_id())
        raise LookupError("mine")

    workflow: Workflow[Any] = Workflow(observers=[log] if way == "observed" else [])
    workflow.add_exit_state("B")
    if way == "split":
        workflow.register_split("A", [fail], to="B")
    else:
        workflow.register("A", fail)
    with pytest.raises((LookupError, ExceptionGroup)) as caught:
        await workflow.orchestrate("A")
    context = context_of(caught.value)
    assert context is not None
    assert seen == [context.run_id]
    assert f"run {context.run_id}" in caught.value.__notes__[0]
    assert {event.run.run_id for event in log.events} <= {context.run_id}


@pytest.mark.parametrize("name", HOOKS)
async def test_hooks_see_the_id_of_the_run_that_they_are_told(name: str) -> None:
    """Each hook, the first and the last ones too, for a run inside another as well."""
    seen: list[tuple[str, str | None]] = []
    observer: Any = Observer()
    setattr(observer, name, lambda run, *_: seen.append((run.run_id, current_run_id())))
    inner = whole_workflow(observer)

    async def step() -> Stage:
        around = current_run_id()
        await inner.orchestrate(Stage.A)
        assert current_run_id() == around
        return Stage.DONE

    await single(step).orchestrate(Stage.A)
    assert seen
    assert all(told == current for told, current in seen)


@pytest.mark.parametrize("name", ["on_task_end", "on_run_end"])
async def test_hooks_that_are_told_of_a_failed_run_see_its_id(name: str) -> None:
    """Inside another run, too, when the code of the failed one is left already."""
    seen: list[tuple[str, str | None]] = []

    async def fail() -> Stage:
        raise LookupError

    inner = single(fail, observers=[observer_of(**{name: lambda run, *_: seen.append((run.run_id, current_run_id()))})])

    async def step() -> Stage:
        with pytest.raises(LookupError):
            await inner.orchestrate(Stage.A)
        return Stage.DONE

    await single(step).orchestrate(Stage.A)
    ((told, current),) = seen
    assert told == current


async def test_resources_of_the_run_s_own_see_its_id() -> None:
    """In set-up, teardown and context managers; shared ones belong to no run."""
    own: list[str | None] = []
    common: list[str | None] = []

    class Sees:
        def __init__(self, seen: list[str | None]) -> None:
            self.seen = seen

        async def setup(self) -> None:
            self.seen.append(current_run_id())

        async def teardown(self) -> None:
            self.seen.append(current_run_id())

    @asynccontextmanager
    async def manager() -> AsyncIterator[int]:
        own.append(current_run_id())
        yield 1
        own.append(current_run_id())

    resources = Resources(
        {
            "own": per_run(lambda: Sees(own)),
            "manager": per_run(manager),
            "shared": Sees(common),
            "recipe": shared(lambda: Sees(common)),
        }
    )
    report = await single(going(Stage.DONE), resources).run(Stage.A)
    assert own == [report.run_id] * 4
    assert common == [None] * 4


async def test_runs_inside_runs_have_ids_of_their_own() -> None:
    """The innermost one counts, and afterwards the outer one again."""
    seen: list[str | None] = []

    async def innermost() -> Stage:
        seen.append(current_run_id())
        return Stage.DONE

    inner = single(innermost)

    async def step() -> Stage:
        seen.append(current_run_id())
        await inner.orchestrate(Stage.A)
        seen.append(current_run_id())
        return Stage.DONE

    await single(step).orchestrate(Stage.A)
    assert seen[0] == seen[2] != seen[1]
    assert None not in seen


async def test_what_outlives_its_run_keeps_its_id() -> None:
    """A task that a run has left behind, asked for the first time when the run is over."""
    left: list[asyncio.Task[str | None]] = []
    over = asyncio.Event()

    async def later() -> str | None:
        await over.wait()
        return current_run_id()

    async def step() -> Stage:
        left.extend(asyncio.create_task(later()) for _ in range(2))
        return Stage.DONE

    await single(step).orchestrate(Stage.A)
    report = await single(step).run(Stage.A)
    over.set()
    ids = [await each for each in left]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] == report.run_id != ids[0]
    assert ids[0]


@pytest.mark.unobserved
async def test_eight_threads_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one for all of them, whoever asks first, and also if several make one at once: the first counts."""
    made: list[str] = []
    meeting = threading.Barrier(2)

    def slowly_made() -> str:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.5)  # for another one who makes it
        made.append(new_run_id())
        return made[-1]

    monkeypatch.setattr(_run_id, "new_run_id", slowly_made)

    async def step() -> Stage:
        barrier = threading.Barrier(8)

        def ask() -> str | None:
            barrier.wait()
            return current_run_id()

        loop = asyncio.get_running_loop()
        ids = await asyncio.gather(*(loop.run_in_executor(pool, copy_context().run, ask) for _ in range(8)))
        assert len(set(ids)) == 1
        assert ids[0] == current_run_id()
        return Stage.DONE

    with ThreadPoolExecutor(8) as pool:
        for observers in ((), (Log(),)):
            for _ in range(3):
                made.clear()
                meeting.reset()
                await single(step, observers=observers).orchestrate(Stage.A)
                assert len(made) >= (1 if observers else 2)  # observers have asked before


async def test_it_is_asked_for_while_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a finalizer or a signal handler, which comes between any two steps, or by another thread: nothing hangs, it is one id."""
    seen: list[str | None] = []
    deep = 0

    def interrupted() -> str:
        nonlocal deep
        deep += 1
        if deep < 3:
            seen.append(current_run_id())
            with ThreadPoolExecutor(1) as pool:
                seen.append(pool.submit(copy_context().run, current_run_id).result(9))
        return new_run_id()

    async def step() -> Stage:
        monkeypatch.setattr(_run_id, "new_run_id", interrupted)
        seen.extend(current_run_id() for _ in range(3))
        await turns(2)
        return Stage.DONE

    report_ids = []
    workflow = single(step)
    for run in (workflow.orchestrate, workflow.run):
        seen.clear()
        deep = 0
        report = await run(Stage.A)
        assert len(set(seen)) == 1
        report_ids.append(getattr(report, "run_id", seen[0]))
        assert seen[0] == report_ids[-1]
        monkeypatch.undo()
    assert len(set(report_ids)) == 2


@pytest.mark.parametrize("steps", [1, 127, 128, 129, 255, 256, 257, 300, 600, 3000])
@pytest.mark.parametrize("asked_at", [1, 100, 200, 700])
async def test_the_path_of_a_run_whose_id_was_asked_for(steps: int, asked_at: int) -> None:
    """The first and the last 128 states, and how many are left out, are those of a run whose id nobody has asked for."""

    async def path_of(*, asks: bool) -> tuple[tuple[str, ...], int]:
        count = 0
        ids: list[str | None] = []

        async def step() -> int:
            nonlocal count
            count += 1
            if asks and count in (asked_at, asked_at + 1):
                ids.append(current_run_id())
            return count % 7

        workflow: Workflow[Any] = Workflow(max_steps=steps)
        for number in range(7):
            workflow.register(number, task(to=[*range(7), -1])(step))
        workflow.add_exit_state(-1)
        with pytest.raises(MaxStepsReached) as caught:
            await workflow.orchestrate(0)
        context = context_of(caught.value)
        assert context is not None
        assert set(ids) <= {context.run_id}
        return context.path, context.omitted

    path, omitted = await path_of(asks=True)
    assert (path, omitted) == await path_of(asks=False)
    assert len(path) + omitted == steps
    numbers = [str(number % 7) for number in range(steps)]
    kept = numbers if not omitted else [*numbers[:128], *numbers[-128:]]
    assert list(path) == kept


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_process_that_is_forked_inside_a_run_is_outside_of_it() -> None:
    """The worker of a pool of the user's, forked by the first run that sends it something, works for others, too."""
    seen: list[str | None] = []

    async def step() -> Stage:
        seen.append(await asyncio.get_running_loop().run_in_executor(pool, current_run_id))
        assert current_run_id() is not None
        return Stage.DONE

    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        for _ in range(2):
            await single(step).orchestrate(Stage.A)
    assert seen == [None, None]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_ids_are_unique_after_a_fork() -> None:
    """A child that runs the same workflow has other ids than its parent."""
    workflow = single(going(Stage.DONE))
    first = workflow.run_sync(Stage.A).run_id
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, workflow.run_sync(Stage.A).run_id.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    mine = workflow.run_sync(Stage.A).run_id
    assert len({first, theirs, mine}) == 3
    assert theirs.split("-")[0] != mine.split("-")[0]
