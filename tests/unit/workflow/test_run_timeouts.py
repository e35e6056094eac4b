"""A run has the time that its caller gives it, from set-up to exit state (engine 7, 11, 12, RS-20, WF-19, WF-20, WF-22, WF-23)."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from cano.errors import ResourceBroken, RunCancelled, RunTimeout, context_of
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run, shared
from cano.tasks import task as as_task
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, Held, forever, outcome_of
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns

watched_by = pytest.mark.parametrize("watch", ["timeout", "token"])
each_place = pytest.mark.parametrize("own", [False, True])


class Watch:
    """Either way to end a run from outside: a timeout of one second, or a token that is cancelled when it is over."""

    def __init__(self, watch: str, clock: FakeClock) -> None:
        self._token = CancellationToken() if watch == "token" else None
        self._clock = clock
        self.options: dict[str, Any] = {"timeout": 1} if self._token is None else {"token": self._token}
        self.kind = RunTimeout if self._token is None else RunCancelled

    def over(self) -> None:
        """Let the time be over, in the middle of a step."""
        self._clock.time += 1
        if self._token is not None:
            self._token.cancel()

    async def ends(self) -> None:
        """Let the time be over while the run waits."""
        if self._token is not None:
            self._token.cancel()
        await self._clock.advance(1)


class Slow:
    """A resource whose steps take a second each, and which notes how each of them ends."""

    def __init__(self, name: str, log: list[str], clock: FakeClock, *, deaf: bool = False) -> None:
        self._name, self._log, self._clock, self._deaf = name, log, clock, deaf

    async def __aenter__(self) -> "Slow":
        self._log.append(f"opens {self._name}")
        try:
            await self._clock.sleep(1.5)
        except asyncio.CancelledError:
            self._log.append(f"cut {self._name}")
            if not self._deaf:
                raise
        self._log.append(f"open {self._name}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        self._log.append(f"closes {self._name} {kind.__name__ if kind else '-'}")
        await self._clock.sleep(1.5)
        self._log.append(f"closed {self._name}")


def placed(own: bool, make: Any) -> Any:
    """Return a recipe, shared or of the run's own."""
    return per_run(make) if own else shared(make)


def chain(clock: FakeClock, *tasks: Any, res: Resources | None = None, **options: Any) -> Workflow[Any]:
    """Make a workflow of one state after another, 0, 1 and so on, and "end"."""
    workflow: Workflow[Any] = Workflow(res, clock=clock)
    for number, each in enumerate(tasks):
        workflow.register(number, each, **options)
    return workflow.add_exit_state("end")


async def test_a_run_in_time_leaves_no_timer() -> None:
    """And a run that ends at the very moment of its deadline is late."""
    clock = FakeClock()

    async def run() -> Any:
        await clock.sleep(0.5)
        return "end"

    assert await outcome_of(chain(clock, run).orchestrate(0, timeout=0.75), clock) == "end"
    assert clock.waiting == 0
    assert type(await outcome_of(chain(clock, run).orchestrate(0, timeout=0.5), clock)) is RunTimeout


@watched_by
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_it_is_looked_at_at_every_boundary(watch: str, at: int) -> None:
    """Also before the exit state, where the last result is lost; the state that would have come next is told."""
    clock = FakeClock()
    watched, ran = Watch(watch, clock), []

    def step(number: int) -> Any:
        async def run() -> Any:
            ran.append(number)
            if number == at:
                watched.over()
            return number + 1 if number < 2 else "end"

        return run

    error = await outcome_of(chain(clock, *map(step, range(3))).orchestrate(0, **watched.options), clock, 0)
    found = context_of(error)
    assert type(error) is watched.kind
    assert ran == list(range(at + 1))
    assert found is not None
    assert (found.state, found.attempt) == (("1", "2", "end")[at], 0)
    assert found.path == tuple(map(str, ran))


@watched_by
async def test_an_error_after_the_end_is_its_cause(watch: str) -> None:
    """A task that never suspends and fails too late has failed because of that or not; both are told."""
    clock, mine = FakeClock(), ValueError("mine")
    watched = Watch(watch, clock)

    async def run() -> Any:
        watched.over()
        raise mine

    error = await outcome_of(chain(clock, run).orchestrate(0, **watched.options), clock, 0)
    assert type(error) is watched.kind
    assert error.__cause__ is mine


