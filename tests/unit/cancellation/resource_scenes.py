"""The kinds of runs that are interrupted: what is set up and torn down around them, and who runs beside them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from cano.errors import TeardownFailed
from cano.resources import HealthStatus, Healthy, Resources, Unhealthy, per_run, shared
from cano.workflow import Workflow
from tests.unit.cancellation.held import Held, Plain, managed
from tests.unit.cancellation.play import CANCEL, DEADLINE, TURN, Play, Scene
from tests.unit.cancellation.scenes import Run, running, workflow
from tests.unit.stages import Stage, turns


def step_of(play: Play, name: str = "step", turns: int = 1, *, error: Exception | None = None) -> Any:
    """Make a task that suspends, and goes to the exit or fails."""

    async def step() -> Literal[Stage.DONE]:
        await play.piece(name, turns, error=error, last=True)
        return play.last(Stage.DONE)

    return step


def over(play: Play, resources: Resources, *, error: Exception | None = None) -> Run:
    """Run one task over these resources."""
    return running(play, workflow(play, resources).register(Stage.A, step_of(play, error=error)))


def three_shared(play: Play) -> Resources:
    """Make an async, a plain and a managed resource that all runs share."""
    return Resources({"a": Held(play, "shared a"), "b": Plain(play, "shared b"), "c": shared(managed(play, "shared c"))})


def of_all_runs(play: Play) -> Run:
    """Three shared resources, which a task of their own sets up."""
    return over(play, three_shared(play))


def own(play: Play) -> Run:
    """Four resources of the run's own."""
    made: dict[str, Any] = {
        "a": per_run(managed(play, "own a")),
        "b": per_run(lambda: Plain(play, "own b")),
        "c": per_run(lambda: Held(play, "own c")),
        "d": per_run(managed(play, "own d")),
    }
    return over(play, Resources(made))


def both(play: Play, *, error: Exception | None = None) -> Run:
    """Shared resources and the run's own, with entry and exit."""
    made: dict[str, Any] = {
        "a": shared(managed(play, "shared a")),
        "b": per_run(managed(play, "own b")),
        "c": Held(play, "shared c"),
        "d": per_run(managed(play, "own d")),
    }
    return over(play, Resources(made), error=error)


def failing(play: Play) -> Run:
    """A run that fails, over resources of both kinds."""
    return both(play, error=OSError("step"))


class Broken(Held):
    """A resource whose set-up fails after a turn."""

    async def setup(self) -> None:
        """Fail."""
        await self.play.pause()
        error = OSError(self.name)
        raise self.play.last(error) if self.name.startswith("own") else error


class Stuck(Held):
    """A resource whose teardown fails after a turn."""

    async def teardown(self) -> None:
        """Fail."""
        await super().teardown()
        raise OSError(self.name)


def failing_set_ups(play: Play) -> Run:
    """The second of the run's own resources cannot be set up."""
    made: dict[str, Any] = {
        "a": shared(managed(play, "shared a")),
        "b": per_run(managed(play, "own b")),
        "c": per_run(lambda: Broken(play, "own c")),
    }
    return over(play, Resources(made))


def failing_shared_set_up(play: Play) -> Run:
    """The second of the shared resources cannot be set up."""
    return over(play, Resources({"a": shared(managed(play, "shared a")), "b": Broken(play, "shared b")}))


def failing_teardowns(play: Play) -> Run:
    """One of either kind cannot be torn down."""
    made: dict[str, Any] = {
        "a": Held(play, "shared a"),
        "b": Stuck(play, "shared b"),
        "c": per_run(managed(play, "own c")),
        "d": per_run(lambda: Stuck(play, "own d")),
    }
    return over(play, Resources(made))


def beside(play: Play, made: Workflow[Any]) -> None:
    """Start another run on the same resources, without what interrupts the play."""
    assert "other" not in play.kept
    play.kept["other"] = asyncio.create_task(made.orchestrate(Stage.B), name="other")


def overlapping(play: Play, count: int) -> Run:
    """Make the workflow of two runs that overlap: the other one is in its task for so many turns."""
    res = three_shared(play)
    res.insert("d", per_run(managed(play, "own d")))
    made = workflow(play, res).register(Stage.A, step_of(play)).add_start_state(Stage.A).add_start_state(Stage.B)

    async def other() -> Literal[Stage.DONE]:
        await play.piece("other", count)
        return Stage.DONE

    play.kept["made"] = made.register(Stage.B, other)
    return running(play, made)


