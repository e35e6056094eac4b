"""The job in llama-index-workflows: steps that events call, over a typed state in the run's context."""

from pydantic import BaseModel
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from benchmarks.peers.job import Run, Wait


class Numbers(BaseModel):
    """The state of a run; all fields have defaults, as its context makes it."""

    number: int = 0


class Ingested(Event):
    """The first state is left."""


class Transformed(Event):
    """The second state is left."""


class Job(Workflow):
    """The three steps; which follows which is read from their annotations."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(timeout=None)  # a run that waits beside 9,999 others may take longer than the default
        self.pause = wait

    @step
    async def ingest(self, ctx: Context[Numbers], ev: StartEvent) -> Ingested:
        """Do the work of the first state."""
        async with ctx.store.edit_state() as state:
            state.number = ev.number + 1
        return Ingested()

    @step
    async def transform(self, ctx: Context[Numbers], ev: Ingested) -> Transformed:
        """Do the work of the second state."""
        if self.pause is not None:
            await self.pause()
        async with ctx.store.edit_state() as state:
            state.number = state.number * 2
        return Transformed()

    @step
    async def load(self, ctx: Context[Numbers], ev: Transformed) -> StopEvent:
        """Do the work of the third state."""
        async with ctx.store.edit_state() as state:
            state.number = state.number - 3
            return StopEvent(result=state.number)


def build(wait: Wait) -> Run:
    """Make runs of one workflow."""
    workflow = Job(wait)

    async def run(number: int) -> int:
        return await workflow.run(number=number)

    return run
