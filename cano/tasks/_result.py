"""The wrapped form of a task's result."""

from typing import Generic, TypeVar

T = TypeVar("T")
S_co = TypeVar("S_co", covariant=True)

_new = object.__new__


class TaskResult(Generic[S_co]):
    """The next state, wrapped; ``return TaskResult.single(state)`` is the same as ``return state``."""

    __slots__ = ("_state",)

    def __init__(self, state: S_co) -> None:
        """Wrap the next state; :meth:`single` reads better."""
        self._state = state

    @staticmethod
    def single(state: T) -> "TaskResult[T]":
        """Name one next state."""
        result: TaskResult[T] = _new(TaskResult)  # a third faster than to call the class, and tasks do it at each transition
        result._state = state
        return result

    @property
    def state(self) -> S_co:
        """The next state."""
        return self._state

    def __eq__(self, other: object) -> bool:
        return self._state == other._state if isinstance(other, TaskResult) else NotImplemented

    def __hash__(self) -> int:
        return hash((TaskResult, self._state))

    def __repr__(self) -> str:
        return f"TaskResult.single({self._state!r})"
