"""The path of one run: the nodes that it entered, in constant memory."""

from collections.abc import Callable
from typing import Any

from cano._run_id import ids_before
from cano._trace import Trail
from cano.workflow._plan import Node

# Of a long run, this many steps at the beginning and at the end are kept.
KEPT = 128


def thin(path: list[Any], slack: int = 2 * KEPT) -> int:
    """Drop the middle of a path that is longer than what is kept by more than ``slack``; return how many were dropped."""
    if len(path) - 2 * KEPT <= slack:
        return 0
    first = KEPT + ids_before(path)
    surplus = len(path) - KEPT - first
    if surplus <= slack:
        return 0
    del path[first:-KEPT]
    if type(path) is Trail:
        path.omitted += surplus
    return surplus


class TimedPath:
    """A path that knows how long the run was in each state."""

    __slots__ = ("_now", "_since", "nodes", "omitted", "seconds")

    def __init__(self, now: Callable[[], float], trail: Trail) -> None:
        self.nodes = trail
        self.seconds: list[float] = []
        self.omitted = 0  # after the first KEPT
        self._now = now
        self._since = 0.0

    def enter(self, node: Node) -> None:
        """Add a node, and note how long the run was in the one before."""
        time = self._now()
        if self.seconds:
            self.seconds[-1] = time - self._since
        self._since = time
        self.nodes.append(node)
        self.seconds.append(0.0)

    def thin(self, slack: int = 2 * KEPT) -> int:
        """Drop the middle, as :func:`thin` does."""
        thin(self.seconds, slack)
        surplus = thin(self.nodes, slack)
        self.omitted += surplus
        return surplus
