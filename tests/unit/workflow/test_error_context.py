"""The task's own exception reaches the caller, and says where it comes from (engine 6, ER-4 to ER-6)."""

import asyncio
import copy
import pickle
from dataclasses import dataclass
from typing import Any

import pytest

from cano.errors import ErrorContext, context_of
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single


class MyError(Exception):
    """An error of a user."""


def raising(error: BaseException) -> Any:
    """Make a task that raises this very instance."""

    async def fail() -> Stage:
        raise error

    return fail


async def failure(workflow: Workflow[Any], start: Any = Stage.A) -> BaseException:
    """Run, and return what came out."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await workflow.orchestrate(start)
    return caught.value


def context(error: BaseException) -> ErrorContext:
    """Return the context that must be there."""
    found = context_of(error)
    assert found is not None
    return found


async def test_the_task_s_own_exception_reaches_the_caller() -> None:
    """The same instance comes out, with one note and a context: state, task, attempt, path, run id."""
    error = MyError("own", 7)
    workflow = Workflow(state=Stage).register(Stage.A, going(Stage.B)).register(Stage.B, raising(error)).add_exit_state(Stage.DONE)
    assert await failure(workflow) is error
    found = context(error)
    assert (found.state, found.task, found.attempt, found.path, found.omitted) == ("B", "fail", 1, ("A", "B"), 0)
    assert found.run_id
    assert error.args == ("own", 7)
    assert error.__notes__ == [f"in state B, task {found.task}, attempt 1, run {found.run_id}; path: A → B"]


async def test_a_report_and_an_error_name_the_same_run() -> None:
    """Run ids of errors are unique, whichever call the run came from."""
    ids = set()
    for _ in range(3):
        error = MyError()
        with pytest.raises(MyError):
            await single(raising(error)).run(Stage.A)
        ids.add(context(error).run_id)
        ids.add(context(await failure(single(raising(MyError())))).run_id)
    assert len(ids) == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BaseException("base"), GeneratorExit()])
async def test_exceptions_that_are_no_errors_pass_through(error: BaseException) -> None:
    """What is not an Exception reaches the caller as itself."""
    assert await failure(single(raising(error))) is error


async def test_the_user_s_notes_stay() -> None:
    """Notes that others wrote are kept, in their order, and ours is replaced among them."""
    error = MyError()
    error.add_note("mine")
    workflow = single(raising(error))
    await failure(workflow)
    error.add_note("later")
    await failure(workflow)
    assert [note for note in error.__notes__ if not note.startswith("in state")] == ["mine", "later"]
    assert len(error.__notes__) == 3


async def test_a_run_inside_a_run_is_kept_as_inner() -> None:
    """An error that passes two runs has the context of the outer one, with the inner's inside, and two notes, however often."""
    error = MyError("deep")
    inner = Workflow().register("in", raising(error)).add_exit_state("end")

    async def outer() -> Stage:
        await inner.orchestrate("in")
        return Stage.DONE

    workflow = single(outer)
    for _ in range(3):
        assert await failure(workflow) is error
        found = context(error)
        assert (found.state, found.path) == ("A", ("A",))
        assert found.inner is not None
        assert (found.inner.state, found.inner.path, found.inner.inner) == ("in", ("in",), None)
        assert [note.split(",")[0] for note in error.__notes__] == ["in state in", "in state A"]


async def test_three_runs_deep() -> None:
    """A chain of inner runs is kept whole, with a note for each."""
    error = MyError("deep")

    def around(workflow: Workflow[Any]) -> Workflow[Any]:
        async def outer() -> Stage:
            await workflow.orchestrate(Stage.A)
            return Stage.DONE

        return single(outer)

    await failure(around(around(single(raising(error)))))
    found = context(error)
    assert found.inner is not None
    assert found.inner.inner is not None
    assert found.inner.inner.inner is None
    assert len(error.__notes__) == 3


async def test_an_inner_run_in_another_task_or_thread_is_inner() -> None:
    """A run that a task starts in an asyncio task, or in a thread by ``orchestrate_sync``, is a run inside its run."""
    error = MyError("elsewhere")
    inner = single(raising(error))

    async def in_task() -> Stage:
        await asyncio.create_task(inner.orchestrate(Stage.A))
        return Stage.DONE

    @task(blocking=True)
    def in_thread() -> Stage:
        return inner.orchestrate_sync(Stage.A)  # type: ignore[no-any-return]

    for run in (in_task, in_thread):
        await failure(single(run))
        assert context(error).inner is not None
        assert len(error.__notes__) == 2


async def test_an_instance_of_a_foreign_run_is_not_inner() -> None:
    """A kept error that another run has raised, and a task raises anew, has the context of the last run only."""
    error = MyError("kept")
    await failure(single(raising(error)))
    first = context(error)
    await failure(single(raising(error)))
    assert context(error).inner is None
    assert context(error).run_id != first.run_id
    assert len(error.__notes__) == 1


