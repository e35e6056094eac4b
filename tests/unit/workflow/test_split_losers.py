"""When a split is decided: who begins, who is cancelled, and that all have ended before the next state (engine 9, SJ-8)."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from cano.errors import BranchCancelled, SplitFailed
from cano.resources import Resources
from cano.store import MemoryStore
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.splits import Held, Split, failing, giving, held, late_task_factory, others, task_factory, whole
from tests.unit.stages import Recorder, Stage, turns


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("join", "needed"), [(Join.any(), 1), (Join.quorum(3), 3), (Join.percentage(0.25), 10), (Join.all(), 1)], ids=repr
)
async def test_a_branch_that_has_not_begun_by_then_never_begins(join: Join, needed: int, late: bool) -> None:
    """Branches that decide the split in their first step keep the later ones from beginning, where tasks begin late, too."""
    log: list[int] = []

    def branch(number: int) -> Any:
        async def run() -> int:
            log.append(number)
            if join == Join.all():
                raise ValueError
            return number

        return run

    split = Split([branch(number) for number in range(40)], join)
    with task_factory(late_task_factory) if late else nullcontext():
        if join == Join.all():
            error = await split.failure()
            assert error.cancelled == tuple(range(1, 40))
        else:
            result = await split.run()
            assert result.values == tuple(range(needed))
            assert result.cancelled == tuple(range(needed, 40))
    assert log == list(range(needed))
    assert await others() == []


@pytest.mark.parametrize("late", [False, True])
async def test_branches_that_wait_have_all_begun_by_the_next_turn(late: bool) -> None:
    """One that decides the split after a turn finds all others begun, however many, where tasks begin late, too."""
    begun: list[int] = []

    def branch(number: int) -> Any:
        async def run() -> None:
            begun.append(number)
            await (turns() if number == 0 else asyncio.get_running_loop().create_future())

        return run

    with task_factory(late_task_factory) if late else nullcontext():
        result = await Split([branch(number) for number in range(100)], Join.any(), clock=FakeClock()).run()
    assert begun == list(range(100))
    assert result.cancelled == tuple(range(1, 100))


async def test_the_first_of_two_ends_in_one_turn_decides() -> None:
    """What has ended when it is decided counts, in its order; who ends in the same turn, after that, counts as cancelled (SJ-9)."""
    branches = held(3)
    split = Split(branches, Join.any())
    running = split.start()
    await turns(3)
    branches[2].returns("first")
    branches[0].returns("second")
    result = await running
    assert result.successes == {2: "first"}
    assert result.cancelled == (0, 1)
    assert [each.cancels for each in branches] == [0, 1, 0]


@pytest.mark.parametrize(("join", "failures"), [(Join.all(), 1), (Join.quorum(3), 2), (Join.percentage(0.5), 3), (Join.any(), 4)])
async def test_a_split_that_can_not_succeed_any_more_fails_at_once(join: Join, failures: int) -> None:
    """As soon as too many have failed the rest are cancelled, and not waited for (I4)."""
    branches = held(4)
    split = Split(branches, join)
    running = asyncio.create_task(split.failure())
    await turns(3)
    for number in range(failures):
        assert not running.done()
        assert all(each.running for each in branches[number:])
        branches[number].raises(ValueError(number))
        await turns(5)
    error = await running
    assert error.indices == tuple(range(failures))
    assert error.cancelled == tuple(range(failures, 4))
    assert [each.cancels for each in branches[failures:]] == [1] * (4 - failures)


async def test_losers_are_awaited_before_the_next_state() -> None:
    """A loser's clean-up that awaits twice has ended when the join state begins (G6)."""
    store = MemoryStore()

    async def loser(store: MemoryStore) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            store.put("clean", 1)

    async def joined(store: MemoryStore) -> Stage:
        assert store.get("clean", int) == 1
        return Stage.DONE

    async def winner() -> None:
        await turns(2)

    workflow = (
        Workflow(Resources({"store": store}), state=Stage)
        .register_split(Stage.A, [loser, winner], to=Stage.B, join=Join.any())
        .register(Stage.B, joined)
        .add_exit_state(Stage.DONE)
    )
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize("fails", [False, True])
async def test_what_the_clean_up_of_a_loser_raises_is_kept(fails: bool) -> None:
    """It changes no outcome, and is in the result, or in the error with its index (G6)."""
    branches = held(4)
    broken, other = OSError("while cleaning up"), LookupError("too")

    async def breaks() -> None:
        await turns(2)
        raise broken

    async def differs() -> None:
        raise other

    branches[0].cleanup, branches[2].cleanup = breaks, differs
    split = Split(branches, Join.all() if fails else Join.any())
    running: asyncio.Task[Any] = asyncio.create_task(split.failure() if fails else split.run())
    await turns(3)
    cause = ValueError("decides")
    if fails:
        branches[1].raises(cause)
        error = await running
        assert error.exceptions == (cause, other, broken)
        assert error.indices == (1, 2, 0)
        assert error.cancelled == (0, 2, 3)
        assert [each and each.task for each in error.contexts] == ["Held[1]", "Held[2]", "Held[0]"]
    else:
        branches[1].returns("won")
        result = await running
        assert result.successes == {1: "won"}
        assert (result.failures, result.cancelled) == ({}, (0, 2, 3))
        assert result.cleanup_errors == {0: broken, 2: other}


