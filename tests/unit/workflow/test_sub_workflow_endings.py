"""How a run inside another one ends that does not end well: its errors and retries (engine 15)."""

import asyncio
import gc
import traceback
import weakref

import pytest

from cano.errors import MaxStepsReached, SplitFailed
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.workflow import Join, Workflow
from tests.unit.stages import Plain, Recorder, Stage, counting, going, turns
from tests.unit.sub_workflows import Inner, Told, around, child, cleaning, contexts, inside, ok, raises, watching

watched_or_not = pytest.mark.parametrize("watched", [False, True])


@watched_or_not
async def test_an_error_carries_both_contexts(watched: bool) -> None:
    """The task's own exception, with the context of the run around, that of the run inside as ``inner``, and a note of each."""
    error = OSError("deep")
    inner = Workflow(state=Inner).register(Inner.IN, going(Inner.MORE)).register(Inner.MORE, raises(error)).add_exit_state(Inner.OK)
    outer = (
        Workflow(state=Stage, **watching(watched))
        .register(Stage.A, going(Stage.B))
        .register(Stage.B, inner.as_task(Inner.IN, to=Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    for _ in range(3):
        with pytest.raises(OSError, match="deep") as caught:
            await outer.orchestrate(Stage.A)
        assert caught.value is error
        first, second = contexts(error)
        assert (first.state, first.task, first.path) == ("B", "Inner", ("A", "B"))
        assert (second.state, second.path) == ("MORE", ("IN", "MORE"))
        assert first.run_id != second.run_id
        assert [note.split(",")[0] for note in error.__notes__] == ["in state MORE", "in state B"]


@watched_or_not
async def test_three_deep(watched: bool) -> None:
    """Each run adds its context around those inside it."""
    error = OSError("deep")
    middle = child(child(raises(error)).as_task(Inner.IN), name="middle")
    with pytest.raises(OSError, match="deep"):
        await around(middle.as_task(Inner.IN, to=Stage.DONE), **watching(watched)).orchestrate(Stage.A)
    assert [(each.state, each.task) for each in contexts(error)] == [("A", "middle"), ("IN", "Inner"), ("IN", "fail")]
    assert len({each.run_id for each in contexts(error)}) == 3
    assert len(error.__notes__) == 3


@watched_or_not
@pytest.mark.parametrize("own", [False, True])
async def test_one_instance_does_not_grow(watched: bool, own: bool) -> None:
    """A module constant that is raised in 50 runs, in the run inside each, keeps its notes and a traceback of the same depth."""
    error = OSError("constant")
    res = Resources({"a": per_run(lambda: Plain("a", []))} if own else {})
    outer = around(inside(raises(error), res), retry=Retry(3, delay=0), **watching(watched))
    depths = set()
    for _ in range(50):
        with pytest.raises(OSError, match="constant"):
            await outer.orchestrate(Stage.A)
        depths.add(len(list(traceback.walk_tb(error.__traceback__))))
        assert len(error.__notes__) == 2
    assert len(depths) == 1


async def test_an_error_that_is_kept_keeps_nothing_else() -> None:
    """An exception leads to no engine's object that leads back to it: what it holds dies with it, without a collection."""

    class Mine(Exception):
        """An error that can be watched."""

    async def fail() -> Inner:
        raise Mine

    for options in ({}, {"observers": [Told()]}):
        outer = around(inside(fail), **options)
        gc.disable()
        try:
            with pytest.raises(Mine) as caught:
                await outer.orchestrate(Stage.A, token=CancellationToken())
            gone = weakref.ref(caught.value)
            for each in options.get("observers", ()):
                each.ended.clear()
            del caught, outer
            assert gone() is None
        finally:
            gc.enable()


async def test_an_attempt_is_a_whole_run() -> None:
    """``retry`` around counts runs inside, each of which begins anew; ``retry`` inside counts within one of them."""
    tries = 0
    log: list[str] = []

    async def flaky() -> Inner:
        nonlocal tries
        tries += 1
        if tries < 6:
            raise OSError(tries)
        return Inner.OK

    made = Workflow(Resources({"a": per_run(lambda: Plain("a", log))}), state=Inner)
    made.register(Inner.IN, flaky, retry=Retry(2, delay=0)).add_exit_state(Inner.OK)
    sub = made.as_task(Inner.IN, to=Stage.DONE)
    with pytest.raises(OSError, match="4") as caught:
        await around(sub, retry=Retry(2, delay=0)).orchestrate(Stage.A)
    first, second = contexts(caught.value)
    assert (first.attempt, second.attempt) == (2, 2)
    assert [[(each.number, each.error) for each in context.earlier] for context in (first, second)] == [[(1, "OSError")]] * 2
    tries = 0
    assert await around(sub, retry=Retry(3, delay=0)).orchestrate(Stage.A) is Stage.DONE
    assert (tries, log) == (6, ["up a", "down a"] * 5)


async def test_max_steps_are_each_workflow_s_own() -> None:
    """A run inside is one step of the run around; its own limit is an error with both contexts."""
    long = Workflow(state=Inner).register(Inner.IN, counting(20, Inner.OK, Inner.IN)).add_exit_state(Inner.OK)
    assert await around(long.as_task(Inner.IN, to=Stage.DONE), max_steps=1).orchestrate(Stage.A) is Stage.DONE
    endless = child(task(to=(Inner.IN, Inner.OK))(counting(1000, Inner.OK, Inner.IN)), max_steps=5)
    with pytest.raises(MaxStepsReached) as caught:
        await around(endless.as_task(Inner.IN, to=Stage.DONE)).orchestrate(Stage.A)
    assert [each.state for each in contexts(caught.value)] == ["A", "IN"]


async def test_a_split_that_fails_inside() -> None:
    """The group reaches the caller with both contexts; those of its branches are in it."""
    made = Workflow(state=Inner).register_split(Inner.IN, [raises(OSError("1")), raises(ValueError("2"))], to=Inner.OK)
    made.add_exit_state(Inner.OK)
    with pytest.raises(SplitFailed) as caught:
        await around(made.as_task(Inner.IN, to=Stage.DONE)).orchestrate(Stage.A)
    assert [each.state for each in contexts(caught.value)] == ["A", "IN"]
    assert caught.value.contexts[0] is not None
    assert caught.value.contexts[0].run_id == contexts(caught.value)[1].run_id


async def test_a_run_inside_that_fails_as_a_branch() -> None:
    """The context of the branch has that of the run inside it as ``inner``."""
    outer = Workflow(state=Stage).register_split(Stage.A, [inside(ok), inside(raises(OSError()))], to=Stage.DONE)
    with pytest.raises(SplitFailed) as caught:
        await outer.add_exit_state(Stage.DONE).orchestrate(Stage.A)
    context = caught.value.contexts[0]
    assert context is not None
    assert (context.task, context.inner is not None and context.inner.task) == ("Inner[1]", "fail")


async def test_a_branch_that_loses_ends_its_run() -> None:
    """When the split is decided, the run inside the other branch is cancelled, torn down and awaited before the next state."""
    log: list[str] = []

    async def wait() -> Inner:
        return await cleaning(log)

    sub = inside(wait, Resources({"a": Recorder("a", log)}))

    async def joined() -> Stage:
        log.append("joined")
        return Stage.DONE

    async def quick() -> None:
        await turns(8)

    outer = Workflow(state=Stage).register_split(Stage.A, [sub, quick], to=Stage.B, join=Join.any())
    await outer.register(Stage.B, joined).add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert log == ["setup a", "up a", "cleaned up", "teardown a", "down a", "joined"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
async def test_what_is_no_error_passes_through_both(error: BaseException) -> None:
    """A SystemExit is not tried again and reaches the caller as itself, with all torn down."""
    log: list[str] = []
    outer = around(inside(raises(error), Resources({"a": Plain("a", log)})), retry=Retry(3, delay=0))
    with pytest.raises(type(error)) as caught:
        await outer.orchestrate(Stage.A)
    assert caught.value is error
    assert log == ["up a", "down a"]


async def test_a_cancelled_error_that_nobody_asked_for() -> None:
    """One that a task inside raises by itself ends both runs, as it ends one."""
    with pytest.raises(asyncio.CancelledError):
        await around(inside(raises(asyncio.CancelledError())), retry=Retry(3, delay=0)).orchestrate(Stage.A)
