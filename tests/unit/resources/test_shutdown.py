"""An event loop that shuts down, and cancellations that meet where the owner of the resources is concerned (engine 7 and 8)."""

import asyncio
from typing import Any

import pytest

from cano.resources import Resources, per_run
from cano.workflow import Workflow

pytestmark = pytest.mark.timeout(30)


def workflow(resources: dict[str, object], seconds: float = 60) -> "Workflow[Any]":
    """Make a workflow of one state, whose task sleeps."""

    async def sleep() -> str:
        await asyncio.sleep(seconds)
        return "end"

    return Workflow(Resources(resources)).register("a", sleep).add_exit_state("end")


class Recorded:
    """A resource that writes down what becomes of it; each step suspends once."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.owner: asyncio.Task[Any] | None = None

    async def setup(self) -> None:
        self.owner = asyncio.current_task()
        self.log.append(f"{self.name} up")
        await asyncio.sleep(0)

    async def teardown(self) -> None:
        self.log.append(f"{self.name} going down")
        await asyncio.sleep(0)
        self.log.append(f"{self.name} down")


@pytest.mark.parametrize("turns", range(6))
def test_a_loop_that_shuts_down_under_a_run_ends(turns: int) -> None:
    """A run in the background is cancelled with the owner, which may not have begun; what is up is torn down, nothing hangs."""
    log: list[str] = []
    runs: list[asyncio.Task[Any]] = []
    flow = workflow({"shared": Recorded("shared", log)})

    async def main() -> None:
        runs.append(asyncio.create_task(flow.orchestrate("a")))
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert runs[0].cancelled()
    assert log.count("shared up") - log.count("shared going down") in {0, 1}
    log.clear()

    async def again() -> None:
        run = asyncio.create_task(flow.orchestrate("a"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not run.done()
        run.cancel()
        await run

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(again())
    assert log == ["shared up", "shared going down", "shared down"]


def test_a_shut_down_does_not_cut_the_teardown_of_a_run_short() -> None:
    """The run hears of one cancellation: the owner's, which meets it while it tears its own resources down, is not passed on."""
    log: list[str] = []
    runs: list[asyncio.Task[Any]] = []
    flow = workflow({"shared": Recorded("shared", log), "own": per_run(lambda: Recorded("own", log))})

    async def main() -> None:
        runs.append(asyncio.create_task(flow.orchestrate("a")))
        for _ in range(20):
            await asyncio.sleep(0)
        assert log == ["shared up", "own up"]

    asyncio.run(main())
    assert runs[0].cancelled()
    assert log == ["shared up", "own up", "own going down", "own down", "shared going down", "shared down"]


@pytest.mark.parametrize("first", ["owner", "run"])
@pytest.mark.parametrize("gap", range(3))
@pytest.mark.parametrize("turns", range(3, 8))
async def test_a_cancellation_that_meets_a_broken_resource_is_the_callers(turns: int, gap: int, first: str) -> None:
    """Whenever both fall, while the run joins or later, the caller's cancellation wins and the count is what it was."""
    resource = Recorded("shared", [])
    counts: list[int] = []

    async def caller() -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await workflow({"shared": resource}).orchestrate("a")
        finally:
            counts.append(task.cancelling())

    run = asyncio.create_task(caller())
    for _ in range(turns):
        await asyncio.sleep(0)
    assert resource.owner is not None
    both = [resource.owner, run]
    for task in both if first == "owner" else reversed(both):
        task.cancel()
        for _ in range(gap if task is both[0 if first == "owner" else 1] else 0):
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await run
    assert counts == [1]
