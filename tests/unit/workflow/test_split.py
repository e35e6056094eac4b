"""Tasks side by side, of any kind, each in its own way, and what they give (engine 9, SJ-1 to SJ-7)."""

import asyncio
import functools
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from cano.errors import (
    ResourceNotFound,
    ResultInvalid,
    SplitFailed,
    StateDuplicate,
    StateInvalid,
    TaskInvalid,
    WorkflowFrozen,
    WorkflowInvalid,
    context_of,
)
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.store import MemoryStore
from cano.tasks import SplitResult, TaskResult, task
from cano.testing import FakeClock
from cano.workflow import Branch, Join, Workflow
from tests.unit.splits import Split, failing, giving, held, whole
from tests.unit.stages import Plain, Stage, going, turns


async def test_the_join_state_gets_what_each_branch_returned() -> None:
    """Values go by the index of their branch, and the run goes on in the join state (SJ-2)."""
    values = [None, False, 0, "", [], Stage.C, TaskResult.single(Stage.C), ValueError("returned, not raised")]
    split = Split([giving(value) for value in values])
    result = await split.run()
    assert dict(result.successes) == dict(enumerate(values))
    assert result.values == tuple(values)
    assert (result.failures, result.cancelled, result.cleanup_errors) == ({}, (), {})
    report = await split.workflow.run(Stage.A)
    assert [step.state for step in report.path] == [Stage.A, Stage.B, Stage.DONE]


async def test_branches_begin_in_order_and_results_stand_in_the_order_in_which_they_end() -> None:
    """SJ-3 and SJ-7; ``values`` are in the order of the branches."""
    order: list[int] = []

    def late(number: int) -> Any:
        async def branch() -> int:
            order.append(number)
            await turns(10 - number)
            return number

        return branch

    result = await Split([late(number) for number in range(8)]).run()
    assert order == list(range(8))
    assert list(result.successes) == list(reversed(range(8)))
    assert result.values == tuple(range(8))


async def test_branches_are_tasks_of_any_kind() -> None:
    """Functions, objects, methods, partials, plain wrappers and threads stand side by side, with their resources (SJ-4)."""
    store = MemoryStore({"n": 3})
    main = threading.get_ident()

    async def function(store: MemoryStore) -> int:
        return store.get("n", int)

    class Whole:
        async def run(self, res: Resources) -> int:
            return res.get("store", MemoryStore).get("n", int) + 1

        async def method(self, factor: int) -> int:
            return factor * 2

    class Bare:
        async def run_bare(self) -> str:
            return "bare"

    async def bound(store: MemoryStore, *, more: int) -> int:
        return store.get("n", int) + more

    @functools.wraps(function)
    def wrapper(store: MemoryStore) -> Any:
        return function(store)

    def says_so(store: MemoryStore) -> Awaitable[int]:
        return function(store)

    @task(blocking=True)
    def blocking(store: MemoryStore) -> tuple[int, bool]:
        return store.get("n", int), threading.get_ident() != main

    @task(blocking=True)
    def watching(token: CancellationToken) -> bool:
        return token.is_cancelled

    branches = [
        function, Whole(), Whole().method, Bare(), functools.partial(bound, more=7), wrapper, blocking, watching, says_so
    ]  # fmt: skip
    split = Split(branches, resources=Resources({"store": store, "factor": 5}))
    assert (await split.run()).values == (3, 4, 10, "bare", 10, 3, (3, True), False, 3)


async def test_resources_of_the_run_reach_the_branches() -> None:
    """A resource of the run's own, or brought by it, is the one that branches and join state see."""
    log: list[str] = []

    async def branch(own: Plain, store: MemoryStore) -> str:
        return f"{own.name} {store.get('n', int)}"

    resources = Resources({"own": per_run(lambda: Plain("mine", log)), "store": per_run(of=MemoryStore)})
    split = Split([branch, branch], resources=resources)
    for number in (1, 2):
        result = await split.run(resources={"store": MemoryStore({"n": number})})
        assert result.values == (f"mine {number}",) * 2
    assert log == ["up mine", "down mine"] * 2


async def test_a_plain_wrapper_that_gives_no_awaitable_is_refused() -> None:
    """It fails its branch, with what to write."""

    def wrapper() -> Awaitable[int]:
        return 3  # type: ignore[return-value]

    error = await Split([wrapper]).failure()
    [refused] = error.exceptions
    assert isinstance(refused, ResultInvalid)


