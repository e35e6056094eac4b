"""One run that is interrupted at one point: the points are found and counted.

A point is a place where an interruption can fall. There are three sorts: ``run``, a suspension of the run's own asyncio task;
``code``, a step of what the scene has written, in whatever task that runs (the run's, a branch's, the owner's of the shared
resources); ``turn``, a turn of the event loop.
"""

import asyncio
import sys
import types
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from cano.resilience import CancellationToken
from cano.testing import FakeClock

T = TypeVar("T")
TURN = 2**-12  # seconds that a turn of the loop takes by the clock of a scene; twenty of them are the engine's 5 ms
LIMIT = 4096.0  # the timeout of a run that has one: none comes near to it
VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")

# Who asks for the interruption: the caller's own cancel(), asyncio.timeout around the run, the run's token, the run's timeout.
CANCEL, DEADLINE, TOKEN, TIMEOUT = "cancel", "deadline", "token", "timeout"
WAYS = (CANCEL, DEADLINE, TOKEN, TIMEOUT)
THROW_AWAY = "throw away"  # nobody asks: the coroutine is closed


class TurnClock(FakeClock):
    """A clock that goes on by itself, by the same amount each turn of the loop: timers fire, and at the same turn each time."""

    def __init__(self, each_turn: Callable[[], None]) -> None:
        super().__init__()
        self._each_turn = each_turn
        self._going = True

    def start(self) -> None:
        """Begin to go."""
        self._going = True
        asyncio.get_running_loop().call_soon(self._turn)

    def stop(self) -> None:
        """Stand still, so that the loop may come to rest."""
        self._going = False

    def leap(self) -> None:
        """Go on by the limit of a run, at once."""
        self.time += LIMIT
        self._fire()

    def _turn(self) -> None:
        if self._going:
            asyncio.get_running_loop().call_soon(self._turn)
            self.time += TURN
            self._fire()
            self._each_turn()

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._timers and self._timers[0][0] <= self.time:
            loop.call_soon(self._timers.pop(0)[2].fire)
            self._timers.sort()


@dataclass(frozen=True)
class Point:
    """The place of an interruption; ``soon`` is one turn later, by a callback of the loop, ``again`` at all later ones, too."""

    sort: str
    number: int
    soon: bool = False
    again: bool = False


@dataclass
class Request:
    """An interruption that was asked for, and what the run was at then."""

    way: str
    waited: bool  # the run's task did, or was about to; else it was in the midst of a step
    seen: int  # its suspensions until then
    returned: bool  # its last task had given the exit state
    amid: bool  # of the clean-up after an earlier cancellation

    @property
    def due(self) -> int:
        """How many suspensions it may take until it comes out; all but cancel() take a turn of the loop by themselves."""
        return self.seen + (not self.waited) + (self.way != CANCEL)


class Exit(NamedTuple):
    """What the exit of a context manager has seen, and what had been asked for before."""

    name: str
    error: BaseException | None
    requested: bool
    arrived: bool  # the run's task had had the time to see it


@dataclass
class Scene:
    """What is played: ``make`` is called once and gives the call that runs; a second call is the next run."""

    make: "Callable[[Play], Callable[[], Awaitable[Any]]]"
    ends: Any = None  # what an undisturbed run gives, or the class of what it raises
    fails: type[BaseException] | None = None  # what the exits see then
    before: "Callable[[Play], Awaitable[None]] | None" = None  # what is under way when it begins
    after: "Callable[[Play], Awaitable[None]] | None" = None  # what else has to end, and to be seen
    close: "Callable[[Play], None] | None" = None
    threads: bool = False  # takes real time: its turns have no numbers
    beside: bool = False  # others run on when it ends
    swallowed: Any = None  # what a run gives, or raises, whose task makes something else of the caller's cancellation
    nested: bool = False  # a run inside it ends by the cancellation itself
    ways: tuple[str, ...] = WAYS


