"""The task of a join state asks for what the branches gave, and gets that of the split just joined (engine 2, 3 and 9, SJ-1)."""

from typing import Annotated, Any, Literal

import pytest

from cano.errors import ResultInvalid, TaskInvalid, WorkflowInvalid
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.tasks import SplitResult, TaskResult, task
from cano.workflow import Join, Workflow
from tests.unit.splits import Split, failing, giving
from tests.unit.stages import Stage, going


def joining(then: Any, **options: Any) -> Workflow[Stage]:
    """Make a workflow of a split of two, whose join state has this task."""
    return (
        Workflow(state=Stage, **options)
        .register_split(Stage.A, [giving(1), giving(2)], to=Stage.B)
        .register(Stage.B, then)
        .add_exit_state(Stage.DONE)
    )


async def test_every_way_to_ask_for_the_result() -> None:
    """By any name, with or without the type of the values, by keyword, in a class, in a thread, beside resources and a token."""
    got: list[tuple[int, ...]] = []

    async def plain(anything: SplitResult) -> Stage:  # type: ignore[type-arg]
        got.append(anything.values)
        return Stage.DONE

    async def generic(result: SplitResult[int]) -> Literal[Stage.DONE]:
        got.append(result.values)
        return Stage.DONE

    async def optional(result: SplitResult[int] | None) -> Stage:
        assert result is not None
        got.append(result.values)
        return Stage.DONE

    async def with_default(result: SplitResult[int] | None = None) -> Stage:
        assert result is not None
        got.append(result.values)
        return Stage.DONE

    async def named(result: Annotated[SplitResult[int], "note"]) -> Stage:
        got.append(result.values)
        return Stage.DONE

    async def text(result: "SplitResult[int]") -> Stage:
        got.append(result.values)
        return Stage.DONE

    async def beside(res: Resources, /, n: int, *, token: CancellationToken, result: SplitResult[int]) -> TaskResult[Stage]:
        assert n == 7
        assert not token.is_cancelled
        assert "n" in res
        got.append(result.values)
        return TaskResult.single(Stage.DONE)

    async def twice(first: SplitResult[int], second: SplitResult[int]) -> Stage:
        assert first is second
        got.append(first.values)
        return Stage.DONE

    class Object:
        async def run(self, result: SplitResult[int]) -> Stage:
            got.append(result.values)
            return Stage.DONE

    @task(blocking=True)
    def blocking(result: SplitResult[int]) -> Stage:
        got.append(result.values)
        return Stage.DONE

    ways = [plain, generic, optional, with_default, named, text, beside, twice, Object(), blocking]
    for way in ways:
        await joining(way, resources=Resources({"n": 7})).orchestrate(Stage.A)
        await joining(way, resources=Resources({"n": 7})).run(Stage.A)
    assert got == [(1, 2)] * 2 * len(ways)


async def test_each_attempt_of_the_join_state_gets_it() -> None:
    """A join state that is tried again is given the same result."""
    got: list[SplitResult[int]] = []

    async def joined(result: SplitResult[int]) -> Stage:
        got.append(result)
        if len(got) < 3:
            raise OSError
        return Stage.DONE

    workflow = joining(task(retry=Retry(3, delay=0))(joined))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert got == [got[0]] * 3
    assert got[0].values == (1, 2)


async def test_a_stale_result_is_never_given() -> None:
    """A state that is entered by another way has its default, whatever split was joined before; a second split gives its own."""
    seen: list[Any] = []

    async def joined(result: SplitResult[int] | None = None) -> Literal[Stage.B, Stage.C, Stage.DONE]:
        seen.append(None if result is None else result.values)
        return {1: Stage.B, 2: Stage.C, 3: Stage.DONE}[len(seen)]  # type: ignore[return-value]

    workflow = (
        Workflow(state=Stage)
        .register_split(Stage.A, [giving(1)], to=Stage.B)
        .register(Stage.B, joined)
        .register_split(Stage.C, [giving(2), giving(3)], to=Stage.B)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.A)
    assert seen == [(1,), None, (2, 3)]
    seen.clear()
    seen.append("begin")
    await workflow.orchestrate(Stage.B)
    assert seen == ["begin", None, (2, 3)]


async def test_a_loop_through_a_split_gives_the_newest_result() -> None:
    """Each time round the join state gets what the branches gave this time, also far beyond the kept part of the path."""
    rounds = 0
    seen: list[int] = []

    async def branch() -> int:
        nonlocal rounds
        rounds += 1
        return rounds

    async def joined(result: SplitResult[int]) -> Literal[Stage.A, Stage.DONE]:
        seen.extend(result.values)
        return Stage.A if rounds < 700 else Stage.DONE

    workflow = (
        Workflow(state=Stage).register_split(Stage.A, [branch], to=Stage.B).register(Stage.B, joined).add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.A)
    assert seen == list(range(1, 701))


