"""The job as somebody writes it who has no library: coroutines in a dict, and a loop that awaits them."""

from collections.abc import Awaitable, Callable

from benchmarks.peers.job import Run, Stage, Wait

Numbers = dict[str, int]
Handler = Callable[[Numbers], Awaitable[Stage]]


def build(wait: Wait) -> Run:
    """Make the run: each has a dict of its own."""

    async def ingest(state: Numbers) -> Stage:
        state["number"] = state["number"] + 1
        return Stage.TRANSFORM

    async def transform(state: Numbers) -> Stage:
        if wait is not None:
            await wait()
        state["number"] = state["number"] * 2
        return Stage.LOAD

    async def load(state: Numbers) -> Stage:
        state["number"] = state["number"] - 3
        return Stage.DONE

    handlers: dict[Stage, Handler] = {Stage.INGEST: ingest, Stage.TRANSFORM: transform, Stage.LOAD: load}

    async def run(number: int) -> int:
        state = {"number": number}
        stage = Stage.INGEST
        while stage is not Stage.DONE:
            stage = await handlers[stage](state)
        return state["number"]

    return run