async def test_a_loser_that_swallows_its_cancellation_has_lost_all_the_same() -> None:
    """What it returns then is not taken, and it is cancelled once and awaited (G6)."""
    branches = held(3)
    steps: list[str] = []

    async def goes_on() -> str:
        await turns(5)
        steps.append("gone on")
        return "late"

    branches[0].cleanup = goes_on
    split = Split(branches, Join.any())
    running = split.start()
    await turns(3)
    branches[1].returns("won")
    result = await running
    assert steps == ["gone on"]
    assert (result.successes, result.cancelled) == ({1: "won"}, (0, 2))
    assert [each.cancels for each in branches] == [1, 0, 1]


async def test_a_branch_that_raises_a_cancelled_error_itself() -> None:
    """It counts as cancelled; if that makes success impossible it is named in the error, which is no cancellation of the run."""
    mine = asyncio.CancelledError("mine")
    result = await Split([failing(mine), giving(1)], Join.any()).run()
    assert (result.successes, result.failures, result.cancelled) == ({1: 1}, {}, (0,))

    error = await Split([failing(mine), giving(1)]).failure()
    assert (error.successes, error.indices, error.cancelled) == ({}, (0,), (0, 1))
    [lost] = error.exceptions
    assert isinstance(lost, BranchCancelled)
    assert (lost.index, lost.task, lost.__cause__) == (0, "fail", mine)

    error = await Split([failing(mine)] * 3, Join.any()).failure()
    assert error.indices == (0, 1, 2)


@pytest.mark.parametrize("enough", [True, False])
async def test_a_branch_that_somebody_else_cancels(enough: bool) -> None:
    """A branch's asyncio task is there for others to see; who cancels it has that one branch lost (SJ-15)."""
    branches = held(3)
    tasks: list[Any] = []

    async def shown() -> None:
        tasks.append(asyncio.current_task())
        await asyncio.get_running_loop().create_future()

    split = Split([shown, *branches[1:]], Join.quorum(2 if enough else 3))
    running: asyncio.Task[Any] = asyncio.create_task(split.run() if enough else split.failure())
    await turns(3)
    tasks[0].cancel()
    await turns(3)
    if not enough:
        error = await running
        assert [type(each) for each in error.exceptions] == [BranchCancelled]
        assert [each.cancels for each in branches[1:]] == [1, 1]
        return
    assert not running.done()
    branches[1].returns(1)
    branches[2].returns(2)
    result = await running
    assert (result.successes, result.cancelled) == ({1: 1, 2: 2}, (0,))


