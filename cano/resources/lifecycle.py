"""What a workflow needs to set resources up and tear them down."""

from cano.resources._executors import leave_behind, runs_threads, withdraws
from cano.resources._lifecycle import Stack
from cano.resources._owner import Owner, teardown_note
from cano.resources._tenancy import Lease, Tenancy, outlast

__all__ = ["Lease", "Owner", "Stack", "Tenancy", "leave_behind", "outlast", "runs_threads", "teardown_note", "withdraws"]
