"""Store in a workflow: two tasks that know each other only through the values that they leave in the store."""

import asyncio
from enum import Enum, auto

from cano import MemoryStore, Resources, TaskResult, Workflow, task


class Stage(Enum):
    INGEST = auto()
    TRANSFORM = auto()
    COMPLETE = auto()


@task(state=Stage)
class IngestTask:
    async def run(self, res: Resources) -> TaskResult[Stage]:
        store = res.get("store", MemoryStore)
        batch = store.get("batch_size", int)
        store.put("records", list(range(batch)))
        return TaskResult.single(Stage.TRANSFORM)


@task(state=Stage)
class TransformTask:
    async def run(self, res: Resources) -> TaskResult[Stage]:
        store = res.get("store", MemoryStore)
        records = store.get("records", list[int])
        store.put("result", [x * 2 for x in records])
        return TaskResult.single(Stage.COMPLETE)


async def main() -> None:
    store = MemoryStore()
    store.put("batch_size", 256)  # before the workflow starts

    workflow = (
        Workflow(Resources().insert("store", store.clone()), state=Stage)
        .register(Stage.INGEST, IngestTask())
        .register(Stage.TRANSFORM, TransformTask())
        .add_exit_state(Stage.COMPLETE)
    )
    final = await workflow.orchestrate(Stage.INGEST)

    # The caller's handle sees what the tasks have left.
    result = store.get("result", list[int])
    print(f"Processed {len(result)} records")
    print(f"first: {result[:4]}, last: {result[-1]}, state: {final.name}")


if __name__ == "__main__":
    asyncio.run(main())
