"""One unchanged pure function, one workflow: in this process, in a pool of processes, on a cluster (engine 2 and 12)."""

import asyncio
import functools
import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from cano.errors import AttemptTimeout, ExecutorFailed, NotPicklable, WorkerError
from cano.resilience import Retry
from cano.resources import Resources, shared
from cano.store import MemoryStore
from cano.tasks import SplitResult, task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.stages import Stage, turns
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Held, process_pool, sending

WHERE = ("threads", "processes", "cluster")


@task(state=Stage, executor="cpu", inputs="store", output="squares", to=Stage.B)
def squares(numbers: list[int], offset: int = 0) -> tuple[int, list[int]]:
    """Be the function: it knows of no store, no executor and no workflow."""
    if min(numbers) < 0:
        raise ValueError("negative", numbers)
    return os.getpid(), [number * number + offset for number in numbers]


@task(state=Stage, inputs="store", output="total", to=Stage.DONE)
async def total(squares: tuple[int, list[int]]) -> int:
    """Be the task after it, in the event loop."""
    return sum(squares[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers, each a process of its own with a nanny that replaces it, on this machine."""
    distributed = pytest.importorskip("distributed", reason="it comes with the extra gil: there is none without a GIL")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # workers are killed on purpose
    options = {"processes": True, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for module in (asyncio, asyncio.events):  # dask has a loop of its own, which is not made for those of CANO_LOOP
                patch.setattr(module, "new_event_loop", asyncio.SelectorEventLoop)
            made = stack.enter_context(distributed.LocalCluster(**options))
        yield stack.enter_context(distributed.Client(made))


@pytest.fixture(scope="module", params=WHERE)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Each place in turn."""
    if request.param == "cluster":
        yield request.getfixturevalue("cluster").get_executor()
        return
    with ThreadPoolExecutor(2) if request.param == "threads" else process_pool(2) as made:
        yield made


def the_workflow(executor: object, store: MemoryStore | None = None) -> Workflow[Stage]:
    """Make the workflow; nothing but the resource differs."""
    resources = Resources({"store": MemoryStore() if store is None else store, "cpu": executor})
    workflow = Workflow(resources, state=Stage).register(Stage.A, squares).register(Stage.B, total)
    return workflow.add_exit_state(Stage.DONE)


async def test_the_same_function_gives_the_same_everywhere(executor: Executor) -> None:
    """Called directly, in a thread, in another process, on a cluster; several runs at once, each with a store of its own."""
    workflow = the_workflow(executor)
    stores = [MemoryStore({"numbers": [1, 2, each], "offset": each}) for each in range(5)]
    await asyncio.gather(*(workflow.orchestrate(Stage.A, resources={"store": store}) for store in stores))
    for each, store in enumerate(stores):
        pid, values = store.get("squares", tuple[int, list[int]])
        assert values == squares([1, 2, each], each)[1]
        assert store.get("total", int) == sum(values)
        assert (pid == os.getpid()) is isinstance(executor, ThreadPoolExecutor)


async def test_equal_calls_run_each_time(executor: Executor, tmp_path: Any) -> None:
    """A cluster that takes equal calls for one, and answers from memory, does not do so with these."""
    store = MemoryStore({"log": str(tmp_path / "log")})
    workflow = sending(elsewhere.counted, executor, store)
    for times in (1, 2, 3):
        await workflow.orchestrate(Stage.A)
        assert store.get("out") == times


async def test_the_function_s_own_exception_comes_from_everywhere(executor: Executor) -> None:
    """With its arguments, and the line where it was raised."""
    with pytest.raises(ValueError, match="negative") as caught:
        await the_workflow(executor, MemoryStore({"numbers": [1, -1]})).orchestrate(Stage.A)
    assert caught.value.args == ("negative", [1, -1])
    if not isinstance(executor, ThreadPoolExecutor):
        assert 'raise ValueError("negative", numbers)' in caught.value.__notes__[0]


async def test_attempts_and_branches_everywhere(executor: Executor, tmp_path: Any) -> None:
    """What goes around a task is the engine's, wherever the task runs (engine 5, 9)."""
    seen: list[Any] = []

    @task
    async def join(split: SplitResult[int]) -> Stage:
        seen.extend(split.values)
        return Stage.DONE

    log = tmp_path / "log"
    resources = Resources({"store": MemoryStore({"log": str(log), "fail": True}), "cpu": executor})
    counted = task(executor="cpu", inputs="store", retry=Retry(3, delay=0))(functools.partial(elsewhere.counted))
    failing = Workflow(resources, state=Stage).register_split(Stage.A, [counted, counted], to=Stage.DONE)
    with pytest.raises(ExceptionGroup):
        await failing.add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert 3 <= log.stat().st_size <= 6
    where = task(executor="cpu", inputs="store")(functools.partial(elsewhere.where))
    workflow = Workflow(resources, state=Stage).register_split(Stage.A, [where, where], to=Stage.B).register(Stage.B, join)
    await workflow.add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("fn", "which", "kind"),
    [
        (elsewhere.raises, "awkward", WorkerError),
        (elsewhere.raises, "quits", WorkerError),
        (elsewhere.returns, "generator", NotPicklable),
    ],
)
async def test_what_cannot_cross_comes_back_as_an_error_at_once(cluster: Any, fn: Any, which: str, kind: type[Exception]) -> None:
    """A cluster, too, never meets it itself: dask would wait for a result that it cannot send."""
    with pytest.raises(kind):
        await asyncio.wait_for(sending(fn, cluster.get_executor(), MemoryStore({"which": which})).orchestrate(Stage.A), 20)


async def test_a_run_leaves_late_work_behind_in_a_cluster(cluster: Any, held: Held) -> None:
    """dask says of what runs on that it is cancelled; the error says that it goes on, and there is no second attempt."""
    clock = FakeClock()
    options: dict[str, Any] = {"timeout": 1, "abandon": True, "retry": Retry(3, delay=0), "clock": clock}
    run = asyncio.create_task(
        sending(elsewhere.stay, cluster.get_executor(), MemoryStore(held.values), **options).orchestrate(Stage.A)
    )
    await held.inside()
    await clock.advance(1)
    with pytest.raises(AttemptTimeout) as caught:
        await run
    assert caught.value.abandoned is True
    held.let_go()


async def test_a_cancellation_waits_for_a_cluster(cluster: Any, held: Held) -> None:
    """Where nothing is said of abandoning."""
    run = asyncio.create_task(sending(elsewhere.stay, cluster.get_executor(), MemoryStore(held.values)).orchestrate(Stage.A))
    await held.inside()
    run.cancel()
    await turns(5)
    assert not run.done()
    held.let_go()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_worker_of_a_pool_is_killed_in_the_middle(held: Held) -> None:
    """The run fails within seconds; the next one has a new pool, and works."""
    store = MemoryStore({**held.values, "numbers": [2, 3]})
    pool = shared(functools.partial(process_pool, 2))
    run = asyncio.create_task(sending(elsewhere.stay, pool, store).orchestrate(Stage.A))
    os.kill(await held.inside(), signal.SIGKILL)
    with pytest.raises(ExecutorFailed) as caught:
        await asyncio.wait_for(run, 20)
    assert type(caught.value.__cause__).__name__ == "BrokenProcessPool"
    assert await the_workflow(pool, store).orchestrate(Stage.A) is Stage.DONE
    assert store.get("total") == 13


async def test_a_worker_of_a_cluster_is_killed_in_the_middle(cluster: Any, held: Held) -> None:
    """dask makes the call again on another worker; the run ends well, and so does the next."""
    executor, store = cluster.get_executor(), MemoryStore({**held.values, "numbers": [2, 3]})
    run = asyncio.create_task(sending(elsewhere.stay, executor, store).orchestrate(Stage.A))
    killed = await held.inside()
    os.kill(killed, signal.SIGKILL)
    survivor = await held.inside()
    held.let_go()
    assert await asyncio.wait_for(run, 20) is Stage.DONE
    assert store.get("out") == survivor != killed
    assert await the_workflow(executor, store).orchestrate(Stage.A) is Stage.DONE
    assert store.get("total") == 13


async def test_a_call_that_kills_each_worker_of_a_cluster_fails(cluster: Any) -> None:
    """When dask gives up, that is an ExecutorFailed with its own error as the cause; the next run works."""
    store = MemoryStore({"numbers": [2, 3]})
    scheduler = cluster.cluster.scheduler
    before, scheduler.allowed_failures = scheduler.allowed_failures, 0  # as the option distributed.scheduler.allowed-failures
    try:
        with pytest.raises(ExecutorFailed) as caught:
            await asyncio.wait_for(sending(elsewhere.dies, cluster.get_executor(), store).orchestrate(Stage.A), 20)
    finally:
        scheduler.allowed_failures = before
    assert type(caught.value.__cause__).__name__ == "KilledWorker"
    assert await the_workflow(cluster.get_executor(), store).orchestrate(Stage.A) is Stage.DONE


async def test_a_client_that_is_closed(cluster: Any, held: Held) -> None:
    """What runs then, and what is sent after, fails at once; it is no cancellation."""
    client = type(cluster)(cluster.cluster)
    running = sending(elsewhere.stay, client.get_executor(), MemoryStore(held.values))
    run = asyncio.create_task(running.orchestrate(Stage.A))
    await held.inside()
    await asyncio.to_thread(client.close)
    with pytest.raises(ExecutorFailed, match="it has cancelled the call"):
        await asyncio.wait_for(run, 20)
    with pytest.raises(ExecutorFailed, match="ClosedClientError"):
        await asyncio.wait_for(running.orchestrate(Stage.A), 20)
    held.let_go()
