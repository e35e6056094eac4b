"""The plan: a workflow as it was at its first run, ready to be walked. Nothing of a run and of no event loop is kept in it."""

import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from itertools import chain
from typing import Any

from cano._text import label_text, shown_text, told_apart
from cano.errors import (
    ResourceNotBrought,
    ResourceNotFound,
    ResourceTypeMismatch,
    ResultInvalid,
    StateUnknown,
    TargetUndeclared,
    WorkflowError,
    WorkflowInvalid,
)
from cano.ports import Clock
from cano.resources import Resources
from cano.resources.types import check_of, no_names
from cano.tasks import TaskResult, TaskSpec
from cano.workflow._graph import Graph, problems_of

_NOTHING = object()


class Node:
    """One state of a plan.

    ``call`` gives the awaitable of the next state; None for an exit state, which has no ``spec`` either, and if a parameter of
    the task belongs to the run, who makes the call then. ``only`` and ``next`` are the one state that may come next, and its node.
    ``ways`` maps a state object that may come next to its node, by identity: the plan keeps these objects alive, so an id
    names one of them, and no ``__hash__`` runs (that of an enum member is a Python function). ``targets`` is the same by value.
    """

    __slots__ = ("call", "label", "next", "only", "plan", "spec", "state", "targets", "ways")

    def __init__(self, plan: "Plan", state: Any, spec: TaskSpec | None) -> None:
        self.plan = plan
        self.state = state
        self.label = label_text(state)
        self.spec = spec
        self.only: Any = _NOTHING
        self.next: Node = self
        self.call: Callable[[], Any] | None = None
        self.targets: dict[Any, Node] = {}
        self.ways: dict[int, Node] = {}

    @property
    def task(self) -> str:
        """The name of the task, empty for an exit state."""
        return self.spec.name if self.spec is not None else ""

    def resolve(self, result: Any) -> "Node":
        """Find the node of a result that is none of the state objects themselves.

        Raises: TargetUndeclared, ResultInvalid.
        """
        state = result
        try:
            if isinstance(result, TaskResult):
                state = result._state
                if state is self.only:
                    return self.next
            node = self.ways.get(id(state)) or self.targets.get(state)
            refusal = self._refusal(state) if node is None else None
        except Exception as error:  # its __hash__, __eq__ and __class__ are the user's
            raise ResultInvalid(self.task, shown_text(state), f"it cannot be looked up ({type(error).__name__})") from error
        if node is None:
            assert refusal is not None
            raise refusal
        return node

    def _refusal(self, state: Any) -> WorkflowError:
        assert self.spec is not None
        if inspect.iscoroutine(state):
            state.close()
            return ResultInvalid(self.task, shown_text(state), "it is a coroutine that nobody awaited; await it inside the task")
        if inspect.isawaitable(state):
            return ResultInvalid(self.task, shown_text(state), "await it inside the task and return a state")
        if inspect.isasyncgen(state) or inspect.isgenerator(state):
            return ResultInvalid(
                self.task, shown_text(state), "it is a generator; iterate over it inside the task and return a state"
            )
        if state is None:
            return ResultInvalid(self.task, "None", "a task returns its next state; is a return missing?")
        named = self.spec.returns.targets
        if named is not None and state in self.plan.nodes:
            return TargetUndeclared(self.task, label_text(state), tuple(map(label_text, named)), self.plan.labels)
        if named is None and isinstance(state, self.plan.kinds):
            text, known = told_apart(state, self.plan.nodes)
            return TargetUndeclared(self.task, text, None, known)
        text, known = told_apart(state, self.plan.nodes, shown_text)
        return ResultInvalid(self.task, text, f"the states are {', '.join(known)}")


