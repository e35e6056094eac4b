"""What observers and streams see of a run inside another one (engine 15)."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from cano._run_id import current_run_id
from cano.ports import Observer, RunEnded, RunInfo, RunStarted, StateEntered, StepInfo, TaskEnded
from cano.resilience import Retry
from cano.resources import Resources, per_run
from cano.workflow import Workflow
from tests.unit.stages import Plain, Stage, going
from tests.unit.sub_workflows import Inner, Told, around, child, inside, ok, raises

TREE = [
    ("run", "Stage"),
    ("state", "Stage", "A"),
    ("task", "Stage", "A", None),
    ("run", "Inner"),
    ("state", "Inner", "IN"),
    ("task", "Inner", "IN", None),
    ("task end", "Inner", "IN", None, "NoneType"),
    ("state", "Inner", "OK"),
    ("run end", "Inner", "OK", "NoneType"),
    ("task end", "Stage", "A", None, "NoneType"),
    ("state", "Stage", "DONE"),
    ("run end", "Stage", "DONE", "NoneType"),
]


async def test_an_observer_of_the_run_around_sees_the_run_inside() -> None:
    """Its events come amid the task, in order, with the id of the run around as ``parent_id``."""
    told = Told()
    await around(inside(ok), observers=[told]).orchestrate(Stage.A)
    assert told.events == TREE
    outer, inner = told.runs
    assert (outer.parent_id, inner.parent_id) == (None, outer.run_id)


async def test_observers_of_both_see_each_event_once() -> None:
    """The same one attached to both is told once; one of the workflow inside sees that alone, also where nobody watches around."""
    both, own = Told(), Told()
    sub = inside(ok, observers=[own, both])
    await around(sub, observers=[both]).orchestrate(Stage.A)
    assert both.events == TREE
    assert own.events == [event for event in TREE if event[1] == "Inner"]
    assert own.runs == [both.runs[1]]
    own.runs.clear()
    report = await around(sub).run(Stage.A)
    assert [each.parent_id for each in own.runs] == [report.run_id]


async def test_those_of_the_workflow_inside_are_told_first() -> None:
    """Of one event, its own observers are told in their order, then those of the workflow around."""
    log: list[str] = []

    class Named(Observer):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_run_start(self, run: RunInfo) -> None:
            log.append(f"{self.name} {run.workflow}")

    sub = inside(ok, observers=[Named("a"), Named("b")])
    await around(sub, observers=[Named("c"), Named("d")]).orchestrate(Stage.A)
    assert log == ["c Stage", "d Stage", "a Inner", "b Inner", "c Inner", "d Inner"]


async def test_an_observer_of_the_workflow_inside_does_not_see_around() -> None:
    """Nor does it see what another run inside the same one does."""
    own = Told()
    outer = (
        Workflow(state=Stage)
        .register(Stage.A, child(ok, observers=[own], name="mine").as_task(Inner.IN, to=Stage.B))
        .register(Stage.B, child(ok, name="other").as_task(Inner.IN, to=Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    await outer.orchestrate(Stage.A)
    assert {event[1] for event in own.events} == {"mine"}


async def test_three_deep_in_one_stream() -> None:
    """A stream of the outermost run shows the whole tree; ids lead from each run to the one around it."""
    middle = child(child(ok, name="low").as_task(Inner.IN), name="middle").as_task(Inner.IN, to=Stage.DONE)
    runs: dict[str, RunInfo] = {}
    events = []
    async with aclosing(around(middle, name="top").stream(Stage.A)) as stream:
        async for event in stream:
            events.append((type(event).__name__, event.run.workflow))
            runs[event.run.workflow] = event.run
    assert runs["low"].parent_id == runs["middle"].run_id
    assert runs["middle"].parent_id == runs["top"].run_id
    assert runs["top"].parent_id is None
    assert [name for kind, name in events if kind == "RunStarted"] == ["top", "middle", "low"]
    assert [name for kind, name in events if kind == "RunEnded"] == ["low", "middle", "top"]


@pytest.mark.parametrize("buffer", [1, 2, 256])
async def test_a_stream_with_little_room(buffer: int) -> None:
    """The run inside, too, waits for a slow reader, and nothing is lost; branches that are workflows are in it."""
    made = child(going(Inner.MORE)).register(Inner.MORE, going(Inner.OK))
    sub = made.as_task(Inner.IN)
    outer = Workflow(state=Stage).register_split(Stage.A, [sub, sub], to=Stage.B)
    outer.register(Stage.B, made.as_task(Inner.IN, to=Stage.DONE)).add_exit_state(Stage.DONE)
    seen: dict[str, list[str]] = {}
    parents = set()
    async with aclosing(outer.stream(Stage.A, buffer=buffer)) as stream:
        async for event in stream:
            await asyncio.sleep(0)
            seen.setdefault(event.run.run_id, [])
            if isinstance(event, StateEntered):
                seen[event.run.run_id].append(event.step.label)
            if isinstance(event, RunStarted):
                parents.add(event.run.parent_id)
    first, *others = seen.values()
    assert first == ["A", "B", "DONE"]
    assert others == [["IN", "MORE", "OK"]] * 3
    assert parents == {None, next(iter(seen))}


async def test_a_stream_that_is_left_amid_the_run_inside() -> None:
    """Both runs are cancelled and torn down when the stream is closed."""
    log: list[str] = []

    async def forever() -> Inner:
        await asyncio.get_running_loop().create_future()
        return Inner.OK

    sub = inside(forever, Resources({"a": per_run(lambda: Plain("a", log))}))
    async with aclosing(around(sub, Resources({"b": Plain("b", log)})).stream(Stage.A)) as stream:
        async for event in stream:
            if event.run.workflow == "Inner" and isinstance(event, StateEntered):
                break
    assert log == ["up b", "up a", "down a", "down b"]


async def test_a_run_inside_that_fails_has_its_ends() -> None:
    """Each start has its end, with the error, the retries of the task around between them."""
    told, error = Told(), OSError("no")
    with pytest.raises(OSError, match="no"):
        await around(inside(raises(error)), observers=[told], retry=Retry(2, delay=0)).orchestrate(Stage.A)
    inner = [
        ("run", "Inner"),
        ("state", "Inner", "IN"),
        ("task", "Inner", "IN", None),
        ("task end", "Inner", "IN", None, "OSError"),
        ("run end", "Inner", None, "OSError"),
    ]
    assert told.events == [
        *TREE[:3],
        *inner,
        ("retry", "Stage", "A", 1),
        *inner,
        ("task end", "Stage", "A", None, "OSError"),
        ("run end", "Stage", None, "OSError"),
    ]
    assert len({run.run_id for run in told.runs}) == 3
    assert len({run.parent_id for run in told.runs[1:]}) == 1


async def test_retries_inside_a_branch_are_told_of_their_own_state() -> None:
    """A retry in the run inside a branch is that of a state there, and not one of the branch."""
    told = Told()
    tries = iter([OSError(), None])

    async def flaky() -> Inner:
        error = next(tries)
        if error is not None:
            raise error
        return Inner.OK

    made = Workflow(state=Inner).register(Inner.IN, flaky, retry=Retry(2, delay=0)).add_exit_state(Inner.OK)
    outer = Workflow(state=Stage, observers=[told]).register_split(Stage.A, [made.as_task(Inner.IN)], to=Stage.DONE)
    await outer.add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert ("retry", "Inner", "IN", 1) in told.events
    assert told.events.index(("task", "Stage", "A", 0)) < told.events.index(("run", "Inner"))
    assert told.events.index(("run end", "Inner", "OK", "NoneType")) < told.events.index(("task end", "Stage", "A", 0, "NoneType"))


async def test_a_hook_that_raises_is_skipped_inside_too() -> None:
    """Whosever observer it is, both runs go on."""

    class Broken(Observer):
        def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
            raise ValueError("hook")

        def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
            raise ValueError("hook")

    told = Told()
    outer = around(inside(ok, observers=[Broken()]), observers=[Broken(), told])
    assert await outer.orchestrate(Stage.A) is Stage.DONE
    assert told.events == TREE


@pytest.mark.parametrize("fails", [False, True])
async def test_watched_and_unwatched_runs_are_the_same(fails: bool) -> None:
    """Observers around, inside, both or none: the same result, the same resources, the same order."""
    outcomes = []
    for outer_watch in ([], [Told()]):
        for inner_watch in ([], [Told()]):
            log: list[str] = []

            async def work(log: list[str]) -> Inner:
                log.append("work")
                await asyncio.sleep(0)
                if fails:
                    raise OSError("no")
                return Inner.OK

            res = Resources({"log": per_run(of=list), "a": Plain("a", log), "b": per_run(lambda: Plain("b", log))})  # noqa: B023
            outer = around(inside(work, res, observers=inner_watch), Resources({"log": log}), observers=outer_watch)
            try:
                outcomes.append((log, await outer.orchestrate(Stage.A)))
            except OSError as error:
                outcomes.append((log, [note.partition(", run")[0] for note in error.__notes__]))
    assert all(each == outcomes[0] for each in outcomes)
    assert outcomes[0][0] == ["up a", "up b", "work", "down b", "down a"]


@pytest.mark.parametrize("watched", [False, True])
async def test_the_run_id_is_that_of_the_innermost_run(watched: bool) -> None:
    """``current_run_id`` in a task of the run inside, in its resources, and after it in a task of the run around."""
    ids: list[Any] = []

    def note() -> int:
        ids.append(current_run_id())
        return 1

    async def inner() -> Inner:
        note()
        return Inner.OK

    async def outer() -> Stage:
        note()
        return Stage.B

    sub = inside(inner, Resources({"made": per_run(note)}))
    made = Workflow(state=Stage, observers=[Told()] if watched else []).register(Stage.A, outer).register(Stage.B, going(Stage.C))
    made.register(Stage.C, sub).add_exit_state(Stage.DONE)
    report = await made.run(Stage.A)
    assert ids[0] == report.run_id
    assert ids[1] == ids[2] != report.run_id
    assert current_run_id() is None


async def test_a_state_is_told_by_the_same_record_in_each_run() -> None:
    """The records of steps are made once, whoever runs the workflow."""
    steps = []

    class Steps(Observer):
        def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
            steps.append(step)

    made = child(ok)
    await around(made.as_task(Inner.IN, to=Stage.DONE), observers=[Steps()]).orchestrate(Stage.A)
    await around(made.as_task(Inner.IN, to=Stage.DONE), observers=[Steps()]).orchestrate(Stage.A)
    assert steps[1] is steps[5]
    assert steps[1].task == "ok"


async def test_the_last_event_of_a_stream_is_that_of_the_run_around() -> None:
    """RunEnded of the run inside is not the end of it; and what fails inside is raised by the stream."""
    events: list[Any] = []

    async def read() -> None:
        async for event in around(inside(raises(OSError("no")))).stream(Stage.A):
            events.append(event)  # noqa: PERF401 - what came before the error is to be kept

    with pytest.raises(OSError, match="no"):
        await read()
    ends = [event for event in events if isinstance(event, RunEnded | TaskEnded)]
    assert [(type(event).__name__, event.run.workflow) for event in ends] == [
        ("TaskEnded", "Inner"),
        ("RunEnded", "Inner"),
        ("TaskEnded", "Stage"),
        ("RunEnded", "Stage"),
    ]
    assert events[-1] is ends[-1]
