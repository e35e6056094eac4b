"""The job in LangGraph: nodes that return what they change of the state, in a compiled graph without a checkpointer."""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from benchmarks.peers.job import Run, Wait


class Numbers(TypedDict):
    """The state of a run, and its update."""

    number: int


def build(wait: Wait) -> Run:
    """Make runs of one compiled graph."""

    async def ingest(state: Numbers) -> Numbers:
        return {"number": state["number"] + 1}

    async def transform(state: Numbers) -> Numbers:
        if wait is not None:
            await wait()
        return {"number": state["number"] * 2}

    async def load(state: Numbers) -> Numbers:
        return {"number": state["number"] - 3}

    builder = StateGraph(Numbers)
    builder.add_node("ingest", ingest)
    builder.add_node("transform", transform)
    builder.add_node("load", load)
    builder.add_edge(START, "ingest")
    builder.add_edge("ingest", "transform")
    builder.add_edge("transform", "load")
    builder.add_edge("load", END)
    graph = builder.compile()

    async def run(number: int) -> int:
        state = await graph.ainvoke({"number": number})
        return state["number"]

    return run