class Tried:
    """A task that fails so many times."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.calls = 0

    async def run_bare(self) -> int:
        """Fail, or return how often it was called."""
        self.calls += 1
        if self.calls <= self.left:
            raise OSError(f"failure {self.calls}")
        return self.calls


async def test_each_branch_has_its_own_retries_and_timeout() -> None:
    """What ``@task`` says holds for a branch, and what ``Branch`` says wins over it (SJ-4)."""
    clock = FakeClock()
    tried = [Tried(1), Tried(2), Tried(1), Tried(1)]

    @task(retry=Retry(2, delay=1))
    async def marked() -> int:
        return await tried[0].run_bare()

    @task(retry=Retry(2, delay=1))
    async def more() -> int:
        return await tried[1].run_bare()

    @task(timeout=5)
    async def slow() -> str:
        await clock.sleep(8)
        return "slow"

    branches = [
        marked, Branch(more, retry=Retry(3, delay=2)), Branch(tried[2], retry=Retry(9, delay=0)), tried[3],
        slow, Branch(slow, timeout=9), Branch(giving(1), timeout=0),
    ]  # fmt: skip
    split = Split(branches, Join.partial_results(5), clock=clock)
    running = split.start()
    await clock.advance(8)
    result = await running
    assert result.successes == {0: 2, 1: 3, 2: 2, 5: "slow", 6: 1}
    assert {index: type(error).__name__ for index, error in result.failures.items()} == {3: "OSError", 4: "AttemptTimeout"}
    assert [each.calls for each in tried] == [2, 3, 2, 1]


async def test_a_branch_may_be_taken_back_its_retries() -> None:
    """``Branch(task, retry=Retry(1))`` is one attempt."""
    tried = Tried(9)

    @task(retry=Retry(5, delay=0))
    async def marked() -> int:
        return await tried.run_bare()

    await Split([Branch(marked, retry=Retry(1)), giving(1)]).failure()
    assert tried.calls == 1


async def test_a_resource_of_a_branch_is_looked_for_at_the_registration() -> None:
    """What cannot be filled is an error there, as of any task, and names the branch."""

    async def branch(missing: int) -> int:
        return missing

    with pytest.raises(ResourceNotFound, match="missing"):
        Split([giving(1), branch])


@pytest.mark.parametrize("branch", [3, None, int, "text", asyncio.sleep, lambda x, y: x, Branch])
def test_what_is_no_task_is_refused_as_a_branch(branch: Any) -> None:
    """A branch is checked like any task, when it is registered."""
    with pytest.raises((TaskInvalid, ResourceNotFound)):
        Split([giving(1), branch])
    if branch is not Branch:
        with pytest.raises((TaskInvalid, ResourceNotFound)):
            Split([Branch(branch)])


@pytest.mark.parametrize("branches", ["ab", b"ab", {"a": giving(1)}, 3, None, giving(1), Branch(giving(1))])
def test_branches_are_a_list_of_tasks(branches: Any) -> None:
    """A single task, a text or a mapping is told what to pass."""
    with pytest.raises(TypeError, match="pass a list of tasks"):
        Split(branches)


@pytest.mark.parametrize("join", ["all", Join.all, 2, 0.5])
def test_a_join_is_a_join(join: Any) -> None:
    """So is ``Join.all`` without its brackets refused."""
    with pytest.raises(TypeError, match=r"write Join\.all\(\), Join\.any\(\), Join\.quorum\(2\)"):
        Split([giving(1)], join)


def test_a_split_that_can_never_be_satisfied_is_refused() -> None:
    """More successes than branches, or any of no branches, are errors before anything runs (I4)."""
    for join in (Join.quorum(3), Join.partial_results(3)):
        with pytest.raises(ValueError, match=r"has 2 branches, and .* can never be satisfied"):
            Split([giving(1)] * 2, join)
    for join in (Join.any(), Join.quorum(1), Join.partial_results(1)):
        with pytest.raises(ValueError, match="has 0 branches"):
            Split([], join)
    with pytest.raises(ValueError, match="has 0 branches"):
        Split([], Join.partial_timeout(), timeout=1)


@pytest.mark.parametrize("join", [None, Join.all(), Join.percentage(0.5)])
async def test_all_of_no_branches_have_succeeded(join: Join | None) -> None:
    """No branch at all satisfies who asks for all, or for a share of them (I4)."""
    assert await Split([], join).run() == SplitResult({}, {}, (), {})


def test_limits_of_a_split_are_checked() -> None:
    """A bulkhead is an int of at least 1, a timeout a duration, and who waits for a part says how long."""
    for wrong in (True, 2.0, "2"):
        with pytest.raises(TypeError, match="bulkhead"):
            Split([giving(1)], bulkhead=wrong)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="bulkhead"):
            Split([giving(1)], bulkhead=wrong)
    for wrong, kind in (("1", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)):
        with pytest.raises(kind, match="timeout"):
            Split([giving(1)], timeout=wrong)
    with pytest.raises(ValueError, match="give the split a timeout"):
        Split([giving(1)], Join.partial_timeout())
    for wrong in ("3", 3):
        with pytest.raises(TypeError, match="retry"):
            Branch(giving(1), retry=wrong)
    with pytest.raises(TypeError, match="timeout"):
        Split([Branch(giving(1), timeout="1")])


def test_a_split_is_registered_as_a_task_is() -> None:
    """A state once, with states of the right kind, before the first run; one that is refused leaves nothing behind (engine 4)."""
    workflow = Workflow(state=Stage).register(Stage.B, going(Stage.DONE)).add_exit_state(Stage.DONE)
    with pytest.raises(StateDuplicate):
        workflow.register_split(Stage.B, [giving(1)], to=Stage.DONE)
    for state, to in ((Stage.A, "B"), ("A", Stage.B), (None, Stage.B), (Stage.A, None), (Stage.A, []), (Stage.A, Stage)):
        with pytest.raises(StateInvalid):
            workflow.register_split(state, [giving(1)], to=to)
    workflow.register_split(Stage.A, [giving(1)], to=Stage.B)
    with pytest.raises(StateDuplicate):
        workflow.register(Stage.A, giving(1))
    assert workflow.graph.edges == ((Stage.B, Stage.DONE), (Stage.A, Stage.B))
    workflow.orchestrate_sync(Stage.A)
    with pytest.raises(WorkflowFrozen):
        workflow.register_split(Stage.C, [giving(1)], to=Stage.B)


def test_a_join_state_without_a_task_is_found_before_the_run() -> None:
    """The split is named by its branches, of many the first two (engine 3)."""
    for count, named in ((1, "give"), (3, "give, give, give"), (5, "give, give, 3 more")):
        workflow = Workflow(state=Stage).register_split(Stage.A, [giving(1)] * count, to=Stage.B).add_exit_state(Stage.DONE)
        with pytest.raises(WorkflowInvalid, match=f"split of {named}, the task of A, may go to B, which has no task"):
            workflow.orchestrate_sync(Stage.A)


async def test_the_join_state_may_be_an_exit() -> None:
    """Then nobody asks for the result, and a split may be the last thing that a run does."""
    branches = held(2)
    workflow = Workflow(state=Stage).register_split(Stage.A, branches, to=Stage.DONE, join=Join.any()).add_exit_state(Stage.DONE)
    running = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns(3)
    branches[1].returns()
    assert await running is Stage.DONE
    assert branches[0].cancels == 1


async def test_many_runs_of_one_split_do_not_mix() -> None:
    """Runs at once each get their own results (I2)."""
    store_of_run = Resources({"store": per_run(of=MemoryStore)})

    async def branch(store: MemoryStore) -> int:
        number = store.get("n", int)
        await turns(number % 7)
        if number % 5 == 0:
            raise ValueError(number)
        return number

    split = Split([branch] * 3, resources=store_of_run)

    async def one(number: int) -> None:
        try:
            await split.workflow.orchestrate(Stage.A, resources={"store": MemoryStore({"n": number})})
        except SplitFailed as error:
            assert error.exceptions[0].args == (number,)  # noqa: PT017
            found = context_of(error.exceptions[0])
            assert found is not None
            assert found.run_id == error.contexts[0].run_id  # type: ignore[union-attr]  # noqa: PT017

    await asyncio.gather(*(one(number) for number in range(50)))
    assert sorted(each.values for each in split.results) == [(number,) * 3 for number in range(50) if number % 5]
    assert all(whole(each, 3) for each in split.results)


async def test_a_failure_that_is_allowed_for_does_not_come_out() -> None:
    """A branch that fails before, with or after the deciding success is in the result, and nowhere else (I3)."""
    error = ValueError("let pass")
    for moment in ("before", "with", "after"):
        branches = held(3)
        split = Split(branches, Join.partial_results(2))
        running = split.start()
        await turns(3)
        first, second, third = branches
        first.returns(1)
        if moment == "before":
            third.raises(error)
            await turns(3)
        second.returns(2)
        if moment == "with":
            third.raises(error)
        result = await running
        if moment == "after":
            assert (result.failures, result.cancelled, third.cancels) == ({}, (2,), 1)
        elif moment == "before":
            assert result.failures == {2: error}
        assert whole(result, 3)
        assert result.successes == {0: 1, 1: 2}
    await Split([failing(error), giving(1), giving(2)], Join.partial_results(2)).run()
