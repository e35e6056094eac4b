"""Split, any: the same file from whichever mirror is the first to have it; the others stop, and clean up."""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal

from cano import Join, MemoryStore, Resources, SplitResult, Workflow, task


class Stage(Enum):
    DOWNLOAD = auto()
    UNPACK = auto()
    DONE = auto()


async def download(store: MemoryStore, mirror: str, seconds: float) -> str:
    try:
        if seconds == 0:
            raise ConnectionRefusedError(mirror)
        await asyncio.sleep(seconds)
        return mirror
    except asyncio.CancelledError:
        await asyncio.sleep(0)  # close the connection
        store.append("closed", mirror)
        raise


@task
async def unpack(winner: SplitResult[str], store: MemoryStore) -> Literal[Stage.DONE]:
    [mirror] = winner.values
    print(f"from {mirror}; refused: {[str(error) for error in winner.failures.values()]}; cancelled: {winner.cancelled}")
    # Who lost has ended by now, clean-up included.
    print(f"closed before this state began: {sorted(store.get('closed', list[str]))}")
    return Stage.DONE


async def main() -> None:
    mirrors = {"oslo": 3600.0, "lima": 0.0, "kobe": 0.02, "bonn": 3600.0}
    workflow = (
        Workflow(Resources({"store": MemoryStore()}), state=Stage)
        .register_split(
            Stage.DOWNLOAD,
            [partial(download, mirror=name, seconds=seconds) for name, seconds in mirrors.items()],
            to=Stage.UNPACK,
            join=Join.any(),
        )
        .register(Stage.UNPACK, unpack)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.DOWNLOAD)


if __name__ == "__main__":
    asyncio.run(main())
