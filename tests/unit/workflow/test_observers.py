"""Observers are told what a run does, in order, by the hooks that they override (engine 10, OB-1, OB-3, OB-4)."""

import asyncio
import copy
import pickle
import threading
import time
import tracemalloc
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from cano.errors import MaxStepsReached
from cano.ports import Event, Observer, RunInfo, StepInfo
from cano.resources import Resources, per_run
from cano.store import MemoryStore
from cano.tasks import task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single
from tests.unit.watching import HOOKS, WHOLE, Log, told, whole_workflow


async def test_a_run_is_told_from_start_to_end() -> None:
    """Run start; each state, its task, its retries, the branches of a split amid it; the exit state; run end."""
    log = Log()
    await whole_workflow(log).orchestrate(Stage.A)
    apart = [line for line in log.lines if line[-2:] not in ("B0", "B1") and line != "retry B0 1"]
    assert apart == [line for line in WHOLE if line[-2:] not in ("B0", "B1") and line != "retry B0 1"]
    split = log.lines[log.lines.index("task B") + 1 : log.lines.index("end B")]
    assert sorted(split) == ["end B0", "end B1", "retry B0 1", "task B0", "task B1"]
    assert split.index("task B0") < split.index("retry B0 1") < split.index("end B0")
    assert split.index("task B1") < split.index("end B1")


async def test_run_tells_the_same_as_orchestrate() -> None:
    """A run that is reported is told in the same way, and the report has its id."""
    one, two = Log(), Log()
    await whole_workflow(one).orchestrate(Stage.A)
    report = await whole_workflow(two).run(Stage.A)
    assert one.lines == two.lines
    assert {event.run.run_id for event in two.events} == {report.run_id}


async def test_observers_are_called_in_their_order() -> None:
    """Each event reaches all observers, the first one first, before anything else happens."""
    calls: list[tuple[str, str]] = []

    class Named(Observer):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
            calls.append((self.name, f"enter {step.label}"))

        def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
            calls.append((self.name, f"end {step.label}"))

    await single(going(Stage.DONE), observers=[Named("z"), Named("a")]).orchestrate(Stage.A)
    assert calls == [(name, event) for event in ("enter A", "end A", "enter DONE") for name in ("z", "a")]


async def test_an_observer_that_is_given_twice_is_called_once() -> None:
    """Its place is the first one."""
    log = Log()
    await single(going(Stage.DONE), observers=[log, log]).orchestrate(Stage.A)
    assert log.lines == ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]


async def test_an_observer_of_a_workflow_and_of_its_part_is_called_once() -> None:
    """It would be told of the inner run for both."""
    log = Log()
    inner = single(going(Stage.DONE), observers=[log])
    await single(inner.as_task(Stage.A, to=Stage.DONE), observers=[log]).orchestrate(Stage.A)
    assert log.lines.count("run") == log.lines.count("over DONE") == 2
    assert log.lines.count("enter A") == 2


async def test_records_are_made_once() -> None:
    """One RunInfo for all of a run, and one StepInfo per state and branch for all runs, whatever these bring."""
    log = Log()
    resources = Resources({"store": per_run(MemoryStore), "more": MemoryStore()})
    workflow = Workflow(resources, state=Stage, observers=[log]).register_split(Stage.A, [going(1), going(2)], to=Stage.DONE)
    workflow.add_exit_state(Stage.DONE)
    for brought in ({}, {}, {"store": MemoryStore()}, {"more": MemoryStore()}):
        await workflow.orchestrate(Stage.A, resources=brought)
    with resources.override({"more": MemoryStore()}):
        await workflow.orchestrate(Stage.A)
    runs = {id(event.run): event.run for event in log.events}
    steps = {id(event.step): event.step for event in log.events if not hasattr(event, "state") and hasattr(event, "step")}
    assert len(runs) == len({run.run_id for run in runs.values()}) == 5
    assert sorted((step.label, step.branch) for step in steps.values() if step.branch is not None) == [("A", 0), ("A", 1)]
    assert sorted(step.label for step in steps.values() if step.branch is None) == ["A", "DONE"]


async def test_what_the_records_say() -> None:
    """The run has an id, the workflow's name, its start by the wall clock, and no parent; the step a state and its task's name."""
    log = Log()
    before = time.time()
    workflow = single(going(Stage.DONE), observers=[log], name="nightly")
    await workflow.orchestrate(Stage.A)
    first, entered, *_, left = log.events
    assert first.run.workflow == workflow.name == "nightly"
    assert before <= first.run.started <= time.time()
    assert first.run.parent_id is None
    assert first.run.run_id
    assert entered.step == StepInfo(Stage.A, "A", "step")  # type: ignore[union-attr]
    assert log.events[-2].step == StepInfo(Stage.DONE, "DONE", "")  # type: ignore[union-attr]
    assert left.state is Stage.DONE  # type: ignore[union-attr]


@pytest.mark.parametrize(("options", "name"), [({"state": Stage}, "Stage"), ({}, "workflow"), ({"name": "n"}, "n")])
def test_a_workflow_has_a_name(options: dict[str, Any], name: str) -> None:
    """What is given, else the class of its states, else ``workflow``."""
    assert Workflow(**options).name == name


async def test_seconds_are_those_of_the_clock() -> None:
    """A task takes as long as the workflow's clock says, waits between attempts included, and so do the branch and the run."""
    clock, log = FakeClock(), Log()

    async def slow() -> Stage:
        await clock.sleep(3)
        return Stage.DONE

    async def branch() -> None:
        await clock.sleep(5)

    workflow = Workflow(state=Stage, observers=[log], clock=clock).register(Stage.B, task(to=Stage.DONE)(slow))
    workflow.register_split(Stage.A, [branch], to=Stage.B).add_exit_state(Stage.DONE)
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await clock.advance(20)
    await run
    ends = {told([each])[0]: each.seconds for each in log.events if hasattr(each, "seconds")}
    assert ends == {"end A0": 5, "end A": 5, "end B": 3, "over DONE": 8}


