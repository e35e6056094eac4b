"""A split that fails raises one group, with index and context of each branch beside its error (engine 6 and 9, K2, SJ-11)."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cano.errors import CanoError, ErrorContext, SplitFailed, SplitTimeout, WorkflowError, context_of
from cano.resilience import Retry
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.splits import Split, failing, giving, held
from tests.unit.stages import Stage, going, turns


class Hidden(Exception):
    """An error of a user that pickle cannot rebuild."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


async def test_a_single_failure_is_a_group_too() -> None:
    """Always one class, an ``ExceptionGroup`` and an error of the library; its text says what was asked for and what came."""
    mine = ValueError("mine")
    split = Split([giving("kept"), failing(mine), giving("late")])
    error = await split.failure()
    assert isinstance(error, ExceptionGroup)
    assert isinstance(error, WorkflowError)
    assert isinstance(error, RuntimeError)
    assert error.category == "split_failed"
    assert error.exceptions == (mine,)
    assert (error.state, error.join, error.branches) == ("A", "Join.all()", 3)
    assert (error.indices, error.successes, error.cancelled) == ((1,), {0: "kept"}, (2,))
    expected = "split A: Join.all() of 3 branches: 1 succeeded, 1 failed, 1 cancelled (1 sub-exception)"
    assert str(error).splitlines()[0] == expected


async def test_two_failures_come_in_the_order_in_which_they_ended() -> None:
    """Both are in the group (I3)."""
    branches = held(3)
    split = Split(branches, Join.quorum(2))
    running = asyncio.create_task(split.failure())
    await turns(3)
    errors = [ValueError(0), OSError(2)]
    branches[2].raises(errors[1])
    branches[0].raises(errors[0])
    error = await running
    assert error.exceptions == (errors[1], errors[0])
    assert error.indices == (2, 0)
    assert error.cancelled == (1,)


async def test_contexts_say_where_each_branch_failed() -> None:
    """State, task with index, attempt, the attempts before, path; and the run is that of the group (engine 6)."""
    clock = FakeClock()

    async def flaky() -> None:
        raise OSError("again")

    async def other() -> None:
        raise ValueError("at once")

    thrice = Retry(3, delay=1, multiplier=1, jitter=0)
    workflow = (
        Workflow(state=Stage, clock=clock)
        .register(Stage.A, going(Stage.B))
        .register_split(Stage.B, [other, giving(1), Branch(flaky, retry=thrice)], to=Stage.DONE, join=Join.quorum(2))
        .add_exit_state(Stage.DONE)
    )
    running = asyncio.create_task(workflow.orchestrate(Stage.A))
    await clock.advance(10)
    with pytest.raises(SplitFailed) as caught:
        await running
    error = caught.value
    run = context_of(error)
    assert run is not None
    assert (run.state, run.path, run.attempt) == ("B", ("A", "B"), 1)
    first, second = error.contexts
    assert first is not None
    assert second is not None
    assert (first.state, first.attempt, first.earlier) == ("B", 1, ())
    assert first.task.endswith("other[0]")
    assert second.task.endswith("flaky[2]")
    assert (second.attempt, [each.number for each in second.earlier]) == (3, [1, 2])
    assert {first.run_id, second.run_id} == {run.run_id}
    assert {first.path, second.path} == {("A", "B")}
    assert [context_of(each) for each in error.exceptions] == [first, second]
    assert f"run {run.run_id}" in error.exceptions[1].__notes__[0]
    assert "branch 2" in error.exceptions[1].__notes__[0]


async def test_the_run_of_a_report_is_the_run_of_the_error() -> None:
    """``run`` gives its id to branches, too."""
    with pytest.raises(SplitFailed) as caught:
        await Split([failing(ValueError())]).workflow.run(Stage.A)
    error = caught.value
    assert error.contexts[0].run_id == context_of(error).run_id  # type: ignore[union-attr]