def first(play: Play, count: int) -> Run:
    """Another run comes while the one that is interrupted sets up."""
    run = overlapping(play, count)
    play.on_suspension = lambda: None if "other" in play.kept else beside(play, play.kept["made"])
    return run


def first_to_leave(play: Play) -> Run:
    """Another run comes later, and leaves later."""
    return first(play, 20)


def first_and_last(play: Play) -> Run:
    """Another run comes later, and leaves earlier."""
    return first(play, 0)


def second(play: Play) -> Run:
    """Another run has come before; it leaves later."""
    return overlapping(play, 20)


async def other_sets_up(play: Play) -> None:
    """Let the other run be amid the set-up."""
    beside(play, play.kept["made"])
    while "up shared b" not in play.log:
        await turns()


async def other_runs(play: Play) -> None:
    """Let the other run be in its task."""
    beside(play, play.kept["made"])
    while not play.begun["other"]:
        await turns()


async def untouched(play: Play) -> None:
    """See that the other run has gone as if nothing had been beside it."""
    assert await play.kept["other"] is Stage.DONE
    assert play.hits["other"] == 0
    assert "cancelled other" not in play.log
    assert play.kept["ups"] == 0, "its own resource has seen no error"
    ups = [line for line in play.log if line.startswith("up shared")]
    assert play.thrown_away or len(ups) == len(set(ups)), "set up once for both"


def service(play: Play) -> Run:
    """Enter the workflow, run in the body, leave."""
    made = workflow(play, three_shared(play)).register(Stage.A, step_of(play))

    async def serve() -> Any:
        play.outside = True
        async with made:
            play.outside = False
            return await made.orchestrate(Stage.A, **play.options)

    return serve


def around_a_block(play: Play) -> Run:
    """A run in a block of ``override``, whose resources borrow what another run outside has set up."""
    run = overlapping(play, 20)
    play.kept["not its own"] = {"up shared b"}
    res = play.kept["made"].resources

    @contextmanager
    def replaced() -> Iterator[None]:
        with res.override({"b": Held(play, "shared new")}):
            yield

    async def inside() -> Any:
        # What the run begins with it keeps, so the block may end at its first suspension.
        with replaced():
            return await run()

    return inside


class Probed:
    """A resource with a health probe."""

    def __init__(self, play: Play, name: str, turns: int) -> None:
        self.play, self.name, self.turns = play, name, turns

    async def health(self) -> HealthStatus:
        """Answer after some turns; take two more when interrupted."""
        await self.play.piece(self.name, self.turns, cleanup=2)
        return Healthy()


def health(play: Play) -> Run:
    """Two probes answer at different turns, and one is late."""
    res = Resources({"a": Probed(play, "a", 1), "b": Probed(play, "b", 3), "late": Probed(play, "late", 30)})

    async def probe() -> Stage:
        found = await res.check_all_health(timeout=8 * TURN, clock=play.clock)
        assert found == {"a": Healthy(), "b": Healthy(), "late": Unhealthy(found["late"].reason)}
        return Stage.DONE

    return probe


OTHER = {"after": untouched, "beside": True}
SCENES = {
    "shared": Scene(of_all_runs, Stage.DONE),
    "own": Scene(own, Stage.DONE),
    "both": Scene(both, Stage.DONE),
    "failing": Scene(failing, OSError, fails=OSError),
    "failing set-up": Scene(failing_set_ups, OSError, fails=OSError),
    "failing shared set-up": Scene(failing_shared_set_up, OSError, fails=OSError),
    "failing teardown": Scene(failing_teardowns, TeardownFailed),
    "first to leave": Scene(first_to_leave, Stage.DONE, **OTHER),
    "first and last": Scene(first_and_last, Stage.DONE, **OTHER),
    "amid another's set-up": Scene(second, Stage.DONE, before=other_sets_up, **OTHER),
    "amid another's task": Scene(second, Stage.DONE, before=other_runs, **OTHER),
    "in a block": Scene(around_a_block, Stage.DONE, before=other_runs, **OTHER),
    "service": Scene(service, Stage.DONE),
    "health": Scene(health, Stage.DONE, ways=(CANCEL, DEADLINE)),
}
