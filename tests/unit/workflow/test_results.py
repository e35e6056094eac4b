"""What tasks return: states, and what is refused (engine 3)."""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import pytest

from cano.errors import ResultInvalid, TargetUndeclared, WorkflowError, context_of
from cano.tasks import TaskResult, task
from cano.workflow import Workflow
from tests.unit.stages import Stage, counting, going, single


class Other(Enum):
    """States with a label that Stage has, too."""

    A = 1


@pytest.mark.parametrize("declare", [True, False])
async def test_equal_states_are_one(declare: bool) -> None:
    """A result that equals a state, and is another object, is that state; the run returns the registered one."""
    state = "state " + "x" * 50
    end = ("end", 1)

    async def equal() -> Any:
        return "".join(["state ", "x" * 50])

    async def wrapped() -> Any:
        return TaskResult.single(("end", True))

    workflow = Workflow().add_exit_state(end)
    workflow.register("a", task(to=state)(equal) if declare else equal)
    workflow.register(state, task(to=[end])(wrapped) if declare else wrapped)
    assert await workflow.orchestrate("a") is end


@pytest.mark.parametrize("wrap", [lambda state: state, TaskResult.single])
async def test_an_undeclared_target_is_refused(wrap: Callable[[Any], Any]) -> None:
    """A task that names a state which it did not declare is stopped, though the workflow has the state (engine 3)."""

    async def step() -> Literal[Stage.DONE]:
        return wrap(Stage.B)  # type: ignore[no-any-return]

    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, step)
        .register(Stage.B, task(to=[Stage.A, Stage.DONE])(going(Stage.DONE)))
        .add_start_state(Stage.B)
        .add_exit_state(Stage.DONE)
    )
    with pytest.raises(TargetUndeclared, match="step named B as the next state, but declares only DONE") as caught:
        await workflow.orchestrate(Stage.A)
    assert (caught.value.target, caught.value.declared) == ("B", ("DONE",))
    context = context_of(caught.value)
    assert context is not None
    assert (context.state, context.path) == ("A", ("A",))


async def test_a_state_that_the_workflow_does_not_have() -> None:
    """A task that may go anywhere is stopped at a state without a task, with near misses."""

    async def step() -> Stage:
        return Stage.C

    with pytest.raises(TargetUndeclared, match="step named C as the next state, which has no task and is no exit state"):
        await single(step).orchestrate(Stage.A)
    workflow = Workflow().register("ingest", counting(2, "doen", "ingest")).add_exit_state("done")
    with pytest.raises(TargetUndeclared, match=r"named doen .*; did you mean 'done'"):
        await workflow.orchestrate("ingest")


class HashedOnce:
    """A value whose hash raises, from the second time on."""

    def __init__(self) -> None:
        self.asked = False

    def __hash__(self) -> int:
        if self.asked:
            raise ValueError("no hash")
        self.asked = True
        return 0


class NoClass:
    """A value that does not tell its class."""

    @property
    def __class__(self) -> Any:
        raise ValueError("no class")


class BadHash:
    """A value whose hash raises."""

    def __hash__(self) -> int:
        raise ValueError("no hash")

    def __repr__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ([], r"returned \[\], which is no state: it cannot be looked up \(TypeError\)"),
        ({"a": 1}, "cannot be looked up"),
        (("a", []), "cannot be looked up"),
        (BadHash(), r"returned <BadHash>, which is no state: it cannot be looked up \(ValueError\)"),
        (Other.A, r"returned Other\.A, which is no state: the states are Stage\.A, Stage\.DONE"),
        (None, "returned None, which is no state: a task returns its next state; is a return missing"),
        (TaskResult.single(None), "is a return missing"),
        (7, "returned 7, which is no state: the states are A, DONE"),
        ("A", r"returned 'A', which is no state: the states are Stage\.A, Stage\.DONE"),
        (TaskResult.single(TaskResult.single(Stage.DONE)), "which is no state"),
        ("x" * 1000, "x…"),
    ],
)
async def test_a_result_that_is_no_state(result: Any, says: str) -> None:
    """The error names the task and what it returned; it is a TypeError as well."""

    async def step() -> Any:
        return result

    with pytest.raises(ResultInvalid, match=says) as caught:
        await single(step).orchestrate(Stage.A)
    assert isinstance(caught.value, TypeError | WorkflowError)
    assert caught.value.task == "step"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", [HashedOnce, NoClass])
@pytest.mark.parametrize("declare", [True, False])
async def test_a_hostile_result(declare: bool, kind: type) -> None:
    """A result is hashed inside the same guard each time, and so is asked for its class."""

    async def step() -> Any:
        return kind()

    with pytest.raises(ResultInvalid, match="which is no state"):
        await single(task(to=Stage.DONE)(step) if declare else step).orchestrate(Stage.A)


async def test_a_generator_as_a_result() -> None:
    """A generator of either kind cannot be awaited, so the error does not say to (engine 3)."""

    async def later() -> Any:
        yield Stage.DONE

    def now() -> Any:
        yield Stage.DONE

    for made in (later, now):

        async def step(made: Any = made) -> Any:
            return made()

        with pytest.raises(ResultInvalid, match="it is a generator; iterate over it inside the task and return a state"):
            await single(step).orchestrate(Stage.A)


async def test_a_coroutine_as_a_result_is_closed() -> None:
    """A forgotten await is an error that says so, and no warning comes later."""
    made: list[Any] = []

    async def step() -> Any:
        made.append(going(Stage.DONE)())
        return made[0]

    with pytest.raises(ResultInvalid, match="a coroutine that nobody awaited; await it inside the task"):
        await single(step).orchestrate(Stage.A)
    assert made[0].cr_frame is None

    async def future() -> Any:
        return asyncio.get_running_loop().create_future()

    with pytest.raises(ResultInvalid, match="await it inside the task"):
        await single(future).orchestrate(Stage.A)
