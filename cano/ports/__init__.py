"""What the outside world looks like to the library: protocols and records, and their everyday implementations."""

from cano.ports._clock import SYSTEM_CLOCK, Clock, SystemClock, Timer
from cano.ports._durations import seconds
from cano.ports._events import Event, RunEnded, RunStarted, StateEntered, TaskEnded, TaskRetried, TaskStarted
from cano.ports._observer import HOOKS, Observer, RunInfo, StepInfo, check_observers, overridden

__all__ = [
    "HOOKS",
    "SYSTEM_CLOCK",
    "Clock",
    "Event",
    "Observer",
    "RunEnded",
    "RunInfo",
    "RunStarted",
    "StateEntered",
    "StepInfo",
    "SystemClock",
    "TaskEnded",
    "TaskRetried",
    "TaskStarted",
    "Timer",
    "check_observers",
    "overridden",
    "seconds",
]
