"""The job in PocketFlow: nodes of three parts each, joined by ``>>``, over a dict that a run brings.

Its guide gives each part one thing to do: ``prep`` reads, ``exec`` computes and sees nothing else, ``post`` writes.
"""

from typing import Any

from pocketflow import AsyncFlow, AsyncNode, Flow, Node

from benchmarks.peers.job import Run, SyncRun, Wait

Shared = dict[str, int]


class AsyncStep(AsyncNode):
    """What the three nodes have in common: where the number is read and written."""

    async def prep_async(self, shared: Shared) -> int:
        """Read the number."""
        return shared["number"]

    async def post_async(self, shared: Shared, prep_res: int, exec_res: int) -> None:
        """Write the number; to return nothing is to go on to the next node."""
        shared["number"] = exec_res


class AsyncIngest(AsyncStep):
    """The first state."""

    async def exec_async(self, prep_res: int) -> int:
        """Compute."""
        return prep_res + 1


class AsyncTransform(AsyncStep):
    """The second state, which waits if it is told to."""

    def __init__(self, wait: Wait) -> None:
        super().__init__()
        self.pause = wait

    async def exec_async(self, prep_res: int) -> int:
        """Compute."""
        if self.pause is not None:
            await self.pause()
        return prep_res * 2


class AsyncLoad(AsyncStep):
    """The third state."""

    async def exec_async(self, prep_res: int) -> int:
        """Compute."""
        return prep_res - 3


class Step(Node):
    """The same for nodes that are no coroutines."""

    def prep(self, shared: Shared) -> int:
        """Read the number."""
        return shared["number"]

    def post(self, shared: Shared, prep_res: int, exec_res: int) -> None:
        """Write the number."""
        shared["number"] = exec_res


class Ingest(Step):
    """The first state."""

    def exec(self, prep_res: int) -> int:
        """Compute."""
        return prep_res + 1


class Transform(Step):
    """The second state."""

    def exec(self, prep_res: int) -> int:
        """Compute."""
        return prep_res * 2


class Load(Step):
    """The third state."""

    def exec(self, prep_res: int) -> int:
        """Compute."""
        return prep_res - 3


def build(wait: Wait) -> Run:
    """Make runs of one flow, which copies a node each time it enters one."""
    ingest: Any = AsyncIngest()
    ingest >> AsyncTransform(wait) >> AsyncLoad()
    flow = AsyncFlow(start=ingest)

    async def run(number: int) -> int:
        shared = {"number": number}
        await flow.run_async(shared)
        return shared["number"]

    return run


def build_sync() -> SyncRun:
    """Make the same without coroutines, the form that its documentation begins with."""
    ingest: Any = Ingest()
    ingest >> Transform() >> Load()
    flow = Flow(start=ingest)

    def run(number: int) -> int:
        shared = {"number": number}
        flow.run(shared)
        return shared["number"]

    return run
