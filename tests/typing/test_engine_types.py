"""What type checkers infer from resources, tasks and workflows, and what they refuse; each line also runs.

As in ``test_store_types.py``, an ignore comment on a line that would pass is an error.
"""

from collections.abc import Hashable
from enum import Enum, auto
from typing import Any, Literal, assert_type

import pytest

from cano.errors import CanoError, ResourceNotFound, ResourceTypeMismatch, StateInvalid, TaskInvalid
from cano.resources import HealthStatus, Resources, per_run
from cano.store import MemoryStore
from cano.tasks import TaskResult, task
from cano.workflow import Graph, RunReport, Step, Workflow


class Stage(Enum):
    """The states of the workflows below."""

    FIRST = auto()
    SECOND = auto()
    DONE = auto()


class Other(Enum):
    """States of no workflow below."""

    LOST = auto()


@task
async def first(store: MemoryStore) -> Literal[Stage.SECOND]:
    """Name the next state in the annotation."""
    store.put("seen", ["first"])
    return Stage.SECOND


@task(to=Stage.DONE)
async def second(store: MemoryStore) -> Stage:
    """Name the next state in the decorator."""
    store.append("seen", "second")
    return Stage.DONE


@task(state=Stage)
class Wrapped:
    """A task in a class, with the container, and a wrapped result."""

    async def run(self, res: Resources) -> TaskResult[Stage]:
        """Go to the end."""
        assert_type(res.get("store", MemoryStore), MemoryStore)
        return TaskResult.single(Stage.DONE)


@task(blocking=True)
def plain(store: MemoryStore) -> Literal[Stage.DONE]:
    """Run in a thread."""
    store.put("seen", ["plain"])
    return Stage.DONE


def built() -> Workflow[Stage]:
    """Put a workflow together in one expression."""
    return (
        Workflow(Resources({"store": MemoryStore()}), state=Stage)
        .register(Stage.FIRST, first)
        .register(Stage.SECOND, second)
        .add_exit_state(Stage.DONE)
    )


async def test_a_run_returns_a_state_of_the_workflow() -> None:
    """The class of the states, given once, is the type of what runs return and of what they report."""
    workflow = built()
    assert_type(workflow, Workflow[Stage])
    assert_type(await workflow.orchestrate(Stage.FIRST), Stage)
    report = await workflow.run(Stage.FIRST)
    assert_type(report, RunReport[Stage])
    assert_type(report.state, Stage)
    assert_type(report.path, tuple[Step[Stage], ...])
    assert_type(report.path[0].seconds, float)
    assert_type(workflow.graph, Graph[Stage])


def test_the_synchronous_twin_returns_the_same_type() -> None:
    """``orchestrate_sync`` is typed as ``orchestrate`` is, without the await."""
    assert_type(built().orchestrate_sync(Stage.FIRST), Stage)


async def test_a_decorated_function_keeps_its_own_type() -> None:
    """``@task`` gives back what it was given: it can be called in a test, with checked arguments."""
    store = MemoryStore()
    assert_type(await first(store), Literal[Stage.SECOND])
    assert_type(await second(store), Stage)
    assert_type(plain(store), Literal[Stage.DONE])
    assert_type(Wrapped(), Wrapped)
    with pytest.raises(AttributeError):
        await first(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_every_kind_of_task_can_be_registered() -> None:
    """Async functions, plain ones with ``blocking``, and objects with ``run`` are all of the one type that ``register`` takes."""
    for each in (second, plain):
        assert_type(
            Workflow(state=Stage, resources=Resources({"store": MemoryStore()})).register(Stage.FIRST, each), Workflow[Stage]
        )
    workflow = Workflow(Resources({"store": MemoryStore()}), state=Stage)
    assert_type(workflow.register(Stage.FIRST, Wrapped()), Workflow[Stage])


@task(state=Stage, blocking=True, inputs="store", output="total", to=Stage.DONE)
def total(numbers: list[int]) -> int:
    """Return a value, and no state."""
    return sum(numbers)


def test_a_pure_function_can_be_registered_and_called() -> None:
    """Its value is no state, which is no fault; its parameters are checked as ever."""
    assert Workflow(Resources({"store": MemoryStore()}), state=Stage).register(Stage.FIRST, total) is not None
    assert total([1, 2]) == 3
    with pytest.raises(TypeError):
        total(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_resource_is_of_the_type_that_was_asked_for() -> None:
    """``Resources.get`` infers from the class in the call, and promises nothing without one."""
    resources = Resources({"store": MemoryStore(), "limit": 3}).insert("name", "n")
    assert_type(resources, Resources)
    assert_type(resources.get("store", MemoryStore), MemoryStore)
    assert_type(resources.get("limit", int), int)
    assert_type(resources.get("limit"), Any)
    assert_type(resources["limit"], Any)
    assert_type("limit" in resources, bool)


async def test_health_is_typed() -> None:
    """Each resource answers with a status."""
    for status in (await Resources({"limit": 3}).check_all_health()).values():
        assert_type(status, HealthStatus)


def test_a_state_of_another_class_is_refused() -> None:
    """A start, a registration and an exit of other states fail for both checkers and when they run."""
    workflow = Workflow(Resources({"store": MemoryStore()}), state=Stage)
    with pytest.raises(StateInvalid):
        workflow.register(Other.LOST, first)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(StateInvalid):
        workflow.add_exit_state(Other.LOST)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(CanoError):
        built().orchestrate_sync(Other.LOST)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_task_that_leads_to_other_states_is_refused() -> None:
    """A task whose result is no state of the workflow fails for both checkers and when it is registered."""

    async def lost() -> Literal[Other.LOST]:
        return Other.LOST

    with pytest.raises(TaskInvalid):
        Workflow(state=Stage).register(Stage.FIRST, lost)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_what_is_no_task_is_refused() -> None:
    """Neither a number nor an object without ``run`` can be registered."""
    with pytest.raises(TaskInvalid):
        Workflow(state=Stage).register(Stage.FIRST, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TaskInvalid):
        Workflow(state=Stage).register(Stage.FIRST, object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_result_cannot_be_taken_for_another_type() -> None:
    """What a run or a resource gives cannot be assigned to something else."""
    resources = Resources({"store": MemoryStore(), "limit": 3})
    text: str = resources.get("limit", int)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    end: Other = built().orchestrate_sync(Stage.FIRST)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert isinstance(text, int)
    assert isinstance(end, Stage)


def test_facts_of_an_error_are_typed() -> None:
    """Who catches an error of the resources reads its facts without a cast."""
    resources = Resources({"limit": 3})
    with pytest.raises(ResourceNotFound) as missing:
        resources.get("absent", int)
    assert_type(missing.value.key, Hashable)
    assert_type(missing.value.known, tuple[Hashable, ...])
    with pytest.raises(ResourceTypeMismatch) as other:
        resources.get("limit", str)
    assert_type(other.value.found, type)


def test_a_recipe_takes_a_callable() -> None:
    """A value that is no callable is no recipe, for both checkers and when it runs."""
    assert per_run(MemoryStore) is not None
    with pytest.raises(TypeError):
        per_run(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
