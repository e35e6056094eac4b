"""A run of a million transitions takes no more memory than a short one, whatever is asked of it (engine 6, 11)."""

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from cano.errors import MaxStepsReached, context_of
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Stage

SHORT, MILLION = 2_000, 1_000_000


@pytest.fixture
def traced() -> Iterator[None]:
    """Count what is allocated."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def to_a() -> Stage:
    """Go on."""
    return Stage.A


async def to_b() -> Stage:
    """Go on."""
    return Stage.B


async def peak_of(steps: int, **options: object) -> int:
    """Go round two states so many times, and return how many bytes that took at most."""
    workflow = Workflow(state=Stage, max_steps=steps).add_exit_state(Stage.DONE)
    workflow.register(Stage.A, task(to=[Stage.B, Stage.DONE])(to_b)).register(Stage.B, task(to=[Stage.A, Stage.DONE])(to_a))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(MaxStepsReached) as caught:
        await (workflow.run if options.pop("report", False) else workflow.orchestrate)(Stage.A, **options)  # type: ignore[arg-type]
    context = context_of(caught.value)
    assert context is not None
    assert len(context.path) + context.omitted == steps
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.unobserved  # four million events, traced, take a minute; test_observers.py has a long run of its own
@pytest.mark.usefixtures("traced")
def test_a_million_transitions_take_constant_memory() -> None:
    """They take what two thousand take."""
    short = asyncio.run(peak_of(SHORT))
    assert asyncio.run(peak_of(MILLION)) < short + 200_000  # the states alone would take eight million bytes
