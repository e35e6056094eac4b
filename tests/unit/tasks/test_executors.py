"""A plain function in an executor that is a resource: in threads, or in another process (engine 2, 12, J1, J3)."""

import asyncio
import contextvars
import functools
import os
import threading
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

import pytest

from cano.errors import ExecutorFailed, ResourceNotFound, ResourceTypeMismatch, SplitFailed, TaskInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources, per_run, shared
from cano.store import MemoryStore
from cano.tasks import SplitResult, task
from cano.workflow import Workflow
from tests.unit.stages import Plain, Stage, single, turns
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Held, Here, process_pool

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR", default="unset")


class Name(Enum):
    """Keys of resources."""

    CPU = auto()


@task(executor="cpu")
def thread_name() -> Literal[Stage.DONE]:
    """Run wherever the resource says."""
    return Stage.DONE


async def test_a_function_runs_in_the_threads_of_a_resource() -> None:
    """In this process, with its resources and the caller's context variables; what it sets stays there (J1)."""
    seen: list[Any] = []

    @task(executor="cpu")
    def step(store: MemoryStore) -> Literal[Stage.DONE]:
        seen.extend((threading.current_thread().name, VAR.get()))
        VAR.set("inside")
        store.put("x", 1)
        return Stage.DONE

    @task(executor=Name.CPU)
    class Step:
        def run(self, res: Resources) -> Stage:
            seen.append(threading.current_thread().name)
            return Stage.DONE

    VAR.set("run-7")
    store = MemoryStore()
    with ThreadPoolExecutor(1, "mine") as pool:
        assert await single(step, Resources({"store": store, "cpu": pool})).orchestrate(Stage.A) is Stage.DONE
        assert await single(Step(), Resources({Name.CPU: pool})).orchestrate(Stage.A) is Stage.DONE
    assert seen == ["mine_0", "run-7", "mine_0"]
    assert (VAR.get(), store.get("x", int)) == ("run-7", 1)


def test_the_key_of_the_executor_is_checked_at_registration() -> None:
    """A key that is not there, and a resource that is no executor, are errors before anything runs, and name the option."""
    with pytest.raises(ResourceNotFound, match=r"thread_name\(executor=\): no resource 'cpu'; there are 'store'"):
        single(thread_name, Resources({"store": MemoryStore()}))
    with ThreadPoolExecutor(1) as pool, pytest.raises(ResourceNotFound, match=r"write executor='pool'"):
        single(thread_name, Resources({"pool": pool}))
    with pytest.raises(ResourceTypeMismatch, match=r"thread_name\(executor=\): resource 'cpu': expected .*Executor, found int"):
        single(thread_name, Resources({"cpu": 3}))


