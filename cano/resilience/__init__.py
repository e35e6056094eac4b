"""What helps against failures that pass and runs that take too long: retries and cancellation tokens; usable alone."""

from cano.resilience._retry import Failures, Retry, check_retry
from cano.resilience._token import CancellationToken

__all__ = ["CancellationToken", "Failures", "Retry", "check_retry"]
