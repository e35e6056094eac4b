"""What a workflow needs to set resources up and tear them down."""

from cano.resources._lifecycle import Stack
from cano.resources._owner import Lease, Owner, Tenancy, outlast, teardown_note

__all__ = ["Lease", "Owner", "Stack", "Tenancy", "outlast", "teardown_note"]
