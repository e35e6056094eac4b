"""Split, percentage: a new version is kept if 28 percent of the machines come up with it, exactly 7 of 25."""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal

from cano import Join, SplitFailed, SplitResult, Workflow, task


class Stage(Enum):
    ROLL_OUT = auto()
    KEEP = auto()
    DONE = auto()


async def restart(machine: int, healthy: int) -> int:
    await asyncio.sleep(0)
    if machine >= healthy:
        raise RuntimeError(f"machine {machine} does not answer")
    return machine


@task
async def keep(up: SplitResult[int]) -> Literal[Stage.DONE]:
    print(f"kept: {len(up.values)} machines are up, which is enough")
    return Stage.DONE


async def roll_out(healthy: int) -> None:
    join = Join.percentage(0.28)  # as a float that is a little more than 28 percent; it counts as it is written
    workflow = (
        Workflow(state=Stage)
        .register_split(Stage.ROLL_OUT, [partial(restart, machine=n, healthy=healthy) for n in range(25)], to=Stage.KEEP, join=join)
        .register(Stage.KEEP, keep)
        .add_exit_state(Stage.DONE)
    )
    print(f"{join} of 25 needs {join.needed(25)}")
    await workflow.orchestrate(Stage.ROLL_OUT)


async def main() -> None:
    await roll_out(healthy=7)
    try:
        await roll_out(healthy=6)
    except SplitFailed as error:
        print(f"taken back: {error}")


if __name__ == "__main__":
    asyncio.run(main())
