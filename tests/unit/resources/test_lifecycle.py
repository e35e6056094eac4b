"""Set-up in order, teardown in reverse, partial roll-back, and what the run gets to hear (RS-10 to RS-16, engine 8)."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from cano.errors import ResourceInvalid, TeardownFailed
from cano.resources import Resources, per_run, shared
from cano.store import MemoryStore
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


async def failing() -> Stage:
    """Fail as a task."""
    raise LookupError("the task's own")


async def test_set_up_in_order_and_torn_down_in_reverse() -> None:
    """Async and plain life cycles are set up in the order of insertion and torn down in reverse (E3, RS-10, RS-11)."""
    log: list[str] = []

    async def step() -> Stage:
        log.append("run")
        return Stage.DONE

    res = Resources({"a": Recorder("a", log), "b": Plain("b", log), "c": Recorder("c", log)})
    assert await single(step, res).orchestrate(Stage.A) is Stage.DONE
    ups_and_downs = [line for line in log if line.split()[0] in ("up", "run", "down")]
    assert ups_and_downs == ["up a", "up b", "up c", "run", "down c", "down b", "down a"]


async def test_every_run_sets_up_anew() -> None:
    """Each run that does not overlap with another sets up and tears down (RS-15)."""
    log: list[str] = []
    workflow = single(going(Stage.DONE), Resources({"a": Plain("a", log)}))
    await workflow.orchestrate(Stage.A)
    await workflow.run(Stage.A)
    assert log == ["up a", "down a"] * 2


async def test_a_set_up_that_fails_undoes_those_before() -> None:
    """A failure at the third undoes the second and the first, touches no later one, and comes out raw with a note (RS-10, ER-4)."""
    log: list[str] = []
    error = ValueError("no connection")
    res = Resources({"a": Recorder("a", log), "b": Plain("b", log), "c": Recorder("c", log, setup=error), "d": Recorder("d", log)})
    with pytest.raises(ValueError, match="no connection") as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert caught.value is error
    assert log == ["setup a", "up a", "up b", "setup c", "down b", "teardown a", "down a"]
    assert error.__notes__ == ["while resource 'c' was set up"]


async def test_the_same_set_up_error_keeps_one_note() -> None:
    """One instance that is raised by every set-up has one note, however often."""
    error = ValueError("again")
    workflow = single(going(Stage.DONE), Resources({"a": Recorder("a", [], setup=error)}))
    for _ in range(3):
        with pytest.raises(ValueError, match="again"):
            await workflow.orchestrate(Stage.A)
    assert error.__notes__ == ["while resource 'a' was set up"]


@pytest.mark.parametrize("failure", [ValueError("b"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_a_teardown_that_fails_stops_no_other(failure: BaseException) -> None:
    """Whatever a teardown raises, those after it still happen, and the run's own error is not replaced (E3)."""
    log: list[str] = []
    res = Resources({"a": Recorder("a", log), "b": Recorder("b", log, teardown=failure), "c": Plain("c", log)})
    with pytest.raises(LookupError, match="the task's own"):
        await single(failing, res).orchestrate(Stage.A)
    assert [line for line in log if line.startswith("down")] == ["down c", "down b", "down a"]


async def test_a_teardown_that_fails_after_a_good_run() -> None:
    """The run raises a group of all failures, with the state that it reached; each says which resource it was."""
    log: list[str] = []
    first, second = ValueError("1"), OSError("2")
    res = Resources({"a": Recorder("a", log, teardown=first), "b": Plain("b", log), "c": Recorder("c", log, teardown=second)})
    with pytest.raises(TeardownFailed, match=r"ended well, in DONE, but 2 teardown\(s\) failed") as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert caught.value.state is Stage.DONE
    assert caught.value.exceptions == (second, first)
    assert second.__notes__ == ["while resource 'c' (tests.unit.stages.Recorder) was torn down"]
    assert isinstance(caught.value, ExceptionGroup)


async def test_an_exit_after_a_good_run_is_itself() -> None:
    """A SystemExit out of a teardown reaches the caller as itself, once all is torn down, with the other failures as notes."""
    log: list[str] = []
    res = Resources(
        {"a": Plain("a", log), "b": Plain("b", log, teardown=SystemExit(3)), "c": Plain("c", log, teardown=ValueError("x"))}
    )
    with pytest.raises(SystemExit) as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert log[-1] == "down a"
    assert any("'c'" in note and "ValueError: x" in note for note in caught.value.__notes__)


