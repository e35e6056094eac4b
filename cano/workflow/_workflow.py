"""The workflow: put together once, frozen at its first run, run as often as you like."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable, Mapping
from enum import EnumType
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from cano._text import key_text, label_of, label_text, name_of, shown_message, shown_text, told_apart
from cano._trace import ENGINE_CODE
from cano.errors import EventLoopMisuse, StateDuplicate, StateInvalid, StateUnknown, WorkflowFrozen, WorkflowInvalid
from cano.ports import SYSTEM_CLOCK, Clock
from cano.resources import Resources
from cano.tasks import TaskResult, TaskSpec, check_order, check_state_class, spec_of
from cano.tasks.protocols import RunsBare, RunsWith
from cano.workflow._conduct import conduct
from cano.workflow._drive import drive
from cano.workflow._graph import Graph, graph_of, problems_of
from cano.workflow._identity import new_run_id
from cano.workflow._plan import Node, Plan
from cano.workflow._report import RunReport, report_of
from cano.workflow._service import Service
from cano.workflow._trail import TimedPath

S = TypeVar("S", bound=Hashable)


class Workflow(Generic[S]):
    """States, the task of each, and the exit states; a run goes from a start to an exit.

    States are any hashable values, enum members by preference. Putting together is for one thread; the first run freezes the
    workflow, and from then on any number of runs may overlap, in one event loop after another, and in several at once as
    long as no shared resource has a life cycle.
    """

    @overload
    def __init__(
        self, resources: Resources | None = ..., *, state: type[S], max_steps: int | None = ..., clock: Clock = ...
    ) -> None: ...
    @overload
    def __init__(
        self: "Workflow[Any]", resources: Resources | None = ..., *, max_steps: int | None = ..., clock: Clock = ...
    ) -> None: ...
    def __init__(
        self,
        resources: Resources | None = None,
        *,
        state: type[Any] | None = None,
        max_steps: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Begin an empty workflow on these resources.

        ``state`` is the class of the states: states and targets are checked against it. A run that has executed ``max_steps``
        tasks and wants another one fails; None, no limit. ``clock`` is where the time is read.

        Raises: TypeError if ``resources`` is no Resources, ``state`` no class or ``max_steps`` no int; ValueError if ``max_steps``
        is less than 1.
        """
        if resources is not None and not isinstance(resources, Resources):
            raise TypeError(f"resources is a {name_of(type(resources))}; write Workflow(Resources({{...}}))")
        check_state_class(state)
        if max_steps is not None and type(max_steps) is not int:
            raise TypeError(f"max_steps is {shown_text(max_steps)}; it counts tasks and is an int, or None for no limit")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps is {max_steps}; it counts tasks and is at least 1, or None for no limit")
        self._resources = resources if resources is not None else Resources()
        self._state: type[Any] | None = state
        self._max_steps = max_steps
        self._clock = clock
        self._specs: dict[S, TaskSpec] = {}
        self._exits: dict[S, None] = {}
        self._starts: dict[S, None] = {}
        self._plan: Plan | None = None
        self._freezing = threading.Lock()
        self._service = Service()

    @property
    def resources(self) -> Resources:
        """The resources that the workflow runs on."""
        return self._resources

    @property
    def graph(self) -> Graph[S]:
        """The graph as it is put together so far."""
        return graph_of({state: spec.returns.targets for state, spec in self._specs.items()}, self._exits)

    def register(
        self,
        state: S,
        task: Callable[..., Awaitable[S | TaskResult[S]] | S | TaskResult[S]] | RunsWith[S] | RunsBare[S],
    ) -> Self:
        """Give a state its task, and return the workflow itself.

        The task is an async callable, or an object with ``run`` or ``run_bare``; its signature is read now, once, and checked
        against the resources.

        Raises: StateDuplicate, StateInvalid, TaskInvalid, AnnotationUnresolved, ResourceNotFound, ResourceTypeMismatch;
        WorkflowFrozen after the first run.
        """
        check_order(state, task)
        self._check_state(state, "register")
        if state in self._specs:
            raise StateDuplicate(label_text(state), self._specs[state].name)
        spec = spec_of(task, self._state)
        spec.signature.check(self._resources)
        self._specs[state] = spec
        return self

    def add_exit_state(self, state: S) -> Self:
        """Let runs end in this state, and return the workflow itself. Its task, if it has one, never runs.

        Raises: StateInvalid; WorkflowFrozen after the first run.
        """
        self._check_state(state, "add_exit_state")
        self._exits[state] = None
        return self

    def add_start_state(self, state: S) -> Self:
        """Say that some runs start in this state, so that what only they reach counts as reachable; return the workflow itself.

        Needed only if runs start in several states none of which leads to the other: then for each of these.

        Raises: StateInvalid; WorkflowFrozen after the first run.
        """
        self._check_state(state, "add_start_state")
        self._starts[state] = None
        return self

    def validate(self, start: S | None = None) -> None:
        """Look for everything that is wrong, as the first run does; with a start, for states that cannot be reached from it, too.

        Raises: WorkflowInvalid with all problems; StateUnknown for a start that the workflow does not have.
        """
        begins, ends = _among(start, self._specs), _among(start, self._exits)
        starts = (start, *self._starts) if begins and not ends else None
        problems = problems_of(self.graph, {state: spec.name for state, spec in self._specs.items()}, self._starts, starts)
        if problems:
            raise WorkflowInvalid(problems)
        if not (start is None or begins or ends):
            raise StateUnknown(*told_apart(start, (*self._specs, *self._exits), shown_text))

    async def orchestrate(self, start: S, *, resources: Mapping[Any, object] | None = None) -> S:
        """Run from ``start`` to an exit state and return that.

        ``resources`` replaces resources for this run only; their life cycle stays the caller's. Without anything to set up, a
        run costs about a microsecond more than a loop that awaits the same tasks.

        A cancellation reaches the caller as CancelledError, after all is torn down and what runs in threads has ended.

        Raises: what a task raises, with a note and a context (:func:`context_of`); WorkflowInvalid, StateUnknown before anything
        runs; TargetUndeclared, ResultInvalid, MaxStepsReached; what a set-up raises; TeardownFailed after a run that went well;
        ResourceNotFound, ResourceNotBrought, ResourceTypeMismatch for the resources of this run; ResourceInUse, ResourceBroken
        for shared ones with a life cycle; EventLoopMisuse outside of asyncio.
        """
        plan = self._plan or self._freeze(start)
        if resources is None and plan.simple:
            end = await drive(plan, plan.begun.get(id(start)) or plan.start(start), None, None)
        else:
            end = await self._conduct(plan, start, None, resources)
        # A node holds its state as Any; it is one of those that the workflow was built of.
        return end.state  # type: ignore[no-any-return]

    def orchestrate_sync(self, start: S, *, resources: Mapping[Any, object] | None = None) -> S:
        """Run in an event loop of its own and return the exit state: :meth:`orchestrate` for scripts, and for threads.

        Raises: EventLoopMisuse inside a running event loop; what :meth:`orchestrate` raises.
        """
        _check_no_loop("orchestrate")
        return asyncio.run(self.orchestrate(start, resources=resources))

    async def run(self, start: S, *, resources: Mapping[Any, object] | None = None) -> RunReport[S]:
        """Run as :meth:`orchestrate` does, and return what happened: the exit state, the path with times, the run id.

        Raises: what :meth:`orchestrate` raises.
        """
        plan = self._plan or self._freeze(start)
        began = plan.clock.now()
        timed = TimedPath(plan.clock.now, new_run_id())
        end = await self._conduct(plan, start, timed, resources)
        return report_of(end.state, timed, plan.clock.now() - began)

    def run_sync(self, start: S, *, resources: Mapping[Any, object] | None = None) -> RunReport[S]:
        """Run in an event loop of its own and return what happened: :meth:`run` for scripts, and for threads.

        Raises: EventLoopMisuse inside a running event loop; what :meth:`orchestrate` raises.
        """
        _check_no_loop("run")
        return asyncio.run(self.run(start, resources=resources))

    async def __aenter__(self) -> Self:
        """Set the shared resources up, and keep them up between runs.

        Raises: WorkflowInvalid; what a set-up raises.
        """
        plan = self._plan or self._freeze(None)
        if plan.owner is not None:
            await self._service.enter(plan.owner)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tear the shared resources down, or leave that to the last run that is under way.

        Raises: TeardownFailed if the body went well.
        """
        plan = self._plan
        if plan is not None and plan.owner is not None:
            await self._service.leave(plan.owner, error)

    async def _conduct(self, plan: Plan, start: S, timed: TimedPath | None, resources: Mapping[Any, object] | None) -> Node:
        if not (resources is None or isinstance(resources, Mapping)):
            raise TypeError(f"resources of a run is a {name_of(type(resources))}; pass a dict of those that this run replaces")
        brought = resources or {}
        plan = plan.variant(frozenset(brought)) if brought or plan.own_recipes else plan
        node = plan.start(start)
        if plan.simple:
            return await drive(plan, node, None, timed)
        return await conduct(plan, node, timed, brought)

    def _freeze(self, start: S | None) -> Plan:
        with self._freezing:
            if self._plan is None:
                self.validate(start)
                self._plan = Plan(self._specs, self.graph, tuple(self._starts), self._resources, self._clock, self._max_steps)
            return self._plan

    def _knows(self, state: S) -> bool:
        return isinstance(state, EnumType) or state in self._specs or state in self._exits or state in self._starts

    def _check_state(self, state: S, action: str) -> None:
        if self._plan is not None:
            raise WorkflowFrozen(f"{action} {label_text(state)}")
        if state is None:
            raise StateInvalid("None", "it is what a task returns that forgets its return")
        for ask, need in ((hash, "is hashable"), (label_of, "has a text"), (self._knows, "can be compared")):
            try:
                ask(state)
            except Exception as error:  # its methods are the user's code
                raise StateInvalid(shown_text(state), f"{shown_message(error) or type(error).__name__}; a state {need}") from error
        if isinstance(state, EnumType):
            raise StateInvalid(name_of(state), "it is the enum itself; name a member")
        if self._state is not None and not isinstance(state, self._state):
            raise StateInvalid(key_text(state), f"the states are {name_of(self._state)}, and this is a {name_of(type(state))}")


def _among(state: object, states: Mapping[Any, object]) -> bool:
    try:
        return state in states
    except Exception:  # noqa: BLE001 - unhashable, or its __hash__ and __eq__ are the user's
        return False


def _check_no_loop(name: str) -> None:
    if asyncio._get_running_loop() is not None:
        raise EventLoopMisuse(f"{name}_sync would block the running event loop; write await workflow.{name}(...)")


ENGINE_CODE.update(each.__code__ for each in (Workflow.orchestrate, Workflow.run, Workflow._conduct))
