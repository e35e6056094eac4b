"""When the outcome of a split is certain: one frozen record, and pure functions of it."""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction

from cano._text import shown_text


class Strategy(Enum):
    """What a split asks for."""

    ALL = auto()
    ANY = auto()
    QUORUM = auto()
    PERCENTAGE = auto()
    PARTIAL_RESULTS = auto()
    PARTIAL_TIMEOUT = auto()


@dataclass(frozen=True, slots=True)
class Join:
    """How many branches of a split have to succeed; made by its functions: ``Join.all()``, ``Join.quorum(2)`` and so on.

    A split ends as soon as its outcome is certain, either way: when enough have succeeded, or when so many have failed that the
    rest cannot make up for it. What still runs then is cancelled and awaited.
    """

    strategy: Strategy
    amount: int | Fraction = 0
    written: str = ""

    def __repr__(self) -> str:
        return f"Join.{self.strategy.name.lower()}({self.written})"

    @staticmethod
    def all() -> "Join":
        """Ask that all succeed; the first failure ends the split."""
        return Join(Strategy.ALL)

    @staticmethod
    def any() -> "Join":
        """Ask for one success; the split fails when all have failed."""
        return Join(Strategy.ANY, 1)

    @staticmethod
    def quorum(successes: int) -> "Join":
        """Ask for this many successes.

        Raises: TypeError, ValueError if it is no int of at least 1.
        """
        return Join(Strategy.QUORUM, _count(successes, "quorum"), str(successes))

    @staticmethod
    def percentage(share: float | Decimal | Fraction) -> "Join":
        """Ask that this share of the branches succeed, above 0 and at most 1; rounded up to whole branches.

        Exact for the decimal as it is written: ``percentage(0.28)`` of 25 branches is 7, though the float 0.28 is a little more
        than that.

        Raises: TypeError, ValueError if it is no such number.
        """
        if isinstance(share, bool) or not isinstance(share, int | float | Decimal | Fraction):
            raise TypeError(
                f"the share of Join.percentage is {shown_text(share)}; it is a number above 0 and at most 1, such as 0.5"
            )
        written = float.__repr__(share) if isinstance(share, float) else str(share)
        if (isinstance(share, Decimal) and share.is_nan()) or not 0 < share <= 1:  # to compare a Decimal NaN raises
            raise ValueError(f"the share of Join.percentage is {written}; it is above 0 and at most 1: for 28 percent write 0.28")
        return Join(Strategy.PERCENTAGE, Fraction(written), written)

    @staticmethod
    def partial_results(successes: int) -> "Join":
        """Ask for this many successes and let failures be: a quorum, by the name that says the join state works with a part.

        Raises: TypeError, ValueError if it is no int of at least 1.
        """
        return Join(Strategy.PARTIAL_RESULTS, _count(successes, "partial_results"), str(successes))

    @staticmethod
    def partial_timeout() -> "Join":
        """Take what has ended when the split's ``timeout`` is over, or before, when all have; a failure counts, too.

        It fails only if nothing has ended by then. The join state decides what is enough.
        """
        return Join(Strategy.PARTIAL_TIMEOUT, 1)

    def needed(self, branches: int) -> int:
        """Return how many of so many branches have to succeed (for ``partial_timeout``: to end)."""
        if self.strategy is Strategy.ALL:
            return branches
        return math.ceil(self.amount * branches) if self.strategy is Strategy.PERCENTAGE else int(self.amount)

    def outcome(self, branches: int, succeeded: int, failed: int, cancelled: int, *, time_is_up: bool = False) -> bool | None:
        """Return whether the split has succeeded or failed; None as long as that is not certain.

        ``cancelled`` counts branches that have ended by a CancelledError of their own.
        """
        ended = succeeded + failed + cancelled
        if self.strategy is Strategy.PARTIAL_TIMEOUT:
            return succeeded + failed >= self.needed(branches) if time_is_up or ended == branches else None
        needed = self.needed(branches)
        if succeeded >= needed:
            return True
        return False if time_is_up or succeeded + branches - ended < needed else None


def _count(successes: int, name: str) -> int:
    if type(successes) is not int:
        raise TypeError(f"Join.{name} takes how many branches have to succeed, an int, not {shown_text(successes)}")
    if successes < 1:
        raise ValueError(f"Join.{name}({successes}) asks for nothing; it takes at least 1")
    return successes
