"""How much is spent on a measurement: all that it needs, a look at the shape of the result, or one run to see that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """``rounds`` pairs of timings of ``sample`` seconds each; growth up to ``most`` keys; threads that run for ``span`` seconds."""

    rounds: int
    sample: float
    most: int
    span: float

    def sizes(self, *, most: int) -> list[int]:
        """Name the powers of ten from 10 to ``most``, or to where this effort ends."""
        limit = min(self.most, most)
        return [size for size in (10**power for power in range(1, 10)) if size <= limit]


FULL = Effort(rounds=25, sample=0.010, most=10_000_000, span=2.0)
SHORT = Effort(rounds=5, sample=0.002, most=100_000, span=0.2)
BUILDS = Effort(rounds=25, sample=0.010, most=100_000, span=2.0)  # of two builds, one after the other
SMOKE = Effort(rounds=1, sample=0.0, most=100, span=0.002)
