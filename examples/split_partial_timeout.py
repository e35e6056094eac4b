"""Split, partial timeout: a search shows what its indexes have found when the time is up, and says what is missing.

The clock is one that the program moves by hand, as a test would: nobody waits two seconds for this to end.
"""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal

from cano import Join, SplitResult, Workflow, task
from cano.testing import FakeClock


class Stage(Enum):
    SEARCH = auto()
    SHOW = auto()
    NOTHING = auto()
    DONE = auto()


CLOCK = FakeClock()
INDEXES = {"titles": (0.1, 4), "authors": (1.5, 2), "full text": (9.0, 120), "scans": (0.3, -1)}


async def search(name: str, seconds: float, hits: int) -> int:
    await CLOCK.sleep(seconds)
    if hits < 0:
        raise LookupError(f"the index of {name} is damaged")
    return hits


@task
async def show(found: SplitResult[int]) -> Literal[Stage.DONE, Stage.NOTHING]:
    names = list(INDEXES)
    for index, hits in found.successes.items():
        print(f"{names[index]}: {hits} hits")
    print(f"failed: {[str(error) for error in found.failures.values()]}")
    print(f"not in time: {[names[index] for index in found.cancelled]}")
    return Stage.DONE if found.successes else Stage.NOTHING  # the join state decides what is enough


async def main() -> None:
    branches = [partial(search, name=name, seconds=seconds, hits=hits) for name, (seconds, hits) in INDEXES.items()]
    workflow = (
        Workflow(state=Stage, clock=CLOCK)
        .register_split(Stage.SEARCH, branches, to=Stage.SHOW, join=Join.partial_timeout(), timeout=2)
        .register(Stage.SHOW, show)
        .add_exit_state(Stage.DONE)
        .add_exit_state(Stage.NOTHING)
    )
    running = asyncio.create_task(workflow.orchestrate(Stage.SEARCH))
    await CLOCK.advance(2)
    print(f"{(await running).name} after {CLOCK.now():g} s")


if __name__ == "__main__":
    asyncio.run(main())
