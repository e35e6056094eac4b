"""What is asked of a run beside walking its states: deadlines, a token, splits, resources that are set up.

Each beside the plainest way to have the same without the library, or beside the same run without it. Task bodies do nothing and
return a bound name, as in :mod:`benchmarks.workflow_cases`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

from benchmarks.ratios import Case, Goal
from benchmarks.workflow_cases import STATES, TRANSITIONS, WALKS, Chain, event_loop, going
from cano.errors import MaxStepsReached
from cano.ports import Observer, RunInfo, StepInfo
from cano.resilience import CancellationToken
from cano.resources import Resources, per_run
from cano.tasks import task
from cano.workflow import Workflow

BRANCHES = 100
SPLITS = 20
ATTEMPTS = 2_000
RUNS = 200

Walk = Callable[[], Coroutine[Any, Any, None]]


async def nothing() -> None:
    """Do nothing: a branch, or the body under a deadline."""


async def suspends() -> None:
    """Wait one turn of the event loop."""
    await asyncio.sleep(0)


def repeated(run: Callable[[], Coroutine[Any, Any, Any]], times: int) -> Walk:
    """Make a walk that awaits so many runs."""

    async def walk() -> None:
        for _ in range(times):
            await run()

    return walk


def sides(ours: Walk, other: Walk) -> dict[str, object]:
    """Name both sides."""
    return {"run": event_loop().run_until_complete, "ours": ours, "other": other}


def chain(resources: Resources | None = None, body: Callable[[Any], Any] = going, times: int = STATES) -> Workflow[Any]:
    """Make a chain of so many states that end in an exit."""
    states = list(Chain)[: times + 1]
    workflow: Workflow[Any] = Workflow(resources).add_exit_state(states[-1])
    for state, to in pairwise(states):
        workflow.register(state, task(to=to)(body(to)))
    return workflow


def circle(
    resources: Resources | None = None, body: Callable[[Any], Any] = going, observers: Iterable[Observer] = (), **options: Any
) -> Walk:
    """Make a run of these options that goes round ten states until it has made all transitions: its begin weighs nothing."""
    states = list(Chain)[:11]
    workflow: Workflow[Any] = Workflow(resources, max_steps=TRANSITIONS, observers=observers).add_exit_state(states[-1])
    for state, to in zip(states[:-1], [*states[1:-1], states[0]], strict=True):
        workflow.register(state, task(to=[to, states[-1]])(body(to)))

    async def walk() -> None:
        with suppress(MaxStepsReached):
            await workflow.orchestrate(states[0], **options)

    return walk


def with_options(**options: Any) -> dict[str, object]:
    """Set up a long run with these options, and one without."""
    return sides(circle(**options), circle())


class Entering(Observer):
    """Overrides one hook, which does nothing."""

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """Do nothing."""


class Starting(Observer):
    """Overrides one hook, which does nothing."""

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """Do nothing."""


class Ending(Observer):
    """Overrides one hook, which does nothing."""

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """Do nothing."""


def observed(observer: Observer) -> dict[str, object]:
    """Set up a long run that is observed, and one that is not."""
    return sides(circle(observers=[observer]), circle())


def split() -> dict[str, object]:
    """Set up a split whose branches do nothing, and a task group."""
    first, last = list(Chain)[:2]
    workflow: Workflow[Any] = Workflow().register_split(first, [nothing] * BRANCHES, to=last).add_exit_state(last)

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(BRANCHES):
                tasks.create_task(nothing())

    return sides(repeated(lambda: workflow.orchestrate(first), SPLITS), repeated(group, SPLITS))


def deadline(body: Callable[[], Coroutine[Any, Any, None]]) -> dict[str, object]:
    """Set up a chain of tasks with a timeout each, and the same chain whose tasks write ``async with asyncio.timeout``."""

    def plain(to: Any) -> Any:
        async def step() -> Any:
            await body()
            return to

        return step

    def guarded(to: Any) -> Any:
        async def step() -> Any:
            async with asyncio.timeout(60):
                await body()
            return to

        return step

    states = list(Chain)
    ours: Workflow[Any] = Workflow().add_exit_state(states[-1])
    for state, to in pairwise(states):
        ours.register(state, task(to=to)(plain(to)), timeout=60)
    theirs, first = chain(body=guarded), states[0]
    none = chain(body=plain)
    names = sides(repeated(lambda: ours.orchestrate(first), WALKS), repeated(lambda: theirs.orchestrate(first), WALKS))
    return {**names, "without": repeated(lambda: none.orchestrate(first), WALKS)}


class Opened:
    """A resource that is set up and torn down."""

    async def setup(self) -> None:
        """Be up."""

    async def teardown(self) -> None:
        """Be down."""


def life_cycle() -> dict[str, object]:
    """Set up one-state runs on a shared resource that has a life cycle, and on one that has none."""
    first = next(iter(Chain))
    with_life, without = chain(Resources({"opened": Opened()}), times=1), chain(Resources({"opened": object()}), times=1)
    return sides(repeated(lambda: with_life.orchestrate(first), RUNS), repeated(lambda: without.orchestrate(first), RUNS))


def using(to: Any) -> Any:
    """Make a task that asks for a resource."""

    async def body(opened: list[int]) -> Any:
        return to

    return body


def own_resource(walks: int, states: int) -> dict[str, object]:
    """Set up runs whose tasks get a resource of the run's own, and runs whose tasks get a shared one; each enters its states once.

    A walk of few states is mostly the begin of a run, one of many is mostly the first entries.
    """
    first = next(iter(Chain))
    own, common = chain(Resources({"opened": per_run(list)}), using, states), chain(Resources({"opened": []}), using, states)
    return sides(repeated(lambda: own.orchestrate(first), walks), repeated(lambda: common.orchestrate(first), walks))


def own_again() -> dict[str, object]:
    """Set up a long run over a resource of its own, and one over a shared resource."""
    return sides(circle(Resources({"opened": per_run(list)}), using), circle(Resources({"opened": []}), using))


def _case(name: str, against: str, names: Callable[[], dict[str, object]], goal: Goal, does: int) -> Case:
    return Case(name, "run(ours())", against, "run(other())", names, goal, "pass", does, does)


TIMEOUT = "asyncio.timeout"
WITHOUT = "the run without"

CASES = [
    _case("split of 100 branches", "asyncio.TaskGroup", split, Goal("at most", 0.4), SPLITS),
    _case("timeout of an attempt that ends at once", TIMEOUT, lambda: deadline(nothing), Goal("at most", 0.35), TRANSITIONS),
    _case("timeout of an attempt that waits", TIMEOUT, lambda: deadline(suspends), Goal("at most", 1.0), TRANSITIONS),
    _case("transition, observer of states", WITHOUT, lambda: observed(Entering()), Goal("over", 150), TRANSITIONS),
    _case("transition, observer of starts", WITHOUT, lambda: observed(Starting()), Goal("over", 150), TRANSITIONS),
    _case("transition, observer of ends", WITHOUT, lambda: observed(Ending()), Goal("over", 150), TRANSITIONS),
    _case("transition, live token", WITHOUT, lambda: with_options(token=CancellationToken()), Goal("over", 40), TRANSITIONS),
    _case("transition, timeout of the run", WITHOUT, lambda: with_options(timeout=3600), Goal("over", 70), TRANSITIONS),
    _case("a run, shared life cycle", WITHOUT, life_cycle, Goal("over", 30_000), RUNS),
    _case("first entry, own resource", "a shared one", lambda: own_resource(WALKS, STATES), Goal("over", 400), TRANSITIONS),
    _case("transition, own resource", "a shared one", own_again, Goal("over", 40), TRANSITIONS),
]
