"""Split, all: three services are asked at once for the parts of a page, and the page needs all of them.

The branches are of different kinds: a function, a class, and a plain function in a thread. The task of the join state asks for
what they returned by a parameter annotated SplitResult.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Literal

from cano import Branch, Join, MemoryStore, Resources, Retry, SplitFailed, SplitResult, Workflow, context_of, task


class Stage(Enum):
    ASK = auto()
    COMPOSE = auto()
    DONE = auto()


@task
async def profile(store: MemoryStore) -> str:
    return f"{store.get('customer', str)}, since 2019"


class Orders:
    def __init__(self) -> None:
        self.calls = 0

    async def run(self, store: MemoryStore) -> int:
        self.calls += 1
        if self.calls == 1:
            raise ConnectionError("the first call is dropped")  # the branch below tries again
        return 3 if store.contains_key("customer") else 0


@task(blocking=True)
def advice() -> list[str]:
    """A library that knows nothing of asyncio is called in a thread."""
    return ["umbrella", "boots"]


@task
async def broken() -> str:
    raise PermissionError("the profile service is closed")


@task
async def compose(parts: SplitResult[object], store: MemoryStore) -> Literal[Stage.DONE]:
    who, orders, articles = parts.values  # in the order of the branches, whoever was first
    store.put("page", f"{who} | {orders} orders | {articles}")
    return Stage.DONE


async def page(first: Callable[..., Awaitable[str]]) -> str:
    store = MemoryStore({"customer": "Ada"})
    workflow = (
        Workflow(Resources({"store": store}), state=Stage)
        .register_split(
            Stage.ASK,
            [first, Branch(Orders(), retry=Retry(3, delay=0)), advice],
            to=Stage.COMPOSE,
            join=Join.all(),  # which is what a split asks for if nothing is said
        )
        .register(Stage.COMPOSE, compose)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.ASK)
    return store.get("page", str)


async def main() -> None:
    print(await page(profile))
    try:
        await page(broken)
    except SplitFailed as error:  # a group, also of one
        for each in error.exceptions:
            where = context_of(each)
            print(f"no page: {each} ({where.task if where else '?'})")


if __name__ == "__main__":
    asyncio.run(main())
