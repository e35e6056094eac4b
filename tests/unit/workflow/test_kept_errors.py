"""What a failed run leaves behind: one note, a traceback that does not grow, and no cycle (engine 6 and 7)."""

import asyncio
import gc
import logging
import traceback
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import TeardownFailed, context_of
from cano.resources import Resources, per_run, shared
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


class Kept:
    """A resource that raises the same instance again and again."""

    def __init__(self, moment: str, error: BaseException) -> None:
        self._moment = moment
        self._error = error

    async def setup(self) -> None:
        """Raise, if this is the moment."""
        if self._moment == "setup":
            raise self._error

    async def teardown(self) -> None:
        """Raise, if this is the moment."""
        if self._moment == "teardown":
            raise self._error

    def make(self) -> Any:
        """Return itself, or raise if this is the moment."""
        if self._moment == "make":
            raise self._error
        return self


def depth(error: BaseException) -> int:
    """Count the entries of the traceback."""
    return len(list(traceback.walk_tb(error.__traceback__)))


def cancel_oneself() -> None:
    """Ask for the cancellation of the current task."""
    task_of_run = asyncio.current_task()
    assert task_of_run is not None
    task_of_run.cancel()


def placed(own: bool, make: Any) -> Any:
    """Return a recipe, shared or of the run's own."""
    return per_run(make) if own else shared(make)


each_place = pytest.mark.parametrize("own", [False, True])
each_moment = pytest.mark.parametrize("moment", ["make", "setup", "teardown"])


@each_place
@each_moment
async def test_one_instance_from_a_life_cycle_does_not_grow(moment: str, own: bool) -> None:
    """A constant that a recipe, set-up or teardown raises in 50 runs keeps one note, and a traceback of one depth."""
    error = ValueError("constant")
    workflow = single(going(Stage.DONE), Resources({"a": placed(own, Kept(moment, error).make)}))

    async def deeper(levels: int) -> None:
        await (deeper(levels - 1) if levels else workflow.orchestrate(Stage.A))

    depths = []
    for levels in range(50):
        with pytest.raises((ValueError, TeardownFailed)):
            await asyncio.create_task(deeper(levels % 3))
        depths.append(depth(error))
        assert len(error.__notes__) == 1
    assert max(depths[10:]) <= max(depths[:10])
    # Of an earlier caller, the part beyond its asyncio task may stay.
    assert moment in [frame.name for frame in traceback.extract_tb(error.__traceback__)][-2:]


async def test_one_failed_set_up_of_many_runs_does_not_grow() -> None:
    """Runs that wait for one set-up raise its error each from its own place, however many they are."""
    error = ValueError("constant")
    workflow = single(going(Stage.DONE), Resources({"a": Kept("setup", error)}))
    await asyncio.gather(workflow.orchestrate(Stage.A), return_exceptions=True)
    alone = depth(error)
    for _ in range(5):
        await asyncio.gather(*(workflow.orchestrate(Stage.A) for _ in range(20)), return_exceptions=True)
        assert depth(error) <= alone + 2


@each_place
async def test_a_life_cycle_s_error_says_nothing_of_an_earlier_run(own: bool) -> None:
    """An instance that a task has raised, and now a set-up, has no state any more: it failed before anything ran."""
    error = ValueError("constant")

    async def fail() -> Stage:
        raise error

    with pytest.raises(ValueError, match="constant"):
        await single(fail).orchestrate(Stage.A)
    assert context_of(error) is not None
    with pytest.raises(ValueError, match="constant"):
        await single(fail, Resources({"a": placed(own, Kept("setup", error).make)})).orchestrate(Stage.A)
    assert context_of(error) is None
    assert error.__notes__ == ["while resource 'a' was set up"]


@each_place
async def test_an_error_of_a_run_inside_a_set_up_is_shown_whole(own: bool) -> None:
    """A run that a set-up starts keeps its context, its note and its part of the traceback, however often it fails."""
    error = ValueError("constant")

    async def innermost() -> Stage:
        raise error

    inner = single(innermost)

    class Starts:
        async def setup(self) -> None:
            await inner.orchestrate(Stage.A)

    workflow = single(going(Stage.DONE), Resources({"a": placed(own, Starts)}))
    depths = []
    for _ in range(20):
        with pytest.raises(ValueError, match="constant"):
            await workflow.orchestrate(Stage.A)
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert names[-1] == "innermost"
        assert names.count("setup") == 1
        assert [note.split(",")[0] for note in error.__notes__] == ["in state A", "while resource 'a' was set up"]
        depths.append(len(names))
    assert len(set(depths)) == 1


@each_place
async def test_two_teardowns_that_raise_one_instance_are_both_named(own: bool) -> None:
    """One instance from two teardowns of a run has a note of each."""
    error = ValueError("constant")
    res = Resources({"a": placed(own, Kept("teardown", error).make), "b": placed(own, Kept("teardown", error).make)})
    for _ in range(3):
        with pytest.raises(TeardownFailed):
            await single(going(Stage.DONE), res).orchestrate(Stage.A)
        assert [note.split("'")[1] for note in error.__notes__] == ["b", "a"]


