"""Threads that call operations of one store and stamp each call and each return.

On a CPython with a GIL threads meet inside an operation only where it runs somebody's Python code, so all the code that the
operations here bring along calls ``pause``. What that does is the manner of the recording. In turns, it passes the right to run
to a thread that the seed chooses, so that a history repeats. Freely, it lets go of the GIL until another thread has come some way.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

from cano.errors import StoreError
from tests.linearizability.checker import Event
from tests.linearizability.reference import frozen

HANG = 60  # seconds
LOOKS = 6  # how often a thread that pauses freely lets go of the GIL to see another one move

_own = threading.local()


def pause() -> None:
    """Let other threads go on in the middle of an operation; outside of a recording nothing."""
    paused: Callable[[], None] | None = getattr(_own, "pause", None)
    if paused is not None:
        paused()


class Refusal(Exception):
    """Raised by a function that is called by an operation, on purpose."""


def result_of(act: Callable[[Any], object], store: Any) -> Hashable:
    """What a call returns or raises, as something that never changes."""
    try:
        return frozen(act(store))
    except (StoreError, Refusal) as error:
        return type(error).__name__, getattr(error, "key", None)


class Crew:
    """A few threads that record one history after the other."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.gates = [threading.Lock() for _ in range(size)]
        self.ends = [threading.Lock() for _ in range(size)]
        for lock in (*self.gates, *self.ends):
            lock.acquire()
        self.over = False
        self.threads = [threading.Thread(target=self.work, args=(me,), daemon=True) for me in range(size)]
        for thread in self.threads:
            thread.start()

    def record(self, store: Any, programs: Sequence[Sequence[Any]], turns: Random | None) -> list[Event]:
        """Run a program in each thread; with ``turns`` one thread at a time, chosen by it, else all at once."""
        self.store, self.programs, self.turns = store, programs, turns
        self.stamps = count()
        self.latest = 0
        self.arrived: list[int] = []
        self.running = list(range(self.size))
        self.events: list[list[Event]] = [[] for _ in range(self.size)]
        self.fault: BaseException | None = None
        if turns is not None:
            self.give_turn(turns)
        else:
            for gate in self.gates:
                gate.release()
        for end in self.ends:
            if not end.acquire(timeout=HANG):
                raise TimeoutError("a thread hangs")
        if self.fault is not None:
            raise self.fault
        return [event for events in self.events for event in events]

    def give_turn(self, turns: Random) -> None:
        self.turn = -1  # nobody's, until the one who was chosen has come
        self.gates[turns.choice(self.running)].release()

    def await_turn(self, me: int) -> None:
        self.gates[me].acquire()
        self.turn = me

    def work(self, me: int) -> None:
        while True:
            self.await_turn(me)
            if self.over:
                return
            _own.pause = lambda: self.pause(me)
            try:
                self.run(me)
            except BaseException as error:  # noqa: BLE001 - raised again by record, in the test's own thread
                self.fault = error
            _own.pause = None  # without a GIL, what others have let go of may die in the thread that made it, and after its run
            self.running.remove(me)
            if self.turns is not None and self.running:
                self.give_turn(self.turns)
            self.ends[me].release()

    def run(self, me: int) -> None:
        if self.turns is None:
            self.arrived.append(me)
            while len(self.arrived) < self.size:
                time.sleep(0)
        for operation in self.programs[me]:
            if self.turns is not None and self.turns.random() < 0.5:
                self.pause(me)
            called = next(self.stamps)
            result = result_of(operation.act, self.store)
            self.latest = returned = next(self.stamps)
            self.events[me].append(Event(me, operation, called, returned, result))

    def pause(self, me: int) -> None:
        if self.turns is None:
            seen = self.latest
            for _ in range(LOOKS):
                time.sleep(0)
                if self.latest != seen:
                    return
        elif self.turn == me:  # without a GIL, what another thread let go of may die here while it is not this one's turn
            self.give_turn(self.turns)
            self.await_turn(me)

    def close(self) -> None:
        self.over = True
        for gate in self.gates:
            gate.release()
        for thread in self.threads:
            thread.join(HANG)


@contextmanager
def crew_of(size: int) -> Iterator[Crew]:
    crew = Crew(size)
    try:
        yield crew
    finally:
        crew.close()
