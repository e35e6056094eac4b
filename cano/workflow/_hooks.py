"""The hooks of observers, event by event."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from cano.ports import HOOKS, Observer, overridden

Hook = Callable[..., object]


class Slow(Observer, ABC):
    """An observer that the run waits for, between two states, while it has no room."""

    @property
    @abstractmethod
    def full(self) -> bool:
        """True while it has no room."""

    @abstractmethod
    async def room(self) -> None:
        """Return when it has."""

    @abstractmethod
    def notify(self, wake: Callable[[], object]) -> None:
        """Call this, once, when it has."""


class Hooks:
    """The overridden hooks of some observers, event by event.

    They are looked up when a workflow is made, for all its runs; what is set on an observer afterwards is not seen.
    """

    __slots__ = ("retry", "rows", "run_end", "run_start", "slow", "state_enter", "task_end", "task_start")

    def __init__(self, rows: Iterable[tuple[Observer, tuple[Hook | None, ...]]]) -> None:
        self.rows = tuple({id(row[0]): row for row in rows}.values())
        self.slow = tuple([each for each, _ in self.rows if isinstance(each, Slow)])
        columns = zip(*(hooks for _, hooks in self.rows), strict=True)
        by_name = {name: tuple([hook for hook in column if hook is not None]) for name, column in zip(HOOKS, columns, strict=True)}
        self.run_start = by_name["on_run_start"]
        self.state_enter = by_name["on_state_enter"]
        self.task_start = by_name["on_task_start"]
        self.retry = by_name["on_retry"]
        self.task_end = by_name["on_task_end"]
        self.run_end = by_name["on_run_end"]


def hooks_of(observers: Iterable[Observer]) -> Hooks | None:
    """Return the hooks of these observers; None if none is overridden, and the runs are those of a workflow without observers."""
    found = [(each, tuple([overridden(each, name) for name in HOOKS])) for each in observers]
    rows = [row for row in found if any(hook is not None for hook in row[1])]
    return Hooks(rows) if rows else None


def joined(first: Hooks | None, then: Hooks | None) -> Hooks | None:
    """Return the hooks of both, those of an observer that is in both once."""
    if first is None or then is None or first is then:
        return first or then
    return Hooks((*first.rows, *then.rows))
