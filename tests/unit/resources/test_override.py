"""Tests replace resources for a while (engine 8)."""

import asyncio
import gc
import weakref
from contextlib import ExitStack
from enum import Enum, auto
from typing import Any

import pytest

from cano.errors import (
    ResourceDuplicateKey,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotBrought,
    ResourceNotFound,
    ResourceNotMade,
    ResourceTypeMismatch,
    WorkflowFrozen,
)
from cano.resources import Healthy, Resources, Unhealthy, per_run, shared
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Plain, Stage, going, single


class Key(Enum):
    """Keys that cannot be mistyped."""

    POOL = auto()


def noting(seen: list[Any]) -> Any:
    """Make a task that writes down what it gets as ``a``, and what it finds in the container."""

    async def step(a: Any, res: Resources) -> Stage:
        seen.append((a, res["a"]))
        return Stage.DONE

    return step


@pytest.mark.parametrize("wrong", [[("a", 2)], None, 3, Resources({"a": 2})])
def test_only_a_mapping_replaces(wrong: Any) -> None:
    """What is no mapping is refused where it is written, with the form to write."""
    with pytest.raises(TypeError, match=r"write resources\.override\(\{key: replacement"):
        Resources({"a": 1}).override(wrong)


@pytest.mark.parametrize(
    ("replacements", "error", "match"),
    [
        ({"b": 0, "stoer": 2}, ResourceNotFound, "override: no resource 'stoer'; did you mean 'store'"),
        ({"b": 0, "POOL": 2}, ResourceNotFound, r"no resource 'POOL'; there are .*Key\.POOL"),
        ({3: 2}, ResourceNotFound, "override: no resource 3"),
        ({"b": 0, "store": type("Odd", (), {"setup": lambda self, config: None})()}, ResourceInvalid, "setup takes arguments"),
        ({"b": 0, "store": (twin := Plain("twin", [])), Key.POOL: twin}, ResourceInvalid, "this very object is resource"),
    ],
)
def test_what_cannot_replace_replaces_nothing(replacements: Any, error: Any, match: str) -> None:
    """An unknown key or an object that cannot be a resource is refused with the words of ``insert``, and no other is replaced."""
    res = Resources({"store": 1, "b": 2, Key.POOL: 3})
    with pytest.raises(error, match=match), res.override(replacements):
        raise AssertionError
    assert res.items() == (("store", 1), ("b", 2), (Key.POOL, 3))


def test_an_object_with_a_life_cycle_is_under_one_key_in_the_block_too() -> None:
    """What stays in the container is no replacement for another key; two that change places are none too many."""
    first, second = Plain("first", []), Plain("second", [])
    res = Resources({"a": first, "b": second})
    with pytest.raises(ResourceInvalid, match="resource 'a': this very object is resource 'b'"), res.override({"a": second}):
        raise AssertionError
    with res.override({"a": second, "b": first}):
        assert res.items() == (("a", second), ("b", first))
    with res.override({"a": first}):
        assert res["a"] is first


def test_a_block_is_no_decorator() -> None:
    """Above an ``async def`` it would be over before the test begins, so it cannot stand there."""
    with pytest.raises(TypeError, match="not callable"):
        Resources({"a": 1}).override({"a": 2})(lambda: None)  # type: ignore[operator]


@pytest.mark.parametrize("before", [True, False], ids=["run before", "not run yet"])
async def test_look_ups_and_runs_in_the_block(before: bool) -> None:
    """In the block look-ups, health and runs know the replacement alone; after it, all is as before."""

    class Sick:
        def health(self) -> Unhealthy:
            return Unhealthy("sick")

    seen: list[Any] = []
    sick = Sick()
    res = Resources({"a": 1, "b": 2})
    workflow = single(noting(seen), res)
    if before:
        await workflow.orchestrate(Stage.A)
    with res.override({"a": sick}):
        assert res["a"] is res.get("a", Sick) is sick
        assert res.items() == (("a", sick), ("b", 2))
        assert await res.check_all_health() == {"a": Unhealthy("sick"), "b": Healthy()}
        await workflow.orchestrate(Stage.A)
        await workflow.run(Stage.A)
    assert seen[-2:] == [(sick, sick)] * 2
    assert res.items() == (("a", 1), ("b", 2))
    assert await res.check_all_health() == {"a": Healthy(), "b": Healthy()}
    await workflow.orchestrate(Stage.A)
    assert seen[-1] == (1, 1)


