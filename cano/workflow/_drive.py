"""The loop: it knows one thing, a call without arguments that returns the next state."""

import asyncio
import types
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from cano._notes import is_thrown_away
from cano._trace import CURRENT, ENGINE_CODE
from cano.errors import EventLoopMisuse, MaxStepsReached
from cano.resources import Resources
from cano.workflow._failure import annotate
from cano.workflow._identity import new_run_id
from cano.workflow._plan import Node, Plan
from cano.workflow._trail import TimedPath, thin

# How long work that never suspends may keep the event loop, in transitions and in seconds.
_TURN_STEPS = 256
_TURN_SECONDS = 0.005
# The clock is read after eight transitions while these are quick, else after each.
_ONE, _EIGHT = range(1), range(8)
_QUICK = 0.0005


_running_loop = asyncio._get_running_loop


class Calls(dict[Node, Callable[[], Any]]):
    """The calls of one run whose parameters belong to the run; made at the first entry of a state."""

    __slots__ = ("resources",)

    def __init__(self, resources: Resources) -> None:
        super().__init__()
        self.resources = resources

    def __missing__(self, node: Node) -> Callable[[], Any]:
        assert node.spec is not None
        call = self[node] = node.spec.bind(self.resources)
        return call


@types.coroutine
def bare_yield() -> Generator[None, None, None]:
    """Give the event loop one turn."""
    yield


def outside_of_asyncio() -> EventLoopMisuse:
    """Return the error of a run that something else than asyncio drives."""
    return EventLoopMisuse("orchestrate and run need a running asyncio event loop; in a script, call orchestrate_sync")


async def surface(task: "asyncio.Task[Any] | None") -> asyncio.CancelledError | None:
    """Let a cancellation that is on its way arrive before the engine does something that it should win over, and return it."""
    if task is None or not task.cancelling():
        return None
    try:
        await bare_yield()
    except asyncio.CancelledError as cancel:
        return cancel.with_traceback(None)  # which would lead to its own raiser
    return None


async def drive(plan: Plan, node: Node, calls: Calls | None, timed: TimedPath | None) -> Node:
    """Walk from a node to an exit and return that; in between, give the event loop its turns.

    Raises: what a task raises, told where it comes from; TargetUndeclared, ResultInvalid, MaxStepsReached. A cancellation that
    was on its way wins over all of them, with the error as its cause.
    """
    if _running_loop() is None:
        raise outside_of_asyncio()
    path: list[Node]
    if timed is None:
        path = []
        enter = path.append
    else:
        path, enter = timed.nodes, timed.enter
    token = CURRENT.set(path)
    now, left, omitted = plan.now, plan.steps, 0
    span = _ONE
    try:
        while True:
            began = last = now()
            steps = 0
            while steps < _TURN_STEPS:
                for _ in span:
                    call = node.call
                    if call is not None:
                        enter(node)
                    elif node.spec is None:
                        break
                    else:
                        enter(node)
                        # A node without a call of its own stands only in plans that are driven with calls.
                        call = calls[node]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
                    result = await call()
                    node = node.next if result is node.only else node.ways.get(id(result)) or node.resolve(result)
                if node.spec is None:
                    enter(node)
                    CURRENT.reset(token)
                    return node
                steps += len(span)
                left -= len(span)
                if left == 0:
                    raise MaxStepsReached(plan.steps)
                time = now()
                if time - began > _TURN_SECONDS:
                    span = _ONE
                    break
                span = _EIGHT if time - last < _QUICK * len(span) and steps <= _TURN_STEPS - 8 else _ONE
                last = time
                if left < 8:
                    span = range(min(len(span), left))
            omitted += thin(path) if timed is None else timed.thin()
            await bare_yield()
    except asyncio.CancelledError:
        CURRENT.reset(token)
        raise
    except BaseException as error:
        with suppress(ValueError):  # a run that was thrown away, perhaps in another context than its own
            CURRENT.reset(token)
        if is_thrown_away(error):
            raise
        omitted += thin(path, 0) if timed is None else timed.thin(0)
        annotate(error, path, omitted, new_run_id() if timed is None else timed.run_id)
        if not issubclass(type(error), Exception):  # isinstance would read an attribute of the exception
            raise
        cancel = await surface(asyncio.current_task())
        if cancel is None:
            raise
        try:
            raise cancel from error
        finally:
            del cancel


ENGINE_CODE.add(drive.__code__)