async def test_a_timeout_is_a_member_of_no_branch() -> None:
    """Failures before it stand before it; ``except* TimeoutError`` finds it, and has its place beside it."""
    clock = FakeClock()
    branches = held(3)
    mine = ValueError("mine")
    split = Split(branches, Join.quorum(2), clock=clock, timeout=7)
    running = asyncio.create_task(split.failure())
    await turns(3)
    branches[1].raises(mine)
    await clock.advance(7)
    error = await running
    assert error.exceptions[0] is mine
    assert isinstance(error.exceptions[1], SplitTimeout)
    assert error.indices == (1, None)
    try:
        raise error
    except* TimeoutError as late:
        assert isinstance(late, SplitFailed)  # noqa: PT017
        assert (late.indices, late.contexts) == ((None,), (None,))  # noqa: PT017
        assert "after its timeout of 7 s" in str(late.exceptions[0])  # noqa: PT017
    except* ValueError as rest:
        assert rest.indices == (1,)  # type: ignore[attr-defined]  # noqa: PT017


def context(index: int) -> ErrorContext:
    """Make the context of a branch."""
    return ErrorContext("A", f"t[{index}]", 1, ("A",), 0, "r")


def group(*errors: Exception) -> SplitFailed:
    """Make what a split raises, the index of each error its place."""
    places = tuple(range(len(errors)))
    return SplitFailed("A", "Join.all()", len(errors), errors, places, tuple(map(context, places)), {}, ())


def in_line(part: BaseException | None, whole: SplitFailed, *, indices: tuple[int, ...]) -> None:
    """See that a part has the facts of the whole, and beside its members what stood beside them there."""
    assert type(part) is SplitFailed
    assert part.indices == indices
    assert part.contexts == tuple(map(context, indices))
    assert (part.state, part.join, part.branches, part.successes, part.cancelled) == ("A", "Join.all()", whole.branches, {}, ())
    assert part.message == whole.message
    assert len(part.exceptions) == len(indices)


V, K, T = ValueError("v"), KeyError("k"), TypeError("t")