async def refused(workflow: Workflow[Any], error: type[BaseException]) -> BaseException:
    """Run, and return an error nevertheless."""
    await workflow.orchestrate(Stage.A)
    return error()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_body_that_fails_ends_the_block(error: type[BaseException]) -> None:
    """Whatever the body raises comes out, and nothing is replaced any more."""
    seen: list[Any] = []
    res = Resources({"a": 1})
    workflow = single(noting(seen), res)
    block = res.override({"a": 2})
    with pytest.raises(error), block:
        raise await refused(workflow, error)
    await workflow.orchestrate(Stage.A)
    assert seen == [(2, 2), (1, 1)]


ORIGINALS: dict[str, Any] = {
    "object": lambda log: Plain("original", log),
    "shared": lambda log: shared(lambda: Plain("original", log)),
    "per run": lambda log: per_run(lambda: Plain("original", log)),
    "to be brought": lambda log: per_run(of=Plain),
}


@pytest.mark.parametrize("original", ORIGINALS)
@pytest.mark.parametrize("replacement", ["nothing to set up", "object", "shared", "per run"])
async def test_a_replacement_lives_in_the_place_of_the_original(original: str, replacement: str) -> None:
    """A replaced resource or recipe is not made or set up; its replacement is, if there is something to do, at that place."""
    log: list[str] = []
    made = {"original": Plain("new", log), "object": Plain("new", log)}.get(replacement, 7)
    by: Any = {"shared": shared(lambda: Plain("new", log)), "per run": per_run(lambda: Plain("new", log))}.get(replacement, made)
    res = Resources({"before": Plain("before", log), "a": ORIGINALS[original](log), "after": Plain("after", log)})

    async def step(a: Any) -> Stage:
        log.append("ran " + getattr(a, "name", "7"))
        return Stage.DONE

    workflow = single(step, res)
    with res.override({"a": by}):
        await workflow.orchestrate(Stage.A)
    expected = {
        "nothing to set up": "up before, up after, ran 7, down after, down before",
        "object": "up before, up new, up after, ran new, down after, down new, down before",
        "shared": "up before, up new, up after, ran new, down after, down new, down before",
        "per run": "up before, up after, up new, ran new, down new, down after, down before",
    }
    assert ", ".join(log) == expected[replacement]
    log.clear()
    if original == "to be brought":
        with pytest.raises(ResourceNotBrought):
            await workflow.orchestrate(Stage.A)
    else:
        await workflow.orchestrate(Stage.A)
        assert {"up original", "ran original", "down original"} <= {*log}
        assert not [line for line in log if "new" in line]


async def test_a_recipe_takes_the_place_of_an_object() -> None:
    """Outside of a run a replacement that is a recipe cannot be looked up; each run must bring what has none."""
    res = Resources({"a": 1})
    workflow = single(noting(seen := []), res)
    with res.override({"a": per_run(of=int)}):
        with pytest.raises(ResourceNotMade):
            res.get("a", int)
        with pytest.raises(ResourceNotBrought):
            await workflow.orchestrate(Stage.A)
        await workflow.orchestrate(Stage.A, resources={"a": 5})
    await workflow.orchestrate(Stage.A)
    assert seen == [(5, 5), (1, 1)]


async def test_what_a_run_brings_wins_over_the_block() -> None:
    """``orchestrate(resources=...)`` is for its run alone, in a block as outside, before and after it (engine 14)."""
    res = Resources({"a": 1, "b": Plain("b", [])})
    workflow = single(noting(seen := []), res)
    for _ in range(2):
        with res.override({"a": 2}):
            await workflow.orchestrate(Stage.A, resources={"a": 3})
            await workflow.orchestrate(Stage.A)
        await workflow.orchestrate(Stage.A, resources={"a": 3})
        await workflow.orchestrate(Stage.A)
    assert seen == [(3, 3), (2, 2), (3, 3), (1, 1)] * 2


