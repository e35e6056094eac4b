"""No attempt is made beside work that goes on, however deep below it that was left behind (engine 12)."""

import asyncio
import functools
from typing import Any

import pytest

from cano.errors import AttemptTimeout, RunCancelled, SplitFailed
from cano.ports import Clock, Observer, RunInfo, StepInfo
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.store import MemoryStore
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.stages import Stage, turns
from tests.unit.sub_workflows import Inner, around, child, inside
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Boasting

AGAIN: dict[str, Any] = {"retry": Retry(3, delay=0)}
NOTE = "work of this attempt was abandoned, and goes on in an executor: so there is no other attempt"


def leaving(**options: Any) -> Any:
    """Make a branch that is left behind."""
    mark: Any = task
    return mark(executor="cpu", inputs="store", abandon=True, **options)(functools.partial(elsewhere.where))


def split(executor: Boasting, branches: list[Any], clock: Clock, **options: Any) -> Workflow[Any]:
    """Make a workflow of a split."""
    made = Workflow(Resources({"store": MemoryStore(), "cpu": executor}), state=Inner, clock=clock)
    return made.register_split(Inner.IN, branches, to=Inner.OK, **options).add_exit_state(Inner.OK)


async def test_a_branch_out_of_time_ends_the_attempts_of_the_task_around() -> None:
    """The error of the split leaves the workflow inside, and says why it is not tried again."""
    boasting, clock = Boasting(), FakeClock()
    sub = split(boasting, [leaving(timeout=1)], clock).as_task(Inner.IN, to=Stage.DONE)
    run = asyncio.create_task(around(sub, clock=clock, **AGAIN).orchestrate(Stage.A))
    for _ in range(3):
        await turns(10)
        await clock.advance(1)
    with pytest.raises(SplitFailed) as caught:
        await run
    assert len(boasting.begun) == 1
    assert NOTE in caught.value.__notes__


@pytest.mark.parametrize("way", ["a branch", "a task", "a run that it begins", "a task that it begins"])
async def test_a_timeout_around_abandoned_work_says_so(way: str) -> None:
    """Whatever error comes out of the attempt: a split raises its own cancellation."""
    boasting, clock = Boasting(), FakeClock()
    if way == "a branch":
        of: Workflow[Any] = split(boasting, [leaving()], clock)
    else:
        resources = Resources({"store": MemoryStore(), "cpu": boasting})
        step = task(executor="cpu", inputs="store", abandon=True, output="out", to=Inner.OK)(functools.partial(elsewhere.where))
        of = child(step, resources, clock=clock)

    async def begins() -> Stage:
        run = of.orchestrate(Inner.IN)
        await (asyncio.gather(run) if way == "a task that it begins" else run)
        return Stage.DONE

    sub = begins if "begins" in way else of.as_task(Inner.IN, to=Stage.DONE)
    run = asyncio.create_task(around(sub, clock=clock, timeout=1, **AGAIN).orchestrate(Stage.A))
    for _ in range(3):
        await turns(10)
        await clock.advance(1)
    with pytest.raises(AttemptTimeout, match=r"work of it was abandoned, and goes on") as caught:
        await run
    assert caught.value.abandoned is True
    assert len(boasting.begun) == 1


async def test_a_loser_that_was_left_behind_ends_the_attempts_too() -> None:
    """The split went well; what fails after it would begin the loser anew."""
    boasting, first = Boasting(), asyncio.Event()
    made = Workflow(Resources({"store": MemoryStore(), "cpu": boasting}), state=Inner)
    made.register_split(Inner.IN, [first.wait, leaving()], to=Inner.MORE, join=Join.any())

    async def more() -> Inner:
        raise ValueError("more")

    sub = made.register(Inner.MORE, more).add_exit_state(Inner.OK).as_task(Inner.IN, to=Stage.DONE)
    run = asyncio.create_task(around(sub, **AGAIN).orchestrate(Stage.A))
    await turns(10)
    first.set()
    with pytest.raises(ValueError, match="more"):
        await run
    assert len(boasting.begun) == 1


async def test_what_was_left_behind_beside_an_attempt_is_not_its_own() -> None:
    """A branch whose neighbour leaves work behind is tried again, and so is the next state."""
    boasting, clock, log = Boasting(), FakeClock(), list[str]()

    async def flaky(where: str) -> Stage:
        await clock.sleep(1)
        log.append(where)
        if log.count(where) < 3:
            raise ValueError
        return Stage.DONE

    @task(retry=Retry(3, delay=0))
    async def branch() -> Stage:
        return await flaky("branch")

    @task(retry=Retry(3, delay=0))
    async def after() -> Stage:
        return await flaky("after")

    made = Workflow(Resources({"store": MemoryStore(), "cpu": boasting}), state=Stage, clock=clock)
    made.register_split(Stage.A, [Branch(leaving(), timeout=1), branch], to=Stage.B, join=Join.any())
    run = asyncio.create_task(made.register(Stage.B, after).add_exit_state(Stage.DONE).orchestrate(Stage.A))
    for _ in range(6):
        await turns(10)
        await clock.advance(1)
    assert await run is Stage.DONE
    assert log == ["branch"] * 3 + ["after"] * 3
    assert len(boasting.begun) == 1


async def test_one_instance_keeps_no_note_of_another_time() -> None:
    """Raised again where nothing was left behind, it does not say so any more (engine 6)."""
    error, boasting = ValueError("one"), Boasting()

    async def leaves() -> Stage:
        run = asyncio.create_task(split(boasting, [leaving()], FakeClock()).orchestrate(Inner.IN))
        await turns(10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        raise error

    async def leaves_nothing() -> Stage:
        raise error

    for step, noted in ((leaves, True), (leaves_nothing, False)):
        with pytest.raises(ValueError, match="one"):
            await around(step, **AGAIN).orchestrate(Stage.A)
        assert (NOTE in error.__notes__) is noted


async def test_a_run_inside_that_the_token_ended_is_not_tried_again() -> None:
    """It is no failure: no predicate is asked, no observer told of an attempt, and nothing begins after it (engine 7)."""
    token, began, asked = CancellationToken(), list[int](), list[Exception]()

    class Watching(Observer):
        def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
            asked.append(error)

    def never(error: Exception) -> bool:
        asked.append(error)
        return False

    async def cancels() -> Inner:
        began.append(1)
        token.cancel()
        return Inner.OK

    again = Retry(3, delay=0, unless=never)
    sub = inside(cancels)
    watched = [Watching()]
    of_task = around(sub, retry=again, observers=watched)
    of_branch = (
        Workflow(state=Stage, observers=watched)
        .register_split(Stage.A, [Branch(sub, retry=again)], to=Stage.DONE)
        .add_exit_state(Stage.DONE)
    )
    for workflow in (of_task, of_branch):
        token = CancellationToken()
        with pytest.raises(RunCancelled):
            await workflow.orchestrate(Stage.A, token=token)
    assert (began, asked) == ([1, 1], [])
