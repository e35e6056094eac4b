"""What type checkers infer from splits, tokens and deadlines, and what they refuse; each line also runs.

As in ``test_store_types.py``, an ignore comment on a line that would pass is an error.
"""

from datetime import timedelta
from enum import Enum, auto
from functools import partial
from typing import assert_type

import pytest

from cano.errors import SplitFailed, TaskInvalid
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.tasks import SplitResult, task
from cano.workflow import Branch, Join, Workflow


class Stage(Enum):
    """The states of the workflows below."""

    FIRST = auto()
    JOIN = auto()
    DONE = auto()


async def number(n: int) -> int:
    """Give a number back."""
    return n


@task(blocking=True, timeout=3)
def letters(token: CancellationToken) -> str:
    """Give letters, from a thread."""
    return "" if token.is_cancelled else "abc"


class Counted:
    """A task in a class."""

    async def run(self, res: Resources) -> int:
        """Count the resources."""
        return len(res)


@task(to=Stage.DONE)
async def join(split: SplitResult[int]) -> Stage:
    """Take what the branches gave."""
    assert_type(split, SplitResult[int])
    assert_type(split.values, tuple[int, ...])
    return Stage.DONE


def test_every_kind_of_task_can_be_a_branch() -> None:
    """Functions, partials, objects and branches with conditions of their own stand in one list."""
    workflow = Workflow(state=Stage)
    split = workflow.register_split(
        Stage.FIRST,
        [partial(number, 3), letters, Counted(), Branch(partial(number, 4), retry=Retry(2), timeout=timedelta(seconds=1))],
        to=Stage.JOIN,
        join=Join.quorum(2),
    )
    assert_type(split, Workflow[Stage])
    workflow.register(Stage.JOIN, join).add_exit_state(Stage.DONE)
    assert_type(workflow.orchestrate_sync(Stage.FIRST, timeout=3, token=CancellationToken()), Stage)


def test_what_is_no_branch_is_refused() -> None:
    """A number, a strategy by its name and a state of another class fail for both checkers and when they are registered."""
    with pytest.raises(TaskInvalid):
        Workflow(state=Stage).register_split(Stage.FIRST, [3], to=Stage.DONE)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        Workflow(state=Stage).register_split(Stage.FIRST, [letters], to=Stage.DONE, join="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        Workflow(state=Stage).register_split(Stage.FIRST, [letters], to="DONE")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_failed_split_is_a_group_of_exceptions() -> None:
    """Its members and what stands beside them are typed."""
    error = SplitFailed("FIRST", "Join.all()", 2, [ValueError("no")], (1,), (None,), {0: 3}, ())
    assert_type(error.exceptions, tuple[Exception | ExceptionGroup[Exception], ...])
    assert_type(error.indices, tuple[int | None, ...])
    assert error.successes == {0: 3}