async def test_a_teardown_that_fails_after_a_failed_run_is_a_note(caplog: pytest.LogCaptureFixture) -> None:
    """The run's own error says what failed after it, and the failure itself is logged with its traceback."""
    res = Resources({"a": Recorder("a", [], teardown=ValueError("late"))})
    with caplog.at_level(logging.ERROR, "cano"), pytest.raises(LookupError) as caught:
        await single(failing, res).orchestrate(Stage.A)
    assert any(note.endswith("was torn down: ValueError: late") for note in caught.value.__notes__)
    assert caplog.records[0].exc_info is not None


async def test_a_failure_during_the_roll_back_is_a_note() -> None:
    """If the roll-back of a failed set-up fails, the set-up's error stays and says so."""
    log: list[str] = []
    res = Resources({"a": Plain("a", log, teardown=OSError("stuck")), "b": Recorder("b", log, setup=ValueError("b"))})
    with pytest.raises(ValueError, match="b") as caught:
        await single(going(Stage.DONE), res).orchestrate(Stage.A)
    assert any("OSError: stuck" in note for note in caught.value.__notes__)


class Unprintable(Exception):
    """An error whose own code must not run."""

    def __str__(self) -> str:
        raise AssertionError("called")

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("called")


async def test_no_code_of_a_failure_is_called() -> None:
    """Errors of teardowns that cannot be printed or written to are noted all the same."""
    res = Resources({"a": Plain("a", [], teardown=Unprintable())})
    with pytest.raises(LookupError) as caught:
        await single(failing, res).orchestrate(Stage.A)
    assert any("Unprintable" in note for note in caught.value.__notes__)


class Transaction:
    """A context manager that commits or rolls back by what its exit sees."""

    def __init__(self, *, swallow: bool = False) -> None:
        self.seen: list[BaseException | None] = []
        self.entered = 0
        self.swallow = swallow

    async def __aenter__(self) -> "Transaction":
        self.entered += 1
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        assert kind is (type(error) if error is not None else None)
        self.seen.append(error)
        return self.swallow


@pytest.mark.parametrize("recipe", [shared, per_run])
@pytest.mark.parametrize("swallow", [False, True])
async def test_an_exit_sees_the_run_s_error_and_cannot_swallow_it(recipe: Any, swallow: bool) -> None:
    """A transaction is rolled back if the run fails, and a true exit does not turn the failure into a success (E4)."""
    transaction = Transaction(swallow=swallow)
    with pytest.raises(LookupError) as caught:
        await single(failing, Resources({"t": recipe(lambda: transaction)})).orchestrate(Stage.A)
    assert transaction.seen == [caught.value]


@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_an_exit_that_raises_the_run_s_error_anew_has_not_failed(recipe: Any) -> None:
    """An exit may raise what it was given; that is no failure of the teardown."""

    class RaisesAnew(Transaction):
        async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
            assert error is not None
            raise error

    with pytest.raises(LookupError) as caught:
        await single(failing, Resources({"t": recipe(RaisesAnew)})).orchestrate(Stage.A)
    assert len(caught.value.__notes__) == 1


@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_an_exit_sees_nothing_after_a_good_run(recipe: Any) -> None:
    """A transaction is committed if the run went well (E4)."""
    transaction = Transaction()
    await single(going(Stage.DONE), Resources({"t": recipe(lambda: transaction)})).orchestrate(Stage.A)
    assert transaction.seen == [None]


@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_an_exit_sees_the_cancellation(recipe: Any) -> None:
    """A transaction is rolled back if the run is cancelled, or its caller's time is up (E4, RS-22)."""
    transaction = Transaction()

    async def forever() -> Stage:
        await asyncio.sleep(3600)
        return Stage.DONE

    workflow = single(forever, Resources({"t": recipe(lambda: transaction)}))
    run = asyncio.create_task(workflow.orchestrate(Stage.A))
    await turns(5)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workflow.orchestrate(Stage.A), 0.001)
    assert [type(each) for each in transaction.seen] == [asyncio.CancelledError] * 2


async def test_what_comes_out_of_a_recipe_is_the_resource() -> None:
    """Async and plain context managers are entered, awaitables awaited, and what comes out is set up if it has a life cycle."""
    log: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        log.append("open")
        yield "connection"
        log.append("close")

    @contextmanager
    def plainly() -> Iterator[Plain]:
        log.append("enter")
        yield Plain("inner", log)
        log.append("leave")

    async def made() -> int:
        return 7

    async def step(a: str, b: Plain, c: int, d: MemoryStore) -> Stage:
        log.append(f"run {a} {b.name} {c} {type(d).__name__}")
        return Stage.DONE

    res = Resources({"a": shared(opened), "b": per_run(plainly), "c": shared(made), "d": per_run(MemoryStore)})
    await single(step, res).orchestrate(Stage.A)
    assert log == ["open", "enter", "up inner", "run connection inner 7 MemoryStore", "down inner", "leave", "close"]


