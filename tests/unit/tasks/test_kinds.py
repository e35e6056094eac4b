"""What can be a task and what cannot (engine 2, F3, TK-1 to TK-3)."""

import asyncio
import functools
import types
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from enum import Enum
from typing import Any, Literal
from unittest.mock import AsyncMock, MagicMock

import pytest

from cano.errors import CanoError, ConfigurationError, ResultInvalid, TaskInvalid
from cano.resources import Resources
from cano.tasks import TaskResult, task
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single
from tests.unit.tasks.decorators import traced_plainly


class Other(Enum):
    """States of another workflow."""

    LOST = 1


@task
async def module_task() -> Literal[Stage.DONE]:
    """Be found by pickle."""
    return Stage.DONE


@task(to=Stage.DONE)
class ModuleTask:
    """Be found by pickle."""

    async def run_bare(self) -> Stage:
        """Go on."""
        return Stage.DONE


async def ran(run: Any) -> Any:
    """Run the task as the only one."""
    return await single(run).orchestrate(Stage.A)


async def test_class_tasks_run_with_or_without_resources() -> None:
    """An object with ``run`` or ``run_bare`` is a task; with both, ``run`` is (TK-1, TK-3)."""

    class Bare:
        async def run_bare(self) -> Stage:
            return Stage.DONE

    class Both:
        async def run(self, res: Resources) -> TaskResult[Stage]:
            return TaskResult.single(Stage.DONE)

        async def run_bare(self) -> Stage:
            raise AssertionError

    class Static:
        @staticmethod
        async def run() -> Stage:
            return Stage.DONE

    class OfClass:
        @classmethod
        async def run(cls, res: Resources) -> Stage:
            return Stage.DONE

    for each in (Bare(), Both(), Static(), OfClass()):
        assert await ran(each) is Stage.DONE


async def test_plain_wrappers_of_async_functions_are_awaited() -> None:
    """A plain def that wraps an async one, or says that it returns an awaitable, is awaited."""

    async def step() -> Stage:
        return Stage.DONE

    def says_so() -> Awaitable[Stage]:
        return step()

    def says_coroutine() -> "Coroutine[Any, Any, Literal[Stage.DONE]]":
        return step()  # type: ignore[return-value]

    def says_future() -> asyncio.Future[Stage]:
        return asyncio.ensure_future(step())

    for each in (traced_plainly(step), says_so, says_coroutine, says_future):
        assert await ran(each) is Stage.DONE


async def test_a_generator_based_coroutine_is_awaited() -> None:
    """``types.coroutine`` makes a task."""

    @types.coroutine
    def step() -> Any:
        yield
        return Stage.DONE

    assert await ran(step) is Stage.DONE


async def test_an_async_mock_is_a_task() -> None:
    """A mock that is async is a task without parameters; one that is not is a plain callable."""
    assert await ran(AsyncMock(return_value=Stage.DONE)) is Stage.DONE
    with pytest.raises(TaskInvalid):
        single(MagicMock())


async def test_a_wrapper_that_returns_no_awaitable_is_told_so() -> None:
    """What says that it returns an awaitable and returns a state is an error that names the task."""

    def lies() -> Awaitable[Stage]:
        return Stage.DONE  # type: ignore[return-value]

    with pytest.raises(ResultInvalid, match=r"lies returned Stage.*did not return an awaitable"):
        await ran(lies)


def plain() -> Stage:
    """Run nowhere in particular."""
    return Stage.DONE


async def async_generator() -> AsyncIterator[Stage]:
    """Yield instead of returning."""
    yield Stage.DONE


def generator() -> Iterator[Stage]:
    """Yield instead of returning."""
    yield Stage.DONE


class PlainRun:
    """A class whose run is plain."""

    def run(self, res: Resources) -> Stage:
        """Run nowhere in particular."""
        return Stage.DONE


class CallsPlainly:
    """A plain callable object."""

    def __call__(self) -> Stage:
        """Run nowhere in particular."""
        return Stage.DONE


class Empty:
    """A class that is no task."""


class GoodTask:
    """A class that is registered instead of an object."""

    async def run(self, res: Resources) -> Stage:
        """Never run."""
        raise AssertionError


