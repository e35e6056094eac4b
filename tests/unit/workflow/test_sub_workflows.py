"""A workflow is a task of another one: where its exit states lead, and what is refused (engine 15)."""

import asyncio
import pickle
import threading
from enum import Enum
from functools import partial
from typing import Any, Literal

import pytest

from cano.errors import StateInvalid, StateUnknown, TargetUndeclared, TaskInvalid, WorkflowFrozen, WorkflowInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.tasks import SplitResult, task
from cano.workflow import Branch, Join, SubWorkflow, Workflow
from tests.unit.stages import Plain, Stage, going, single
from tests.unit.sub_workflows import Inner, Told, around, child, inside, ok


def ending(*ways: Inner) -> Any:
    """Make a task that ends in each of these in turn."""
    left = iter(ways)

    async def end() -> Inner:
        return next(left)

    return end


async def test_each_exit_state_leads_where_the_dict_says() -> None:
    """``to=`` with a dict: the state of the workflow around is that of the exit state which the run inside has reached."""
    sub = child(ending(Inner.BAD, Inner.BAD, Inner.OK), exits=(Inner.OK, Inner.BAD)).as_task(
        Inner.IN, to={Inner.OK: Stage.DONE, Inner.BAD: Stage.B}
    )
    made = Workflow(state=Stage).register(Stage.A, sub).register(Stage.B, going(Stage.A)).add_exit_state(Stage.DONE)
    report = await made.run(Stage.A)
    assert [step.state for step in report.path] == [Stage.A, Stage.B, Stage.A, Stage.B, Stage.A, Stage.DONE]
    assert set(made.graph.edges) == {(Stage.A, Stage.B), (Stage.A, Stage.DONE), (Stage.B, Stage.A)}


async def test_one_state_for_all_exit_states() -> None:
    """``to=`` with a state: that comes next, however the run inside ends."""
    for way in (Inner.OK, Inner.BAD):
        sub = child(ending(way), exits=(Inner.OK, Inner.BAD)).as_task(Inner.IN, to=Stage.DONE)
        assert await around(sub).orchestrate(Stage.A) is Stage.DONE


async def test_without_to_the_exit_state_is_the_result() -> None:
    """A workflow of the same states needs no ``to=``; a state of the one around may be an exit of the other."""
    sub = Workflow(state=Stage).register(Stage.C, going(Stage.B)).add_exit_state(Stage.B).as_task(Stage.C)
    made = Workflow(state=Stage).register(Stage.A, sub).register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
    report = await made.run(Stage.A)
    assert [step.state for step in report.path] == [Stage.A, Stage.B, Stage.DONE]


@pytest.mark.parametrize("way", [Stage.B, Stage.DONE])
async def test_without_to_each_exit_state_is_its_own(way: Stage) -> None:
    """Of several, it is the one that the run inside has reached."""
    made = Workflow(state=Stage).register(Stage.C, task(to=(Stage.B, Stage.DONE))(going(way)))
    sub = made.add_exit_state(Stage.B).add_exit_state(Stage.DONE).as_task(Stage.C)
    outer = Workflow(state=Stage).register(Stage.A, sub).register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
    path = [step.state for step in (await outer.run(Stage.A)).path]
    assert path == [Stage.A, *dict.fromkeys([way, Stage.DONE])]


async def test_states_need_no_class() -> None:
    """Strings, numbers and equal states of other types work as anywhere: ``True`` is ``1``."""
    sub = Workflow().register("in", going(True)).add_exit_state(1).as_task("in", to={True: "end"})
    assert await Workflow().register("a", sub).add_exit_state("end").orchestrate("a") == "end"


async def test_a_start_that_is_an_exit_state() -> None:
    """The run inside is over at once."""
    assert await around(child(ok).as_task(Inner.OK, to=Stage.DONE)).orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ({Inner.OK: Stage.DONE}, r"Inner cannot be a task: it may end in Inner\.BAD, and to= does not say what comes next"),
        ({}, r"it may end in Inner\.OK"),
        (
            {Inner.OK: Stage.DONE, Inner.BAD: Stage.DONE, Inner.MORE: Stage.DONE},
            r"to= says what comes after Inner\.MORE, and its exit states are OK, BAD",
        ),
        ({Stage.DONE: Inner.OK}, r"what comes after Stage\.DONE, and"),
        ({Inner.OK: Stage.DONE, Inner.BAD: None}, r"to= names None, which is no state"),
        ({Inner.OK: Stage.DONE, Inner.BAD: Stage}, r"to= names .*Stage, which is no state"),
        ([Stage.A, Stage.B], r"to= names something that is no state: .*unhashable"),
        ({Inner.OK: Stage.DONE, Inner.BAD: [Stage.DONE]}, r"to= names something that is no state: .*unhashable"),
    ],
)
def test_a_mapping_that_is_none_is_refused(to: Any, text: str) -> None:
    """An exit state that ``to=`` leaves out, a key that is none, and what cannot be a state: errors at ``as_task``."""
    made = child(ok, exits=(Inner.OK, Inner.BAD))
    with pytest.raises(TaskInvalid, match=text):
        made.as_task(Inner.IN, to=to)


