"""The job in ``cano``: three tasks that ask for the store, with a store for each run or one for all runs."""

from typing import Literal

from benchmarks.peers.job import Run, Stage, Wait
from cano import MemoryStore, Resources, Workflow, per_run, task


def workflow(resources: Resources, wait: Wait) -> Workflow[Stage]:
    """Register the tasks over these resources."""

    @task
    async def ingest(store: MemoryStore) -> Literal[Stage.TRANSFORM]:
        store.put("number", store.get("number", int) + 1)
        return Stage.TRANSFORM

    @task
    async def transform(store: MemoryStore) -> Literal[Stage.LOAD]:
        if wait is not None:
            await wait()
        store.put("number", store.get("number", int) * 2)
        return Stage.LOAD

    @task
    async def load(store: MemoryStore) -> Literal[Stage.DONE]:
        store.put("number", store.get("number", int) - 3)
        return Stage.DONE

    return (
        Workflow(resources, state=Stage)
        .register(Stage.INGEST, ingest)
        .register(Stage.TRANSFORM, transform)
        .register(Stage.LOAD, load)
        .add_exit_state(Stage.DONE)
    )


def bringing(jobs: Workflow[Stage]) -> Run:
    """Make runs that each bring a store of their own, so that any number may be in flight."""

    async def run(number: int) -> int:
        store = MemoryStore({"number": number})
        await jobs.orchestrate(Stage.INGEST, resources={"store": store})
        return store.get("number", int)

    return run


def build(wait: Wait) -> Run:
    """Make runs that replace the store of the workflow by their own."""
    return bringing(workflow(Resources({"store": MemoryStore()}), wait))


def build_brought(wait: Wait) -> Run:
    """Make runs of a workflow that has no store, and refuses a run that brings none."""
    return bringing(workflow(Resources({"store": per_run(of=MemoryStore)}), wait))


def build_shared(wait: Wait) -> Run:
    """Make runs over one store, which is good for one run at a time."""
    store = MemoryStore()
    jobs = workflow(Resources({"store": store}), wait)

    async def run(number: int) -> int:
        store.put("number", number)
        await jobs.orchestrate(Stage.INGEST)
        return store.get("number", int)

    return run
