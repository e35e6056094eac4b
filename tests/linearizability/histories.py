"""One history from its number: drawn, recorded, checked."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cano.store import MemoryStore
from tests.linearizability.checker import Event, State, conflicts, linearized
from tests.linearizability.crew import Crew, result_of
from tests.linearizability.operations import KEYS, STARTS, Operation, programs
from tests.linearizability.reference import reference_in, state_of

_steps: dict[tuple[State, Operation], tuple[State, Hashable]] = {}


def step(state: State, operation: Operation) -> tuple[State, Hashable]:
    """The sequential model: the operation on the reference."""
    if (state, operation) not in _steps:
        if len(_steps) > 100_000:
            _steps.clear()
        reference = reference_in(state, KEYS)
        result = result_of(operation.act, reference)
        _steps[state, operation] = state_of(reference.data, KEYS), result
    return _steps[state, operation]


def forget() -> None:
    """Let go of the steps that are kept; so many objects make each collection slow, in all tests that come after."""
    _steps.clear()


@dataclass
class Tally:
    """How many histories were recorded, and in how many of them two writes of the same key overlapped."""

    seed: int
    recorded: int = 0
    conflicting: int = 0
    overlapping: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def share(self) -> float:
        return self.conflicting / max(self.recorded, 1)

    def __str__(self) -> str:
        overlap = self.overlapping / max(self.recorded, 1)
        return (
            f"linearizability: {self.recorded:,} histories of {sum(self.calls.values()):,} calls, {self.share():.0%} with"
            f" overlapping writes of one key, {overlap:.0%} with any overlap; CANO_SEED={self.seed}"
        )


def told(events: Iterable[Event]) -> str:
    return "\n".join(
        f"  [{event.called:3} {event.returned:3}]  thread {event.thread}  {event.operation} -> {event.result}"
        for event in sorted(events, key=lambda event: event.called)
    )


LAST = Operation("snapshot() at the end", lambda store: store.snapshot())


def last_look(events: Iterable[Event], store: Any) -> Event:
    """What is left when all threads have ended, as one more call: it is a result, too."""
    end = max(event.returned for event in events)
    return Event(-1, LAST, end + 1, end + 2, result_of(LAST.act, store))


class NotLinearizable(AssertionError):
    """No order of the calls explains what they returned."""


def check_history(crew: Crew, tally: Tally, number: int, make: Callable[[dict[str, Any]], Any] = MemoryStore) -> None:
    """Record the history of this number and explain it. Every second one is taken in turns, so that it repeats exactly."""
    choice = Random(f"{tally.seed} {number}")
    start = dict(choice.choice(STARTS))
    drawn = programs(choice, crew.size)
    store = make(dict(start))
    name = f"history {number} of CANO_SEED={tally.seed}, {'in turns' if number % 2 else 'free'}, from {start}"
    try:
        events = crew.record(store, drawn, choice if number % 2 else None)
    except BaseException as error:
        error.add_note(f"{name}\n" + "\n".join(f"  thread {at}  {calls}" for at, calls in enumerate(drawn)))
        raise
    events.append(last_look(events, store))
    state = state_of(start, KEYS)
    order = linearized(events, state, step)
    if order is None:
        raise NotLinearizable(f"no order explains {name}\n{told(events)}")
    tally.recorded += 1
    tally.conflicting += conflicts(order, state) > 0
    tally.overlapping += any(
        one.overlaps(other) for at, one in enumerate(events) for other in events[at + 1 :] if other.thread != one.thread
    )
    tally.calls.update(str(event.operation).partition("(")[0] for event in events)