@pytest.mark.parametrize("join", [Join.all(), Join.any(), Join.quorum(2)])
@pytest.mark.parametrize("bulkhead", [None, 1, 2])
async def test_a_branch_that_is_cancelled_before_its_first_step(join: Join, bulkhead: int | None) -> None:
    """None of its code has run; it is lost with its index, and the others go on (SJ-15)."""
    begun: list[int] = []
    made = 0

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        nonlocal made
        child: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        if coro.__name__ == "_branch":
            if made == 1:
                child.cancel()
            made += 1
        return child

    def branch(number: int) -> Any:
        async def run() -> int:
            begun.append(number)
            await turns(2)
            return number

        return run

    split = Split([branch(number) for number in range(4)], join, bulkhead=bulkhead)
    with task_factory(factory):
        if join == Join.all():
            error = await split.failure()
            assert error.indices == (1,)
            assert isinstance(error.exceptions[0], BranchCancelled)
        else:
            result = await split.run()
            assert whole(result, 4)
            assert 1 in result.cancelled
            assert 0 in result.successes
    assert 1 not in begun
    assert await others() == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, BaseException])
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_is_no_error_ends_the_split_and_comes_out_as_itself(kind: type[BaseException], at_once: bool) -> None:
    """A SystemExit of a branch is no failure to be counted: the others are cancelled and awaited, and it reaches the caller."""
    raised = kind("out")
    log: list[str] = []
    branches = held(3)

    async def slow_clean_up() -> None:
        await turns(3)
        log.append("clean")

    branches[0].cleanup = slow_clean_up

    async def leave() -> None:
        if not at_once:
            await turns(2)
        raise raised

    split = Split([branches[0], leave, branches[2]], Join.any(), resources=Resources({"r": Recorder("r", log)}))
    with pytest.raises(kind) as caught:
        await split.run()  # in this task: what leaves a task of its own leaves the loop
    assert caught.value is raised
    assert log == ["setup r", "up r", "clean", "teardown r", "down r"]
    assert branches[2].cancels == (0 if at_once else 1)
    assert await others() == []


async def test_a_loser_that_exits_in_its_clean_up_wins_over_a_success() -> None:
    """What is no error may not be lost."""
    branches = held(2)
    raised = BaseException("out")

    async def leave() -> None:
        raise raised

    branches[0].cleanup = leave
    running = Split(branches, Join.any()).start()
    await turns(3)
    branches[1].returns()
    await asyncio.wait((running,))
    assert running.exception() is raised


async def test_losers_of_a_split_inside_a_split_are_awaited() -> None:
    """A branch that is a whole run with a split of its own is cancelled down to its last branch."""
    inner = held(2)
    slow = Held()

    async def clean() -> None:
        await turns(4)
        inner[0].log.append("clean")

    inner[0].cleanup = clean
    nested = Split(inner)

    async def branch() -> Any:
        return await nested.run()

    async def winner() -> str:
        await slow.run_bare()
        return "won"

    running = Split([branch, Branch(winner)], Join.any()).start()
    await turns(6)
    assert [each.begun for each in inner] == [1, 1]
    slow.returns()
    assert (await running).successes == {1: "won"}
    assert inner[0].log.count("clean") == 1
    assert [each.cancels for each in inner] == [1, 1]
    assert await others() == []


async def test_a_split_inside_a_split_that_fails_is_a_group_in_a_group() -> None:
    """The inner error is one failure of the outer split, whole."""
    error = ValueError("deep")
    nested = Split([failing(error), giving(1)])

    async def branch() -> None:
        await nested.run()

    outer = await Split([giving(1), branch]).failure()
    [inner] = outer.exceptions
    assert isinstance(inner, SplitFailed)
    assert inner.exceptions == (error,)
    assert outer.contexts[0] is not None
    assert outer.contexts[0].inner is not None
    assert outer.contexts[0].inner.run_id == inner.contexts[0].run_id  # type: ignore[union-attr]
