"""A dataclass of dependencies is made once for all runs, or for each, by whose its parts are (engine 2, 14)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cano.errors import ResourceTypeMismatch, context_of
from cano.resources import Resources, per_run, shared
from cano.workflow import Workflow
from tests.unit.stages import Plain, Stage, single


class Pool:
    """A class of a user."""


@dataclass
class Deps:
    """What most tests here ask for."""

    pool: Pool
    limit: int = 5


POOL = Pool()


def res(**more: Any) -> Resources:
    """Make a container that most tests here use."""
    return Resources({"pool": POOL, "n": 3, **more})


async def test_it_is_made_once_for_all_runs() -> None:
    """Runs share the one that was made for the plan, each task its own; nothing is made at registration."""
    made: list[Any] = []

    @dataclass
    class Counted:
        n: int

        def __post_init__(self) -> None:
            made.append(self)

    seen: list[Any] = []

    def step(to: Stage) -> Any:
        async def run(deps: Counted) -> Stage:
            seen.append(deps)
            return to

        return run

    workflow = Workflow(res(), state=Stage).register(Stage.A, step(Stage.B)).register(Stage.B, step(Stage.DONE))
    workflow.add_exit_state(Stage.DONE)
    assert made == []
    for _ in range(3):
        await workflow.orchestrate(Stage.A)
    assert len(made) == 2
    assert seen == made * 3


PARTS: dict[str, Callable[[], Any]] = {
    "per run": lambda: per_run(list),
    "shared recipe": lambda: shared(list),
    "brought": lambda: per_run(of=list),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("nested", [False, True], ids=["field", "field of a field"])
async def test_a_part_that_belongs_to_the_run(part: str, nested: bool) -> None:
    """If a part, however deep, is the run's, it is made anew for each run, once for each state, and runs never mix (engine 14)."""

    @dataclass
    class Inner:
        mine: list[int]

    @dataclass
    class Outer:
        n: int
        inner: Inner

    kind: Any = Outer if nested else Inner
    made: list[list[Any]] = []

    async def step(deps: kind, mine: list[int]) -> Stage:
        if not made[-1]:
            await asyncio.sleep(0)
        made[-1].append(deps)
        assert (deps.inner if nested else deps).mine is mine
        return Stage.A if len(made[-1]) < 3 else Stage.DONE

    workflow = single(step, res(mine=PARTS[part]()))
    for _ in range(3):
        made.append([])
        await workflow.orchestrate(Stage.A, resources={"mine": [1]} if part == "brought" else None)
    assert [len({id(each) for each in run}) for run in made] == [1, 1, 1]
    assert len({id(run[0]) for run in made}) == 3


async def test_what_a_run_brings_goes_into_its_dataclass() -> None:
    """``orchestrate(resources=...)`` fills the fields of that run only, and is checked before anything runs (engine 14)."""
    seen: list[int] = []

    async def step(deps: Deps) -> Stage:
        seen.append(deps.limit)
        return Stage.DONE

    log: list[str] = []
    workflow = single(step, res(limit=1, a=Plain("a", log)))
    for own in (None, {"limit": 2}, None):
        await workflow.orchestrate(Stage.A, resources=own)
    log.clear()
    with pytest.raises(ResourceTypeMismatch, match=r"step\(deps\.limit\): resource 'limit': expected int, found str"):
        await workflow.orchestrate(Stage.A, resources={"limit": "text"})
    assert (seen, log) == ([1, 2, 1], [])


async def test_the_container_inside_is_that_of_the_run() -> None:
    """A field annotated ``Resources`` finds what the run has of its own."""

    @dataclass
    class Outer:
        everything: Resources

    async def step(outer: Outer) -> Stage:
        assert outer.everything["mine"] == 7
        return Stage.DONE

    assert await single(step, res(mine=per_run(lambda: 7))).orchestrate(Stage.A) is Stage.DONE


async def test_an_override_goes_into_the_dataclass() -> None:
    """In a block of ``override`` the dataclass is made of the replacements, and a wrong type names the field (engine 8)."""
    seen: list[Any] = []

    async def step(deps: Deps) -> Stage:
        seen.append(deps)
        return Stage.DONE

    container = res()
    workflow = single(step, container)
    await workflow.orchestrate(Stage.A)
    new = Pool()
    with container.override({"pool": new}):
        await workflow.orchestrate(Stage.A)
    await workflow.orchestrate(Stage.A)
    assert [each.pool for each in seen] == [POOL, new, POOL]
    assert seen[0] is seen[2]
    with container.override({"pool": 3}), pytest.raises(ResourceTypeMismatch, match=r"step\(deps\.pool\)"):
        await workflow.orchestrate(Stage.A)


@pytest.mark.parametrize("mine", [3, per_run(int)], ids=["for the plan", "for the run"])
@pytest.mark.parametrize("error", [ValueError, StopIteration])
async def test_what_its_own_code_raises_reaches_the_caller(mine: Any, error: type[Exception]) -> None:
    """An ``__init__`` that fails ends the run with its error, noted once with the parameter; the next run tries again."""
    constant, fails = error("cannot"), True

    @dataclass
    class Fails:
        mine: int

        def __post_init__(self) -> None:
            if fails:
                raise constant

    @dataclass
    class Outer:
        inner: Fails

    log: list[str] = []

    async def step(deps: Outer) -> Stage:
        return Stage.DONE

    workflow = single(step, Resources({"a": Plain("a", log), "mine": mine}))
    for _ in range(3):
        with pytest.raises(RuntimeError if error is StopIteration else error) as caught:
            await workflow.orchestrate(Stage.A)
    if error is StopIteration:
        assert caught.value.__cause__ is constant
    else:
        assert caught.value is constant
        notes = caught.value.__notes__
        assert [each for each in notes if "Fails was made for step(deps.inner)" in each] == notes[:1]
    context = context_of(caught.value)
    assert (context is not None and context.state == "A") or mine == 3
    assert log == ["up a", "down a"] * (0 if mine == 3 else 3)
    fails = False
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
