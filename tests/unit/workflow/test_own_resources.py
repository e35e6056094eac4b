"""A run has inputs and outputs of its own (engine 14)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cano.errors import ResourceNotBrought, ResourceNotFound, ResourceTypeMismatch
from cano.resources import Resources, per_run, shared
from cano.store import MemoryStore
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


async def double(store: MemoryStore) -> Stage:
    """Work on the store alone."""
    await asyncio.sleep(0)
    store.put("result", 2 * store.get("n", int))
    return Stage.DONE


async def through_container(res: Resources) -> Stage:
    """Work on the store through the container."""
    store = res.get("store", MemoryStore)
    await asyncio.sleep(0)
    store.put("result", 2 * store.get("n", int))
    return Stage.DONE


@pytest.mark.parametrize("run", [double, through_container])
@pytest.mark.parametrize("entry", [MemoryStore(), per_run(MemoryStore), per_run(of=MemoryStore), shared(MemoryStore)])
async def test_each_run_works_on_what_it_brings(run: Any, entry: Any) -> None:
    """Runs at once, each with a store of its own, filled before and read after; the shared one is not touched."""
    workflow = single(run, Resources({"store": entry, "other": 1}))
    stores = [MemoryStore({"n": number}) for number in range(20)]
    await asyncio.gather(*(workflow.orchestrate(Stage.A, resources={"store": each}) for each in stores))
    assert [each.get("result", int) for each in stores] == [2 * number for number in range(20)]
    if isinstance(entry, MemoryStore):
        assert entry.is_empty()
        assert workflow.resources["store"] is entry


async def test_the_next_run_without_its_own_sees_the_shared_one() -> None:
    """A replacement is for one run only."""
    common = MemoryStore({"n": 1})
    workflow = single(double, Resources({"store": common}))
    await workflow.orchestrate(Stage.A, resources={"store": MemoryStore({"n": 5})})
    assert not common.contains_key("result")
    await workflow.orchestrate(Stage.A)
    assert common.get("result", int) == 2


async def test_its_life_cycle_stays_the_caller_s() -> None:
    """What a run brings is neither set up nor torn down; what it did not bring is."""
    log: list[str] = []

    async def step(mine: Plain, shared_one: Plain, own: Plain) -> Stage:
        log.append(f"run {mine.name} {shared_one.name} {own.name}")
        return Stage.DONE

    res = Resources(
        {"mine": per_run(lambda: Plain("made", log)), "shared_one": Plain("s", log), "own": per_run(lambda: Plain("o", log))}
    )
    await single(step, res).orchestrate(Stage.A, resources={"mine": Plain("brought", log)})
    assert log == ["up s", "up o", "run brought s o", "down o", "down s"]


async def test_an_unknown_key_is_refused() -> None:
    """A key that the workflow does not have is an error with near misses, before anything runs."""
    workflow = single(double, Resources({"store": MemoryStore()}))
    with pytest.raises(ResourceNotFound, match="no resource 'stroe'; did you mean 'store'"):
        await workflow.orchestrate(Stage.A, resources={"stroe": MemoryStore()})
    with pytest.raises(ResourceNotFound):
        await workflow.orchestrate(Stage.A, resources={3: MemoryStore()})


async def test_a_container_instead_of_a_mapping_is_refused() -> None:
    """What a run brings is a mapping; anything else is an error that says so."""
    workflow = single(double, Resources({"store": MemoryStore()}))
    for wrong in (Resources({"store": MemoryStore()}), [("store", 1)], []):
        with pytest.raises(TypeError, match="pass a dict of those that this run replaces"):
            await workflow.orchestrate(Stage.A, resources=wrong)  # type: ignore[arg-type]


async def test_a_wrong_type_is_refused_before_anything_runs() -> None:
    """A value that is not what a later task asks for is an error before the first task and the first set-up."""
    log: list[str] = []

    async def first() -> Stage:
        raise AssertionError

    workflow = (
        Workflow(Resources({"store": MemoryStore(), "a": Plain("a", log)}), state=Stage)
        .register(Stage.A, first)
        .register(Stage.B, double)
        .add_exit_state(Stage.DONE)
    )
    with pytest.raises(ResourceTypeMismatch, match=r"double\(store\): resource 'store': expected .*MemoryStore, found dict"):
        await workflow.orchestrate(Stage.A, resources={"store": {"n": 1}})
    assert log == []


async def test_what_each_run_must_bring() -> None:
    """``per_run(of=T)`` without a value, or with one of another type, is refused; no task has to ask for it."""
    workflow = single(going(Stage.DONE), Resources({"store": per_run(of=MemoryStore), "x": 1}))
    with pytest.raises(ResourceNotBrought, match=r"'store' is per run and has no recipe; pass resources={'store'"):
        await workflow.orchestrate(Stage.A)
    with pytest.raises(ResourceNotBrought):
        await workflow.run(Stage.A, resources={"x": 2})
    with pytest.raises(ResourceTypeMismatch):
        await workflow.orchestrate(Stage.A, resources={"store": {}})
    assert await workflow.orchestrate(Stage.A, resources={"store": MemoryStore()}) is Stage.DONE


async def test_a_store_made_for_each_run() -> None:
    """``per_run(MemoryStore)`` is one store for all tasks of a run, and a new one for the next."""
    seen: list[MemoryStore] = []

    def step(to: Any) -> Any:
        async def run(store: MemoryStore) -> Any:
            seen.append(store)
            return to

        return task(to=to)(run)

    workflow = (
        Workflow(Resources({"store": per_run(MemoryStore)}), state=Stage)
        .register(Stage.A, step(Stage.B))
        .register(Stage.B, step(Stage.DONE))
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.A)
    await workflow.orchestrate(Stage.A)
    assert seen[0] is seen[1]
    assert seen[2] is seen[3]
    assert seen[0] is not seen[2]


async def test_own_resources_are_undone_in_reverse_after_a_failure() -> None:
    """If making the second one fails, the first one is torn down, and so are the shared ones after it."""
    log: list[str] = []

    @contextmanager
    def fails() -> Iterator[None]:
        raise ValueError("cannot")
        yield

    res = Resources({"own": per_run(lambda: Recorder("own", log)), "bad": per_run(fails), "s": Plain("s", log)})
    with pytest.raises(ValueError, match="cannot") as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert [line for line in log if line.startswith(("up", "down"))] == ["up s", "up own", "down own", "down s"]
    assert caught.value.__notes__ == ["while resource 'bad' was set up"]


async def test_many_sets_of_keys() -> None:
    """Runs may bring any subset of the resources, and every subset works."""

    async def step(res: Resources, a: int, b: int, c: int) -> Stage:
        seen.append((a, b, c, res["a"], res["b"], res["c"]))
        return Stage.DONE

    seen: list[Any] = []
    workflow = single(step, Resources({"a": 1, "b": 2, "c": 3}))
    for keys in ("", "a", "b", "ab", "abc", "ca", "a"):
        await workflow.orchestrate(Stage.A, resources={key: -ord(key) for key in keys})
        values = tuple(-ord(key) if key in keys else value for key, value in (("a", 1), ("b", 2), ("c", 3)))
        assert seen.pop() == values + values


async def test_a_run_can_be_cancelled_with_its_own_resources() -> None:
    """What the run brought is left to the caller also when it is cancelled."""
    log: list[str] = []

    async def forever(mine: Plain) -> Stage:
        log.append(mine.name)
        await asyncio.sleep(3600)
        return Stage.DONE

    workflow = single(forever, Resources({"mine": Plain("common", log)}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A, resources={"mine": Plain("brought", log)}))
    await turns(6)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert log == ["up common", "brought", "down common"]
