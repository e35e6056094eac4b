"""What is kept, and what is said, when work cannot be sent or brought back (engine 2 and 6)."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from cano.errors import CanoError, ExecutorFailed
from cano.resilience import Retry
from cano.resources import Resources
from cano.store import MemoryStore
from cano.tasks import task
from tests.unit.stages import Stage, single
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Here, Scaled, sending

LARGE = 1_000_000


class Refusing(Executor):
    """An executor that takes nothing."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        del fn, args, kwargs
        raise RuntimeError("full")


class Promising(Executor):
    """An executor that gives back no future."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Give nothing."""


def large_and_unreadable(word: str) -> Any:
    """Return what takes much room and cannot be read."""
    return [word * LARGE, elsewhere.Unreadable()]


def large(word: str) -> Any:
    """Return what takes much room."""
    return word * LARGE


def kept_by(error: BaseException) -> list[str]:
    """Name the variables of the engine's frames in which an error keeps much, or a future."""
    found: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        for name, value in frame.f_locals.items():
            many = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(each, Future) or (isinstance(each, str | bytes) and len(each) >= LARGE) for each in many):
                found.append(f"{frame.f_code.co_name}: {name}")
        trace = trace.tb_next
    return found


LOST: dict[str, tuple[Callable[..., Any], Callable[[], Any], dict[str, Any]]] = {
    "a refused submit": (elsewhere.echo, Refusing, {"value": "x" * LARGE}),
    "an argument that cannot be written": (elsewhere.same, Here, {"one": "x" * LARGE, "other": lambda: 1}),
    "a result that cannot be read": (large_and_unreadable, Here, {"word": "x"}),
    "a reply that is none": (elsewhere.echo, lambda: Here(["x" * LARGE]), {"value": 1}),
    "an error of the executor's own": (elsewhere.echo, lambda: Here(RuntimeError("lost")), {"value": 1}),
}


@pytest.mark.parametrize("case", LOST)
async def test_an_error_keeps_nothing_large(case: str) -> None:
    """Its traceback leads to the frames in which the call was written, sent and read: no value and no bytes are left there."""
    fn, make, values = LOST[case]
    store = MemoryStore(values)
    with pytest.raises(CanoError) as caught:
        await sending(fn, make(), store).orchestrate(Stage.A)
    assert kept_by(caught.value) == []


async def test_a_submit_that_gives_no_future_is_the_executor_s_failure() -> None:
    """And no AttributeError in the middle of the engine."""
    with pytest.raises(ExecutorFailed, match=r"a .*Promising, failed: its submit gave back a NoneType and no Future"):
        await sending(elsewhere.where, Promising(), MemoryStore()).orchestrate(Stage.A)


async def test_what_a_decorator_said_does_not_have_to_pickle(pool: ProcessPoolExecutor) -> None:
    """It is marked on a callable object, or on a class's, and stays here: predicates, states and local names."""

    class Local:
        pass

    def never(error: Exception) -> bool:
        return isinstance(error, Local)

    store = MemoryStore({"numbers": [1, 2]})
    scaled = Scaled(3)
    await sending(scaled, pool, store, retry=Retry(2, unless=never)).orchestrate(Stage.A)
    assert store.get("out", list[int]) == [3, 6]
    assert "__cano_task__" in vars(scaled)


async def test_a_call_that_was_thrown_away_never_begins() -> None:
    """No thread takes it up from the queue once nobody waits for it any more."""
    ran: list[int] = []
    gate: Future[None] = Future()
    step = task(executor="cpu", to=Stage.DONE)(lambda: ran.append(1))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(gate.result)
        run = single(step, Resources({"cpu": pool})).orchestrate(Stage.A)
        run.send(None)
        run.close()
        gate.set_result(None)
    assert ran == []