@pytest.mark.parametrize("to", [None, Inner.OK, {Inner.OK: "DONE"}])
def test_states_of_another_class_are_refused_at_registration(to: Any) -> None:
    """Where the states of the workflow around have a class, what comes next is of it; the error says what to write."""
    sub = child(ok).as_task(Inner.IN, to=to)
    with pytest.raises(TaskInvalid, match=r"it goes to .*, and the states are .*Stage; say where .* leads, as_task\(to=\.\.\.\)"):
        Workflow(state=Stage).register(Stage.A, sub)


def test_targets_are_validated_as_those_of_any_task() -> None:
    """A state that has no task and is no exit is named before anything runs, with the workflow inside as the task."""
    sub = child(ok).as_task(Inner.IN, to=Stage.B)
    made = Workflow(state=Stage).register(Stage.A, sub).add_exit_state(Stage.DONE)
    with pytest.raises(WorkflowInvalid, match="Inner, the task of A, may go to B, which has no task"):
        made.validate()
    with pytest.raises(WorkflowInvalid, match="C"):  # and what nobody leads to
        around(inside(ok)).register(Stage.C, going(Stage.DONE)).validate(Stage.A)


def test_a_workflow_that_is_not_finished_is_no_task_yet() -> None:
    """What is wrong with it is said by ``as_task``, and an unknown start is, too."""
    with pytest.raises(WorkflowInvalid, match="there is no exit state"):
        Workflow(state=Inner).register(Inner.IN, ok).as_task(Inner.IN, to=Stage.DONE)
    with pytest.raises(WorkflowInvalid, match="MORE, which has no task"):
        child(going(Inner.MORE)).as_task(Inner.IN, to=Stage.DONE)
    with pytest.raises(StateUnknown, match="MORE"):
        child(ok).as_task(Inner.MORE, to=Stage.DONE)
    with pytest.raises(StateUnknown):
        child(ok).as_task([], to=Stage.DONE)


@pytest.mark.parametrize("to", [None, Stage.DONE])
async def test_an_exit_state_that_comes_too_late(to: Any) -> None:
    """The exit states count that there were at ``as_task``; one that is added later, and reached, is an error that names it."""
    made = child(ending(Inner.BAD))
    sub = made.as_task(Inner.IN, to=to)
    made.add_exit_state(Inner.BAD)
    outer = Workflow().register(Stage.A, sub).add_exit_state(Stage.DONE).add_exit_state(Inner.OK)
    with pytest.raises(TargetUndeclared, match="Inner named BAD as the next state, but declares only OK"):
        await outer.orchestrate(Stage.A)


async def test_what_is_added_later_counts() -> None:
    """Until it first runs, the workflow inside can be put together further; its first run inside freezes it."""
    made = child(task(to=(Inner.OK,))(ok))
    outer = around(made.as_task(Inner.IN, to=Stage.DONE))
    made.register(Inner.MORE, going(Inner.OK)).add_start_state(Inner.IN).add_start_state(Inner.MORE)
    assert await outer.orchestrate(Stage.A) is Stage.DONE
    with pytest.raises(WorkflowFrozen):
        made.add_exit_state(Inner.BAD)
    assert await around(made.as_task(Inner.MORE, to=Stage.DONE)).orchestrate(Stage.A) is Stage.DONE  # frozen, and a task


def registered(sub: Any, way: str, log: Told) -> Workflow[Any]:
    """Make a workflow whose second state is this one, or a split with it."""
    made = Workflow(state=Stage, observers=[log]).register(Stage.A, going(Stage.B)).add_exit_state(Stage.DONE)
    return made.register(Stage.B, sub) if way == "task" else made.register_split(Stage.B, [sub], to=Stage.DONE)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("way", ["task", "branch"])
