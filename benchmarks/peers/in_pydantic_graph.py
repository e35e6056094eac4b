"""The job in pydantic-graph: steps of a graph builder over a dataclass that a run brings."""

from dataclasses import dataclass

from pydantic_graph import GraphBuilder, StepContext

from benchmarks.peers.job import Run, Wait


@dataclass
class Numbers:
    """The state of a run."""

    number: int


def build(wait: Wait) -> Run:
    """Make runs of one graph."""
    builder = GraphBuilder(state_type=Numbers, output_type=int)

    @builder.step
    async def ingest(ctx: StepContext[Numbers, None, None]) -> None:
        ctx.state.number = ctx.state.number + 1

    @builder.step
    async def transform(ctx: StepContext[Numbers, None, None]) -> None:
        if wait is not None:
            await wait()
        ctx.state.number = ctx.state.number * 2

    @builder.step
    async def load(ctx: StepContext[Numbers, None, None]) -> int:
        ctx.state.number = ctx.state.number - 3
        return ctx.state.number

    builder.add(
        builder.edge_from(builder.start_node).to(ingest),
        builder.edge_from(ingest).to(transform),
        builder.edge_from(transform).to(load),
        builder.edge_from(load).to(builder.end_node),
    )
    graph = builder.build()

    async def run(number: int) -> int:
        return await graph.run(state=Numbers(number))

    return run
