"""What type checkers infer from workflows as tasks, and what they refuse; each line also runs.

As in ``test_store_types.py``, an ignore comment on a line that would pass is an error.
"""

from enum import Enum, auto
from typing import Any, Literal, assert_type

import pytest

from cano.errors import StateUnknown, TaskInvalid
from cano.workflow import Branch, SubWorkflow, Workflow


class Outer(Enum):
    """The states around."""

    FIRST = auto()
    DONE = auto()


class Inner(Enum):
    """The states inside."""

    IN = auto()
    OK = auto()
    BAD = auto()


async def work() -> Literal[Inner.OK, Inner.BAD]:
    """End well."""
    return Inner.OK


def built() -> Workflow[Inner]:
    """Put the workflow inside together."""
    return Workflow(state=Inner).register(Inner.IN, work).add_exit_state(Inner.OK).add_exit_state(Inner.BAD)


def around() -> Workflow[Outer]:
    """Begin the workflow around."""
    return Workflow(state=Outer).add_exit_state(Outer.DONE)


def test_without_to_it_gives_states_of_its_own() -> None:
    """The exit state is the result, so the task is one of the states inside."""
    assert_type(built().as_task(Inner.IN), SubWorkflow[Inner])
    assert_type(built().as_task(Inner.IN, resources={}), SubWorkflow[Inner])


async def test_to_says_which_states_it_gives() -> None:
    """One state, or a dict from states inside to states around: the task is one of the states around."""
    one = built().as_task(Inner.IN, to=Outer.DONE)
    table = {Inner.OK: Outer.DONE, Inner.BAD: Outer.FIRST}
    several = built().as_task(Inner.IN, to=table)
    assert_type(several, SubWorkflow[Outer])
    assert_type(around().register(Outer.FIRST, one), Workflow[Outer])
    assert_type(await around().register(Outer.FIRST, several).orchestrate(Outer.FIRST), Outer)
    written_there = built().as_task(Inner.IN, to={Inner.OK: Outer.DONE, Inner.BAD: Outer.FIRST})
    assert_type(written_there, SubWorkflow[Outer])


def test_any_workflow_is_a_branch() -> None:
    """A branch may give anything."""
    sub = built().as_task(Inner.IN)
    assert_type(around().register_split(Outer.FIRST, [sub, Branch(sub, timeout=3)], to=Outer.DONE), Workflow[Outer])


def test_a_workflow_without_a_class_of_states() -> None:
    """Such a one promises nothing."""
    sub = Workflow().register("in", work).add_exit_state(Inner.OK).add_exit_state(Inner.BAD).as_task("in")
    assert_type(sub, SubWorkflow[Any])


def test_states_of_the_wrong_workflow_are_refused() -> None:
    """A start of another class, a dict from states of another class, and a result of another class."""
    with pytest.raises(StateUnknown):
        built().as_task(Outer.FIRST, to=Outer.DONE)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    with pytest.raises(TaskInvalid):
        built().as_task(Inner.IN, to={Outer.DONE: Inner.OK})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    with pytest.raises(TaskInvalid):
        around().register(Outer.FIRST, built().as_task(Inner.IN))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TaskInvalid):
        around().register(Outer.FIRST, built().as_task(Inner.IN, to=Inner.OK))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_workflow_itself_is_no_task() -> None:
    """Neither checker takes it for one."""
    with pytest.raises(TaskInvalid):
        around().register(Outer.FIRST, built())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_list_is_no_state() -> None:
    """``to=`` is one state, or a dict."""
    with pytest.raises(TaskInvalid):
        built().as_task(Inner.IN, to=[Outer.DONE])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
