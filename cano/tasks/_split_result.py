"""What a split gave: the outcome of each branch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SplitResult(Generic[T]):
    """What the branches of the split just joined gave; the join state's task gets it as a parameter annotated ``SplitResult``.

    Branches go by their index, counted from 0. Each is in exactly one of three: ``successes`` has what it returned, ``failures``
    what it raised, both in the order in which they ended; ``cancelled`` are the indices of those that were cancelled when the
    outcome was certain, or never begun, or had ended by a CancelledError of their own. ``cleanup_errors`` has what some of the
    cancelled raised, instead of a CancelledError, while they were being cancelled.
    """

    successes: Mapping[int, T]
    failures: Mapping[int, Exception] = field(default_factory=dict)
    cancelled: tuple[int, ...] = ()
    cleanup_errors: Mapping[int, BaseException] = field(default_factory=dict)

    @property
    def values(self) -> tuple[T, ...]:
        """What the successful branches returned, in the order of the branches."""
        return tuple(self.successes[index] for index in sorted(self.successes))
