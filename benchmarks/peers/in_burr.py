"""The job in Burr: actions that say what they read and write, over an immutable state, in an application.

An application holds one state, so each run has one, made from a graph that is built once, as its documentation advises for servers.
An application that is set back for the next run is measured beside it.
"""

from burr.core import Application, ApplicationBuilder, Graph, GraphBuilder, State, action

from benchmarks.peers.job import Run, Wait


def graph(wait: Wait) -> Graph:
    """Build the graph of the three actions."""

    @action(reads=["number"], writes=["number"])
    async def ingest(state: State) -> State:
        return state.update(number=state["number"] + 1)

    @action(reads=["number"], writes=["number"])
    async def transform(state: State) -> State:
        if wait is not None:
            await wait()
        return state.update(number=state["number"] * 2)

    @action(reads=["number"], writes=["number"])
    async def load(state: State) -> State:
        return state.update(number=state["number"] - 3)

    return (
        GraphBuilder()
        .with_actions(ingest, transform, load)
        .with_transitions(("ingest", "transform"), ("transform", "load"))
        .build()
    )


async def application(jobs: Graph, number: int) -> Application:
    """Make an application in which nothing has run."""
    return await ApplicationBuilder().with_graph(jobs).with_state(number=number).with_entrypoint("ingest").abuild()


async def outcome(app: Application) -> int:
    """Run an application to its end."""
    _, _, state = await app.arun(halt_after=["load"])
    return state["number"]


def build(wait: Wait) -> Run:
    """Make runs that each have an application of their own."""
    jobs = graph(wait)

    async def run(number: int) -> int:
        return await outcome(await application(jobs, number))

    return run


def build_shared(wait: Wait) -> Run:
    """Make runs of one application, which is set back before each."""
    jobs = graph(wait)
    app: Application | None = None

    async def run(number: int) -> int:
        nonlocal app
        if app is None:
            app = await application(jobs, number)
        app.reset_to_entrypoint()
        app.update_state(app.state.update(number=number))
        return await outcome(app)

    return run
