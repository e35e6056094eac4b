"""Executor, a pool of processes: a pure function that knows no store, sent to other processes, and what comes of an error there."""

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from enum import Enum, auto
from multiprocessing import get_context
from typing import Literal

from cano import MemoryStore, Resources, SplitResult, Workflow, per_run, shared, task


class Stage(Enum):
    COUNT = auto()
    ADD_UP = auto()
    DONE = auto()


# Workers import this module and find the functions by their names, so these are at its top level.
@task(executor="cpu", inputs="store")
def primes_below(limit: int) -> tuple[int, int]:
    if limit < 0:
        raise ValueError(f"{limit} is below zero")
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, limit)), os.getpid()


@task(executor="cpu", inputs="store")
def squares_below(limit: int) -> tuple[int, int]:
    return sum(1 for n in range(limit) if n * n < limit), os.getpid()


@task(state=Stage)
async def add_up(counts: SplitResult[tuple[int, int]], store: MemoryStore) -> Literal[Stage.DONE]:
    (primes, one), (squares, other) = counts.values
    print(f"{primes} primes and {squares} squares below {store.get('limit', int)}; in this process: {os.getpid() in (one, other)}")
    return Stage.DONE


async def main() -> None:
    # A recipe: the pool is there while runs use it, and made anew for the next run if a worker dies.
    pool = shared(lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")))
    workflow = (
        Workflow(Resources({"store": per_run(of=MemoryStore), "cpu": pool}), state=Stage)
        .register_split(Stage.COUNT, [primes_below, squares_below], to=Stage.ADD_UP)
        .register(Stage.ADD_UP, add_up)
        .add_exit_state(Stage.DONE)
    )
    async with workflow:  # one pool for all three
        for limit in (100, 1000):
            await workflow.orchestrate(Stage.COUNT, resources={"store": MemoryStore({"limit": limit})})
        try:
            await workflow.orchestrate(Stage.COUNT, resources={"store": MemoryStore({"limit": -1})})
        except* ValueError as group:
            [error] = group.exceptions
            print(f"{type(error).__name__}: {error}; raised in a worker: {error.__notes__[0].startswith('in the worker')}")


if __name__ == "__main__":  # which a worker does not run when it imports this module
    asyncio.run(main())
