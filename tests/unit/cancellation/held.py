"""Resources that write down in the log of a play what happens to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.unit.cancellation.play import VARIABLE, Play


class Held:
    """A resource with a set-up and a teardown that suspend."""

    def __init__(self, play: Play, name: str, *, turns: int = 1) -> None:
        self.play, self.name, self.turns = play, name, turns

    async def setup(self) -> None:
        """Be up after some turns."""
        if self.name.startswith("shared"):
            VARIABLE.set("owner")
        await self.play.pause(self.turns)
        self.play.log.append(f"up {self.name}")

    async def teardown(self) -> None:
        """Be down after some turns."""
        self.play.log.append(f"teardown {self.name}")
        task = asyncio.current_task()
        if self.name.startswith("shared") and task is not None and task.cancelling():
            self.play.faults.append("the owner has been cancelled, and nobody has taken it back")
        await self.play.pause(self.turns)
        self.play.log.append(f"down {self.name}")


class Plain:
    """A resource whose set-up and teardown are plain functions."""

    def __init__(self, play: Play, name: str) -> None:
        self.play, self.name = play, name

    def setup(self) -> None:
        """Be up."""
        self.play.point("code")
        self.play.log.append(f"up {self.name}")

    def teardown(self) -> None:
        """Be down."""
        self.play.log.append(f"teardown {self.name}")
        self.play.point("code")
        self.play.log.append(f"down {self.name}")


def managed(play: Play, name: str) -> Callable[[], AbstractAsyncContextManager[str]]:
    """Return what makes a context manager whose entry and exit suspend; the exit writes down what it sees."""

    @asynccontextmanager
    async def manager() -> AsyncIterator[str]:
        await play.pause(3 if name.startswith("shared") else 1)  # a set-up that nobody waits for any more is interrupted in it
        other = asyncio.current_task() is play.kept.get("other")
        if other:
            play.kept["ups"] = 1
            yield name
            play.kept["ups"] = 0
            return
        play.log.append(f"up {name}")
        seen: BaseException | None = None
        try:
            yield name
        except BaseException as error:
            seen = error
            raise
        finally:
            play.log.append(f"teardown {name}")
            play.leave(name, seen)
            await play.pause()
            play.log.append(f"down {name}")

    return manager
