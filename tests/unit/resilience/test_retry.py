"""How long to wait before which attempt, and for which failures there is one (engine 5, TK-7 to TK-10)."""

import asyncio
import copy
import dataclasses
import math
import pickle
import sys
from datetime import timedelta
from typing import Any

import pytest

from cano.resilience import Retry


@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        (Retry(9, jitter=0), [0.1, 0.2, 0.4, 0.8]),
        (Retry(9, delay=2, multiplier=3, max_delay=30, jitter=0), [2, 6, 18, 30, 30]),
        (Retry(9, delay=5, multiplier=1, jitter=0), [5, 5, 5]),
        (Retry(9, delay=0, jitter=1), [0, 0, 0]),
        (Retry(9, delay=60, max_delay=1, jitter=0), [1, 1]),
        (Retry(9, delay=timedelta(milliseconds=250), max_delay=timedelta(seconds=1), jitter=0), [0.25, 0.5, 1, 1]),
    ],
)
def test_the_wait_grows_up_to_the_most(retry: Retry, waits: list[float]) -> None:
    """After the first failure it is the delay, and then each time the multiplier of the one before."""
    assert [retry.delay_after(number) for number in range(1, len(waits) + 1)] == pytest.approx(waits)


@pytest.mark.parametrize("multiplier", [1, 1.5, 2, 10**300])
@pytest.mark.parametrize("most", [0, 5, 1e308, math.inf, sys.float_info.max])
@pytest.mark.parametrize("jitter", [0, 0.5, 1])
@pytest.mark.parametrize("delay", [0, 5e-324, 1, 1e308])
def test_the_wait_is_finite_for_every_attempt(multiplier: float, most: float, jitter: float, delay: float) -> None:
    """Whatever the number of the attempt, it is a float from 0 to the most, and the jitter's share more (H1)."""
    retry = Retry(10**9, delay=delay, multiplier=multiplier, max_delay=most, jitter=jitter)
    for number in (1, 2, 1023, 1024, 1025, 1026, 10**6, 10**400):
        for chance in (0.0, 0.5, 1 - sys.float_info.epsilon):
            wait = retry.delay_after(number, lambda chance=chance: chance)  # type: ignore[misc]
            assert type(wait) is float
            assert 0 <= wait <= most * (1 + jitter)
            assert wait < math.inf
            assert wait == 0 or delay


def test_an_attempt_is_counted_from_one() -> None:
    """There is no wait after no attempt; and waits that are alike stay so for ever."""
    with pytest.raises(ValueError, match="attempt is 0; the first one is 1"):
        Retry(3).delay_after(0)
    assert Retry(3, delay=5, multiplier=1, jitter=0).delay_after(10**400) == 5


def test_a_function_that_answers_later_is_refused() -> None:
    """Also one that does not look like it until it is asked."""
    retry = Retry(2, on=lambda error: answered_later(error))  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="returned an awaitable; what is asked about a failure answers at once"):
        retry.applies_to(ValueError())


def test_jitter_is_a_share_of_the_wait_either_way() -> None:
    """By chance from so much shorter to so much longer, and after the cap."""
    retry = Retry(9, delay=10, max_delay=20, jitter=0.25)
    assert [retry.delay_after(5, lambda chance=chance: chance) for chance in (0, 0.5, 0.75)] == [15, 20, 22.5]  # type: ignore[misc]
    waits = {retry.delay_after(1) for _ in range(100)}
    assert len(waits) > 50
    assert all(7.5 <= wait < 12.5 for wait in waits)


async def answered_later(error: Exception) -> bool:
    """Answer too late."""
    return False


class Passing(OSError):
    """A failure that passes."""