@pytest.mark.parametrize("before", [True, False], ids=["run before", "not run yet"])
async def test_a_wrong_type_is_an_error_before_anything_runs(before: bool) -> None:
    """A replacement that a later task cannot take is named with the task and the parameter, before the first task and set-up."""
    log: list[str] = []

    async def second(a: int) -> Stage:
        return Stage.DONE

    res = Resources({"a": 1, "b": Plain("b", log)})
    workflow = Workflow(res, state=Stage).register(Stage.A, task(to=Stage.B)(going(Stage.B))).register(Stage.B, second)
    workflow.add_exit_state(Stage.DONE)
    if before:
        await workflow.orchestrate(Stage.A)
        log.clear()
    with res.override({"a": "text"}):
        for _ in range(2):
            with pytest.raises(ResourceTypeMismatch, match=r"second\(a\): resource 'a': expected int, found str"):
                await workflow.orchestrate(Stage.A)
        with pytest.raises(ResourceTypeMismatch, match=r"second\(a\)"):
            async with workflow:
                raise AssertionError
    assert log == []
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    with res.override({"a": per_run(str)}), pytest.raises(ResourceTypeMismatch, match=r"second\(a\)"):
        await workflow.orchestrate(Stage.A)


async def test_a_resource_that_came_after_the_registration_is_checked() -> None:
    """A parameter that had only its default at registration is checked against what has been inserted since (engine 2)."""

    async def step(n: int = 3) -> Stage:
        raise AssertionError

    res = Resources()
    workflow = single(step, res)
    res.insert("n", "text")
    with pytest.raises(ResourceTypeMismatch, match=r"step\(n\)"):
        await workflow.orchestrate(Stage.A)


async def test_blocks_nest() -> None:
    """The inner block wins; each end brings back what held before its beginning, down to the plan of the workflow."""
    res = Resources({"a": 1, "b": 1})
    workflow = single(noting(seen := []), res)
    await workflow.orchestrate(Stage.A)
    plans = [workflow._plan]
    with res.override({"a": 2}):
        await workflow.orchestrate(Stage.A)
        plans.append(workflow._plan)
        with res.override({"a": 3, "b": 3}):
            await workflow.orchestrate(Stage.A)
            assert res["b"] == 3
        assert workflow._plan is plans[1]
        await workflow.orchestrate(Stage.A)
        assert res.items() == (("a", 2), ("b", 1))
    assert workflow._plan is plans[0]
    await workflow.orchestrate(Stage.A)
    assert seen == [(1, 1), (2, 2), (3, 3), (2, 2), (1, 1)]


async def test_blocks_that_do_not_nest() -> None:
    """A block that ends while a later one is open takes away its own replacements, and only these."""
    res = Resources({"a": 1, "b": 1, "c": 1})
    workflow = single(noting(seen := []), res)
    first, second, third = res.override({"a": 2, "b": 2}), res.override({"b": 3}), res.override({"c": 4})
    first.__enter__()
    second.__enter__()
    await workflow.orchestrate(Stage.A)
    third.__enter__()
    first.__exit__(None, None, None)
    assert res.items() == (("a", 1), ("b", 3), ("c", 4))
    await workflow.orchestrate(Stage.A)
    third.__exit__(None, None, None)
    await workflow.orchestrate(Stage.A)
    assert res.items() == (("a", 1), ("b", 3), ("c", 1))
    second.__exit__(None, None, None)
    assert res.items() == (("a", 1), ("b", 1), ("c", 1))
    await workflow.orchestrate(Stage.A)
    assert seen == [(2, 2), (1, 1), (1, 1), (1, 1)]


