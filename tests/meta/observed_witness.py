"""What test_observed.py runs with each workflow observed: runs that are told rightly, and some that are not."""

import asyncio
from typing import Any

import pytest

from cano.workflow import _watch
from tests.unit.callers import forever
from tests.unit.stages import Stage, going, single, turns


async def test_right() -> None:
    """A run that ends, one that fails, and one that is cancelled."""
    await single(going(Stage.DONE)).orchestrate(Stage.A)
    run = asyncio.create_task(single(forever).orchestrate(Stage.A))
    await turns(3)
    run.cancel()
    await asyncio.wait((run,))


KEPT: list[Any] = []


def test_suspended_on_purpose() -> None:
    """A run whose task is kept, in a loop that does not go on, has no end and needs none."""
    loop = asyncio.new_event_loop()
    KEPT.extend((loop, loop.create_task(single(forever).orchestrate(Stage.A))))
    loop.call_soon(loop.stop)
    loop.run_forever()


async def test_wrong_no_task_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a task is not told, with which the run leaves the loop: no state is entered after it."""
    monkeypatch.setattr(_watch.Watch, "leave", lambda *_: None)

    async def fail() -> Stage:
        raise LookupError

    with pytest.raises(LookupError):
        await single(fail).orchestrate(Stage.A)


async def test_wrong_no_run_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run is not told."""
    monkeypatch.setattr(_watch.Watch, "end", lambda *_: None)
    await single(going(Stage.DONE)).orchestrate(Stage.A)


async def test_wrong_no_run_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of a run is not told."""
    monkeypatch.setattr(_watch.Watch, "begin", lambda *_: None)
    await single(going(Stage.DONE)).orchestrate(Stage.A)


@pytest.mark.unobserved
async def test_right_as_it_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may say that it is about runs that nobody observes."""
    monkeypatch.setattr(_watch.Watch, "end", lambda *_: None)
    await single(going(Stage.DONE)).orchestrate(Stage.A)
