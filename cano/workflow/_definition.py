"""What a workflow consists of: put together once, frozen at its first run."""

import threading
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from datetime import timedelta
from enum import EnumType
from typing import Any, Generic, Self, TypeVar

from cano._text import key_text, label_of, label_text, name_of, short_name, shown_message, shown_text, told_apart
from cano.errors import StateDuplicate, StateInvalid, StateUnknown, WorkflowFrozen, WorkflowInvalid
from cano.ports import SYSTEM_CLOCK, Clock, Observer, check_observers
from cano.resilience import Retry, check_retry
from cano.resources import Resources
from cano.tasks import Signature, TaskResult, check_order, check_state_class
from cano.tasks.protocols import RunsBare, RunsWith
from cano.workflow._branch import AnyTask, Branch, check_first, check_one, read_task
from cano.workflow._graph import Graph, Spec, graph_of, joins_of, problems_of
from cano.workflow._hooks import hooks_of
from cano.workflow._join import Join
from cano.workflow._nested import SubWorkflow
from cano.workflow._plan import Plan, Steps
from cano.workflow._split import split_spec

S = TypeVar("S", bound=Hashable)
T = TypeVar("T", bound=Hashable)


class Definition(Generic[S]):
    """A workflow as it is put together; :class:`Workflow` adds the runs."""

    def __init__(
        self,
        resources: Resources | None = None,
        *,
        state: type[Any] | None = None,
        name: str | None = None,
        observers: Iterable[Observer] = (),
        max_steps: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Begin an empty one, as :meth:`Workflow.__init__` tells."""
        if resources is not None and not isinstance(resources, Resources):
            raise TypeError(f"resources is a {name_of(type(resources))}; write Workflow(Resources({{...}}))")
        check_state_class(state)
        if not (name is None or isinstance(name, str)):
            raise TypeError(f"name is {shown_text(name)}; it is a str, for people")
        if max_steps is not None and type(max_steps) is not int:
            raise TypeError(f"max_steps is {shown_text(max_steps)}; it counts tasks and is an int, or None for no limit")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps is {max_steps}; it counts tasks and is at least 1, or None for no limit")
        if isinstance(clock, type) or not all(callable(getattr(clock, name, None)) for name in ("now", "sleep", "call_at")):
            raise TypeError(
                f"clock is {shown_text(clock)}; it has now(), sleep(seconds) and call_at(when, callback), as FakeClock() has"
            )
        self._resources = resources if resources is not None else Resources()
        self._state: type[Any] | None = state
        self._name = name if name is not None else "workflow" if state is None else short_name(state)
        self._hooks = hooks_of(check_observers(observers))
        self._steps: dict[Any, Steps] = {}
        self._max_steps = max_steps
        self._clock = clock
        self._specs: dict[S, Spec] = {}
        self._exits: dict[S, None] = {}
        self._starts: dict[S, None] = {}
        self._plan: Plan | None = None  # none, too, when resources have been overridden since it was made, or are no more
        self._frozen = False
        self._freezing = threading.Lock()

    @property
    def name(self) -> str:
        """What observers and errors call the workflow."""
        return self._name

    @property
    def resources(self) -> Resources:
        """The resources that the workflow runs on."""
        return self._resources

    @property
    def graph(self) -> Graph[S]:
        """The graph as it is put together so far."""
        return graph_of({state: spec.returns.targets for state, spec in self._specs.items()}, self._exits, joins_of(self._specs))

    def register(
        self,
        state: S,
        task: Callable[..., Awaitable[S | TaskResult[S]] | S | TaskResult[S]] | RunsWith[S] | RunsBare[S] | SubWorkflow[S],
        *,
        retry: Retry | None = None,
        timeout: float | timedelta | None = None,
    ) -> Self:
        """Give a state its task, and return the workflow itself.

        The task is an async callable, an object with ``run`` or ``run_bare``, or another workflow (:meth:`as_task`); its
        signature is read now, once, and checked against the resources. ``retry`` says how often a failure of it is tried again,
        ``timeout`` how many seconds an attempt may take, in the place of what ``@task`` says; ``Retry(1)`` is one attempt.

        Raises: StateDuplicate, StateInvalid, TaskInvalid, AnnotationUnresolved, ResourceNotFound, ResourceTypeMismatch;
        TypeError if ``retry`` is no Retry; TypeError, ValueError if ``timeout`` is no duration; WorkflowFrozen after the first run.
        """
        check_retry(retry)
        if type(task) is not SubWorkflow:
            check_order(state, task)
        check_one(task)
        self._check_state(state, "register")
        if state in self._specs:
            raise StateDuplicate(label_text(state), self._specs[state].name)
        spec = read_task(task, self._state, retry, timeout)
        spec.signature.check(self._resources)
        self._specs[state] = spec
        return self

    def register_split(
        self,
        state: S,
        branches: Iterable[Branch | AnyTask],
        *,
        to: S,
        join: Join | None = None,
        timeout: float | timedelta | None = None,
        bulkhead: int | None = None,
    ) -> Self:
        """Give a state several tasks that run side by side, its branches, and return the workflow itself.

        A branch is a task, or a :class:`Branch` of one; each runs in an asyncio task of its own, may return any value, and has the
        retries and the timeout of its task. ``join`` says how many have to succeed, ``Join.all()`` by default. As soon as that is
        certain, either way, those that still run are cancelled and awaited, and the run goes ``to`` the join state, whose task may
        ask for what they gave, by a parameter annotated :class:`SplitResult`. ``timeout`` is the seconds that all of it may take,
        waiting for room included; ``bulkhead`` is how many branches may run at once.

        A split that fails raises SplitFailed, a group of what its branches raised.

        Raises: StateDuplicate, StateInvalid, TaskInvalid, AnnotationUnresolved, ResourceNotFound, ResourceTypeMismatch; TypeError,
        ValueError for a join, a timeout or a bulkhead that is none, or a join that so many branches can never satisfy;
        WorkflowFrozen after the first run.
        """
        check_first(state)
        self._check_state(state, "register_split")
        self._check_state(to, "register_split")
        if state in self._specs:
            raise StateDuplicate(label_text(state), self._specs[state].name)
        split = split_spec(label_text(state), branches, to, join, timeout, bulkhead)
        for branch in split.branches:
            branch.signature.check(self._resources)
        self._specs[state] = split
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

        Raises: WorkflowInvalid with all problems; StateUnknown for a start that the workflow does not have; what :meth:`register`
        raises if resources, or a workflow that is a task, are not any more what they were.
        """
        begins, ends = _among(start, self._specs), _among(start, self._exits)
        starts = (start, *self._starts) if begins and not ends else None
        problems = problems_of(self.graph, self._specs, self._starts, starts)
        if problems:
            raise WorkflowInvalid(problems)
        if not (start is None or begins or ends):
            raise StateUnknown(*told_apart(start, (*self._specs, *self._exits), shown_text))
        for signature in self._signatures():
            signature.check(self._resources)  # which may not be those that it was registered on

    def _takes(self, given: type) -> bool:
        return any(each.takes(given) for each in self._signatures())

    def _signatures(self) -> list[Signature]:
        return [each for spec in self._specs.values() for each in spec.signatures]

    def _freeze(self, start: S | None) -> Plan:
        with self._freezing:
            plan = self._plan
            if plan is None:
                self.validate(start)
                seen = self._resources._freeze()
                plan = Plan(
                    self._specs,
                    self.graph,
                    tuple(self._starts),
                    seen,
                    self._clock,
                    self._max_steps,
                    self._name,
                    self._hooks,
                    self._steps,
                )
                self._frozen = True
                self._resources._adopt(self, plan, seen)
            return plan

    def _knows(self, state: S) -> bool:
        return isinstance(state, EnumType) or state in self._specs or state in self._exits or state in self._starts

    def _check_state(self, state: S, action: str) -> None:
        if self._frozen:
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
