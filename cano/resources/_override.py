"""What a container holds while some of its resources are replaced, for tests."""

from collections.abc import Callable, Hashable, Mapping
from types import TracebackType
from typing import Any, Protocol
from weakref import ref

from cano.resources._owner import Owner
from cano.resources._recipes import Recipe


class Planned(Protocol):
    """A workflow: it runs on the plan that it made of its resources, and makes one when it has none."""

    _plan: Any


class Layer:
    """What a container holds: the lowest layer what was inserted, each one above it the same with an override's replacements.

    A layer is changed under the lock of the container, and gets new dicts then: those that a run has begun with stay as they are.
    ``plans`` are those that workflows made on it, while another layer is on top.
    """

    __slots__ = ("entries", "owner", "plans", "replacements", "settled", "values")

    def __init__(self, replacements: Mapping[Hashable, object]) -> None:
        self.replacements = replacements
        self.entries: dict[Hashable, object] = {}
        self.values: dict[Hashable, object] = {}
        self.settled = False  # once ``owner`` is known, and nothing is filled in any more
        self.owner: Owner | None = None
        self.plans: list[tuple[ref[Planned], Any]] = []

    def put_on(self, below: "Layer") -> None:
        """Hold what the layer below holds, but for the replacements, whose keys are the very objects that are keys there."""
        self.entries = {**below.entries, **self.replacements}
        self.values = {key: entry for key, entry in self.entries.items() if type(entry) is not Recipe}
        self.settled, self.owner, self.plans = False, None, []

    def keep(self, workflows: list[Planned]) -> None:
        """Take the plans of the workflows, which are made of this layer."""
        self.plans = [(ref(each), each._plan) for each in workflows if each._plan is not None]
        for each in workflows:
            each._plan = None

    def give_back(self) -> list[Planned]:
        """Give the workflows their plans again; return those that are still there, to be let go when no lock is held."""
        there = [(each(), plan) for each, plan in self.plans]
        for workflow, plan in there:
            if workflow is not None:
                workflow._plan = plan
        self.plans = []
        return [workflow for workflow, _ in there if workflow is not None]


class Override:
    """The block of :meth:`Resources.override`, which may be entered again and again."""

    __slots__ = ("_begin", "_end", "_open")

    def __init__(self, begin: Callable[[], Layer], end: Callable[[Layer], None]) -> None:
        self._begin = begin
        self._end = end
        self._open: list[Layer] = []

    def __enter__(self) -> None:
        """Put the replacements in their places.

        Raises: ResourceNotFound, ResourceInvalid, ResourceInUse; then nothing is replaced.
        """
        self._open.append(self._begin())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Take the replacements away; those of other blocks stay, also if these were entered later."""
        self._end(self._open.pop())
