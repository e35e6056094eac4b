"""Named, typed dependencies with a life cycle; usable alone."""

from cano.resources._container import Resources
from cano.resources._health import Degraded, HealthStatus, Healthy, Unhealthy
from cano.resources._recipes import per_run, shared

__all__ = ["Degraded", "HealthStatus", "Healthy", "Resources", "Unhealthy", "per_run", "shared"]
