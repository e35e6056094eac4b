"""Putting a workflow together, and what is refused then (engine 1, 3, 4, WF-4, WF-10 to WF-13)."""

import threading
from enum import Enum, auto
from typing import Any, Literal, NoReturn

import pytest

from cano.errors import StateUnknown, TaskInvalid, WorkflowFrozen, WorkflowInvalid
from cano.resources import Resources
from cano.tasks import task
from cano.workflow import Graph, Workflow
from cano.workflow._plan import Plan
from tests.unit.stages import Stage, going, single


class Other(Enum):
    """States with a label that Stage has, too."""

    A = auto()


def test_the_builder_returns_itself() -> None:
    """Every call that puts something in returns the workflow."""
    workflow = Workflow(state=Stage)
    assert workflow.register(Stage.A, going(Stage.DONE)) is workflow
    assert workflow.add_exit_state(Stage.DONE) is workflow
    assert workflow.add_start_state(Stage.A) is workflow


def test_the_constructor_checks_its_arguments() -> None:
    """A dict instead of resources, and a limit below one, are errors at once."""
    with pytest.raises(TypeError, match=r"resources is a dict; write Workflow\(Resources"):
        Workflow({"a": 1})  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="max_steps is 0"):
        Workflow(max_steps=0)


@pytest.mark.parametrize("limit", [2.5, 10.0, True, "5", float("nan"), -1, 0])
def test_a_limit_that_is_no_count_is_refused(limit: Any) -> None:
    """``max_steps`` is an int of at least 1: no float, no bool, no text (engine 11)."""
    with pytest.raises((TypeError, ValueError), match=rf"max_steps is .*{limit}.*counts tasks") as caught:
        Workflow(max_steps=limit)
    assert type(caught.value) is (ValueError if type(limit) is int else TypeError)


async def test_registering_after_the_first_run_is_refused() -> None:
    """The first run freezes the workflow; a change after that is an error that names it (engine 4)."""
    workflow = single(going(Stage.DONE))
    await workflow.orchestrate(Stage.A)
    with pytest.raises(WorkflowFrozen, match="register B: the workflow is frozen"):
        workflow.register(Stage.B, going(Stage.DONE))
    with pytest.raises(WorkflowFrozen, match="add_exit_state B"):
        workflow.add_exit_state(Stage.B)
    with pytest.raises(WorkflowFrozen, match="add_start_state B"):
        workflow.add_start_state(Stage.B)


async def test_a_run_that_is_refused_freezes_nothing() -> None:
    """A workflow that does not validate can be mended and run (engine 4)."""
    workflow = Workflow(state=Stage).register(Stage.A, going(Stage.B)).add_exit_state(Stage.DONE)
    with pytest.raises(WorkflowInvalid):
        await workflow.orchestrate(Stage.A)
    workflow.register(Stage.B, going(Stage.DONE))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


