"""The path of one run: the nodes that it entered, in constant memory."""

from collections.abc import Callable
from contextvars import ContextVar

from cano.workflow._identity import new_run_id
from cano.workflow._plan import Node

# Of a long run, this many steps at the beginning and at the end are kept.
KEPT = 128


class Trail(list[Node]):
    """The nodes entered so far, and the identity of the run. A list itself, because one is made for every run."""

    omitted = 0  # after the first KEPT
    _id: str | None = None

    enter = list.append

    @property
    def run_id(self) -> str:
        """The id of the run, made when it is first asked for."""
        if self._id is None:
            self._id = new_run_id()
        return self._id

    def trim(self, slack: int = 2 * KEPT) -> None:
        """Drop the middle of a path that is longer than what is kept by more than ``slack``."""
        surplus = len(self) - 2 * KEPT
        if surplus > slack:
            self.cut()
            self.omitted += surplus

    def cut(self) -> None:
        """Leave the first and the last KEPT."""
        del self[KEPT:-KEPT]


class TimedTrail(Trail):
    """A path that knows how long the run was in each state."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._now = now
        self._since = 0.0

    def enter(self, node: Node) -> None:
        """Add a node, and note how long the run was in the one before."""
        time = self._now()
        if self.seconds:
            self.seconds[-1] = time - self._since
        self._since = time
        self.append(node)
        self.seconds.append(0.0)

    def cut(self) -> None:
        """Leave the first and the last KEPT."""
        super().cut()
        del self.seconds[KEPT:-KEPT]


# The run that the current code belongs to; a run that begins there is a run inside a run.
CURRENT_RUN: ContextVar[Trail | None] = ContextVar("cano_run", default=None)
