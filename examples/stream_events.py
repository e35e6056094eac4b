"""A stream: what a run does, and the workflow inside it, read while it goes on; and a reader that leaves early."""

import asyncio
from contextlib import aclosing
from enum import Enum, auto
from typing import Literal

from cano import RunEnded, RunStarted, StateEntered, TaskEnded, Workflow, task


class Build(Enum):
    CHECK = auto()
    COMPILE = auto()
    BUILT = auto()


class Check(Enum):
    LINT = auto()
    TYPES = auto()
    CLEAN = auto()


@task(state=Check)
async def lint() -> Literal[Check.TYPES]:
    await asyncio.sleep(0)
    return Check.TYPES


@task(state=Check)
async def types() -> Literal[Check.CLEAN]:
    return Check.CLEAN


@task(state=Build)
async def compiles() -> Literal[Build.BUILT]:
    try:
        await asyncio.sleep(0)
        return Build.BUILT
    finally:
        print("(the compiler is down)")


check = Workflow(state=Check).register(Check.LINT, lint).register(Check.TYPES, types).add_exit_state(Check.CLEAN)
build = (
    Workflow(state=Build)
    .register(Build.CHECK, check.as_task(Check.LINT, to=Build.COMPILE))
    .register(Build.COMPILE, compiles)
    .add_exit_state(Build.BUILT)
)


async def read_all() -> None:
    depth: dict[str | None, int] = {None: -1}
    async for event in build.stream(Build.CHECK):
        level = depth.setdefault(event.run.run_id, depth[event.run.parent_id] + 1)
        match event:
            case RunStarted(run=run):
                print(f"{'  ' * level}{run.workflow}")
            case StateEntered(step=step):
                print(f"{'  ' * level}- {step.label}")
            case TaskEnded(error=error) if error is not None:
                print(f"{'  ' * level}  {error!r}")
            case RunEnded(state=state):
                print(f"{'  ' * level}= {state.name}")


async def leave_early() -> None:
    async with aclosing(build.stream(Build.CHECK, buffer=1)) as events:
        async for event in events:
            if isinstance(event, StateEntered) and event.step.state is Build.COMPILE:
                break
    print("left; the run is cancelled and has ended")


async def main() -> None:
    await read_all()
    await leave_early()


if __name__ == "__main__":
    asyncio.run(main())
