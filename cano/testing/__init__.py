"""What helps to test workflows; nothing in the library uses it."""

from cano.testing._clock import FakeClock

__all__ = ["FakeClock"]
