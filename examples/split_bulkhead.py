"""Split with a bulkhead: eight reports, two at a time, since the database takes no more."""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal

from cano import Join, Resources, SplitResult, Workflow, task


class Stage(Enum):
    REPORT = auto()
    BIND = auto()
    DONE = auto()


class Database:
    """Counts how many ask it at once."""

    def __init__(self) -> None:
        self.busy = self.most = 0

    async def query(self, number: int) -> str:
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0.001)
        self.busy -= 1
        return f"page {number}"


async def report(database: Database, number: int) -> str:
    return await database.query(number)


@task
async def bind(pages: SplitResult[str], database: Database) -> Literal[Stage.DONE]:
    print(f"{len(pages.values)} pages, from {pages.values[0]} to {pages.values[-1]}; at most {database.most} at once")
    return Stage.DONE


async def main() -> None:
    for bulkhead in (None, 2):
        workflow = (
            Workflow(Resources({"database": Database()}), state=Stage)
            .register_split(
                Stage.REPORT,
                [partial(report, number=number) for number in range(1, 9)],
                to=Stage.BIND,
                join=Join.all(),
                bulkhead=bulkhead,
                timeout=60,  # of all of it, waiting for room included
            )
            .register(Stage.BIND, bind)
            .add_exit_state(Stage.DONE)
        )
        await workflow.orchestrate(Stage.REPORT)


if __name__ == "__main__":
    asyncio.run(main())
