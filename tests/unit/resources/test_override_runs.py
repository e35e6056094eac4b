"""Runs and services beside a block of ``override``: each keeps what it began with (engine 8)."""

import asyncio
import threading
from typing import Any

import pytest

from cano.resources import Healthy, Resources, Unhealthy, per_run, shared
from cano.workflow import Workflow
from cano.workflow._plan import Plan
from tests.unit.stages import Plain, Stage, going, single, turns


async def test_a_run_that_began_before_keeps_what_it_had() -> None:
    """A run goes through a block, and in and out of its states, with what it began with; so does one with resources of its own."""
    log: list[Any] = []
    gates = [asyncio.Event() for _ in range(3)]

    def step(number: int, to: Stage) -> Any:
        async def run(a: str, own: list[int]) -> Stage:
            log.append(f"{a} {number} {own}")
            await gates[number].wait()
            return to

        return run

    for own in ([0], per_run(list)):
        res = Resources({"a": "original", "own": own})
        workflow = Workflow(res, state=Stage)
        for number, (here, to) in enumerate([(Stage.A, Stage.B), (Stage.B, Stage.C), (Stage.C, Stage.DONE)]):
            gates[number].clear()
            workflow.register(here, step(number, to))
        run = asyncio.create_task(workflow.add_exit_state(Stage.DONE).orchestrate(Stage.A))
        await turns(10)
        for gate in gates:
            with res.override({"a": "new", "own": [1]}):
                gate.set()
                await turns(10)
        assert await run is Stage.DONE
    assert log == [f"original {number} [0]" for number in range(3)] + [f"original {number} []" for number in range(3)]


async def test_a_run_that_began_in_the_block_keeps_what_it_had() -> None:
    """A run that outlives the block goes on with the replacement, in its parameters and in the container that it was given."""
    gate = asyncio.Event()

    async def first(res: Resources) -> Stage:
        await gate.wait()
        assert res["a"] == "new"
        assert res.items() == (("a", "new"),)
        return Stage.B

    async def second(a: str) -> Stage:
        assert a == "new"
        return Stage.DONE

    res = Resources({"a": "original"})
    workflow = Workflow(res, state=Stage).register(Stage.A, first).register(Stage.B, second).add_exit_state(Stage.DONE)
    with res.override({"a": "new"}):
        run = asyncio.create_task(workflow.orchestrate(Stage.A))
        await turns()
    gate.set()
    assert await run is Stage.DONE


async def test_a_plan_that_is_made_across_the_end_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose plan another thread's block overtakes has what it began with, and leaves it to no later run."""
    res = Resources({"a": 1})
    seen: list[int] = []

    async def step(a: int) -> Stage:
        seen.append(a)
        return Stage.DONE

    block = res.override({"a": 2})
    events: list[Any] = [block.__enter__, lambda: block.__exit__(None, None, None)]

    def overtaken(*arguments: Any) -> Plan:
        plan = Plan(*arguments)
        events.pop(0)()
        return plan

    for _ in range(2):
        workflow = single(step, res)
        with monkeypatch.context() as patch:
            patch.setattr("cano.workflow._definition.Plan", overtaken)
            await workflow.orchestrate(Stage.A)
        await workflow.orchestrate(Stage.A)
    assert seen == [1, 2, 2, 1]


def test_threads_meet_a_block() -> None:
    """Runs in other threads have the originals or the replacements, never some of each, and the originals after the last block."""
    res = Resources({"a": 0, "b": 0})
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()
    failures: list[BaseException] = []

    async def first(a: int, b: int) -> Stage:
        seen.add((a, b))
        return Stage.DONE

    workflow = single(first, res)

    def run() -> None:
        try:
            while not stop.is_set():
                workflow.orchestrate_sync(Stage.A)
                single(first, res).orchestrate_sync(Stage.A)
        except Exception as error:  # noqa: BLE001 - the assertion below shows it
            failures.append(error)

    workers = [threading.Thread(target=run) for _ in range(4)]
    for worker in workers:
        worker.start()
    for number in range(1, 200):
        with res.override({"a": number, "b": number}):
            workflow.orchestrate_sync(Stage.A)
    stop.set()
    for worker in workers:
        worker.join()
    assert failures == []
    assert all(a == b for a, b in seen)
    seen.clear()
    workflow.orchestrate_sync(Stage.A)
    assert seen == {(0, 0)}


@pytest.mark.parametrize("replacement", [7, Plain("new", [])], ids=["nothing to set up", "a life cycle"])
async def test_a_service_leaves_what_it_entered(replacement: Any) -> None:
    """``async with workflow`` around, across the beginning and across the end of a block leaves the very resources it entered."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log)})
    workflow = single(going(Stage.DONE), res)
    block = res.override({"a": replacement})
    async with workflow:
        block.__enter__()
        assert await workflow.orchestrate(Stage.A) is Stage.DONE
        async with workflow:
            pass
        assert log == ["up a"]
    assert log == ["up a", "down a"]
    async with workflow:
        block.__exit__(None, None, None)
        assert await workflow.orchestrate(Stage.A) is Stage.DONE
        async with workflow:
            assert (await res.check_all_health()) == {"a": Healthy()}
    assert log == ["up a", "down a"] * 3


async def test_a_replaced_recipe_is_not_what_is_up_outside() -> None:
    """Health in the block asks the replacement, which is not set up, though the original is."""
    res = Resources({"a": shared(lambda: Plain("a", [])), "b": shared(lambda: Plain("b", []))})
    async with single(going(Stage.DONE), res):
        with res.override({"a": shared(lambda: Plain("new", []))}):
            assert await res.check_all_health() == {"a": Unhealthy("not set up"), "b": Healthy()}
        assert await res.check_all_health() == {"a": Healthy(), "b": Healthy()}