@pytest.mark.parametrize("options", [{"timeout": 0}, {"token": "cancelled"}, {"timeout": 0, "token": "cancelled"}])
@pytest.mark.parametrize("way", ["nothing", "shared", "own", "both"])
async def test_a_run_that_is_over_before_it_begins_sets_nothing_up(options: dict[str, Any], way: str) -> None:
    """No state is entered, and the context says so (WF-30)."""
    log: list[str] = []
    if "token" in options:
        options = {**options, "token": CancellationToken()}
        options["token"].cancel()
    res = Resources({})
    if way in ("shared", "both"):
        res.insert("a", Plain("a", log))
    if way in ("own", "both"):
        res.insert("b", per_run(lambda: Plain("b", log)))

    async def run() -> Any:
        log.append("ran")

    workflow = chain(FakeClock(), run, res=res)
    for method in (workflow.orchestrate, workflow.run):
        error = await outcome_of(method(0, **options), FakeClock(), 0)
        found = context_of(error)
        assert type(error) is (RunCancelled if "token" in options else RunTimeout)
        assert error.__cause__ is None
        assert found is not None
        assert (found.state, found.attempt, found.path) == ("0", 0, ())
    assert log == []


@watched_by
@each_place
@pytest.mark.parametrize("deaf", [False, True])
async def test_a_set_up_is_interrupted_and_undone(watch: str, own: bool, deaf: bool) -> None:
    """What was up is torn down, in full and once; a set-up that swallows it does not save the run (RS-20)."""
    clock, log = FakeClock(), []
    watched = Watch(watch, clock)
    res = Resources({"a": placed(own, lambda: Plain("a", log)), "b": placed(own, lambda: Slow("b", log, clock, deaf=deaf))})
    plain = Plain("first", log)
    res.insert("c", per_run(lambda: plain))
    caller = Caller(chain(clock, going("end"), res=res).orchestrate(0, **watched.options))
    await clock.advance(0)
    assert log == ["up a", "opens b"]
    await watched.ends()
    await clock.advance(5)
    error = await caller.ended()
    found = context_of(error)
    assert type(error) is watched.kind
    assert found is not None
    assert (found.state, found.attempt, found.path) == ("0", 0, ())
    closed = [f"closes b {watched.kind.__name__}", "closed b"] if own else ["closes b CancelledError", "closed b"]
    assert log[:3] == ["up a", "opens b", "cut b"]
    assert log[-1] == "down a"
    assert [line for line in log if "clos" in line] == (closed if deaf else [])
    assert "up first" not in log or deaf


@watched_by
async def test_a_shared_set_up_that_others_wait_for_goes_on(watch: str) -> None:
    """The run that is out of time leaves; the others find the resource, which is torn down after the last."""
    clock, log = FakeClock(), []
    watched = Watch(watch, clock)
    workflow = chain(clock, going("end"), res=Resources({"a": shared(lambda: Slow("a", log, clock))}))
    other = Caller(workflow.orchestrate(0, timeout=100, token=CancellationToken()))
    caller = Caller(workflow.orchestrate(0, **watched.options))
    await clock.advance(0)
    await watched.ends()
    assert type(await caller.ended()) is watched.kind
    assert log == ["opens a"]
    await clock.advance(5)
    assert await other.ended() == "end"
    assert (log[1], log[-1], len(log)) == ("open a", "closed a", 4)


@watched_by
@each_place
async def test_a_teardown_takes_as_long_as_it_takes(watch: str, own: bool) -> None:
    """After a run that went well, and after one that was cut; its exit sees why (RS-20, WF-22)."""
    clock, log = FakeClock(), []
    watched = Watch(watch, clock)
    res = Resources({"a": placed(own, lambda: Slow("a", log, clock))})
    caller = Caller(chain(clock, going("end"), res=res).orchestrate(0, **{**watched.options, **late(watched)}))
    await clock.advance(1.5)
    assert log[-1] == "closes a -"
    await watched.ends()
    await clock.advance(2)
    assert await caller.ended() == "end"
    assert log[2:] == ["closes a -", "closed a"]
    log.clear()
    watched = Watch(watch, clock)
    caller = Caller(chain(clock, forever, res=res).orchestrate(0, **{**watched.options, **late(watched)}))
    await clock.advance(1.5)
    await watched.ends()
    await clock.advance(0.25)
    assert log[-1] == f"closes a {watched.kind.__name__}"
    assert not caller.task.done()
    await clock.advance(2)
    assert type(await caller.ended()) is watched.kind
    assert log[2:] == [f"closes a {watched.kind.__name__}", "closed a"]


def late(watched: Watch) -> dict[str, Any]:
    """Give a run a timeout that is over after its set-up of a second and a half."""
    return {"timeout": 2} if watched.kind is RunTimeout else {}


