"""How resources are: asked all at once, each under a deadline (RS-2, RS-3, RS-13, engine 8)."""

import asyncio
import pickle
from datetime import timedelta
from typing import Any

import pytest

from cano.resources import Degraded, HealthStatus, Healthy, Resources, Unhealthy, per_run, shared
from cano.testing import FakeClock
from tests.unit.stages import Stage, going, single, turns


class Answers:
    """A resource that answers what it is told to, and raises it if it is an exception."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def health(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class AnswersPlainly(Answers):
    """The same without async."""

    def health(self) -> Any:  # type: ignore[override]
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Hangs:
    """A resource that never answers."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def health(self) -> HealthStatus:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.cancelled += 1
        return Healthy()


class Unprintable(Exception):
    """An error that has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


async def test_answers_come_in_the_order_of_insertion() -> None:
    """Async and plain probes, and resources without one, answer under their keys."""
    res = Resources({"b": Answers(Degraded("slow")), "a": AnswersPlainly(Unhealthy("gone")), "none": 3, "ok": Answers(Healthy())})
    answers = await res.check_all_health()
    assert list(answers.items()) == [("b", Degraded("slow")), ("a", Unhealthy("gone")), ("none", Healthy()), ("ok", Healthy())]


async def test_no_resources_are_healthy() -> None:
    """An empty container has no answers, and the worst of none is healthy."""
    answers = await Resources().check_all_health()
    assert answers == {}
    assert HealthStatus.aggregate(answers.values()) == Healthy()


@pytest.mark.parametrize("kind", [Answers, AnswersPlainly])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ValueError("broken pipe"), "ValueError: broken pipe"),
        (StopIteration(), "RuntimeError"),
        (Unprintable(), "Unprintable"),
        (None, "health() returned a NoneType and no HealthStatus"),
        (True, "health() returned a bool and no HealthStatus"),
    ],
)
async def test_a_probe_that_fails_is_an_answer(kind: Any, answer: Any, reason: str) -> None:
    """What a probe raises, or returns that is no status, makes the resource unhealthy, with the reason."""
    found = (await Resources({"a": kind(answer)}).check_all_health())["a"]
    assert isinstance(found, Unhealthy)
    assert reason in found.reason


async def test_probes_run_at_once_and_each_has_a_deadline() -> None:
    """Two probes that hang cost one deadline, are cancelled and awaited, and the third one's answer is there."""
    clock = FakeClock()
    first, second = Hangs(), Hangs()
    res = Resources({"a": first, "b": second, "c": Answers(Healthy())})
    check = asyncio.create_task(res.check_all_health(timeout=2.0, clock=clock))
    await turns(5)
    await clock.advance(1.9)
    await turns(5)
    assert not check.done()
    await clock.advance(0.1)
    late = Unhealthy("no answer within 2 s")
    assert await check == {"a": late, "b": late, "c": Healthy()}
    assert (first.cancelled, second.cancelled) == (1, 1)


async def test_a_cancelled_check_leaves_nothing_behind() -> None:
    """A check that is cancelled has cancelled and awaited all its probes and timers."""
    hangs = Hangs()
    before = asyncio.all_tasks()
    check = asyncio.create_task(Resources({"a": hangs, "b": Hangs()}).check_all_health(clock=FakeClock()))
    await turns(3)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    assert hangs.cancelled == 1
    assert asyncio.all_tasks() == before


async def test_recipes_are_asked_while_they_are_up() -> None:
    """A shared recipe is unhealthy until it is set up, and asked then; what each run has of its own is left out."""
    res = Resources({"s": shared(lambda: Answers(Degraded("old"))), "own": per_run(lambda: Answers(Unhealthy("x")))})
    assert await res.check_all_health() == {"s": Unhealthy("not set up")}
    async with single(going(Stage.DONE), res):
        assert await res.check_all_health() == {"s": Degraded("old")}
    assert await res.check_all_health() == {"s": Unhealthy("not set up")}


def test_the_worst_is_the_first_of_the_worst() -> None:
    """Aggregation returns the worst status, and of equals the first (RS-13)."""
    assert HealthStatus.aggregate([Healthy(), Degraded("1"), Degraded("2")]) == Degraded("1")
    assert HealthStatus.aggregate([Degraded("1"), Unhealthy("2"), Unhealthy("3")]) == Unhealthy("2")
    assert [each.is_healthy for each in (Healthy(), Degraded(), Unhealthy())] == [True, False, False]


def test_a_status_is_a_value() -> None:
    """Statuses compare by kind and reason, and pickle."""
    assert Degraded("a") == Degraded("a") != Degraded("b")
    assert Degraded("a") != Unhealthy("a")
    assert pickle.loads(pickle.dumps(Degraded("a"))) == Degraded("a")
    assert repr(Unhealthy("gone")) == "Unhealthy(reason='gone')"


async def test_the_engine_never_asks_by_itself() -> None:
    """A run calls no probe (RS-3)."""
    await single(going(Stage.DONE), Resources({"a": Answers(AssertionError("asked"))})).orchestrate(Stage.A)


@pytest.mark.parametrize("kind", [Answers, AnswersPlainly])
@pytest.mark.parametrize(
    "error", [asyncio.CancelledError("mine"), GeneratorExit("mine"), BaseExceptionGroup("g", [GeneratorExit()])]
)
async def test_whatever_a_probe_raises_by_itself_is_an_answer(kind: Any, error: BaseException) -> None:
    """A probe that raises what looks like the end of a task is unhealthy, and the check goes on."""
    answers = await Resources({"a": kind(error), "b": Answers(Healthy())}).check_all_health()
    assert answers["b"].is_healthy
    assert type(error).__name__ in answers["a"].reason


@pytest.mark.parametrize("timeout", [None, "5", True, [5]])
async def test_a_timeout_that_is_no_duration_is_refused(timeout: Any) -> None:
    """A timeout is a number of seconds or a timedelta; anything else is an error and no answer that lies."""
    with pytest.raises(TypeError, match=r"timeout is .*; it is a number of seconds or a timedelta"):
        await Resources({"a": Answers(Healthy())}).check_all_health(timeout=timeout)


@pytest.mark.parametrize("timeout", [float("nan"), -1, timedelta(seconds=-1)])
async def test_a_timeout_that_is_no_time_is_refused(timeout: Any) -> None:
    """A timeout is not negative, and it is a number."""
    with pytest.raises(ValueError, match="at least 0"):
        await Resources({"a": Answers(Healthy())}).check_all_health(timeout=timeout)


async def test_a_timeout_may_be_a_timedelta() -> None:
    """A timedelta is as good as seconds, to the clock and in the answer."""
    clock = FakeClock()
    check = asyncio.create_task(Resources({"a": Hangs()}).check_all_health(timeout=timedelta(minutes=1), clock=clock))
    await turns(5)
    await clock.advance(59.5)
    await turns(5)
    assert not check.done()
    await clock.advance(1)
    assert (await check)["a"] == Unhealthy("no answer within 60 s")


async def test_a_clock_that_fails_is_no_answer() -> None:
    """If the clock itself fails, its error comes out: nobody has waited for the probe."""

    class Stopped(FakeClock):
        async def sleep(self, seconds: float) -> None:
            raise OSError("stopped")

    with pytest.raises(OSError, match="stopped"):
        await Resources({"a": Hangs()}).check_all_health(clock=Stopped())
