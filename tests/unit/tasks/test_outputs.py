"""What a pure task returns, and where it is put (engine 2 and 6)."""

from typing import Any

import pytest

from cano.errors import ResultInvalid, TypeMismatch, context_of
from cano.resilience import Retry
from cano.resources import Resources
from cano.store import Key, MemoryStore
from cano.tasks import TaskResult, task
from tests.unit.stages import Stage, single


async def test_a_coroutine_is_no_value() -> None:
    """A plain function that returns one has not awaited it; it is closed, and the error says so."""

    async def squares() -> int:
        return 4

    @task(blocking=True, inputs="store", output="out", to=Stage.DONE)
    def wrapped() -> Any:
        return squares()

    store = MemoryStore()
    with pytest.raises(ResultInvalid, match="wrapped returned a coroutine"):
        await single(wrapped, Resources({"store": store})).orchestrate(Stage.A)
    assert "out" not in store


async def test_a_task_result_is_no_value() -> None:
    """It would be stored, and its state lost."""

    @task(blocking=True, inputs="store", output="out", to=Stage.DONE)
    def step() -> TaskResult[Stage]:
        return TaskResult.single(Stage.B)

    store = MemoryStore()
    with pytest.raises(ResultInvalid, match=r"a TaskResult.*the state that comes next is that of to="):
        await single(step, Resources({"store": store})).orchestrate(Stage.A)
    assert "out" not in store


async def test_a_put_that_fails_is_part_of_the_last_attempt() -> None:
    """The error says which attempt gave the value, and what came before; it is not tried again."""
    seen: list[int] = []

    @task(blocking=True, inputs="store", output=Key("out", int), to=Stage.DONE, retry=Retry(5, delay=0))
    def step() -> Any:
        seen.append(1)
        if len(seen) < 3:
            raise ValueError
        return "text"

    with pytest.raises(TypeMismatch) as caught:
        await single(step, Resources({"store": MemoryStore()})).orchestrate(Stage.A)
    context = context_of(caught.value)
    assert context is not None
    assert (context.attempt, [each.number for each in context.earlier], len(seen)) == (3, [1, 2], 3)
