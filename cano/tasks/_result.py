"""The wrapped form of a task's result."""

from typing import Generic, TypeVar

S_co = TypeVar("S_co", covariant=True)


class TaskResult(Generic[S_co]):
    """The next state, wrapped; ``return TaskResult.single(state)`` is the same as ``return state``."""

    __slots__ = ("_state",)

    def __init__(self, state: S_co) -> None:
        """Wrap the next state; :meth:`single` reads better."""
        self._state = state

    @classmethod
    def single(cls, state: S_co) -> "TaskResult[S_co]":  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
        """Name one next state."""
        return cls(state)

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
