"""What a class task looks like to a type checker."""

from cano.tasks._spec import RunsBare, RunsWith

__all__ = ["RunsBare", "RunsWith"]