class Value:
    """What a frame holds, and a cycle would keep."""


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keep the cyclic collector off: what lives on is in a cycle."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


WAYS = ["plain", "shared", "own", "set-up", "own set-up", "teardown", "own teardown"]


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("body", ["fails", "goes", "wrong state", "thread", "cancelled", "pending"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_failed_run_leaves_no_cycle(way: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the frames of a failed run hold is let go with its error, without the cyclic collector."""
    monkeypatch.setattr(logging.getLogger("cano"), "disabled", True)  # a record that is kept keeps the error
    alive: list[weakref.ref[Value]] = []

    def hold() -> Value:
        value = Value()
        alive.append(weakref.ref(value))
        return value

    class FailsUp:
        async def setup(self) -> None:
            value = hold()
            raise ValueError(value)

    class FailsDown:
        async def teardown(self) -> None:
            value = hold()
            raise ValueError(value)

    async def step() -> Any:
        value = hold()
        if body == "cancelled":
            await asyncio.get_running_loop().create_future()
        if body == "pending":
            cancel_oneself()
        if body in ("fails", "pending"):
            raise ValueError(value)
        return Stage.DONE if body == "goes" else "nowhere"

    @task(blocking=True)
    def in_thread() -> Stage:
        value = hold()
        raise ValueError(value)

    entries: dict[str, Any] = {
        "plain": 1,
        "shared": Recorder("a", []),
        "own": per_run(lambda: Recorder("a", [])),
        "set-up": FailsUp(),
        "own set-up": per_run(FailsUp),
        "teardown": FailsDown(),
        "own teardown": per_run(FailsDown),
    }
    res = Resources({"first": per_run(lambda: Plain("first", [])) if "own" in way else Plain("first", []), "a": entries[way]})
    workflow: Workflow[Any] = Workflow(res).register("A", in_thread if body == "thread" else step).add_exit_state(Stage.DONE)

    async def later(outer: Any) -> None:
        await turns()  # An eager task that fails in its first step is a cycle of asyncio's: who called it was about to return it.
        await outer("A")

    for outer in (workflow.orchestrate, workflow.run):
        run = asyncio.create_task(later(outer))
        if body == "cancelled":
            await turns(12)
            run.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await run
        del run
        await turns(3)
    assert alive or body == "goes"
    # Without a GIL, what a thread has made and others have let go of dies when that thread goes on.
    for _ in range(100):
        if body == "thread" and any(ref() is not None for ref in alive):
            await asyncio.get_running_loop().run_in_executor(None, int)
    assert [ref for ref in alive if ref() is not None] == []


@pytest.mark.parametrize("entry", [None, Plain("a", []), per_run(lambda: Recorder("a", []))])
async def test_a_cancellation_on_its_way_wins_over_the_task_s_error(entry: Any) -> None:
    """With and without resources, a pending cancellation comes out, with the task's error as its cause (engine 7)."""
    error = ValueError("mine")

    async def both() -> Stage:
        cancel_oneself()
        raise error

    run = asyncio.create_task(single(both, Resources({"a": entry})).orchestrate(Stage.A))
    with pytest.raises(asyncio.CancelledError) as caught:
        await run
    assert run.cancelled()
    assert caught.value.__cause__ is error
    assert context_of(error) is not None


@pytest.mark.parametrize("entry", [None, Plain("a", []), per_run(lambda: Recorder("a", []))])
async def test_what_is_no_error_wins_over_a_cancellation(entry: Any) -> None:
    """A KeyboardInterrupt or a SystemExit of a task is no error that a cancellation may hide."""
    raised = BaseException("no error")

    async def both() -> Stage:
        cancel_oneself()
        raise raised

    run = asyncio.create_task(single(both, Resources({"a": entry})).orchestrate(Stage.A))
    await asyncio.wait((run,))
    assert run.exception() is raised


class Denies(Exception):
    """An error whose class is a secret."""

    @property
    def __class__(self) -> Any:
        raise ValueError("secret")


@each_place
async def test_what_the_log_cannot_write_does_not_replace_the_error(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the traceback of a failed teardown cannot be logged, its name is, and the run's own error comes out."""
    error = LookupError("run")
    lines: list[str] = []

    def record(logger: logging.Logger, text: str, *args: Any, exc_info: Any = None) -> None:
        if exc_info is not None:
            str(exc_info[1].__class__)
        lines.append(text % args)

    monkeypatch.setattr(logging.Logger, "error", record)

    async def fail() -> Stage:
        raise error

    res = Resources({"a": placed(own, Kept("teardown", Denies()).make)})
    with pytest.raises(LookupError) as caught:
        await single(fail, res).orchestrate(Stage.A)
    assert caught.value is error
    assert "Denies" in lines[0]
