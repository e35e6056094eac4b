"""A split whose join state shows what it was given, and branches that tests hold in their hands."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cano.errors import SplitFailed
from cano.ports import Clock
from cano.resources import Resources
from cano.tasks import SplitResult
from cano.testing import FakeClock
from cano.workflow import Join, Workflow
from tests.unit.stages import Stage, turns


class Split:
    """A workflow of a split, A, and its join state, B, which writes down the SplitResult that it gets."""

    def __init__(
        self,
        branches: Iterable[Any],
        join: Join | None = None,
        *,
        resources: Resources | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        clock = FakeClock() if clock is None else clock  # one that stands still: branches begin in one turn on a slow machine, too
        self.results: list[SplitResult[Any]] = []

        async def joined(result: SplitResult[Any]) -> Stage:
            self.results.append(result)
            return Stage.DONE

        self.workflow = (
            Workflow(resources, state=Stage, clock=clock)
            .register_split(Stage.A, branches, to=Stage.B, join=join, **options)
            .register(Stage.B, joined)
            .add_exit_state(Stage.DONE)
        )

    async def run(self, **options: Any) -> SplitResult[Any]:
        """Run, and return what the join state was given."""
        assert await self.workflow.orchestrate(Stage.A, **options) is Stage.DONE
        return self.results.pop()

    async def failure(self, **options: Any) -> SplitFailed:
        """Run, and return the error that must come out."""
        with pytest.raises(SplitFailed) as caught:
            await self.workflow.orchestrate(Stage.A, **options)
        assert self.results == []
        return caught.value

    def start(self, **options: Any) -> "asyncio.Task[SplitResult[Any]]":
        """Begin a run."""
        return asyncio.create_task(self.run(**options))


class Held:
    """A branch that waits until the test says how it ends."""

    def __init__(self, log: list[str] | None = None, name: str = "") -> None:
        self.log = [] if log is None else log
        self.name = name
        self.begun = 0
        self.cancels = 0
        self.ended = False
        self.end: asyncio.Future[Any] | None = None
        self.cleanup: Any = None  # an async function for the CancelledError

    async def run_bare(self) -> Any:
        """Wait for the test, and do what it says."""
        self.begun += 1
        self.end = asyncio.get_running_loop().create_future()
        try:
            return await self.end
        except asyncio.CancelledError:
            self.cancels += 1
            if self.cleanup is not None:
                return await self.cleanup()
            raise
        finally:
            self.ended = True
            self.log.append(f"ended {self.name}")

    @property
    def running(self) -> bool:
        """Tell whether it has begun and not ended."""
        return self.end is not None and not self.ended

    @property
    def waits(self) -> bool:
        """Tell whether the test can still say how it ends."""
        return self.end is not None and not self.end.done()

    def returns(self, value: Any = None) -> None:
        """Let it return."""
        assert self.end is not None
        self.end.set_result(value)

    def raises(self, error: BaseException) -> None:
        """Let it raise."""
        assert self.end is not None
        self.end.set_exception(error)


def held(count: int) -> list[Held]:
    """Make so many branches."""
    log: list[str] = []
    return [Held(log, str(number)) for number in range(count)]


def giving(value: Any) -> Any:
    """Make a branch that returns this at once."""

    async def give() -> Any:
        return value

    return give


def failing(error: BaseException) -> Any:
    """Make a branch that raises this very instance at once."""

    async def fail() -> Any:
        raise error

    return fail


def whole(result: SplitResult[Any], branches: int) -> bool:
    """Tell whether each branch is in exactly one of the three."""
    return sorted([*result.successes, *result.failures, *result.cancelled]) == list(range(branches))


async def others() -> "list[asyncio.Task[Any]]":
    """Return the tasks that are there beside those of the test, once those that have ended are gone."""
    await turns(2)
    there = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    return [each for each in there if not str(getattr(each.get_coro(), "__qualname__", "")).startswith("TestRunner.")]


@contextmanager
def task_factory(make: Callable[..., "asyncio.Task[Any]"]) -> Iterator[None]:
    """Have the running loop make its tasks by this."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(make)
    try:
        yield
    finally:
        loop.set_task_factory(before)


def late_task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
    """Make a task that begins in the next turn, as all do on Python 3.11."""
    return asyncio.Task(coro, loop=loop, **{key: value for key, value in options.items() if key != "eager_start"})
