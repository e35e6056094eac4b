"""Split, partial results: three quotes are enough to compare, and a seller who fails is told of, not fatal."""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Literal, NamedTuple

from cano import Join, SplitResult, Workflow, task


class Stage(Enum):
    ASK = auto()
    COMPARE = auto()
    DONE = auto()


class Quote(NamedTuple):
    euros: float
    seller: str


async def ask(seller: str, euros: float, seconds: float) -> Quote:
    await asyncio.sleep(seconds)
    if euros < 0:
        raise ValueError(f"{seller} quoted {euros:.2f}")
    return Quote(euros, seller)


SELLERS = [("north", 12.5, 0.0), ("east", -1.0, 0.0), ("south", 11.9, 0.02), ("west", 13.0, 0.0), ("centre", 9.9, 3600.0)]


@task
async def compare(quotes: SplitResult[Quote]) -> Literal[Stage.DONE]:
    print(f"best of {len(quotes.values)}: {min(quotes.values).seller} for {min(quotes.values).euros:.2f}")
    for index, error in quotes.failures.items():
        print(f"no quote of {SELLERS[index][0]}: {error}")
    for index in quotes.cancelled:
        print(f"not waited for: {SELLERS[index][0]}")
    return Stage.DONE


async def main() -> None:
    branches = [partial(ask, seller=seller, euros=euros, seconds=seconds) for seller, euros, seconds in SELLERS]
    workflow = (
        Workflow(state=Stage)
        .register_split(Stage.ASK, branches, to=Stage.COMPARE, join=Join.partial_results(3))
        .register(Stage.COMPARE, compare)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.ASK)


if __name__ == "__main__":
    asyncio.run(main())
