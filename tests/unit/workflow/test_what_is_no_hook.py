"""What is no observer, and what is no hook, is refused when the workflow is made (engine 10, K2)."""

import functools
import gc
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

from cano.ports import Observer, RunInfo, StepInfo
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single
from tests.unit.watching import HOOKS, Log, observer_of, whole_workflow


class AsyncCall:
    """An object whose call is async."""

    async def __call__(self, *facts: object) -> None:
        """Do nothing."""


async def plain_async(*_: object) -> None:
    """Do nothing."""


async def generates(*_: object) -> Any:
    """Do nothing."""
    yield 1


def yields(*_: object) -> Any:
    """Do nothing."""
    yield 1


ASYNC = [plain_async, functools.partial(plain_async, 1), AsyncCall(), AsyncMock(), AsyncMock().method, generates]


@pytest.mark.parametrize("hook", ASYNC, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("name", HOOKS)
def test_an_async_hook_is_refused(name: str, hook: Any) -> None:
    """A coroutine that nobody awaits would do nothing, so it is an error before anything runs."""
    with pytest.raises(TypeError, match=rf"Observer\.{name} is async, and hooks are not awaited; write a plain def"):
        Workflow(observers=[observer_of(**{name: hook})])


def test_an_async_method_is_refused_in_whatever_form() -> None:
    """Plain, static, of the class, and inherited."""

    class Plain(Observer):
        async def on_run_start(self, run: RunInfo) -> None:  # type: ignore[override]
            """Do nothing."""

    class Inherits(Plain):
        pass

    class Static(Observer):
        on_run_start = staticmethod(plain_async)  # type: ignore[assignment]

    class OfClass(Observer):
        on_run_start = classmethod(plain_async)  # type: ignore[assignment, arg-type]

    for kind in (Plain, Inherits, Static, OfClass):
        with pytest.raises(TypeError, match=rf"{kind.__name__}.on_run_start is async"):
            Workflow(observers=[kind()])


def test_a_generator_is_refused() -> None:
    """A hook with a yield in it would never begin."""
    with pytest.raises(TypeError, match=r"Observer.on_retry is a generator, and hooks are not iterated over"):
        Workflow(observers=[observer_of(on_retry=yields)])


@pytest.mark.parametrize("what", ["coroutine", "generator", "async generator"])
@pytest.mark.parametrize("alone", [False, True])
async def test_what_a_hook_returns_is_no_coroutine(what: str, alone: bool, caplog: pytest.LogCaptureFixture) -> None:
    """What could not be seen before is logged when it comes, and the coroutine is closed: nothing warns that it was not awaited."""
    make = {"coroutine": plain_async, "generator": yields, "async generator": generates}[what]
    hooks = dict.fromkeys(("on_state_enter",) if alone else HOOKS, lambda *facts: make(*facts))
    workflow = whole_workflow(observer_of(**hooks))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    gc.collect()
    assert len(caplog.records) == (4 if alone else 18)
    assert f"returned a {what.rsplit(maxsplit=1)[-1]}, and hooks are not" in str(caplog.records[0].exc_info[1])  # type: ignore[index]


@pytest.mark.parametrize("value", [1, "text", Mock(), MagicMock(), [1]], ids=lambda each: type(each).__name__)
async def test_what_else_a_hook_returns_is_nobody_s_business(value: object, caplog: pytest.LogCaptureFixture) -> None:
    """A lambda returns what it has, and a mock a mock."""
    hooks = {name: Mock(return_value=value) for name in HOOKS}
    assert await whole_workflow(observer_of(**hooks)).orchestrate(Stage.A) is Stage.DONE
    assert caplog.records == []
    assert [hook.call_count for hook in hooks.values()] == [1, 4, 5, 2, 5, 1]


class Misspelt(Observer):
    """Has a method that is a hook but for its name."""

    def on_task_started(self, run: RunInfo, step: StepInfo) -> None:
        """Never be called."""


class Forgetful(Observer):
    """Has a hook without one of its arguments."""

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float) -> None:  # type: ignore[override]
        """Never be called."""


WRONG = [
    (Log, r"^observers is the class Log; |^observers is .*Log.*; pass a list of observers$"),
    (Log(), "pass a list of observers"),
    (None, r"^observers is None; pass a list of observers"),
    (7, r"^observers is 7; pass a list of observers"),
    ([Log], r"^observers has the class .*Log; pass an instance, .*Log\(\)"),
    ([Log(), None], "^observers has None, which is no Observer; derive its class from cano.Observer"),
    (["log"], "^observers has 'log', which is no Observer"),
    ([Misspelt()], r"Misspelt.on_task_started is no hook and would never be called; did you mean 'on_task_start'"),
    ([observer_of(on_run_ended=print)], r"Observer.on_run_ended is no hook .*did you mean 'on_run_end'"),
    ([observer_of(on_retry=None)], "Observer.on_retry is None, and a hook is a method; leave out what is not wanted"),
    ([Forgetful()], r"Forgetful.on_task_end cannot be called with \(run, step, seconds, error\): too many positional arguments"),
]


@pytest.mark.parametrize(("observers", "text"), WRONG)
def test_what_is_no_observer_is_refused(observers: Any, text: str) -> None:
    """The error says what it is and what to write, when the workflow is made."""
    with pytest.raises(TypeError, match=text):
        Workflow(observers=observers)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_task_started", "on_task_start"),
        ("on_tasks_start", "on_task_start"),
        ("on_tsak_start", "on_task_start"),
        ("on_task_ended", "on_task_end"),
        ("on_state_entered", "on_state_enter"),
        ("on_state_entering", "on_state_enter"),
        ("on_stat_enter", "on_state_enter"),
        ("on_retries", "on_retry"),
        ("on_retried", "on_retry"),
        ("on_run_starts", "on_run_start"),
        ("on_run_ended", "on_run_end"),
    ],
)
def test_a_method_that_is_a_hook_but_for_its_spelling_is_refused(name: str, meant: str) -> None:
    """It would never be called, so it is an error that names the one that was meant."""
    with pytest.raises(TypeError, match=f"Observer.{name} is no hook and would never be called; did you mean '{meant}'"):
        Workflow(observers=[observer_of(**{name: print})])


@pytest.mark.parametrize(
    "name",
    ["on_error", "on_start", "on_end", "on_entry", "on_exit", "on_enter", "on_state_exit", "on_retrieve", "on_click", "on_event",
     "on_task", "on_run", "on_state_enter_late", "on_task_error", "on_task_retry", "on_run_error", "on_stop", "on_", "on_message"],
)  # fmt: skip
def test_a_method_that_is_another_one_is_the_observer_s_own(name: str) -> None:
    """It may serve another framework, too."""
    Workflow(observers=[observer_of(**{name: print})])


async def test_observers_are_anything_that_can_be_iterated_over_once() -> None:
    """A generator and a tuple do as well, and other methods with on_ are the observer's own."""

    class Other(Log):
        on_duty = True

        def on_call(self) -> None:
            """Be something else."""

    log = Other()
    await single(going(Stage.DONE), observers=(each for each in [log])).orchestrate(Stage.A)
    await single(going(Stage.DONE), observers=(log,)).orchestrate(Stage.A)
    assert log.lines.count("over DONE") == 2