@pytest.mark.parametrize("name", HOOKS)
async def test_one_overridden_hook_is_called_alone(name: str) -> None:
    """Each hook works without the others, by a class that overrides it, and on an instance that has it set."""
    everything = Log()
    await whole_workflow(everything).orchestrate(Stage.A)

    def into(calls: list[int]) -> Any:
        return lambda *facts: calls.append(len(facts))

    by_class: list[int] = []
    by_instance: list[int] = []
    one = type("One", (Observer,), {name: lambda _, *facts: by_class.append(len(facts))})()
    other: Any = Observer()
    setattr(other, name, into(by_instance))
    await whole_workflow(one, other).orchestrate(Stage.A)
    count = {"on_run_start": 1, "on_state_enter": 4, "on_task_start": 5, "on_retry": 2, "on_task_end": 5, "on_run_end": 1}[name]
    facts = {"on_run_start": 1, "on_state_enter": 2, "on_task_start": 2, "on_retry": 5, "on_task_end": 4, "on_run_end": 4}[name]
    assert by_class == by_instance == [facts] * count


@pytest.mark.unobserved
async def test_an_observer_that_overrides_nothing_costs_nothing() -> None:
    """The run is as simple as that of a workflow without observers."""
    idle = single(going(Stage.DONE), observers=[Observer(), Observer()])
    assert await idle.orchestrate(Stage.A) is Stage.DONE
    assert idle._plan is not None
    assert idle._plan.hooks is None
    assert idle._plan.simple
    seeing = single(going(Stage.DONE), observers=[Observer(), Log()])
    await seeing.orchestrate(Stage.A)
    assert seeing._plan is not None
    assert not seeing._plan.simple


async def test_hooks_are_looked_up_when_the_workflow_is_made() -> None:
    """What is set on an observer or done to the list afterwards is not seen, neither by runs nor by streams."""
    late: Any = Observer()
    log = Log()
    given: list[Observer] = [late, log]
    workflow = single(going(Stage.DONE), observers=given)
    late.on_state_enter = lambda *_: given.append(late)
    given.clear()
    await workflow.orchestrate(Stage.A)
    _ = [event async for event in workflow.stream(Stage.A)]
    assert given == []
    assert log.lines.count("over DONE") == 2


async def test_records_are_frozen_and_travel() -> None:
    """RunInfo, StepInfo and the events cannot be changed, and pickle and copy (K2)."""
    log = Log()
    await whole_workflow(log).orchestrate(Stage.A)
    for event in log.events:
        for each in (event, event.run, *([event.step] if hasattr(event, "step") else ())):
            with pytest.raises(FrozenInstanceError):
                setattr(each, fields(each)[0].name, 1)
        plain = event if not isinstance(getattr(event, "error", None), OSError) else event.step  # type: ignore[union-attr]
        assert pickle.loads(pickle.dumps(plain)) == copy.copy(plain) == copy.deepcopy(plain) == plain
        assert type(pickle.loads(pickle.dumps(event))) is type(event)


async def test_runs_that_overlap_do_not_mix() -> None:
    """Each run of one workflow has events of its own, whole and in order."""
    log = Log()

    async def step() -> Stage:
        await asyncio.sleep(0)
        return Stage.DONE

    workflow = single(step, observers=[log])
    await asyncio.gather(*(workflow.orchestrate(Stage.A) for _ in range(50)))
    runs: dict[str, list[Event]] = {}
    for event in log.events:
        runs.setdefault(event.run.run_id, []).append(event)
    assert len(runs) == 50
    alone = ["run", "enter A", "task A", "end A", "enter DONE", "over DONE"]
    assert all(told(events) == alone for events in runs.values())


def test_one_observer_of_many_loops() -> None:
    """An observer may be called from several event loops in as many threads, each with runs of its own."""
    log = Log()
    workflow = single(going(Stage.DONE), observers=[log])
    barrier = threading.Barrier(4)

    def many() -> None:
        barrier.wait()
        for _ in range(50):
            workflow.orchestrate_sync(Stage.A)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    runs: dict[str, list[Event]] = {}
    for event in log.events:
        runs.setdefault(event.run.run_id, []).append(event)
    assert len(runs) == 200
    assert {tuple(told(events)) for events in runs.values()} == {("run", "enter A", "task A", "end A", "enter DONE", "over DONE")}


class Counting(Observer):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Count it."""
        self.count += 1


class CountingAll(Counting):
    """Counts the ends, too."""

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Count it."""
        self.count += 1


@pytest.mark.unobserved  # a witness of each step would take a minute
@pytest.mark.parametrize("kind", [Counting, CountingAll])
def test_a_long_observed_run_takes_constant_memory(kind: type[Counting]) -> None:
    """A run of many transitions keeps nothing for its observers (engine 11)."""

    async def peak_of(steps: int) -> int:
        seeing = kind()
        workflow = Workflow(state=Stage, max_steps=steps, observers=[seeing]).register(
            Stage.A, task(to=[Stage.A, Stage.DONE])(again)
        )
        workflow.add_exit_state(Stage.DONE)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(MaxStepsReached):
            await workflow.orchestrate(Stage.A)
        assert seeing.count == steps * (2 if kind is CountingAll else 1)
        return tracemalloc.get_traced_memory()[1] - before

    async def again() -> Stage:
        return Stage.A

    tracemalloc.start()
    try:
        short = asyncio.run(peak_of(2_000))
        assert asyncio.run(peak_of(200_000)) < short + 100_000
    finally:
        tracemalloc.stop()
