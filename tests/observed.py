"""The observer of ``CANO_OBSERVED=1``: each workflow of each test has it, and it looks at what engine 10 promises.

With it, every run of the tests is an observed one. Its hooks raise nothing, as an observer's error is only logged: what is wrong is
written down, and the test fails at its end.
"""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cano import current_run_id
from cano.ports import Observer, RunInfo, StepInfo, check_observers


@dataclass
class Watched:
    """A run that has begun and not ended."""

    run: RunInfo
    task: "weakref.ref[asyncio.Task[Any]] | None"
    steps: dict[tuple[str, int | None], StepInfo] = field(default_factory=dict)  # each that it has told
    entered: StepInfo | None = None
    going: StepInfo | None = None  # whose task has begun and not ended
    branches: dict[int | None, StepInfo] = field(default_factory=dict)  # the same of branches
    attempts: dict[int | None, int] = field(default_factory=dict)

    @property
    def suspended(self) -> bool:
        """True while it can still end: then it was left on purpose."""
        task = None if self.task is None else self.task()
        return task is not None and not task.done()


class Witness(Observer):
    """Sees that each start has its end, that they are nested, and that the records are the same objects all along."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.events = 0
        self.idle = False  # in a test whose subject is what a run does that nobody observes
        self._runs: dict[str, Watched] = {}
        self._thrown: dict[str, Watched] = {}  # nobody waits for the branches of a run whose coroutine was closed
        self._lock = threading.RLock()  # a collection may close a run amid a hook

    def given(self, observers: Iterable[Observer]) -> tuple[Observer, ...]:
        """Check the observers of a workflow, as the library does, and come after them."""
        return check_observers(observers) if self.idle else (*check_observers(observers), self)

    def close(self) -> list[str]:
        """Return what was wrong since the last time, with the runs that have no end though nothing can end them any more."""
        if any(not each.suspended for each in self._runs.values()):
            gc.collect()  # those who are thrown away in a cycle end now
        with self._lock:
            lost = [each for each in self._runs.values() if not each.suspended]
            for each in lost:
                del self._runs[each.run.run_id]
            self._thrown.clear()
            faults, self.faults = self.faults, []
            return [*faults, *(f"{each.run} has no end" for each in lost)]

    def on_run_start(self, run: RunInfo) -> None:
        """Begin to watch it."""
        with self._lock:
            self._see(type(run) is RunInfo and run.run_id not in self._runs, "a run begins once", run)
            task = asyncio.current_task()
            self._runs[run.run_id] = Watched(run, None if task is None else weakref.ref(task))
            self._at(run)

    def on_state_enter(self, run: RunInfo, step: StepInfo) -> None:
        """See that nothing goes on in the state before."""
        with self._lock:
            at = self._at(run, step)
            self._see(step.branch is None, "a branch is no state", run, step)
            self._see(at.going is None and not at.branches, "the task of the state before has ended", run, step)
            at.entered = step

    def on_task_start(self, run: RunInfo, step: StepInfo) -> None:
        """See that it is the task of the state that was entered, or a branch of it."""
        with self._lock:
            at = self._at(run, step)
            self._see(bool(step.task), "an exit state has no task", run, step)
            if step.branch is None:
                self._see(at.going is None and at.entered is step, "it is the task of the state just entered", run, step)
                at.going = step
            else:
                amid = at.going is not None and at.going.state is step.state
                self._see(amid and step.branch not in at.branches, "a branch begins once, amid its split", run, step)
                at.branches[step.branch] = step
            at.attempts[step.branch] = 0

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        """See that attempts are counted."""
        with self._lock:
            at = self._at(run, step)
            open_ = at.going if step.branch is None else at.branches.get(step.branch)
            self._see(open_ is step, "what is tried again has begun and not ended", run, step)
            self._see(attempt == at.attempts.get(step.branch, 0) + 1, f"attempt {attempt} comes after the one before", run, step)
            self._see(delay >= 0 and issubclass(type(error), Exception), "it waits after an error", run, step)
            at.attempts[step.branch] = attempt

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        """See that it has begun, and that its branches have ended."""
        with self._lock:
            at = self._thrown.get(run.run_id) if step.branch is not None else None
            at = at or self._at(run, step)
            self._see(seconds >= 0, f"{seconds} seconds", run, step)
            if step.branch is not None:
                self._see(at.branches.pop(step.branch, None) is step, "a branch that ends has begun", run, step)
                return
            self._see(at.going is step, "a task that ends has begun", run, step)
            self._see(not at.branches or issubclass(type(error), GeneratorExit), "its branches have ended", run, step)
            at.going = None

    def on_run_end(self, run: RunInfo, state: Any, seconds: float, error: BaseException | None) -> None:
        """See that all in it has ended."""
        with self._lock:
            at = self._at(run)
            thrown = issubclass(type(error), GeneratorExit)
            self._see(at.going is None and (thrown or not at.branches), "all in a run has ended when it has", run)
            entered = at.entered is not None and not at.entered.task and at.entered.state is state
            self._see(entered if error is None else state is None, f"it ends in the state entered last, not {state}", run)
            self._see(seconds >= 0, f"{seconds} seconds", run)
            self._runs.pop(run.run_id, None)
            if at.branches:
                self._thrown[run.run_id] = at

    def _at(self, run: RunInfo, step: StepInfo | None = None) -> Watched:
        self.events += 1
        at = self._runs.get(run.run_id)
        if at is None:
            self._see(False, "an event belongs to a run that goes on", run, step)
            return Watched(run, None)
        self._see(at.run is run, "the record of a run is one object", run)
        self._see(step is None or at.steps.setdefault((step.label, step.branch), step) is step, "that of a step is", run, step)
        self._see(current_run_id() == run.run_id, f"a hook runs in its run, not in {current_run_id()}", run, step)
        return at

    def _see(self, right: bool, what: str, run: object, step: object = None) -> None:
        if not right:
            self.faults.append(f"not so: {what} ({run}, {step})")


def refusal(setting: str) -> str:
    """Say why a setting is none; nothing if it is one."""
    return "" if setting in ("", "0", "1") else "write 1 to observe the runs of all tests, or 0"