async def test_a_run_that_an_inner_error_survives_can_fail_by_itself() -> None:
    """A task that handles the error of an inner run, and raises another one, leaves the first where it was."""
    inner_error, outer_error = MyError("inner"), MyError("outer")

    async def outer() -> Stage:
        try:
            await single(raising(inner_error)).orchestrate(Stage.A)
        except MyError:
            raise outer_error from inner_error
        return Stage.DONE

    await failure(single(outer))
    assert context(outer_error).inner is None
    assert context(inner_error).inner is None
    assert outer_error.__cause__ is inner_error


@dataclass(frozen=True)
class FrozenError(Exception):
    """An error that refuses attributes."""

    code: int


class Hostile(Exception):
    """An error all of whose own code fails."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("setattr called")

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} read")

    def __str__(self) -> str:
        raise AssertionError("str called")

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("eq called")

    __hash__ = None  # type: ignore[assignment]

    def add_note(self, note: str) -> None:
        raise AssertionError("add_note called")


class Unprintable(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise AssertionError("str called")

    __repr__ = __str__


class OddNotes(Exception):
    """An error whose notes are no list."""

    def __init__(self) -> None:
        self.__notes__ = "text"  # type: ignore[assignment]


class Slotted(Exception):
    """An error with slots."""

    __slots__ = ("field",)


@pytest.mark.parametrize("make", [lambda: FrozenError(3), Hostile, OddNotes, Slotted])
async def test_no_code_of_the_exception_is_called(make: Any) -> None:
    """The context is written whatever the exception's class does, and what is not a list of notes is left alone."""
    error, late = make(), Unprintable()
    log: list[str] = []
    for res in (
        Resources(),
        Resources({"p": Plain("p", log, teardown=late)}),
        Resources({"p": per_run(lambda: Recorder("p", log))}),
    ):
        workflow = single(raising(error), res)
        for _ in range(2):
            assert await failure(workflow) is error
    assert context(error).state == "A"
    assert log.count("down p") == 4
    assert make is not OddNotes or error.__notes__ == "text"


async def test_the_context_pickles_and_copies() -> None:
    """An error with its context and notes survives ``pickle`` and ``copy``; states are text in it."""
    error = MyError("x")
    inner = single(raising(error))

    async def outer() -> Stage:
        await inner.orchestrate(Stage.A)
        return Stage.DONE

    await failure(single(outer, Resources({"unpicklable": lambda: None})))
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert context_of(other) == context(error)
        assert other.__notes__ == error.__notes__
    found = pickle.loads(pickle.dumps(context(error)))
    assert found == context(error)
    assert found.inner == context(error).inner


async def test_a_copy_keeps_its_own_notes() -> None:
    """Writing on an instance does not write on copies that were made of it before."""
    error = MyError("x")
    workflow = single(raising(error))
    await failure(workflow)
    other = copy.copy(error)
    kept = list(other.__notes__)
    await failure(workflow)
    assert other.__notes__ == kept


async def test_the_path_of_a_long_run_is_bounded() -> None:
    """The context holds the beginning and the end of a long path, and how much is left out; the note is one short line."""
    count = 0

    async def step() -> Stage:
        nonlocal count
        count += 1
        if count == 1000:
            raise MyError
        return Stage.B if count % 2 else Stage.A

    workflow = Workflow(state=Stage).register(Stage.A, step).register(Stage.B, step).add_exit_state(Stage.DONE)
    error = await failure(workflow)
    found = context(error)
    assert (len(found.path), found.omitted) == (256, 744)
    assert found.path[:3] == ("A", "B", "A")
    assert found.path[-1] == found.state == "B"
    assert len(error.__notes__[0]) < 300
    assert "… 984 more …" in error.__notes__[0]


async def test_an_error_before_the_run_has_no_context() -> None:
    """What is refused before anything runs is told without a state (ER-4)."""
    error = await failure(Workflow())
    assert context_of(error) is None
    assert context_of(await failure(single(going(Stage.DONE)), Stage.C)) is None


async def test_an_error_keeps_its_cause_and_context() -> None:
    """``raise ... from`` in a task stays as it is."""

    async def fail() -> Stage:
        try:
            raise KeyError("k")
        except KeyError as error:
            raise MyError("m") from error

    error = await failure(single(fail))
    assert isinstance(error.__cause__, KeyError)


async def test_exception_groups_are_written_as_a_whole() -> None:
    """A group that a task raises carries the context itself."""

    async def fail() -> Stage:
        raise ExceptionGroup("several", [MyError("1"), MyError("2")])

    error = await failure(single(fail))
    assert isinstance(error, ExceptionGroup)
    assert context(error).state == "A"
    assert context_of(error.exceptions[0]) is None


def test_context_of_anything_else_is_none() -> None:
    """An exception that never left a run has no context, whatever attribute it has."""
    assert context_of(MyError()) is None
