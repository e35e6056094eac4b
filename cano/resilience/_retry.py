"""When a task is tried again, and how long to wait before: one record, and pure functions of it."""

import inspect
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from cano._notes import is_cancellation
from cano._text import name_of, shown_text
from cano.ports import seconds

Failures: TypeAlias = "type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool]"

# Twice this is still a float, so that jitter cannot make infinity of it.
_LONGEST = sys.float_info.max / 2
_MOST_TIMES = 2**53  # a larger number may be none that a float can hold


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a task is tried, which failures are tried again, and how long to wait in between.

    ``attempts`` counts all of them, the first one, too: 1 is no retry. After the k-th failed attempt the wait is ``delay`` seconds
    (or a timedelta) times ``multiplier`` to the power of k - 1, but at most ``max_delay``, and then up to the share ``jitter`` of
    it, from 0 to 1, longer or shorter, by chance: many who failed together do not come back together. That is the formula of
    gRPC's connection backoff. ``multiplier`` is at least 1, with which all waits are alike; with ``delay=0`` there is none.

    ``on`` are the failures that are tried again, ``unless`` those of them that are not: an exception class, a tuple of these, or a
    plain function that is given the exception and says yes or no. What is no ``Exception`` (a cancellation, ``SystemExit``) is
    never tried again. All the rest is by default, mistakes such as an ``AttributeError``, too: name in ``on`` what may pass.

    Raises: TypeError, ValueError for a field that is none of this, with what it should be.
    """

    attempts: int
    delay: float | timedelta = 0.1
    multiplier: float = 2.0
    max_delay: float | timedelta = 30.0
    jitter: float = 0.1
    on: Failures = Exception
    unless: Failures = ()

    def __post_init__(self) -> None:
        if type(self.attempts) is not int:
            raise TypeError(f"attempts is {shown_text(self.attempts)}; it counts attempts and is an int")
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; it counts all attempts, the first one, too, and is at least 1")
        for name in ("delay", "max_delay"):
            # The record is frozen for everybody else; these are its own seconds.
            object.__setattr__(self, name, seconds(getattr(self, name), name))
        object.__setattr__(self, "multiplier", _number(self.multiplier, "multiplier", 1, math.inf))
        object.__setattr__(self, "jitter", _number(self.jitter, "jitter", 0, 1))
        for name in ("on", "unless"):
            _check_failures(getattr(self, name), name)

    def delay_after(self, attempt: int, chance: Callable[[], float] = random.random) -> float:
        """Return how many seconds to wait after the failed attempt of this number, counted from 1.

        ``chance`` gives a number from 0 to below 1. The result is finite and at least 0 for every attempt. Cost: O(1).

        Raises: ValueError if ``attempt`` is less than 1.
        """
        if attempt < 1:
            raise ValueError(f"attempt is {attempt}; the first one is 1")
        wait = self._grown(attempt)
        return wait * (1 + self.jitter * (2 * chance() - 1)) if wait and self.jitter else wait

    def _grown(self, attempt: int) -> float:
        assert isinstance(self.delay, float)  # since it was made
        assert isinstance(self.max_delay, float)
        most = min(self.max_delay, _LONGEST)
        try:
            return min(self.delay * self.multiplier ** min(attempt - 1, _MOST_TIMES), most) if self.delay else 0.0
        except OverflowError:
            return most

    def applies_to(self, error: BaseException) -> bool:
        """Tell whether a task that failed with this is tried again, if attempts are left.

        Raises: what a function in ``on`` or ``unless`` raises; TypeError if it returns an awaitable.
        """
        # By the class alone: isinstance would read an attribute of the exception.
        if not issubclass(type(error), Exception) or is_cancellation(error):
            return False
        return _among(error, self.on) and not _among(error, self.unless)


def _number(value: object, name: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {shown_text(value)}; it is a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not least <= number <= most or math.isinf(number):
        shown = number if math.isinf(number) else value
        raise ValueError(f"{name} is {shown}; it is at least {least} and {f'at most {most}' if math.isfinite(most) else 'finite'}")
    return number


def _check_failures(failures: object, name: str) -> None:
    for each in failures if isinstance(failures, tuple) else (failures,):
        what = name_of(each) if isinstance(each, type) else shown_text(each)
        if isinstance(each, type) and issubclass(each, BaseException):
            if not (issubclass(each, Exception) or issubclass(Exception, each)):
                raise TypeError(f"{name} is {what}, which is no Exception and never tried again")
        elif isinstance(each, type) or isinstance(failures, tuple) or not callable(each):
            raise TypeError(f"{name} is {what}; it is an exception class, a tuple of these, or a function of the exception")
        elif inspect.iscoroutinefunction(each) or inspect.iscoroutinefunction(getattr(each, "__call__", None)):  # noqa: B004
            raise TypeError(f"{name} is {what}, a coroutine function; it is asked at once, by a plain def")


def _among(error: BaseException, failures: Failures) -> bool:
    if isinstance(failures, type | tuple):
        return issubclass(type(error), failures)
    said = failures(error)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - applies_to() lets no other in
    if inspect.isawaitable(said):
        if inspect.iscoroutine(said):
            said.close()
        raise TypeError(f"{shown_text(failures)} returned an awaitable; what is asked about a failure answers at once")
    return bool(said)


def check_retry(retry: object) -> None:
    """Refuse what is no Retry.

    Raises: TypeError.
    """
    if not (retry is None or isinstance(retry, Retry)):
        raise TypeError(f"retry is {shown_text(retry)}; write retry=Retry(attempts=3)")
