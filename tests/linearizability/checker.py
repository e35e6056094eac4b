"""Is a history of concurrent calls one that a single thread could have made?

The search is the one of J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (J. Parallel Distrib. Comput. 17,
1993): take any call that no other one still waiting had ended before, try it on the sequential model, go on, step back where the
result differs. As G. Lowe proposes in "Testing for linearizability" (Concurrency Computat.: Pract. Exper. 29(4), 2017), each pair
of calls done and state reached is tried once only.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

State = tuple[Hashable, ...]
Step = Callable[[State, Any], tuple[State, Hashable]]
"""The sequential model: the state after an operation that began in a state, and the operation's result."""


@dataclass(frozen=True, slots=True)
class Event:
    """One call as its thread saw it. Stamps come from one counter, so that one ended before another began, or they overlap."""

    thread: int
    operation: Any
    called: int
    returned: int
    result: Hashable

    def overlaps(self, other: "Event") -> bool:
        return self.called < other.returned and other.called < self.returned


def linearized(events: Iterable[Event], start: State, step: Step) -> list[tuple[Event, State]] | None:
    """Return the events in an order that explains them, each with the state that it left, or None if there is no such order."""
    threads: dict[int, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.called):
        threads.setdefault(event.thread, []).append(event)
    waiting: Sequence[list[Event]] = list(threads.values())
    tried: set[tuple[tuple[int, ...], State]] = set()
    order: list[tuple[Event, State]] = []

    def search(done: tuple[int, ...], state: State) -> bool:
        if (done, state) in tried:
            return False
        tried.add((done, state))
        first = [(at, calls[number]) for at, (calls, number) in enumerate(zip(waiting, done, strict=True)) if number < len(calls)]
        if not first:
            return True
        deadline = min(event.returned for _, event in first)  # whoever was called later came after that one
        for at, event in first:
            if event.called > deadline:
                continue
            after, result = step(state, event.operation)
            if result == event.result:
                order.append((event, after))
                if search((*done[:at], done[at] + 1, *done[at + 1 :]), after):
                    return True
                order.pop()
        return False

    return order if search((0,) * len(waiting), start) else None


def conflicts(order: Iterable[tuple[Event, State]], start: State) -> int:
    """Count the pairs of events that overlap and have both changed the same part of the state."""
    before = start
    changes: list[tuple[Event, set[int]]] = []
    for event, after in order:
        changed = {at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
        if changed:
            changes.append((event, changed))
        before = after
    return sum(bool(mine & theirs) and one.overlaps(other) for (one, mine), (other, theirs) in combinations(changes, 2))
