"""The loop: it knows one thing, a call without arguments that returns the next state."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cano._notes import is_cancellation, is_thrown_away, note_attempts, take_attempts
from cano._run_id import run_id_of
from cano._trace import CURRENT, Trail
from cano._turn import bare_yield, surface
from cano.errors import EventLoopMisuse, MaxStepsReached
from cano.resources import Resources
from cano.workflow._failure import annotate
from cano.workflow._guard import Guard, stop
from cano.workflow._plan import Node, Plan
from cano.workflow._trail import TimedPath, thin
from cano.workflow._watch import Watch

# How long work that never suspends may keep the event loop, in transitions and in seconds.
_TURN_STEPS = 256
_TURN_SECONDS = 0.005
# The clock is read after eight transitions while these are quick, else after each.
_ONE, _EIGHT = range(1), range(8)
_QUICK = 0.0005


_running_loop = asyncio._get_running_loop


def outside_of_asyncio() -> EventLoopMisuse:
    """Return the error of a run that something else than asyncio drives."""
    return EventLoopMisuse("orchestrate and run need a running asyncio event loop; in a script, call orchestrate_sync")


async def drive(
    plan: Plan,
    node: Node,
    own: Resources | None = None,
    timed: TimedPath | None = None,
    trail: Trail | None = None,
    guard: Guard | None = None,
) -> Node:
    """Walk from a node to an exit and return that; in between, give the event loop its turns.

    ``own`` is the container as this run sees it, if anything in it belongs to the run; ``trail`` is the path to write on, for a run
    that may be interrupted or has splits; the guard is ended when this returns.

    Raises: what a task raises, told where it comes from; TargetUndeclared, ResultInvalid, MaxStepsReached, RunCancelled,
    RunTimeout. A cancellation that was on its way wins over all of them, with the error as its cause.
    """
    if _running_loop() is None:
        raise outside_of_asyncio()
    path: list[Node] = []
    enter: Callable[[Node], object] = path.append
    watch: Watch | None = None
    interrupts = deadline = None
    most = _EIGHT
    if trail is not None:
        path, watch = trail, trail.watch
        enter = trail.append if timed is None else timed.enter
        if watch is not None:
            enter = watch.entering(enter)
            most = _ONE if watch.hooks.slow else _EIGHT
        # What may end the run from outside; a resource of the run's own does not.
        interrupts = trail.interrupts if guard is not None or plan.owner is not None else None
        deadline = None if guard is None else guard.deadline
    token = CURRENT.set(path)
    now, left, omitted = plan.now, plan.steps, 0
    # Made at the first entry of a state, where a parameter belongs to the run.
    calls: list[Callable[[], Any] | None] = [] if own is None else [None] * len(plan.nodes)
    span = _ONE
    try:
        while True:
            began = last = now()
            steps = 0
            while steps < _TURN_STEPS:
                for _ in span:
                    if interrupts is not None and (interrupts.reason or (deadline is not None and now() >= deadline)):
                        if watch is not None:
                            watch.leave(None)
                        stop(guard)
                    call = node.call
                    if call is not None:
                        enter(node)
                    elif node.spec is None:
                        break
                    else:
                        enter(node)
                        call = calls[node.index]
                        if call is None:
                            assert own is not None
                            call = calls[node.index] = node.bind(own)
                    result = await call()
                    if result is node.only:
                        node = node.next
                        continue
                    known = node.last
                    if result is known[0]:
                        node = known[1]
                        continue
                    found = node.ways.get(id(result))
                    if found is None:
                        node = node.resolve(result)
                    else:
                        node.last = (result, found)
                        node = found
                if node.spec is None:
                    if watch is not None:
                        watch.leave(None)
                    if guard is not None:
                        guard.refuse()
                        guard.end()
                    enter(node)
                    CURRENT.reset(token)
                    return node
                steps += len(span)
                left -= len(span)
                if left == 0:
                    if watch is not None:
                        watch.leave(None)
                    raise MaxStepsReached(plan.steps)
                time = now()
                if time - began > _TURN_SECONDS or (watch is not None and watch.full):
                    span = _ONE
                    break
                span = most if time - last < _QUICK * len(span) and steps <= _TURN_STEPS - 8 else _ONE
                last = time
                if left < 8:
                    span = range(min(len(span), left))
            omitted += thin(path) if timed is None else timed.thin()
            if watch is not None:
                watch.leave(None)
            try:
                await (bare_yield() if watch is None else watch.turn())
            except asyncio.CancelledError as between:
                note_attempts(between, 0, ())  # of the state that it was about to enter there was none
                raise
    except BaseException as error:  # noqa: BLE001 - raised again, or what wins over it
        with suppress(ValueError):  # a run that was thrown away, perhaps in another context than its own
            CURRENT.reset(token)
        verdict: BaseException | None = None
        told: BaseException | None = None
        try:
            if is_thrown_away(error):
                raise
            verdict = error if guard is None else await guard.verdict(error)
            told = error if is_cancellation(verdict) else verdict  # what a cancellation wins over is its cause
            if is_cancellation(told):
                take_attempts(told)
            else:
                omitted += thin(path, 0) if timed is None else timed.thin(0)
                annotate(told, path, omitted, node, run_id_of(path))
            if told is verdict and issubclass(type(verdict), Exception):  # isinstance would read an attribute of the exception
                cancel = await surface(asyncio.current_task())
                if cancel is not None:
                    cancel.__cause__ = verdict
                    verdict, cancel = cancel, None
            if verdict is error:
                raise
            raise verdict
        finally:
            if watch is not None:
                watch.leave(error)  # which knows by now where it comes from
            del verdict, told, watch, enter  # the traceback leads here
