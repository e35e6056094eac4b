"""What can be a state, and how states are told apart (engine 1)."""

import asyncio
from enum import Enum, Flag, IntEnum, auto
from typing import Any, Literal, Protocol, TypedDict

import pytest

from cano.errors import StateDuplicate, StateInvalid, StateUnknown, TaskInvalid, WorkflowInvalid
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single


class Other(Enum):
    """States with a label that Stage has, too."""

    A = auto()


def invalid(workflow: Workflow[Any], start: Any = None) -> tuple[str, ...]:
    """Return what is wrong with the workflow."""
    with pytest.raises(WorkflowInvalid) as caught:
        workflow.validate(start)
    return caught.value.problems


class Number(IntEnum):
    """States that equal numbers."""

    ONE = 1


@pytest.mark.parametrize(("first", "second"), [(Stage.A, Stage.A), (1, True), (1, Number.ONE), ("a", "a"), (("a", 1), ("a", 1))])
def test_a_state_twice_is_refused(first: Any, second: Any) -> None:
    """Equal values are one state, and a second task for it names the first (engine 1, 4)."""
    workflow = Workflow().register(first, going("x"))
    with pytest.raises(StateDuplicate, match=r"is registered already, for going.*step|for step") as caught:
        workflow.register(second, going("y"))
    assert caught.value.task == "step"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("state", "says"),
    [([], "hashable"), ({"a": 1}, "hashable"), (None, "forgets its return"), (Stage, "it is the enum itself; name a member")],
)
@pytest.mark.parametrize("action", ["register", "add_exit_state", "add_start_state"])
def test_what_cannot_be_a_state_is_refused(action: str, state: Any, says: str) -> None:
    """Unhashable values, None and an enum as a whole are no states."""
    arguments = (going("x"),) if action == "register" else ()
    with pytest.raises(StateInvalid, match=says):
        getattr(Workflow(), action)(state, *arguments)


@pytest.mark.parametrize("state", ["A", 1, Other.A])
def test_a_state_of_another_class_is_refused(state: Any) -> None:
    """With ``state=`` given, all states are of that class."""
    with pytest.raises(StateInvalid, match=r"the states are .*Stage, and this is a"):
        Workflow(state=Stage).add_exit_state(state)


class Described(TypedDict):
    """A type that no value is an instance of."""

    name: str


class Shaped(Protocol):
    """A type that cannot be asked about a value."""

    name: str


@pytest.mark.parametrize("state", ["Stage", Literal[Stage.A, Stage.B], Stage.A, 3, Stage | Other, list[int], Described, Shaped])
@pytest.mark.parametrize("make", [Workflow, task])
def test_what_is_no_class_of_states_is_refused(make: Any, state: Any) -> None:
    """``state=`` of a workflow and of a decorator is a class whose instances can be told (engine 1, 3)."""
    with pytest.raises(TypeError, match="state="):
        make(state=state)


def test_labels_are_unique() -> None:
    """Two states with one label cannot be told apart in errors and pictures (engine 1)."""
    workflow = Workflow().register(Stage.A, going(Other.A)).register(Other.A, going("A")).add_exit_state("A")
    assert invalid(workflow) == ("3 states have the label A: Stage.A, Other.A, 'A'",)


async def test_equal_labels_are_told_apart() -> None:
    """Where an unknown state has the label of a known one, errors write both with their types, and no such hint (engine 1)."""
    workflow = single(going(Stage.DONE))
    text = Workflow().register("1", going("end")).add_exit_state("end")
    clone: Any = Enum("Stage", ["A", "DONE"], module="elsewhere")  # type: ignore[misc]
    for unknown, says in (
        (Other.A, "no state Other.A to start in; it has Stage.A, Stage.DONE"),
        ("A", "no state 'A' to start in; it has Stage.A, Stage.DONE"),
        (clone.A, "no state elsewhere.Stage.A to start in; it has tests.unit.stages.Stage.A, tests.unit.stages.Stage.DONE"),
    ):
        for ask in (workflow.validate, workflow.orchestrate_sync) if unknown == "A" else (workflow.validate,):
            with pytest.raises(StateUnknown, match="to start in") as caught:
                await asyncio.to_thread(ask, unknown)
            assert str(caught.value).removeprefix("the workflow has ") in (says, says.replace("it has", "did you mean"))
    await text.orchestrate("1")
    with pytest.raises(StateUnknown, match="no state 1 to start in; it has '1', 'end'"):
        await text.orchestrate(1)  # type: ignore[arg-type]
    assert invalid(Workflow().register(Stage.A, going(Other.A)).add_exit_state(Stage.DONE)) == (
        "step, the task of A, may go to Other.A, which has no task and is no exit state",
    )
    assert invalid(Workflow().register("A", going("B")).add_exit_state("B").add_start_state(Stage.A)) == (
        "Stage.A is a start state that has no task and is no exit state",
    )


class Hostile:
    """A state one of whose methods raises."""

    def __init__(self, method: str) -> None:
        self.method = method

    def _ask(self, method: str) -> None:
        if method == self.method:
            raise ZeroDivisionError("hostile")

    def __hash__(self) -> int:
        self._ask("hash")
        return hash("A")

    def __eq__(self, other: object) -> bool:
        self._ask("eq")
        return self is other

    def __str__(self) -> str:
        self._ask("str")
        return "hostile"

    @property
    def __class__(self) -> Any:
        self._ask("class")
        return Hostile


@pytest.mark.parametrize("method", ["hash", "eq", "str", "class"])
@pytest.mark.parametrize("action", ["register", "add_exit_state", "add_start_state"])
def test_a_hostile_state_is_refused(action: str, method: str) -> None:
    """A state whose hash, comparison, text or class raises is refused where it is named, whatever it raises (engine 1)."""
    arguments = (going("x"),) if action == "register" else ()
    workflow = Workflow().register("A", going("end")).add_exit_state("end")
    with pytest.raises(StateInvalid, match="hostile; a state"):
        getattr(workflow, action)(Hostile(method), *arguments)
    assert workflow.orchestrate_sync("A") == "end"


@pytest.mark.parametrize("method", ["hash", "eq", "str", "class"])
def test_a_hostile_start_is_unknown(method: str) -> None:
    """A run that is to start in such a thing is refused, before the first run and after it."""
    workflow: Workflow[Any] = Workflow().register("A", going("end")).add_exit_state("end")
    for ask in (workflow.validate, workflow.orchestrate_sync, workflow.orchestrate_sync):
        with pytest.raises(StateUnknown, match="no state "):
            ask(Hostile(method))
        workflow.orchestrate_sync("A")


@pytest.mark.parametrize("method", ["hash", "eq", "str"])
def test_a_hostile_target_is_refused(method: str) -> None:
    """``to=`` names no such thing, or the workflow says that it has no task."""
    with pytest.raises((TaskInvalid, WorkflowInvalid), match=r"no state|no task"):
        Workflow().register("A", task(to=(Hostile(method), "A"))(going("A"))).add_exit_state("end").validate()


def test_a_flag_without_bits_has_a_label() -> None:
    """The empty value of a flag is a state like its other values, though it has no name."""

    class Bits(Flag):
        ONE = 1

    workflow = Workflow(state=Bits).register(Bits(0), going(Bits.ONE)).add_exit_state(Bits.ONE)
    assert workflow.orchestrate_sync(Bits(0)) is Bits.ONE
    assert "0" in workflow.run_sync(Bits(0)).path[0].label
