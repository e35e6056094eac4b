"""What a split asks for: decided as soon as it is certain, either way, in exact arithmetic (engine 9, I4)."""

import itertools
import math
import random
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from cano.workflow import Join

OUTCOMES = ("succeeded", "failed", "cancelled")


def satisfied(join: Join, branches: int, ended: tuple[str, ...]) -> bool:
    """Say what the strategy means when nothing more will end: the definition, without any cleverness."""
    successes = ended.count("succeeded")
    match repr(join).partition("(")[0]:
        case "Join.all":
            return successes == branches
        case "Join.any":
            return successes >= 1
        case "Join.quorum" | "Join.partial_results":
            return successes >= join.amount
        case "Join.percentage":
            return successes >= join.amount * branches
        case _:
            return successes + ended.count("failed") >= 1


def joins(branches: int) -> Iterator[Join]:
    """Give every strategy, with all amounts that so many branches can satisfy."""
    yield Join.all()
    yield Join.any()
    for amount in range(1, branches + 1):
        yield Join.quorum(amount)
        yield Join.partial_results(amount)
        yield Join.percentage(Fraction(amount, branches))
    for share in (0.001, 0.28, 0.5, 0.51, 1.0, Decimal("0.3334"), 1):
        yield Join.percentage(share)


@pytest.mark.parametrize("branches", range(1, 7))
def test_each_order_of_outcomes_is_decided_when_it_is_certain_and_no_earlier(branches: int) -> None:
    """Whatever could still come would not change a verdict; without a verdict it could, both ways (I4, SJ-7)."""
    endings = {left: list(itertools.product(OUTCOMES, repeat=left)) for left in range(branches + 1)}
    for join in joins(branches):
        for ended in itertools.chain.from_iterable(endings.values()):
            possible = {satisfied(join, branches, ended + rest) for rest in endings[branches - len(ended)]}
            told = join.outcome(branches, *map(ended.count, OUTCOMES))
            assert {told} == possible if len(possible) == 1 else told is None, (join, ended)


@pytest.mark.parametrize("branches", range(1, 7))
def test_what_takes_a_part_waits_for_all_that_end_in_time(branches: int) -> None:
    """``partial_timeout`` is decided by its time or by the end of the last branch; a failure counts, a cancellation does not."""
    for ended in itertools.chain.from_iterable(itertools.product(OUTCOMES, repeat=size) for size in range(branches + 1)):
        counts = [ended.count(each) for each in OUTCOMES]
        something = ended.count("cancelled") < len(ended)
        assert Join.partial_timeout().outcome(branches, *counts) is (something if len(ended) == branches else None)
        assert Join.partial_timeout().outcome(branches, *counts, time_is_up=True) is something


@pytest.mark.parametrize("branches", range(1, 7))
def test_when_time_is_up_what_is_missing_has_failed(branches: int) -> None:
    """Every strategy but ``partial_timeout`` fails with its time, unless it is satisfied by then (SJ-10)."""
    for join in joins(branches):
        for ended in itertools.chain.from_iterable(itertools.product(OUTCOMES, repeat=size) for size in range(branches + 1)):
            told = join.outcome(branches, *map(ended.count, OUTCOMES), time_is_up=True)
            assert told is satisfied(join, branches, ended)


@pytest.mark.parametrize(
    ("share", "branches", "needed"),
    [
        (0.28, 25, 7),  # ceil(0.28 * 25) is 8
        (0.56, 25, 14),
        (0.07, 100, 7),
        (0.29, 100, 29),
        (1.0, 3, 3),
        (1, 3, 3),
        (0.5, 3, 2),
        (0.1, 1, 1),
        (1e-9, 1000, 1),
        (0.1 + 0.2, 10, 4),  # written, that is 0.30000000000000004
        (Decimal("0.28"), 25, 7),
        (Decimal("2.8E-1"), 25, 7),
        (Fraction(1, 3), 3, 1),
        (Fraction(1, 3), 4, 2),
        (Fraction(7, 25), 25, 7),
        (0.999, 0, 0),
    ],
)
def test_a_share_is_the_decimal_as_it_is_written(share: Any, branches: int, needed: int) -> None:
    """A percentage of the branches is rounded up to whole ones, and nothing else is rounded (I4)."""
    join = Join.percentage(share)
    assert join.needed(branches) == needed
    assert join.outcome(branches, needed, 0, 0) is True
    if needed:
        assert join.outcome(branches, needed - 1, 0, 0) is (False if needed - 1 == branches else None)


def test_every_share_of_two_decimals_is_exact() -> None:
    """Of up to 200 branches, k percent are what the integers say."""
    for percent in range(1, 101):
        join = Join.percentage(percent / 100)
        for branches in range(201):
            assert join.needed(branches) == -(-percent * branches // 100)


def test_random_shares_agree_with_decimals() -> None:
    """A float, its text as a decimal, and that as a fraction need the same number."""
    rng = random.Random(9)
    for _ in range(500):
        share, branches = rng.uniform(1e-6, 1), rng.randrange(1, 10_000)
        written = Decimal(repr(share))
        expected = math.ceil(Fraction(written) * branches)
        assert [Join.percentage(each).needed(branches) for each in (share, written, Fraction(written))] == [expected] * 3


class Text(float):
    """A float that has another text."""

    def __repr__(self) -> str:
        return "nonsense"

    __str__ = __repr__


def test_a_subclass_of_float_counts_as_its_number() -> None:
    """Numbers of numpy, whose text is not theirs alone, are floats."""
    assert Join.percentage(Text(0.28)).needed(25) == 7


@pytest.mark.parametrize("make", [Join.quorum, Join.partial_results])
def test_a_number_of_branches_is_an_int_of_at_least_one(make: Any) -> None:
    """No bool, float or text counts branches, and nothing asks for none of them (I4)."""
    for amount in (True, 2.0, "2", None, Fraction(2)):
        with pytest.raises(TypeError, match=rf"Join\.{make.__name__} takes how many branches have to succeed, an int"):
            make(amount)
    for amount in (0, -1):
        with pytest.raises(ValueError, match=rf"Join\.{make.__name__}\({amount}\) asks for nothing"):
            make(amount)


@pytest.mark.parametrize(
    "share", [0, 0.0, -0.1, 1.0001, 28, float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal(2)]
)
def test_a_share_lies_above_nought_and_is_at_most_one(share: Any) -> None:
    """Percents, nothing and what is no number are refused, with what to write instead."""
    with pytest.raises(ValueError, match=r"it is above 0 and at most 1: for 28 percent write 0\.28"):
        Join.percentage(share)


@pytest.mark.parametrize("share", [True, "28%", "0.28", None, 1j, [0.5]])
def test_a_share_is_a_number(share: Any) -> None:
    """A text or a bool is no share."""
    with pytest.raises(TypeError, match="it is a number above 0 and at most 1"):
        Join.percentage(share)


def test_a_join_reads_as_it_is_written_and_is_a_value() -> None:
    """Its text is what makes it, and two of the same are equal and hash alike."""
    made = [
        "Join.all()",
        "Join.any()",
        "Join.quorum(3)",
        "Join.percentage(0.28)",
        "Join.percentage(1/3)",
        "Join.partial_results(2)",
        "Join.partial_timeout()",
    ]
    for text in made:
        join = eval(text.replace("1/3", "Fraction(1, 3)"))
        assert repr(join) == text
        assert {join: 1}[eval(text.replace("1/3", "Fraction(1, 3)"))] == 1
    with pytest.raises(AttributeError):
        Join.all().amount = 3  # type: ignore[misc]