async def test_a_workflow_that_became_invalid(depth: int, way: str) -> None:
    """It is looked at when it is registered, and before the first run around it begins, at any depth; the error names it."""
    made = child(ok, name="made")
    sub: Any = made.as_task(Inner.IN, to=Stage.DONE)
    if depth == 2:
        sub = around(sub, name="middle").as_task(Stage.A, to=Stage.DONE)
    log = Told()
    outer = registered(sub, way, log)
    made.register(Inner.MORE, going(Inner.BAD))
    with pytest.raises(TaskInvalid, match=r"(?s)made cannot be a task: .*BAD") as caught:
        registered(sub, way, log)
    assert caught.value.task == {1: "made", 2: "middle"}[depth]
    with pytest.raises(TaskInvalid, match=r"(?s)made cannot be a task: .*BAD"):
        outer.validate(Stage.A)
    with pytest.raises(TaskInvalid, match=r"(?s)made cannot be a task: .*BAD"):
        await outer.orchestrate(Stage.A)
    assert log.events == []
    made.add_exit_state(Inner.BAD).add_start_state(Inner.IN).add_start_state(Inner.MORE)
    assert await outer.orchestrate(Stage.A) is Stage.DONE


async def test_a_task_that_asks_for_a_token_and_comes_late() -> None:
    """It gets the token of the run around, which has one for it."""
    given: list[CancellationToken] = []

    async def asks(token: CancellationToken) -> Inner:
        given.append(token)
        return Inner.OK

    made = child(ending(Inner.MORE, Inner.MORE))
    outer = Workflow(state=Stage)
    for state, to in ((Stage.A, Stage.B), (Stage.B, Stage.DONE)):
        outer.register(state, made.as_task(Inner.IN, to=to))
    outer.add_exit_state(Stage.DONE)
    made.register(Inner.MORE, asks)
    await outer.orchestrate(Stage.A)
    assert given[0] is given[1]


@pytest.mark.parametrize(
    "register",
    [
        lambda made, sub: made.register(Stage.A, sub),
        lambda made, sub: made.register_split(Stage.A, [sub], to=Stage.B),
        lambda made, sub: made.register_split(Stage.A, [ok, Branch(sub, timeout=3)], to=Stage.B),
    ],
)
@pytest.mark.parametrize("state", [Stage, None])
def test_a_workflow_itself_is_refused(register: Any, state: Any) -> None:
    """In the place of a task or a branch, a workflow is an error that says how it becomes one."""

    class Own(Workflow[Any]):
        pass

    for kind in (Workflow, Own):
        with pytest.raises(TaskInvalid, match=r"a workflow becomes a task by as_task: .*workflow\.as_task\(start, to="):
            register(Workflow(state=state), kind(state=Inner).register(Inner.IN, ok).add_exit_state(Inner.OK))


class Able(Enum):
    """States that could be taken for tasks: they can be called, and run."""

    A = 1
    DONE = 2

    def __call__(self) -> None:
        """Do nothing."""

    def run(self) -> None:
        """Do nothing."""


async def test_states_that_look_like_tasks() -> None:
    """They are states all the same; a state and a task in each other's place are refused."""
    sub = child(ok).as_task(Inner.IN, to=Able.DONE)
    assert await Workflow(state=Able).register(Able.A, sub).add_exit_state(Able.DONE).orchestrate(Able.A) is Able.DONE
    with pytest.raises((TaskInvalid, StateInvalid)):
        Workflow(state=Stage).register(inside(ok), Stage.A)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TaskInvalid, match="register_split"):
        Workflow(state=Stage).register(Stage.A, [inside(ok)])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_in_many_places() -> None:
    """One workflow at two states of another one, and in two others, one task or several: each is a run of its own."""
    count = 0

    async def counted() -> Inner:
        nonlocal count
        count += 1
        return Inner.OK

    made = child(counted)
    first, second = made.as_task(Inner.IN, to=Stage.B), made.as_task(Inner.IN, to=Stage.DONE)
    outer = Workflow(state=Stage).register(Stage.A, first).register(Stage.B, second).add_exit_state(Stage.DONE)
    other = around(second)
    await asyncio.gather(*(each.orchestrate(Stage.A) for each in (outer, other, outer)))
    await made.orchestrate(Inner.IN)
    assert count == 6


JOINS = [
    (Join.all(), False),
    (Join.any(), True),
    (Join.quorum(2), False),
    (Join.percentage(0.6), False),
    (Join.partial_results(1), True),
]