def test_freezing_happens_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many threads that start the first run at once run on one plan (engine 4)."""
    workflow = single(going(Stage.DONE))
    gate, freezing = threading.Barrier(8), threading.Event()
    ended: list[Any] = []
    plans: list[Plan] = []

    def slowly(*arguments: Any) -> Plan:
        freezing.wait(0.05)  # never set: gives the other threads time to come
        plans.append(Plan(*arguments))
        return plans[-1]

    monkeypatch.setattr("cano.workflow._definition.Plan", slowly)

    def run() -> None:
        gate.wait()
        ended.append(workflow.orchestrate_sync(Stage.A))

    workers = [threading.Thread(target=run) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ended == [Stage.DONE] * 8
    assert len(plans) == 1


def invalid(workflow: Workflow[Any], start: Any = None) -> tuple[str, ...]:
    """Return what is wrong with the workflow."""
    with pytest.raises(WorkflowInvalid) as caught:
        workflow.validate(start)
    return caught.value.problems


def test_nothing_at_all() -> None:
    """A workflow without tasks and exit states says both (WF-10)."""
    assert invalid(Workflow()) == (
        "no state has a task; register one",
        "there is no exit state; add one with add_exit_state",
    )


def test_a_target_without_a_task() -> None:
    """A declared target that is neither registered nor an exit is named, with the task that names it."""
    workflow = Workflow().register("a", going("b")).add_exit_state("end")
    assert invalid(workflow) == ("step, the task of a, may go to b, which has no task and is no exit state",)


def test_no_way_to_an_exit() -> None:
    """States from which no exit can be reached are named, though others can reach one."""
    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, task(to=(Stage.B, Stage.DONE))(going(Stage.B)))
        .register(Stage.B, going(Stage.C))
        .register(Stage.C, going(Stage.B))
        .add_exit_state(Stage.DONE)
    )
    assert invalid(workflow) == ("no exit state can be reached from B, C",)


def test_an_unreachable_state() -> None:
    """A state that no run from the start can enter is an error of the run, before any task."""
    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, going(Stage.DONE))
        .register(Stage.B, going(Stage.C))
        .register(Stage.C, going(Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    workflow.validate()
    assert invalid(workflow, Stage.A) == (
        "a run that starts in A cannot reach B, C; if others start there, say so with add_start_state",
    )
    with pytest.raises(WorkflowInvalid, match="cannot reach B, C"):
        workflow.orchestrate_sync(Stage.A)
    workflow.add_start_state(Stage.A).add_start_state(Stage.B)
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE
    assert workflow.orchestrate_sync(Stage.B) is Stage.DONE


def test_a_start_state_that_the_workflow_does_not_have() -> None:
    """A misspelt start state is a problem like a misspelt target, whether a run starts there or not (engine 3)."""
    workflow = Workflow().register("ingest", going("done")).add_exit_state("done").add_start_state("ingets").add_start_state("done")
    problem = "ingets is a start state that has no task and is no exit state; did you mean 'ingest'?"
    assert invalid(workflow) == invalid(workflow, "ingest") == (problem,)
    with pytest.raises(WorkflowInvalid, match="ingets is a start state"):
        workflow.orchestrate_sync("ingest")
    assert workflow.register("ingets", going("done")).orchestrate_sync("ingets") == "done"


def test_a_run_may_begin_in_the_middle() -> None:
    """States before the start are not unreachable for that."""
    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, going(Stage.B))
        .register(Stage.B, going(Stage.C))
        .register(Stage.C, going(Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    for start in (Stage.A, Stage.C, Stage.B):
        assert workflow.orchestrate_sync(start) is Stage.DONE


def test_a_task_that_may_go_anywhere_reaches_everything() -> None:
    """``-> Stage`` reaches every registered and exit state, so nothing is unreachable."""

    async def anywhere() -> Stage:
        return Stage.C

    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, anywhere)
        .register(Stage.B, going(Stage.DONE))
        .register(Stage.C, going(Stage.B))
        .add_exit_state(Stage.DONE)
    )
    assert workflow.orchestrate_sync(Stage.A) is Stage.DONE


def test_a_task_that_always_raises_is_an_end() -> None:
    """A task that declares to return never needs no way to an exit."""

    async def reject() -> NoReturn:
        raise LookupError("rejected")

    workflow = (
        Workflow(state=Stage)
        .register(Stage.A, task(to=(Stage.B, Stage.DONE))(going(Stage.B)))
        .register(Stage.B, reject)
        .add_exit_state(Stage.DONE)
    )
    workflow.validate(Stage.A)


class Step:
    """A class task."""

    async def run(self) -> Any:
        """Never run."""
        raise AssertionError


@pytest.mark.parametrize("run", [going(Stage.DONE), Step()])
@pytest.mark.parametrize("state", ["A", Stage.A, 3, Stage])
@pytest.mark.parametrize("options", [{}, {"state": Stage}])
def test_a_task_before_its_state_is_refused(options: Any, state: Any, run: Any) -> None:
    """The error shows what stands where the task should, and the right order."""
    with pytest.raises(TaskInvalid, match=r"cannot be a task: the state comes first; write register\(.*, (step|Step)\)"):
        Workflow(**options).register(run, state)


def test_what_is_no_task_is_shown() -> None:
    """The error of a task that is none shows the value, not its class alone."""
    with pytest.raises(TaskInvalid, match="'ingest' is neither an async callable"):
        Workflow().register("A", "ingest")  # type: ignore[arg-type]


def test_all_problems_come_at_once() -> None:
    """One error lists every problem, readably."""
    workflow = Workflow().register("a", going("b")).register("c", going("c")).register("d", going("end")).add_exit_state("end")
    with pytest.raises(WorkflowInvalid) as caught:
        workflow.orchestrate_sync("a")
    assert str(caught.value).splitlines()[0] == "the workflow cannot run, 3 problems:"
    assert "may go to b" in str(caught.value)
    assert "no exit state can be reached from c" in str(caught.value)
    assert "cannot reach c, d" in str(caught.value)


async def test_an_unknown_start() -> None:
    """A start that the workflow does not have is an error of every such call, with near misses; an exit is a good start (WF-11)."""
    workflow = Workflow().register("ingest", going("done")).add_exit_state("done")
    for _ in range(2):
        with pytest.raises(StateUnknown, match="no state 'ingets' to start in; did you mean 'ingest'") as caught:
            await workflow.orchestrate("ingets")
        assert caught.value.known == ("ingest", "done")
        assert isinstance(caught.value, LookupError)
    with pytest.raises(StateUnknown):
        await workflow.orchestrate([])  # type: ignore[arg-type]
    with pytest.raises(StateUnknown):
        await workflow.orchestrate(Stage.A)  # type: ignore[arg-type]
    assert await workflow.orchestrate("done") == "done"


async def test_an_exit_state_wins_over_its_task() -> None:
    """A state that is registered and an exit ends the run; its task never runs (WF-4)."""

    async def never() -> Literal["done"]:
        raise AssertionError

    workflow = Workflow().register("a", going("done")).register("done", never).add_exit_state("done").add_exit_state("done")
    assert await workflow.orchestrate("a") == "done"


def test_the_graph_can_be_read() -> None:
    """States, exits and edges, those of a task that may go anywhere included."""

    async def anywhere() -> Stage:
        return Stage.DONE

    workflow = Workflow(state=Stage).register(Stage.A, going(Stage.B)).register(Stage.B, anywhere).add_exit_state(Stage.DONE)
    assert workflow.graph == Graph(
        states=(Stage.A, Stage.B),
        exits=(Stage.DONE,),
        edges=((Stage.A, Stage.B), (Stage.B, Stage.A), (Stage.B, Stage.B), (Stage.B, Stage.DONE)),
    )


def test_a_task_is_checked_before_it_is_registered() -> None:
    """A registration that fails leaves the workflow as it was."""
    workflow = Workflow(Resources(), state=Stage)
    with pytest.raises(TaskInvalid):
        workflow.register(Stage.A, lambda: Stage.DONE)
    assert workflow.graph.states == ()
    workflow.register(Stage.A, going(Stage.DONE))