class NotCallable:
    """A class whose run is no method."""

    run = 3


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (plain, r"plain def; write async def, or @task\(blocking=True\)"),
        (functools.partial(plain), "plain def"),
        (lambda: going(Stage.DONE)(), "plain def"),
        (print, "plain def"),
        (PlainRun(), "PlainRun cannot be a task: it is a plain def"),
        (CallsPlainly(), "plain def"),
        (async_generator, "async generator"),
        (generator, "it is a generator"),
        (GoodTask, r"it is a class; register an instance, GoodTask\(\)"),
        (Empty(), "neither an async callable nor an object with run"),
        (NotCallable(), "neither an async callable"),
        (3, "neither"),
        (None, "neither"),
        (Stage.DONE, "DONE is neither"),
        ("step", "'step' is neither an async callable"),
    ],
)
def test_what_cannot_be_a_task_is_refused_at_registration(run: Any, says: str) -> None:
    """The error says what the object is and what to write instead; it is a TypeError as well."""
    with pytest.raises(TaskInvalid, match=says) as caught:
        single(run)
    assert isinstance(caught.value, TypeError | ConfigurationError | CanoError)
    assert caught.value.category == "configuration"


@pytest.mark.parametrize("run", [plain, async_generator, generator, PlainRun, Empty, 3])
def test_what_cannot_be_a_task_is_refused_at_definition(run: Any) -> None:
    """``@task`` refuses at once what no workflow would take."""
    with pytest.raises(TaskInvalid):
        task(run)


@pytest.mark.parametrize("run", [going(Stage.DONE), functools.partial(going(Stage.DONE)), ModuleTask])
def test_blocking_async_is_refused(run: Any) -> None:
    """``blocking=True`` on what is async is a contradiction."""
    with pytest.raises(TaskInvalid, match="blocking=True is for a plain def"):
        task(blocking=True)(run)


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_the_decorator_stands_below_staticmethod(kind: Any) -> None:
    """A mark on a static or class method object would be lost, so the order of the decorators is asked for."""
    with pytest.raises(TaskInvalid, match=f"step cannot be a task: .* write @{kind.__name__} above @task"):
        task(to=Stage.DONE)(kind(going(Stage.DONE)))


class Hidden:
    """A callable that raises whatever it is asked for."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError("hidden")

    async def __call__(self) -> Stage:
        """Never run."""
        raise AssertionError


class HiddenClass(type):
    """A metaclass that shows nothing of a class."""

    def __getattribute__(cls, name: str) -> Any:
        raise LookupError("hidden")


@pytest.mark.parametrize("decorate", [lambda run: single(run), task, task(to=Stage.DONE)])
@pytest.mark.parametrize("make", [Hidden, lambda: HiddenClass("H", (), {}), lambda: HiddenClass("H", (), {})()])
def test_what_raises_when_it_is_looked_at_is_refused(make: Any, decorate: Any) -> None:
    """An object whose own code raises while the task is read is refused as no task, with that error as the cause (engine 2)."""
    with pytest.raises(TaskInvalid, match=r"hidden|neither an async callable") as caught:
        decorate(make())
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, LookupError)


async def test_a_coroutine_instead_of_a_function_is_refused() -> None:
    """A task that was called already is told from the function."""
    called = module_task()
    with pytest.raises(TaskInvalid, match="module_task cannot be a task: it is a coroutine, called already; register the function"):
        single(called)
    with pytest.raises(TaskInvalid, match="called already"):
        _ = task(called)
    called.close()
    with pytest.raises(TaskInvalid, match="it is a Future, called already"):
        single(asyncio.get_running_loop().create_future())


def test_the_states_of_the_workflow_are_checked() -> None:
    """A task whose states are of another class than the workflow's is refused at registration."""

    async def step() -> Other:
        raise AssertionError

    with pytest.raises(TaskInvalid, match="it returns Other, and the states are Stage"):
        single(step)


def test_a_task_is_named_as_in_its_source() -> None:
    """Names in errors are qualified names, without the function around."""

    class Outer:
        class Inner:
            def run(self) -> Stage:
                return Stage.DONE

    with pytest.raises(TaskInvalid, match=r"^Outer.Inner cannot") as caught:
        single(Outer.Inner())
    assert caught.value.task == "Outer.Inner"


async def test_a_task_may_serve_many_states_and_workflows() -> None:
    """One object may be registered often; nothing of a run is kept on it."""

    class Step:
        __slots__ = ()

        async def run(self, res: Resources) -> str:
            return "end"

    step = Step()
    workflow = Workflow().register("a", step).register("b", step).add_exit_state("end").add_start_state("b")
    assert await workflow.orchestrate("a") == await workflow.orchestrate("b") == "end"