@pytest.mark.parametrize(("join", "fails"), JOINS)
async def test_as_a_branch(join: Join, fails: bool) -> None:
    """A workflow is a branch of a split under each strategy; its exit state, or what ``to=`` makes of it, is the branch's value."""
    results: list[SplitResult[Any]] = []

    async def joined(result: SplitResult[Any]) -> Stage:
        results.append(result)
        return Stage.DONE

    async def broken() -> Inner:
        raise OSError

    made = child(ok, exits=(Inner.OK, Inner.BAD))
    second = child(broken) if fails else made
    branches = [made.as_task(Inner.IN), Branch(second.as_task(Inner.IN, to="other"), timeout=60)]
    await (
        Workflow(state=Stage)
        .register_split(Stage.A, branches, to=Stage.B, join=join)
        .register(Stage.B, joined)
        .add_exit_state(Stage.DONE)
        .orchestrate(Stage.A)
    )
    assert results[0].values == ((Inner.OK,) if fails else (Inner.OK, "other"))


async def test_a_split_inside_a_branch() -> None:
    """Each has its own result, and the join state of each gets that of its own run."""
    seen: list[Any] = []

    def split(state: Any, join: Any, end: Any, branches: Any) -> Workflow[Any]:
        async def joined(result: SplitResult[Any]) -> Any:
            seen.append(result.values)
            return end

        return Workflow().register_split(state, branches, to=join, join=Join.all()).register(join, joined).add_exit_state(end)

    async def value(number: int) -> int:
        await asyncio.sleep(0)
        return number

    within = split("in", "joined", "out", [partial(value, 1), partial(value, 2)])
    await split(Stage.A, Stage.B, Stage.DONE, [within.as_task("in"), partial(value, 3)]).orchestrate(Stage.A)
    assert seen == [(1, 2), ("out", 3)]


async def test_a_workflow_that_is_its_own_task() -> None:
    """It can be if it could run before it gets that task, because the one before may go anywhere: each is a run of its own."""
    told = Told()
    left = iter(range(4))

    async def deeper() -> Stage:
        return Stage.DONE if next(left, None) is None else Stage.B

    made = Workflow(state=Stage, observers=[told]).register(Stage.A, deeper).add_exit_state(Stage.DONE)
    made.register(Stage.B, made.as_task(Stage.A, to=Stage.DONE))
    assert await made.orchestrate(Stage.A) is Stage.DONE
    ids = [run.run_id for run in told.runs]
    assert [run.parent_id for run in told.runs] == [None, *ids[:4]]
    assert [event[0] for event in told.events].count("run end") == 5


async def test_a_workflow_that_runs_itself() -> None:
    """By hand, where an unfinished workflow is no task: to a depth of its own choice, and then back out of all runs."""
    log: list[int] = []

    async def deeper(depth: int) -> Literal[Stage.DONE]:
        log.append(depth)
        if depth < 10:
            await made.orchestrate(Stage.A, resources={"depth": depth + 1})
            log.append(-depth)
        return Stage.DONE

    made: Workflow[Any] = single(deeper, Resources({"depth": 0, "plain": Plain("p", [])}))
    with pytest.raises(WorkflowInvalid):
        Workflow(state=Stage).register(Stage.A, going(Stage.B)).add_exit_state(Stage.DONE).as_task(Stage.A)
    await made.orchestrate(Stage.A)
    assert log == [*range(11), *(-depth for depth in reversed(range(10)))]


@pytest.mark.unobserved  # where no call can be made any more, none of a hook can either
async def test_without_an_end_it_is_an_error_of_python() -> None:
    """A workflow that runs itself for ever ends in a RecursionError, and all that was set up on the way is down."""
    log: list[str] = []

    async def deeper() -> Stage:
        return await made.orchestrate(Stage.A)  # type: ignore[no-any-return]

    made: Workflow[Any] = single(deeper, Resources({"plain": Plain("p", log)}))
    with pytest.raises(RecursionError):
        await made.orchestrate(Stage.A)
    assert log == ["up p", "down p"]


def test_event_loops_one_after_another_and_at_once() -> None:
    """Without shared resources that have a life cycle, runs in several loops at once go through one workflow inside."""
    outer = around(inside(ok))
    for _ in range(3):
        assert outer.orchestrate_sync(Stage.A) is Stage.DONE
    ended: list[Any] = []
    threads = [threading.Thread(target=lambda: ended.append(outer.orchestrate_sync(Stage.A))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert ended == [Stage.DONE] * 8


def test_what_as_task_returns() -> None:
    """It shows its name, is a value that can be hashed, cannot be changed, and is as little to be pickled as a workflow."""
    sub = child(ok, name="import").as_task(Inner.IN, to=Stage.DONE)
    assert isinstance(sub, SubWorkflow)
    assert repr(sub) == "<workflow import as a task>"
    assert {sub: 1}[sub] == 1
    with pytest.raises(AttributeError):
        sub._spec = None  # type: ignore[misc,assignment]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(sub)
    assert around(sub, name="outer").name == "outer"
