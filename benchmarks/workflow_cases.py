"""The engine beside a hand-written loop that awaits the same coroutines through a dict of states.

A chain of 250 states ends in an exit state, and a call walks it 40 times: 10,000 transitions, so that neither the event loop's
start nor the start of a run weighs. The tasks do nothing and return a bound name: ``Stage.B`` written in the body would cost
100 ns on CPython 3.11 and hide the ratio. Time both in turn on one pinned core and take the median of the paired ratios; name
the interpreter with each figure.
"""

import asyncio
import atexit
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from functools import cache
from typing import Any

from benchmarks.ratios import Case, Goal
from cano.tasks import TaskResult, task
from cano.workflow import Workflow

STATES = 250
WALKS = 40
RUNS = 5_000

Body = Callable[[], Awaitable[Any]]

# A checker reads no Enum whose members are computed.
Chain: Any = Enum("Chain", [f"S{i}" for i in range(STATES + 1)])  # type: ignore[misc]


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """Make the one event loop of these cases."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def going(to: Any) -> Body:
    """Make a task that does nothing but go on; it says nothing about where, so it may go anywhere."""

    async def body() -> Any:
        return to

    return body


def wrapping(to: Any) -> Body:
    """Make a task that returns its next state in the wrapped form."""

    async def body() -> Any:
        return TaskResult.single(to)

    return body


def by_hand(states: list[Any], bodies: list[Body], times: int) -> Callable[[], Coroutine[Any, Any, None]]:
    """Make the loop that somebody writes who has no library."""
    handlers = dict(zip(states, bodies, strict=False))
    first, last = states[0], states[-1]

    async def walk() -> None:
        for _ in range(times):
            state = first
            while state is not last:
                state = await handlers[state]()

    return walk


def by_workflow(states: list[Any], bodies: list[Body], times: int, *, declare: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    """Make the same walk through a workflow; ``declare`` each task's target, or let it go anywhere."""
    workflow = Workflow().add_exit_state(states[-1])
    for state, to, body in zip(states, states[1:], bodies, strict=False):
        workflow.register(state, task(to=to)(body) if declare else body)
    first, orchestrate = states[0], workflow.orchestrate

    async def walk() -> None:
        for _ in range(times):
            await orchestrate(first)

    return walk


def chain(*, strings: bool = False, declare: bool = True) -> dict[str, object]:
    """Set up a chain of states for both sides."""
    states = [f"state {i}" for i in range(STATES + 1)] if strings else list(Chain)
    bodies = [going(to) for to in states[1:]]
    return {
        "run": event_loop().run_until_complete,
        "ours": by_workflow(states, bodies, WALKS, declare=declare),
        "other": by_hand(states, bodies, WALKS),
    }


def wrapped() -> dict[str, object]:
    """Set up two workflows over the same chain, one of which returns its states wrapped."""
    states = list(Chain)
    return {
        "run": event_loop().run_until_complete,
        "ours": by_workflow(states, [wrapping(to) for to in states[1:]], WALKS, declare=True),
        "other": by_workflow(states, [going(to) for to in states[1:]], WALKS, declare=True),
    }


def one_state() -> dict[str, object]:
    """Set up a run of one state."""
    states = list(Chain)[:2]
    bodies = [going(states[1])]
    return {
        "run": event_loop().run_until_complete,
        "ours": by_workflow(states, bodies, RUNS, declare=True),
        "other": by_hand(states, bodies, RUNS),
    }


def _case(name: str, against: str, names: Callable[[], dict[str, object]], goal: Goal, does: int) -> Case:
    return Case(name, "run(ours())", against, "run(other())", names, goal, "pass", does, does)


LOOP = "hand-written loop"
TRANSITIONS = STATES * WALKS

CASES = [
    _case("transition, enum, declared target", LOOP, chain, Goal("at most", 1.1), TRANSITIONS),
    _case("transition, enum, anywhere", LOOP, lambda: chain(declare=False), Goal("at most", 1.5), TRANSITIONS),
    _case("transition, strings, declared target", LOOP, lambda: chain(strings=True), Goal("at most", 1.9), TRANSITIONS),
    _case("TaskResult.single(x)", "x", wrapped, Goal("over", 350), TRANSITIONS),
    _case("a whole one-state run", LOOP, one_state, Goal("over", 1_000), RUNS),
]