class Plan:
    """All nodes, and what a run needs to know. ``mine`` are the keys whose resources belong to the run, not to the plan."""

    def __init__(
        self,
        specs: Mapping[Any, TaskSpec],
        graph: Graph[Any],
        starts: tuple[Any, ...],
        resources: Resources,
        clock: Clock,
        max_steps: int | None,
        brought: frozenset[Hashable] = frozenset(),
    ) -> None:
        self.specs, self.graph, self.starts = specs, graph, starts
        self.resources, self.clock, self.max_steps = resources, clock, max_steps
        self.now = clock.now
        self.steps = sys.maxsize if max_steps is None else max_steps
        self.owner = resources._freeze()
        recipes = resources._recipes()
        self.own_recipes = {key: recipe for key, recipe in recipes.items() if recipe.own}
        self.mine = brought | recipes.keys()
        self.simple = self.owner is None and not self.mine
        self.nodes = self._nodes()
        self.kinds = tuple({type(state) for state in self.nodes})
        self.labels = tuple(node.label for node in self.nodes.values())
        self.begun: dict[int, Node] = {}  # by the identity of the state object, once it has been seen to be a good start
        self._variants: dict[frozenset[Hashable], Plan] = {}

    def _nodes(self) -> dict[Any, Node]:
        nodes = {state: Node(self, state, self.specs.get(state)) for state in chain(self.specs, self.graph.exits)}
        for state in self.graph.exits:
            nodes[state] = Node(self, state, None)  # an exit state wins: its task never runs
        for node in nodes.values():
            if node.spec is None:
                continue
            named = node.spec.returns.targets
            node.targets = nodes if named is None else {state: nodes[state] for state in named}
            node.ways = {id(each.state): each for each in node.targets.values()}
            node.ways.update((id(state), nodes[state]) for state in named or ())  # an equal object, kept alive by the spec
            if named is not None and len(named) == 1:
                node.only, node.next = named[0], nodes[named[0]]
            if not any(each.key is None or each.key in self.mine for each in node.spec.signature.parameters) or not self.mine:
                node.call = node.spec.bind(self.resources)
        return nodes

    def start(self, state: Any) -> Node:
        """Return the node to start at.

        Raises: StateUnknown; WorkflowInvalid if states cannot be reached from there.
        """
        try:
            node = self.nodes[state]
        except Exception:  # noqa: BLE001 - its __hash__ and __eq__ are the user's
            raise StateUnknown(*told_apart(state, self.nodes, shown_text)) from None
        if id(node.state) not in self.begun:
            tasks = {each: spec.name for each, spec in self.specs.items()}
            problems = () if node.spec is None else problems_of(self.graph, tasks, self.starts, (state, *self.starts))
            if problems:
                raise WorkflowInvalid(problems)
            self.begun[id(node.state)] = node
        return node

    def variant(self, brought: frozenset[Hashable]) -> "Plan":
        """Return the plan for runs that bring resources under these keys.

        Raises: ResourceNotFound for a key that the workflow does not have; ResourceNotBrought if one is missing.
        """
        found = self._variants.get(brought)
        if found is None:
            for key in brought:
                if key not in self.resources:
                    raise ResourceNotFound(key, None, tuple(self.resources), (), "resources of this run")
            found = Plan(self.specs, self.graph, self.starts, self.resources, self.clock, self.max_steps, brought)
            if len(self._variants) < 64:
                self._variants[brought] = found
        for key, recipe in self.own_recipes.items():
            if recipe.fn is None and key not in brought:
                raise ResourceNotBrought(key, recipe.of, tuple(self.resources))
        return found

    def check(self, values: Mapping[Hashable, object]) -> None:
        """See whether these values of a run are what the tasks ask for.

        Raises: ResourceTypeMismatch.
        """
        for key, value in values.items():
            recipe = self.own_recipes.get(key)
            if recipe is not None and recipe.of is not None and not check_of(recipe.of, no_names).accepts(value):
                raise ResourceTypeMismatch(key, recipe.of, type(value), "resources of this run")
        for spec in self.specs.values():
            for each in spec.signature.parameters:
                if each.key in values:
                    spec.signature.check_value(each, values[each.key])