@watched_by
async def test_the_wait_between_two_attempts_is_interrupted(watch: str) -> None:
    """And the attempts are told; the failure that was waited for is what led there (WF-23)."""
    clock, calls = FakeClock(), []

    async def run() -> Any:
        calls.append(clock.time)
        raise OSError(len(calls))

    watched = Watch(watch, clock)
    caller = Caller(chain(clock, run, retry=Retry(9, delay=0.75, multiplier=1, jitter=0)).orchestrate(0, **watched.options))
    await clock.advance(0.75)
    await watched.ends()
    error = await caller.ended()
    found = context_of(error)
    assert type(error) is watched.kind
    assert calls == [0, 0.75]
    assert found is not None
    assert (found.attempt, [each.message for each in found.earlier]) == (3, ["1", "2"])
    assert error.__cause__ is not None
    assert repr(error.__cause__.__cause__) == "OSError(2)"
    assert clock.waiting == 0


@watched_by
@pytest.mark.parametrize("then", ["end", 1])
async def test_a_task_that_swallows_it_does_not_save_the_run(watch: str, then: Any) -> None:
    """The run ends before the next state, whatever that is, also if the interruption came a little early (G4)."""
    clock = Held()

    async def run() -> Any:
        with suppress(asyncio.CancelledError):
            await forever()
        return then

    watched = Watch(watch, clock)
    caller = Caller(chain(clock, run, forever).orchestrate(0, **watched.options))
    await turns(3)
    if watch == "timeout":
        clock.callbacks[0]()  # a loop that counts in milliseconds is early by the part of one
    else:
        await watched.ends()
    assert type(await caller.ended()) is watched.kind


class Breaks:
    """A resource whose background task dies when it is told to."""

    def __init__(self) -> None:
        self.die = asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> "Breaks":
        await self._group.__aenter__()
        self._group.create_task(self._live())
        return self

    async def _live(self) -> None:
        await self.die.wait()
        raise OSError("died")

    async def __aexit__(self, *details: Any) -> None:
        await self._group.__aexit__(*details)


@pytest.mark.parametrize("options", [{}, {"timeout": 5}, {"token": CancellationToken()}])
@pytest.mark.parametrize("then", ["end", 1])
async def test_a_task_that_swallows_the_end_of_a_broken_resource_does_not_save_the_run(options: Any, then: Any) -> None:
    """The next state does not begin, for nothing would interrupt it any more (engine 8)."""
    clock = FakeClock()

    async def run(a: Breaks) -> Any:
        a.die.set()
        with suppress(asyncio.CancelledError):
            await forever()
        return then

    workflow = chain(clock, run, forever, res=Resources({"a": shared(Breaks)}), timeout=2)
    error = await outcome_of(workflow.orchestrate(0, **options), clock, 1)
    assert type(error) is ResourceBroken
    assert isinstance(error.__cause__, ExceptionGroup)


@watched_by
async def test_a_thread_is_waited_for_and_nothing_is_torn_down_under_it(watch: str) -> None:
    """A blocking task cannot be stopped: the run is over when it is (engine 12, J3)."""
    clock, log = FakeClock(), []
    watched, entered, leave = Watch(watch, clock), asyncio.Event(), CancellationToken()
    loop = asyncio.get_running_loop()

    @as_task(to="end", blocking=True)
    def run(a: Plain) -> str:
        loop.call_soon_threadsafe(entered.set)
        leave.wait_sync(30)
        log.append("left")
        return "end"

    caller = Caller(chain(clock, run, res=Resources({"a": Plain("a", log)})).orchestrate(0, **watched.options))
    await entered.wait()
    await watched.ends()
    assert log == ["up a"]
    leave.cancel()
    await caller.over()
    assert type(caller.outcome) is watched.kind
    assert log == ["up a", "left", "down a"]


async def test_a_run_that_is_thrown_away_amid_its_interruption_leaves_no_cancel() -> None:
    """What it has sent is taken back, and its timer is gone."""
    clock = Held()
    coroutine = chain(clock, forever).orchestrate(0, timeout=1)
    task = asyncio.ensure_future(coroutine)
    await turns(3)
    clock.callbacks[0]()
    coroutine.close()
    assert (task.cancelling(), clock.waiting) == (0, 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_overlapping_runs_have_a_time_each() -> None:
    """And cut nobody but themselves (I2)."""
    clock, log = FakeClock(), []

    async def run() -> Any:
        await clock.sleep(5)
        return Stage.DONE

    workflow = single(run, Resources({"a": Recorder("a", log)}), clock=clock)
    callers = [Caller(workflow.orchestrate(Stage.A, timeout=number + 0.5)) for number in range(10)]
    await clock.advance(20)
    outcomes = [await caller.ended() for caller in callers]
    assert [type(each) for each in outcomes[:5]] == [RunTimeout] * 5
    assert outcomes[5:] == [Stage.DONE] * 5
    assert log == ["setup a", "up a", "teardown a", "down a"]
