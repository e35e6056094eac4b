"""Durations are seconds as a number, or a ``timedelta``."""

import math
from datetime import timedelta


def seconds(duration: float | timedelta, name: str) -> float:
    """Return the duration in seconds; ``name`` is the argument that it was given as.

    Raises: TypeError if it is no duration; ValueError if it is negative or not a number.
    """
    given: object = duration
    if isinstance(given, timedelta):
        value = given.total_seconds()
    elif isinstance(given, int | float) and not isinstance(given, bool):
        try:
            value = float(given)
        except OverflowError:
            raise ValueError(f"{name} is more seconds than a float can hold") from None
    else:
        raise TypeError(f"{name} is {duration!r}; it is a number of seconds or a timedelta")
    if math.isnan(value) or value < 0:
        raise ValueError(f"{name} is {duration!r}; it is at least 0")
    return value
