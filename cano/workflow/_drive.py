"""The loop: it knows one thing, a call without arguments that returns the next state."""

import asyncio
import sys
import types
from collections.abc import Callable, Generator
from typing import Any

from cano.errors import EventLoopMisuse, MaxStepsReached, WorkflowError
from cano.ports import Clock
from cano.resources import Resources
from cano.workflow._failure import ENGINE_CODE, annotate
from cano.workflow._plan import Node
from cano.workflow._trail import CURRENT_RUN, Trail

# How long work that never suspends may keep the event loop, in transitions and in seconds.
_TURN_STEPS = 256
_TURN_SECONDS = 0.005
# The clock is read after eight transitions, while these are quick, else after each.
_ONE, _EIGHT = range(1), range(8)
_QUICK = 0.0005


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


async def surface() -> None:
    """Let a cancellation that is on its way arrive, before the engine raises a verdict of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        await bare_yield()


async def drive(node: Node, trail: Trail, calls: Calls | None, clock: Clock, max_steps: int | None) -> Node:
    """Walk from a node to an exit and return that; in between, give the event loop its turns.

    Raises: what a task raises, told where it comes from; TargetUndeclared, ResultInvalid, MaxStepsReached.
    """
    if asyncio._get_running_loop() is None:
        raise EventLoopMisuse("orchestrate and run need a running asyncio event loop; in a script, call orchestrate_sync")
    token = CURRENT_RUN.set(trail)
    enter, now = trail.enter, clock.now
    left = sys.maxsize if max_steps is None else max_steps
    span = _ONE
    try:
        while node.exit is False:
            began = last = now()
            steps = 0
            while steps < _TURN_STEPS:
                for _ in span:
                    enter(node)
                    result = await (node.call or calls[node])()  # type: ignore[index]
                    node = node.ways.get(id(result)) or node.resolve(result)
                    if node.exit:
                        enter(node)
                        CURRENT_RUN.reset(token)
                        return node
                steps += len(span)
                left -= len(span)
                time = now()
                if time - began > _TURN_SECONDS:
                    break
                span = _EIGHT if time - last < _QUICK * len(span) else _ONE
                last = time
                if left < 8:
                    if left == 0:
                        raise MaxStepsReached(max_steps or 0)
                    span = range(min(len(span), left))
            else:
                trail.trim()
            await bare_yield()
        enter(node)
        CURRENT_RUN.reset(token)
        return node
    except GeneratorExit:
        raise  # a run that was dropped; in another context than its own, maybe
    except asyncio.CancelledError:
        CURRENT_RUN.reset(token)
        raise
    except BaseException as error:
        outer = token.old_value
        CURRENT_RUN.reset(token)
        if isinstance(error, WorkflowError):
            await surface()
        annotate(error, trail, outer if isinstance(outer, Trail) else None)
        raise
    finally:
        del token


ENGINE_CODE.add(drive.__code__)