async def test_what_a_recipe_makes_is_checked_when_it_is_set_up() -> None:
    """What comes out of one is not known before."""
    workflow = single(thread_name, Resources({"cpu": shared(lambda: 3)}))
    with pytest.raises(ResourceTypeMismatch, match=r"thread_name\(executor=\)"):
        await workflow.orchestrate(Stage.A)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "blocking": ({"executor": "cpu", "blocking": True}, "say one"),
    "the executor itself": ({"executor": Here()}, r'write executor="cpu"'),
    "no key": ({"executor": 3}, r"executor= is 3; it is the key of a resource"),
    "abandon without": ({"abandon": True, "blocking": True}, r"abandon=True is for work in another process"),
    "timeout": ({"executor": "cpu", "timeout": 1}, r"token: CancellationToken.*abandon=True"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(case: str) -> None:
    """At the definition, or at the registration where a timeout comes in, with what to write."""

    def step() -> Stage:
        return Stage.DONE

    options, why = REFUSED[case]
    mark: Any = task
    with pytest.raises(TaskInvalid, match=why):
        single(mark(**options)(step), Resources({"cpu": Here()}))


def test_an_async_function_is_refused() -> None:
    """It runs in the event loop, and an executor would never await it."""
    with pytest.raises(TaskInvalid, match=r"executor= is for a plain def"):

        @task(executor="cpu")
        async def step() -> Stage:
            return Stage.DONE


async def test_work_that_no_thread_has_begun_is_withdrawn() -> None:
    """A cancellation does not wait for what is queued, and it never runs (engine 12)."""
    free, log = threading.Event(), []

    @task(executor="cpu")
    def step() -> Stage:
        log.append("ran")
        return Stage.DONE

    with ThreadPoolExecutor(1) as pool:
        pool.submit(free.wait, 30)
        run = asyncio.create_task(single(step, Resources({"cpu": pool})).orchestrate(Stage.A))
        await turns(5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        free.set()
    assert log == []


async def test_a_cancellation_tells_the_thread_and_waits_for_it() -> None:
    """Its token is cancelled, and nothing is torn down before it has ended (engine 7, J3)."""
    log: list[str] = []
    entered = threading.Event()

    @task(executor="cpu")
    def step(token: CancellationToken) -> Stage:
        entered.set()
        assert token.wait_sync(30)
        log.append("leave")
        return Stage.DONE

    with ThreadPoolExecutor(1) as pool:
        run = asyncio.create_task(single(step, Resources({"plain": Plain("a", log), "cpu": pool})).orchestrate(Stage.A))
        await asyncio.to_thread(entered.wait, 30)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert log == ["up a", "leave", "down a"]


def broken() -> None:
    """Be an initializer that fails."""
    raise ValueError("no thread")


async def test_an_executor_that_fails_is_told_from_the_task() -> None:
    """A pool that is broken, or shut down, is an ExecutorFailed with its own error as the cause, and says what to do."""
    with ThreadPoolExecutor(1, initializer=broken) as pool:
        for _ in range(2):
            with pytest.raises(ExecutorFailed, match=r"a recipe, shared\(") as caught:
                await single(thread_name, Resources({"cpu": pool})).orchestrate(Stage.A)
            assert isinstance(caught.value.__cause__, BrokenExecutor)
    pools: list[Executor] = [ThreadPoolExecutor(1), process_pool()]
    for each in pools:
        each.shutdown()
        with pytest.raises(ExecutorFailed, match="after shutdown") as caught:
            await single(thread_name, Resources({"cpu": each})).orchestrate(Stage.A)
        assert caught.value.task == "thread_name"


async def test_a_call_that_the_executor_cancels_is_no_cancellation() -> None:
    """A pool that is shut down withdraws what is queued; nobody has cancelled the run (engine 7)."""
    free = threading.Event()
    pool = ThreadPoolExecutor(1)
    pool.submit(free.wait, 30)
    run = asyncio.create_task(single(thread_name, Resources({"cpu": pool})).orchestrate(Stage.A))
    await turns(5)
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(ExecutorFailed, match="it has cancelled the call"):
        await run
    free.set()


async def test_a_process_that_cancels_a_call_is_no_cancellation(held: Held) -> None:
    """The same, of a pool of processes, which hands out one or two calls more than it runs; those are finished."""
    pool = process_pool()
    calls = [
        asyncio.create_task(elsewhere.sending(elsewhere.stay, pool, MemoryStore(held.values)).orchestrate(Stage.A)) for _ in "12345"
    ]
    await held.inside()
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(ExecutorFailed, match="it has cancelled the call"):
        await calls[-1]
    held.let_go(4)
    await asyncio.wait(calls)
    assert calls[0].result() is Stage.DONE
    assert not any(each.cancelled() for each in calls)


@dataclass(frozen=True)
class Bundle:
    """A parameter that is filled field by field."""

    store: MemoryStore


def with_container(res: Resources) -> Stage:
    """Take the container."""
    return Stage.DONE


def with_store(store: MemoryStore) -> Stage:
    """Take a store."""
    return Stage.DONE


def with_any(store) -> Stage:  # type: ignore[no-untyped-def]
    """Take a store, without saying so."""
    return Stage.DONE


def with_bundle(bundle: Bundle) -> Stage:
    """Take a store inside something else."""
    return Stage.DONE


def with_token(token: CancellationToken) -> Stage:
    """Take a token."""
    return Stage.DONE


@pytest.mark.parametrize("fn", [with_container, with_store, with_any, with_bundle, with_token])
async def test_what_can_never_cross_is_refused(fn: Any) -> None:
    """At the registration, if the executor is there; if a recipe makes it, at the first call, and then the task has not run."""
    step = task(executor="cpu")(functools.partial(fn))
    here = Here()
    with pytest.raises(TaskInvalid, match=r"cannot be sent to another process.*inputs="):
        single(step, Resources({"store": MemoryStore(), "cpu": here}))
    for recipe in (shared(lambda: here), per_run(lambda: here)):
        workflow = single(step, Resources({"store": MemoryStore(), "cpu": recipe}))
        with pytest.raises(TaskInvalid, match=r"cannot be sent to another process"):
            await workflow.orchestrate(Stage.A)
    assert here.payloads == []
    with ThreadPoolExecutor(1) as pool:
        assert await single(step, Resources({"store": MemoryStore(), "cpu": pool})).orchestrate(Stage.A) is Stage.DONE


def annotated() -> ProcessPoolExecutor:
    """Make a pool, and say which."""
    return process_pool()


def unannotated() -> Any:
    """Make a pool, and do not say which."""
    return process_pool()


@pytest.mark.parametrize(
    ("recipe", "told"), [(annotated, True), (ProcessPoolExecutor, True), (unannotated, False), (lambda: process_pool(), False)]
)
def test_what_a_recipe_is_known_to_make_is_checked_at_registration(recipe: Any, told: bool) -> None:
    """By its class, or by what its return annotation says; else before the first call."""

    def step(store: MemoryStore) -> Stage:
        return Stage.DONE

    workflow = Workflow(Resources({"store": MemoryStore(), "cpu": shared(recipe)}), state=Stage)
    with pytest.raises(TaskInvalid, match="a MemoryStore, which cannot be sent") if told else nullcontext():
        workflow.register(Stage.A, task(executor="cpu")(step))


async def test_an_absent_store_with_a_default_is_not_in_the_way() -> None:
    """What is not filled is not sent."""

    def optional(store: MemoryStore | None = None) -> Stage:
        return Stage.DONE

    def implicit(store: MemoryStore = None) -> Stage:  # type: ignore[assignment]
        return Stage.DONE

    for step in (optional, implicit):
        single(task(executor="cpu")(step), Resources({"cpu": Here()}))
        with pytest.raises(TaskInvalid):
            single(task(executor="cpu")(step), Resources({"store": MemoryStore(), "cpu": Here()}))


async def test_a_run_may_bring_its_own_executor(pool: ProcessPoolExecutor) -> None:
    """``orchestrate(resources=...)`` replaces it for the run, and what cannot cross is refused then."""
    with ThreadPoolExecutor(1) as threads:
        store = MemoryStore()
        workflow = elsewhere.sending(elsewhere.where, threads, store)
        await workflow.orchestrate(Stage.A)
        assert store.get("out") == os.getpid()
        await workflow.orchestrate(Stage.A, resources={"cpu": pool})
        assert store.get("out") != os.getpid()
        local = single(task(executor="cpu")(functools.partial(with_store)), Resources({"store": store, "cpu": threads}))
        with pytest.raises(TaskInvalid):
            await local.orchestrate(Stage.A, resources={"cpu": pool})


async def test_branches_of_a_split_run_in_a_pool(pool: ProcessPoolExecutor, held: Held) -> None:
    """Side by side, each in a process; the join state gets what they return, and of one that fails its own error (engine 9)."""
    seen: list[Any] = []

    @task
    async def join(split: SplitResult[int]) -> Stage:
        seen.extend(split.values)
        return Stage.DONE

    staying = task(executor="cpu", inputs="store")(functools.partial(elsewhere.stay))
    telling = task(executor="cpu", inputs="store")(functools.partial(elsewhere.where))
    resources = Resources({"store": MemoryStore(held.values), "cpu": pool})
    workflow: Workflow[Any] = Workflow(resources, state=Stage).register_split(Stage.A, [staying, telling], to=Stage.B)
    run = asyncio.create_task(workflow.register(Stage.B, join).add_exit_state(Stage.DONE).orchestrate(Stage.A))
    pid = await held.inside()
    held.let_go()
    assert await run is Stage.DONE
    assert seen[0] == pid
    assert os.getpid() not in seen

    failing = task(executor="cpu")(functools.partial(elsewhere.raises, "value"))
    workflow = Workflow(resources, state=Stage).register_split(Stage.A, [failing], to=Stage.DONE)
    with pytest.raises(SplitFailed) as caught:
        await workflow.add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert repr(caught.value.exceptions[0]) == "ValueError('bad', 7)"


def test_one_executor_serves_one_event_loop_after_another(pool: ProcessPoolExecutor) -> None:
    """Nothing of a loop is kept (engine 4)."""
    with ThreadPoolExecutor(1) as threads:
        for executor in (pool, threads):
            store = MemoryStore({"numbers": [3]})
            workflow = elsewhere.sending(elsewhere.squares, executor, store)
            for _ in range(3):
                assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
            assert store.get("out") == [9]


async def test_a_worker_that_dies_breaks_a_pool_for_good(held: Held) -> None:
    """The run fails with the pool's own error as the cause; so does the next one at once, and the text says what to do."""
    with process_pool() as pool:
        dying = elsewhere.sending(elsewhere.dies, pool, MemoryStore())
        for _ in range(2):
            with pytest.raises(ExecutorFailed, match=r"a recipe, shared\(lambda: \.\.\.\), makes a new one") as caught:
                await dying.orchestrate(Stage.A)
            assert type(caught.value.__cause__).__name__ == "BrokenProcessPool"
            assert caught.value.executor == "concurrent.futures.process.ProcessPoolExecutor"


async def test_a_recipe_makes_a_new_pool_for_the_next_run() -> None:
    """Also inside ``async with`` a pool stays broken, which is kept up until its end."""
    store = MemoryStore({"code": 3})
    workflow = elsewhere.sending(elsewhere.dies, shared(process_pool), store)
    working = Workflow(workflow.resources, state=Stage).add_exit_state(Stage.DONE)
    working.register(Stage.A, task(executor="cpu", inputs="store", output="out", to=Stage.DONE)(functools.partial(elsewhere.where)))
    with pytest.raises(ExecutorFailed):
        await workflow.orchestrate(Stage.A)
    assert await working.orchestrate(Stage.A) is Stage.DONE
    async with workflow:
        with pytest.raises(ExecutorFailed):
            await workflow.orchestrate(Stage.A)
        with pytest.raises(ExecutorFailed, match=r"shared\("):
            await working.orchestrate(Stage.A)
    assert await working.orchestrate(Stage.A) is Stage.DONE


async def test_a_worker_knows_the_run_that_its_call_belongs_to(pool: ProcessPoolExecutor) -> None:
    """As a log line there would say it, each call its own, and nothing of it stays in the worker."""
    store = MemoryStore({"word": "a"})
    run = task(executor="cpu", inputs="store", output="seen", to=Stage.DONE)(functools.partial(elsewhere.run_id))
    workflow = single(run, Resources({"store": store, "cpu": pool}))
    for _ in range(2):
        report = await workflow.run(Stage.A)
        assert store.get("seen") == ("a", report.run_id)
    assert pool.submit(elsewhere.run_id, "b").result() == ("b", None)
