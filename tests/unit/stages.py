"""States, tasks and resources that many tests of the engine use."""

import asyncio
from enum import Enum, auto
from typing import Any

from cano.resources import Resources
from cano.tasks import task
from cano.workflow import Workflow


class Stage(Enum):
    """The usual states."""

    A = auto()
    B = auto()
    C = auto()
    DONE = auto()


def going(to: Any) -> Any:
    """Make a task that does nothing but go on."""

    async def step() -> Any:
        return to

    return task(to=to)(step)


def single(run: Any, resources: Resources | None = None, **options: Any) -> Workflow[Any]:
    """Make a workflow of one state, A, whose task may go anywhere."""
    return Workflow(resources, state=Stage, **options).register(Stage.A, run).add_exit_state(Stage.DONE)


def counting(times: int, then: Any, again: Any) -> Any:
    """Make a task that goes ``again`` until it has run so many times, and then ``then``."""
    left = iter(range(times - 1))

    async def step() -> Any:
        return then if next(left, None) is None else again

    return step


class Recorder:
    """A resource that writes down what happens to it."""

    def __init__(self, name: str, log: list[str], *, setup: Any = None, teardown: Any = None) -> None:
        self.name = name
        self.log = log
        self._setup = setup
        self._teardown = teardown

    async def setup(self) -> None:
        """Yield to the loop, and then be up."""
        self.log.append(f"setup {self.name}")
        await asyncio.sleep(0)
        if self._setup is not None:
            raise self._setup
        self.log.append(f"up {self.name}")

    async def teardown(self) -> None:
        """Yield to the loop, and then be down."""
        self.log.append(f"teardown {self.name}")
        await asyncio.sleep(0)
        self.log.append(f"down {self.name}")
        if self._teardown is not None:
            raise self._teardown


class Plain:
    """A resource whose life cycle is plain functions."""

    def __init__(self, name: str, log: list[str], *, teardown: Any = None) -> None:
        self.name = name
        self.log = log
        self._teardown = teardown

    def setup(self) -> None:
        """Be up."""
        self.log.append(f"up {self.name}")

    def teardown(self) -> None:
        """Be down."""
        self.log.append(f"down {self.name}")
        if self._teardown is not None:
            raise self._teardown


async def turns(count: int = 1) -> None:
    """Let everything else that is ready run, this many times."""
    for _ in range(count):
        await asyncio.sleep(0)