@pytest.mark.parametrize(
    ("options", "yes", "no"),
    [
        ({}, (ValueError(), Passing(), ExceptionGroup("", [ValueError()])), ()),
        ({"on": OSError}, (OSError(), Passing()), (ValueError(),)),
        ({"on": (OSError, KeyError)}, (Passing(), KeyError()), (ValueError(), LookupError())),
        ({"on": ()}, (), (ValueError(),)),
        ({"unless": OSError}, (ValueError(),), (Passing(),)),
        ({"on": OSError, "unless": Passing}, (OSError(),), (Passing(), ValueError())),
        ({"on": lambda error: "again" in error.args}, (ValueError("again"),), (ValueError("no"),)),
        ({"unless": lambda error: "no" in error.args}, (ValueError("again"),), (ValueError("no"),)),
    ],
)
def test_which_failures_are_tried_again(options: Any, yes: tuple[Any, ...], no: tuple[Any, ...]) -> None:
    """Those in ``on`` and not in ``unless``, by class or by a function."""
    retry = Retry(2, **options)
    assert all(map(retry.applies_to, yes))
    assert not any(map(retry.applies_to, no))


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), GeneratorExit(), BaseException()])
@pytest.mark.parametrize(
    "options", [{"on": BaseException}, {"unless": ValueError}, {"on": lambda _: True}, {"unless": lambda _: False}]
)
def test_what_is_no_error_is_never_tried_again(error: BaseException, options: Any) -> None:
    """However the failures are named (H2)."""
    assert not Retry(5, **options).applies_to(error)


def test_an_exception_is_asked_for_its_class_alone() -> None:
    """No code of the exception runs to see whether it is tried again."""

    class Lying(Exception):
        @property
        def __class__(self) -> Any:
            raise AssertionError

    assert Retry(2, on=(ValueError, Lying)).applies_to(Lying())
    assert not Retry(2, unless=Lying).applies_to(Lying())


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"attempts": 0}, ValueError, "attempts is 0; it counts all attempts, the first one, too, and is at least 1"),
        ({"attempts": True}, TypeError, "attempts is True; it counts attempts and is an int"),
        ({"attempts": 2.0}, TypeError, "attempts is 2.0; it counts attempts and is an int"),
        ({"delay": -1}, ValueError, "delay is -1; it is at least 0"),
        ({"delay": "1s"}, TypeError, "delay is '1s'; it is a number of seconds or a timedelta"),
        ({"max_delay": math.nan}, ValueError, "max_delay is nan; it is at least 0"),
        ({"multiplier": 0.5}, ValueError, "multiplier is 0.5; it is at least 1"),
        ({"multiplier": math.inf}, ValueError, "multiplier is inf; it is at least 1"),
        ({"multiplier": math.nan}, ValueError, "multiplier is nan; it is at least 1"),
        ({"multiplier": None}, TypeError, "multiplier is None; it is a number"),
        ({"jitter": 1.5}, ValueError, "jitter is 1.5; it is at least 0 and at most 1"),
        ({"jitter": True}, TypeError, "jitter is True; it is a number"),
        ({"on": int}, TypeError, "on is int; it is an exception class, a tuple of these, or a function of the exception"),
        ({"on": [OSError]}, TypeError, "on is [<class 'OSError'>]; it is an exception class, a tuple of these"),
        ({"unless": (OSError, len)}, TypeError, "unless is <built-in function len>; it is an exception class"),
        ({"multiplier": 10**400}, ValueError, "multiplier is inf; it is at least 1 and finite"),
        ({"delay": 10**400}, ValueError, "delay is more seconds than a float can hold"),
        ({"on": KeyboardInterrupt}, TypeError, "on is KeyboardInterrupt, which is no Exception and never tried again"),
        ({"unless": answered_later}, TypeError, "unless is <function answered_later"),
        ({"unless": None}, TypeError, "unless is None; it is an exception class"),
    ],
)
def test_a_wrong_field_is_refused(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    """When the record is made, with what was given and what it should be."""
    with pytest.raises(error) as caught:
        Retry(**{"attempts": 3, **fields})
    assert str(caught.value).startswith(said)


def test_it_is_a_frozen_record() -> None:
    """It compares, copies and pickles by its fields, and does not change."""
    retry = Retry(4, delay=timedelta(seconds=1), on=(OSError, ValueError))
    assert retry == Retry(4, delay=1, on=(OSError, ValueError)) != Retry(5)
    assert pickle.loads(pickle.dumps(retry)) == copy.deepcopy(retry) == retry
    assert hash(retry) == hash(copy.copy(retry))
    assert dataclasses.replace(retry, attempts=2).attempts == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        retry.attempts = 1  # type: ignore[misc]