async def test_what_is_both_awaitable_and_a_context_manager_is_entered() -> None:
    """A pool that may be awaited or entered is entered, so that it is closed again."""

    class Both(Transaction):
        def __await__(self) -> Any:
            raise AssertionError("awaited")
            yield

    pool = Both()
    await single(going(Stage.DONE), Resources({"p": shared(lambda: pool)})).orchestrate(Stage.A)
    assert (pool.entered, pool.seen) == (1, [None])


@pytest.mark.parametrize(
    "make",
    [
        asyncio.Lock,
        asyncio.Semaphore,
        asyncio.Condition,
        threading.Lock,
        threading.RLock,
        threading.Condition,
        MagicMock,
        AsyncMock,
    ],
)
@pytest.mark.parametrize("recipe", [shared, per_run])
async def test_locks_and_mocks_are_not_entered(recipe: Any, make: Any) -> None:
    """A lock that a recipe makes is not held for the length of the run, and a mock is no life cycle."""
    seen: list[Any] = []

    async def step(lock: Any) -> Stage:
        seen.append(lock)
        return Stage.DONE

    made = make()
    await single(step, Resources({"lock": recipe(lambda: made)})).orchestrate(Stage.A)
    assert seen == [made]
    assert not isinstance(made, asyncio.Lock) or not made.locked()


@pytest.mark.parametrize("resource", [asyncio.Lock(), MagicMock(), AsyncMock(), Transaction(), "text", 3, None, Transaction])
async def test_anything_else_is_used_as_it_is(resource: Any) -> None:
    """Without a recipe nothing is entered, and an attribute that only an instance pretends to have is no life cycle."""
    seen: list[Any] = []

    async def step(thing: Any) -> Stage:
        seen.append(thing)
        return Stage.DONE

    await single(step, Resources({"thing": resource})).orchestrate(Stage.A)
    assert seen == [resource]
    assert not isinstance(resource, Transaction) or resource.entered == 0
    assert not isinstance(resource, MagicMock | AsyncMock) or resource.mock_calls == []


async def test_what_a_recipe_makes_is_checked_like_an_insert() -> None:
    """A made object whose set-up takes arguments is refused, and what was entered for it is left again."""

    class Odd:
        def setup(self, config: object) -> None: ...

    left: list[str] = []

    @contextmanager
    def around() -> Iterator[Odd]:
        try:
            yield Odd()
        finally:
            left.append("left")

    with pytest.raises(ResourceInvalid, match="setup takes arguments"):
        await single(going(Stage.DONE), Resources({"odd": shared(around)})).orchestrate(Stage.A)
    assert left == ["left"]


@pytest.mark.parametrize("where", ["setup", "teardown", "recipe", "recipe per run"])
async def test_stop_iteration_in_plain_code_is_an_ordinary_error(where: str) -> None:
    """A StopIteration, which no future carries, comes out as a RuntimeError with it as the cause, and nothing hangs."""

    def stop() -> object:
        raise StopIteration(5)

    if where.startswith("recipe"):
        resource: object = per_run(stop) if where.endswith("run") else shared(stop)
    else:
        resource = type("Stops", (), {where: lambda self: stop()})()
    with pytest.raises((RuntimeError, TeardownFailed)) as caught:
        await single(going(Stage.DONE), Resources({"s": resource})).orchestrate(Stage.A)
    error = caught.value.exceptions[0] if isinstance(caught.value, TeardownFailed) else caught.value
    assert isinstance(error.__cause__, StopIteration)


VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR", default="unset")


class SetsVariable:
    """A resource that sets a context variable, and reads it when it is torn down."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def setup(self) -> None:
        self.log.append(f"setup saw {VAR.get()}")
        VAR.set("from the resource")

    def teardown(self) -> None:
        self.log.append(f"teardown saw {VAR.get()}")


@pytest.mark.parametrize("own", [False, True])
async def test_context_variables_of_resources(own: bool) -> None:
    """A shared resource lives in a copy of the run's context; one of the run's own lives in the run's (J1, engine 8)."""
    log: list[str] = []

    async def step() -> Stage:
        log.append(f"task saw {VAR.get()}")
        return Stage.DONE

    resource: object = per_run(lambda: SetsVariable(log)) if own else SetsVariable(log)
    workflow = single(step, Resources({"v": resource}))

    async def run() -> None:
        VAR.set("run-7")
        await workflow.orchestrate(Stage.A)

    await asyncio.create_task(run())
    seen = "from the resource" if own else "run-7"
    assert log == ["setup saw run-7", f"task saw {seen}", "teardown saw from the resource"]
    assert VAR.get() == "unset"