@dataclass
class Play:
    """One run of a scene, the interruption and what came of it."""

    scene: Scene
    ways: tuple[str, ...] = ()
    at: Point | None = None
    log: list[str] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    begun: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)  # CancelledErrors that a piece of a task of its own has seen
    faults: list[str] = field(default_factory=list)  # seen where nothing could be raised
    unhandled: list[dict[str, Any]] = field(default_factory=list)
    on_suspension: Callable[[], None] | None = None
    task: "asyncio.Task[Any] | None" = None
    token: CancellationToken | None = None
    deadline: asyncio.Timeout | None = None
    outcome: Any = None
    live: bool = False
    over: bool = False
    suspended: bool = False
    returned: bool = False
    thrown_away: bool = False
    outside: bool = False  # its timeout does not count yet
    tries: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = TurnClock(lambda: self.point("turn"))

    @property
    def options(self) -> dict[str, Any]:
        """What the run is called with."""
        limits = {"timeout": LIMIT} if TIMEOUT in self.ways else {}
        return {**limits, **({"token": self.token} if self.token is not None else {})}

    def point(self, sort: str) -> None:
        """Be at a point, and interrupt if this is the one."""
        if not self.live:
            return
        self.counts[sort] += 1
        if self.at is None or self.at.sort != sort:
            return
        number = self.counts[sort]
        if number == self.at.number or (self.at.again and number > self.at.number):
            if self.at.soon:
                asyncio.get_running_loop().call_soon(self.interrupt)
            else:
                self.interrupt()

    def interrupt(self) -> None:
        """Ask for the interruption, in all its ways, one after the other."""
        assert self.task is not None
        loop = asyncio.get_running_loop()
        waited = self.suspended or (self.at is not None and self.at.sort == "run")
        amid = isinstance(sys.exc_info()[1], asyncio.CancelledError)
        for way in self.ways:
            vain = self.returned or (way == TIMEOUT and self.outside)
            self.requests.append(Request(way, waited, self.counts["run"], vain, amid))
            if way == CANCEL:
                self.task.cancel()
            elif way == DEADLINE:
                assert self.deadline is not None
                self.deadline.reschedule(loop.time())  # which is a callback of the loop
                loop.call_soon(self._arrived, self.requests[-1])
            elif way == TOKEN:
                assert self.token is not None
                self.token.cancel()
            elif way == TIMEOUT:
                self.clock.leap()
            else:
                self.thrown_away = True

    def _arrived(self, request: Request) -> None:
        request.returned = self.returned

    # What the tasks and resources of a scene are made of.

    async def pause(self, turns: int = 1) -> None:
        """Suspend so many times, with a point before each and after the last."""
        for _ in range(turns):
            self.point("code")
            await asyncio.sleep(0)
        self.point("code")

    async def piece(
        self, name: str, turns: int = 1, *, cleanup: int = 0, error: BaseException | None = None, last: bool = False
    ) -> None:
        """Do some turns of work, raise ``error``, if it is one, as the ``last`` task of the run; ``cleanup`` takes more turns."""
        assert name not in (self.begun - self.ended), "two at once"
        self.begun[name] += 1
        own = asyncio.current_task() is self.task
        try:
            try:
                await self.pause(turns)
                if error is not None:
                    raise self.last(error) if last else error
            except asyncio.CancelledError:
                self.hits[name] += not own
                raise
            except GeneratorExit:
                cleanup = 0  # it could not wait any more
                raise
            finally:
                try:
                    if cleanup:
                        await self.pause(cleanup)
                except asyncio.CancelledError:
                    self.hits[name] += not own
                    raise
        except asyncio.CancelledError:
            self.log.append(f"cancelled {name}")
            raise
        finally:
            self.ended[name] += 1

    def leave(self, name: str, error: BaseException | None) -> None:
        """Write down what the exit of a context manager has seen."""
        arrived = any(each.amid or self.counts["run"] > each.due for each in self.requests)
        self.exits.append(Exit(name, error, bool(self.requests), arrived))

    def last(self, state: T) -> T:
        """Give the exit state; from here on only a caller's cancellation counts."""
        self.returned = self.returned or self.live
        return state


@types.coroutine
def numbered(steps: Coroutine[Any, Any, Any], play: Play) -> Generator[Any, Any, Any]:
    """Drive a coroutine as ``await`` does; each thing that it waits for is a point."""
    thrown: BaseException | None = None
    while True:
        try:
            waits_for = steps.send(None) if thrown is None else steps.throw(thrown)
        except StopIteration as stop:
            return stop.value
        finally:
            thrown = None
        play.point("run")
        if play.on_suspension is not None and play.live:
            play.on_suspension()
        if play.thrown_away:
            steps.close()
            return THROW_AWAY
        play.suspended = True
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 - all of it is meant for what waits
            thrown = error
        finally:
            play.suspended = False