@pytest.mark.parametrize(
    ("errors", "matching", "rest"),
    [
        ((V, K), (0,), (1,)),
        ((K, V, K), (1,), (0, 2)),
        ((V, K, V, V), (0, 2, 3), (1,)),  # one instance in three branches
        ((K, V, K, T, V), (1, 4), (0, 2, 3)),
        ((ExceptionGroup("n", [V, K]), K), (0,), (0, 1)),  # a nested group is cut in two, with the index of both
        ((K, ExceptionGroup("n", [V, K]), V), (1, 2), (0, 1)),
        ((V, ExceptionGroup("n", [V, K]), K), (0, 1), (1, 2)),
        ((ExceptionGroup("n", [K, T]), ExceptionGroup("n", [V]), T), (1,), (0, 2)),
        ((ExceptionGroup("n", [ExceptionGroup("m", [V]), T]), V), (0, 1), (0,)),
        ((ExceptionGroup("n", [K]), ExceptionGroup("n", [K, V]), K, V), (1, 3), (0, 1, 2)),
    ],
)
def test_parts_keep_what_stands_beside_their_members(
    errors: tuple[Exception, ...], matching: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    """``split``, ``subgroup`` and ``except*`` cut indices and contexts along, also of nested groups and repeated instances (K2)."""
    whole = group(*errors)
    one, other = whole.split(ValueError)
    in_line(one, whole, indices=matching)
    in_line(other, whole, indices=rest)
    in_line(whole.subgroup(lambda each: isinstance(each, ValueError)), whole, indices=matching)
    in_line(whole.subgroup((KeyError, TypeError)), whole, indices=rest)
    caught: list[Any] = []
    try:
        try:
            raise whole
        except* ValueError as found:
            caught.append(found)
    except SplitFailed as left:
        caught.append(left)
    in_line(caught[0], whole, indices=matching)
    in_line(caught[1], whole, indices=rest)
    again, nothing = one.split(Exception)  # type: ignore[union-attr]
    in_line(again, whole, indices=matching)
    assert nothing is None


def test_a_part_is_told_from_a_group_that_holds_it_too() -> None:
    """What was a member by itself has its own index, though an earlier group, taken as a whole, holds the same instance (K2)."""
    whole = group(ExceptionGroup("n", [V, K]), V)
    taken, left = whole.split(lambda each: type(each) is ExceptionGroup)
    in_line(taken, whole, indices=(0,))
    in_line(left, whole, indices=(1,))


def test_a_re_raised_part_of_except_star_keeps_its_places() -> None:
    """What a handler raises again is joined with what nobody handled, each with its own index."""
    whole = group(V, K, T, V)

    def handle() -> None:
        try:
            raise whole
        except* ValueError:
            raise
        except* KeyError:
            pass

    with pytest.raises(SplitFailed) as caught:
        handle()
    in_line(caught.value, whole, indices=(0, 2, 3))


def test_foreign_members_have_no_place() -> None:
    """Who derives a group with what never was there gets one without indices."""
    whole = group(V, K)
    other = whole.derive([V, OSError()])
    assert (other.indices, other.contexts) == ((None, None), (None, None))
    assert other.branches == 2


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("way", COPIES)
async def test_it_survives_pickle_and_copy(way: str) -> None:
    """With values and errors that cannot be pickled, which arrive as what tells the most of them (K2)."""
    guard = threading.Lock()
    mine, hidden = ValueError("mine"), Hidden(1, 2)
    mine.__cause__ = OSError("cause")
    split = Split([giving(guard), giving([1, 2]), failing(mine), failing(hidden)], Join.quorum(3))
    error = await split.failure()
    after = COPIES[way](error)
    assert type(after) is SplitFailed
    assert str(after) == str(error)
    assert (after.state, after.join, after.branches) == ("A", "Join.quorum(3)", 4)
    assert (after.indices, after.contexts, after.cancelled) == (error.indices, error.contexts, error.cancelled)
    assert after.__notes__ == error.__notes__
    assert context_of(after) == context_of(error)
    assert after.successes[1] == [1, 2]
    assert after.exceptions[0].args == ("mine",)
    if way.startswith("pickle"):
        assert "lock" in repr(after.successes[0])
        assert "1 and 2" in str(after.exceptions[1])
    else:
        assert after.successes[0] is guard
        assert after.exceptions == (mine, hidden)
    one, other = after.split(ValueError)
    assert isinstance(one, SplitFailed)
    assert isinstance(other, SplitFailed)
    assert (one.indices, other.indices) == ((2,), (3,))


async def test_the_error_is_one_of_the_library_s_tree() -> None:
    """One clause catches it with all others, and ``except*`` finds a member of the user's."""
    for kind in (CanoError, WorkflowError, ExceptionGroup, RuntimeError):
        with pytest.raises(kind):
            await Split([failing(ValueError())]).workflow.orchestrate(Stage.A)
    seen: list[Any] = []
    try:
        await Split([failing(Hidden(1, 2)), giving(1)]).workflow.orchestrate(Stage.A)
    except* Hidden as found:
        seen.append(found.indices)  # type: ignore[attr-defined]
    assert seen == [(0,)]


async def test_thousands_of_failures() -> None:
    """They are one group, of which the text stays one line and a path of the run one tuple."""
    error = await Split([failing(ValueError(number)) for number in range(2_000)], Join.any(), clock=FakeClock()).failure()
    assert len(error.exceptions) == len(error.contexts) == 2_000
    assert len(str(error).splitlines()[0]) < 120
    one, other = error.split(lambda each: isinstance(each, ValueError) and each.args[0] % 2 == 0)
    assert isinstance(one, SplitFailed)
    assert isinstance(other, SplitFailed)
    assert one.indices == tuple(range(0, 2_000, 2))
    assert other.indices == tuple(range(1, 2_000, 2))
