"""What the outside world looks like to the library: protocols, and their everyday implementations."""

from cano.ports._clock import SYSTEM_CLOCK, Clock, SystemClock
from cano.ports._durations import seconds

__all__ = ["SYSTEM_CLOCK", "Clock", "SystemClock", "seconds"]
