"""What happens in a run, as records: the events of a stream."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from cano.ports._observer import RunInfo, StepInfo


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; nothing is set up yet."""

    run: RunInfo


@dataclass(frozen=True, slots=True)
class StateEntered:
    """A state is entered, an exit state included."""

    run: RunInfo
    step: StepInfo


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task begins, a split or one of its branches; once for all attempts of it."""

    run: RunInfo
    step: StepInfo


@dataclass(frozen=True, slots=True)
class TaskRetried:
    """An attempt (counted from 1) has failed with this error, and the next one begins in ``delay`` seconds.

    The error has no traceback any more when it is read; an observer's ``on_retry`` sees it with it.
    """

    run: RunInfo
    step: StepInfo
    attempt: int
    delay: float
    error: Exception


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task has ended, ``seconds`` after its start, with what it raised: None if it went well."""

    run: RunInfo
    step: StepInfo
    seconds: float
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, all torn down, in an exit state, or (``state`` is then None) with the error that it raises."""

    run: RunInfo
    state: Any
    seconds: float
    error: BaseException | None


Event: TypeAlias = RunStarted | StateEntered | TaskStarted | TaskRetried | TaskEnded | RunEnded
