"""One exception instance that tasks raise again and again keeps one note, and does not grow (engine 6)."""

import asyncio
import gc
import traceback
import weakref

import pytest

from tests.unit.stages import Stage, single, turns
from tests.unit.workflow.test_error_context import MyError, context, failure, raising


def depth(error: BaseException) -> int:
    """Count the entries of the traceback."""
    return len(list(traceback.walk_tb(error.__traceback__)))


async def test_one_instance_raised_again_and_again() -> None:
    """A module constant keeps one note, the context of its last run, and a traceback that does not grow."""
    error = MyError("constant")
    workflow = single(raising(error))
    depths, ids = [], []
    for _ in range(50):
        await failure(workflow)
        depths.append(depth(error))
        ids.append(context(error).run_id)
        assert error.__notes__ == [note for note in error.__notes__ if ids[-1] in note]
        assert len(error.__notes__) == 1
    assert len(set(ids)) == 50
    assert set(depths) == {depths[0]}
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[0] == "failure"
    assert names[-1] == "fail"


async def test_one_instance_from_callers_that_have_ended() -> None:
    """The traceback stays bounded, too, if each run was called from functions that have returned since."""
    error = MyError("constant")
    workflow = single(raising(error))

    async def deeper(levels: int) -> None:
        if levels:
            await deeper(levels - 1)
        else:
            await workflow.orchestrate(Stage.A)

    depths = []
    for _ in range(20):
        with pytest.raises(MyError):
            await asyncio.create_task(deeper(3))
        depths.append(depth(error))
    assert max(depths) <= depths[0] + 1


async def test_one_instance_in_concurrent_runs() -> None:
    """While several runs raise one instance, it keeps one note, of the last run, and stays bounded."""
    error = MyError("shared")

    async def fail() -> Stage:
        await turns(2)
        raise error

    workflow = single(fail)
    await asyncio.gather(*(workflow.orchestrate(Stage.A) for _ in range(50)), return_exceptions=True)
    assert len(error.__notes__) == 1
    assert context(error).run_id in error.__notes__[0]
    before = depth(error)
    await asyncio.gather(*(workflow.orchestrate(Stage.A) for _ in range(50)), return_exceptions=True)
    assert len(error.__notes__) == 1
    assert depth(error) <= before + 3


async def test_frames_of_earlier_runs_are_let_go() -> None:
    """An instance that is kept does not keep what earlier runs had in their variables."""

    class Big:
        pass

    error = MyError("constant")
    alive: list[weakref.ref[Big]] = []

    async def fail() -> Stage:
        big = Big()
        alive.append(weakref.ref(big))
        raise error

    workflow = single(fail)
    for _ in range(5):
        await failure(workflow)
    gc.collect()
    assert sum(each() is not None for each in alive) == 1
