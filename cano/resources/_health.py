"""How a resource is: healthy, degraded or unhealthy, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """What a ``health`` method returns: :class:`Healthy`, :class:`Degraded` or :class:`Unhealthy`."""

    reason: str = ""
    severity: ClassVar[int] = 0

    @property
    def is_healthy(self) -> bool:
        """True for :class:`Healthy` only."""
        return self.severity == 0

    @staticmethod
    def aggregate(statuses: "Iterable[HealthStatus]") -> "HealthStatus":
        """Return the worst status, the first of equals; :class:`Healthy` if there is none."""
        return max(statuses, key=lambda status: status.severity, default=Healthy())


class Healthy(HealthStatus):
    """All is well."""

    __slots__ = ()


class Degraded(HealthStatus):
    """It works, but worse than it should; ``reason`` says how."""

    __slots__ = ()
    severity = 1


class Unhealthy(HealthStatus):
    """It does not work; ``reason`` says what is wrong."""

    __slots__ = ()
    severity = 2
