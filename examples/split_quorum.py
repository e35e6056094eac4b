"""Split, quorum: a write counts when three of five replicas have it, and has failed as soon as three have refused."""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal

from cano import Join, SplitFailed, SplitResult, Workflow, task


class Stage(Enum):
    WRITE = auto()
    CONFIRM = auto()
    DONE = auto()


async def write(replica: str, up: bool) -> str:
    await asyncio.sleep(0)
    if not up:
        raise OSError(f"{replica} is down")
    return replica


@task
async def confirm(written: SplitResult[str]) -> Literal[Stage.DONE]:
    print(f"written to {', '.join(written.values)}; {len(written.failures)} refused, {len(written.cancelled)} not needed")
    return Stage.DONE


async def put(up: str) -> None:
    workflow = (
        Workflow(state=Stage)
        .register_split(
            Stage.WRITE,
            [partial(write, replica=name, up=name in up) for name in "abcde"],
            to=Stage.CONFIRM,
            join=Join.quorum(3),
            bulkhead=1,  # one after another, so that what this prints is the same each time
        )
        .register(Stage.CONFIRM, confirm)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.WRITE)


async def main() -> None:
    await put(up="acde")
    try:
        await put(up="ad")
    except SplitFailed as error:
        print(f"not written: {', '.join(map(str, error.exceptions))}")
        print(f"replicas that have it all the same: {', '.join(error.successes.values())}")


if __name__ == "__main__":
    asyncio.run(main())