async def test_a_branch_may_ask_for_the_result_of_the_split_before() -> None:
    """A split that is the join state of another has branches that work on what that gave, whenever they begin."""

    async def add(result: SplitResult[int]) -> int:
        return sum(result.values)

    seen: list[Any] = []

    async def joined(result: SplitResult[int]) -> Stage:
        seen.append(result.values)
        return Stage.DONE

    workflow = (
        Workflow(state=Stage)
        .register_split(Stage.A, [giving(3), giving(4)], to=Stage.B)
        .register_split(Stage.B, [add, giving(0), add], to=Stage.C, bulkhead=1)
        .register(Stage.C, joined)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.A)
    assert seen == [(7, 0, 7)]


async def needs(result: SplitResult[int]) -> Stage:
    """Ask for a result."""
    return Stage.DONE


async def test_only_a_split_leads_where_a_result_is_needed() -> None:
    """No split, or a declared way of a task, is found before the run, and said with the cure."""
    alone = Workflow(state=Stage).register(Stage.A, going(Stage.B)).register(Stage.B, needs).add_exit_state(Stage.DONE)
    with pytest.raises(WorkflowInvalid) as caught:
        await alone.orchestrate(Stage.A)
    assert "asks for a SplitResult, and no split leads there; give register_split to=B" in str(caught.value)
    assert "leads there and is no split; give it a default" in str(caught.value)

    both = joining(needs).register(Stage.C, going(Stage.B)).add_start_state(Stage.C)
    with pytest.raises(WorkflowInvalid, match="step, the task of C, leads there and is no split; give it a default"):
        await both.orchestrate(Stage.A)


async def test_no_run_starts_where_a_result_is_needed() -> None:
    """Neither by ``orchestrate`` nor by ``add_start_state``; an exit state has no task that could ask."""
    workflow = joining(needs)
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    for start in (workflow.orchestrate, workflow.run):
        with pytest.raises(WorkflowInvalid, match="a run that starts there has none; give the parameter a default"):
            await start(Stage.B)
    with pytest.raises(WorkflowInvalid, match="a run that starts there has none"):
        joining(needs).add_start_state(Stage.B).validate()
    exit_too = joining(needs).add_exit_state(Stage.B)
    assert await exit_too.orchestrate(Stage.B) is Stage.B


async def test_a_task_that_may_go_anywhere_does_not_go_where_a_result_is_needed() -> None:
    """It has no edge there, and is refused if it names that state all the same."""

    async def anywhere() -> Stage:
        return Stage.B

    workflow = (
        Workflow(state=Stage)
        .register(Stage.C, anywhere)
        .register_split(Stage.A, [giving(1)], to=Stage.B)
        .register(Stage.B, needs)
        .add_exit_state(Stage.DONE)
    )
    assert (Stage.C, Stage.B) not in workflow.graph.edges
    assert (Stage.C, Stage.A) in workflow.graph.edges
    with pytest.raises(ResultInvalid, match="only a split leads there, whose result its task asks for"):
        await workflow.orchestrate(Stage.C)


def test_a_parameter_is_the_result_or_something_else() -> None:
    """One that may be either is refused at its registration."""

    async def either(result: SplitResult[int] | str) -> Stage:
        return Stage.DONE

    with pytest.raises(TaskInvalid, match="may be the SplitResult of the run or a resource"):
        joining(either)


async def test_a_resource_does_not_take_the_place_of_the_result() -> None:
    """The annotation says that the run gives it, whatever the resources hold under that name."""
    seen: list[Any] = []

    async def joined(result: SplitResult[int]) -> Stage:
        seen.append(result.values)
        return Stage.DONE

    await joining(joined, resources=Resources({"result": SplitResult({0: "resource"})})).orchestrate(Stage.A)
    assert seen == [(1, 2)]


async def test_a_failed_split_gives_its_result_to_nobody() -> None:
    """After a split that failed, the next run of the same workflow has its own."""
    fails = True

    async def flaky() -> int:
        if fails:
            raise ValueError
        return 5

    split = Split([flaky, giving(1)])
    await split.failure()
    fails = False
    assert (await split.run()).values == (5, 1)
    assert (await Split([failing(ValueError()), giving(2)], Join.any()).run()).values == (2,)