def test_a_block_may_be_entered_again() -> None:
    """One block can be entered after its end, and inside of itself."""
    res = Resources({"a": 1})
    block = res.override({"a": 2})
    with block:
        with block:
            assert res["a"] == 2
        assert res["a"] == 2
    assert res["a"] == 1
    with block:
        assert res["a"] == 2
    assert res["a"] == 1


async def test_a_workflow_that_freezes_in_the_block_is_not_left_with_it() -> None:
    """A first run in the block ends the building for good, but its plan does not outlive the block (engine 4)."""
    res = Resources({"a": 1})
    workflow = single(noting(seen := []), res)
    with res.override({"a": 2}):
        await workflow.orchestrate(Stage.A)
    for _ in range(2):
        with pytest.raises(WorkflowFrozen):
            workflow.register(Stage.B, going(Stage.DONE))
        with pytest.raises(ResourceInUse):
            res.insert("b", 1)
        await workflow.orchestrate(Stage.A)
    assert seen == [(2, 2), (1, 1), (1, 1)]


async def test_workflows_share_the_container_and_the_block() -> None:
    """Each workflow on the container is changed by the block, and back: one that has run, one that has not, and a new one."""
    res = Resources({"a": 1})
    flows = [single(noting(seen := []), res), single(noting(seen), res)]
    await flows[0].orchestrate(Stage.A)
    with res.override({"a": 2}):
        flows.append(single(noting(seen), res))
        for workflow in flows:
            await workflow.orchestrate(Stage.A)
    for workflow in flows:
        await workflow.orchestrate(Stage.A)
    assert seen == [(1, 1)] + [(2, 2)] * 3 + [(1, 1)] * 3


def test_an_insert_in_the_block_stays() -> None:
    """``insert`` has its own rules in the block, and is not undone: no key twice, no object twice, neither now nor after it."""
    original, new = Plain("original", []), Plain("new", [])
    res = Resources({"a": original})
    with res.override({"a": new}):
        with pytest.raises(ResourceDuplicateKey):
            res.insert("a", 3)
        for each in (original, new):
            with pytest.raises(ResourceInvalid, match="this very object is resource 'a'"):
                res.insert("b", each)
        assert res.insert("b", 2).insert("c", per_run(int))["b"] == 2
        with res.override({"b": 3}):
            assert res.insert("d", 4).items() == (("a", new), ("b", 3), ("d", 4))
    assert res.items() == (("a", original), ("b", 2), ("d", 4))
    assert "c" in res


class Own(Resources):
    """A container of a user, with something of its own."""

    extra = 0


async def test_a_container_of_a_user_s_class_stays_one() -> None:
    """A task that asks for the user's class of container gets one in the block, with what it holds, and the very one outside."""
    res = Own({"a": 1})
    res.extra = 5

    async def step(mine: Own) -> Stage:
        assert (type(mine), mine.extra, mine["a"]) == (Own, 5, expected)
        assert mine is res or expected == 2
        return Stage.DONE

    workflow = single(step, res)
    for expected in (1, 2, 1):
        with ExitStack() as stack:
            if expected == 2:
                stack.enter_context(res.override({"a": 2}))
            await workflow.orchestrate(Stage.A)


async def test_the_container_of_one_run_cannot_be_overridden() -> None:
    """A task that was given a container of its run is told where a block has to be opened."""

    async def step(res: Resources) -> Stage:
        with pytest.raises(ResourceInUse, match="as one run sees it; override the resources"), res.override({"a": 2}):
            raise AssertionError
        return Stage.DONE

    await single(step, Resources({"a": per_run(int)})).orchestrate(Stage.A)


@pytest.mark.usefixtures("mortal_classes")
async def test_nothing_of_a_block_or_a_workflow_is_kept() -> None:
    """A container keeps neither the workflows that ran on it nor what replaced its resources."""

    class Fake:
        """Something that dies."""

    res = Resources({"a": 1})
    fake, workflow = Fake(), single(noting([]), res)
    refs = [weakref.ref(fake), weakref.ref(workflow)]
    await workflow.orchestrate(Stage.A)
    with res.override({"a": fake}):
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    del fake, workflow
    gc.collect()
    assert [ref() for ref in refs] == [None, None]
