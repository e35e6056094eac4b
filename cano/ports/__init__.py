"""What the outside world looks like to the library: protocols, and their everyday implementations."""

from cano.ports._clock import SYSTEM_CLOCK, Clock, SystemClock

__all__ = ["SYSTEM_CLOCK", "Clock", "SystemClock"]
