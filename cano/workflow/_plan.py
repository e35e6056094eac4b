"""The plan: a workflow as it was at its first run, ready to be walked. Nothing of a run and of no event loop is kept in it."""

import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from itertools import chain
from typing import Any, NoReturn, TypeAlias

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
from cano.ports import Clock, StepInfo
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.resources.types import check_of, no_names
from cano.tasks import Parameter, Signature, SplitResult, TaskResult
from cano.workflow._graph import Graph, Spec, joins_of, problems_of
from cano.workflow._hooks import Hooks

_NOTHING = object()
Steps: TypeAlias = tuple[StepInfo, tuple[StepInfo, ...]]  # a state and the branches of its split


def _nothing_to_bind(_: object) -> NoReturn:
    raise AssertionError("a state whose call is made before the run, or an exit state, was asked for its call")


def _different(pairs: list[tuple[Signature, Parameter]]) -> tuple[tuple[Signature, Parameter], ...]:
    """Keep one of those that ask for the same type under the same key: each run looks at all that is kept."""
    kept: list[tuple[Signature, Parameter]] = []
    for pair in pairs:
        key, asked = pair[1].key, pair[1].check.asked
        if not any(each.key == key and each.check.asked == asked for _, each in kept):
            kept.append(pair)
    return tuple(kept)


class Node:
    """One state of a plan.

    ``call`` gives the awaitable of the next state; None for an exit state, which has no ``spec`` either, and if a parameter of
    the task belongs to the run: then ``bind`` makes the call from the run's resources, and ``index`` is its place among these
    calls. ``only`` and ``next`` are the one state that may come next, and its node. ``last`` is the state that came next the last
    time, where several may, and its node: one tuple, so that no thread sees one half of one time and one of another. ``ways``
    maps a state object that may come next to its node, by identity: the plan keeps these objects alive, so an id names one of
    them, and no ``__hash__`` runs (that of an enum member is a Python function). ``targets`` is the same by value. ``step`` and
    ``branches`` are what observers get for the state and the branches of its split.
    """

    __slots__ = (
        "bind", "branches", "call", "index", "label", "last", "next", "only", "plan", "spec", "state", "step", "targets", "ways",
    )  # fmt: skip

    def __init__(self, plan: "Plan", state: Any, spec: Spec | None, index: int) -> None:
        self.plan = plan
        self.index = index
        self.state = state
        self.label = label_text(state)
        self.spec = spec
        names = spec.branch_names if spec is not None else ()
        branches = tuple([StepInfo(state, self.label, name, index) for index, name in enumerate(names)])
        # One that another plan of the workflow has, for other resources, is kept.
        self.step, self.branches = plan.told.setdefault(state, (StepInfo(state, self.label, self.task), branches))
        self.only: Any = _NOTHING
        self.next: Node = self
        self.last: tuple[Any, Node] = (_NOTHING, self)
        self.bind: Callable[[Resources], Callable[[], Any]] = _nothing_to_bind
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
        if named is None and state in self.plan.joins:
            return ResultInvalid(self.task, label_text(state), "only a split leads there, whose result its task asks for")
        if named is None and isinstance(state, self.plan.kinds):
            text, known = told_apart(state, self.plan.nodes)
            return TargetUndeclared(self.task, text, None, known)
        text, known = told_apart(state, self.plan.nodes, shown_text)
        return ResultInvalid(self.task, text, f"the states are {', '.join(known)}")


class Plan:
    """All nodes, and what a run needs to know.

    ``told`` is what observers get for the states, ``mine`` are the keys whose resources belong to the run, not to the plan.
    """

    def __init__(
        self,
        specs: Mapping[Any, Spec],
        graph: Graph[Any],
        starts: tuple[Any, ...],
        resources: Resources,
        clock: Clock,
        max_steps: int | None,
        name: str,
        hooks: Hooks | None,
        steps: "dict[Any, Steps]",
        brought: frozenset[Hashable] = frozenset(),
    ) -> None:
        self.specs, self.graph, self.starts = specs, graph, starts
        self.resources, self.clock, self.max_steps = resources, clock, max_steps
        self.name, self.hooks, self.told = name, hooks, steps
        self.now = clock.now
        self.steps = sys.maxsize if max_steps is None else max_steps
        self.owner = resources._owner
        recipes = resources._recipes()
        self.own_recipes = {key: recipe for key, recipe in recipes.items() if recipe.own}
        of = {key: recipe.of for key, recipe in self.own_recipes.items() if recipe.of is not None}
        self.demands = {key: check_of(form, no_names) for key, form in of.items()}  # of what a run must bring
        self.mine = brought | recipes.keys()
        self.alone = self.owner is None and not self.mine  # nothing to set up, no resource of the run's own
        self.opens = self.owner is not None or not self.own_recipes.keys() <= brought  # a run has something to set up
        asked = [signature for spec in specs.values() for signature in spec.signatures]
        self.takes_token = any(each.takes(CancellationToken) for each in asked)
        known = (
            self.takes_token
            or any(spec.splits or spec.tries for spec in specs.values())
            or any(each.takes(SplitResult) for each in asked)
        )
        self.joins = frozenset(joins_of(specs))
        self.simple = self.alone and not known and hooks is None  # nothing has to be known of a run
        filled = [pair for spec in specs.values() for pair in self._filled(spec)] if self.mine else ()
        self.asked = _different([pair for pair in filled if pair[1].key in self.mine])  # of each run's own values
        self.nodes = self._nodes()
        self.kinds = tuple({type(state) for state in self.nodes})
        self.labels = tuple(node.label for node in self.nodes.values())
        self.begun: dict[int, Node] = {}  # by the identity of the state object, once it has been seen to be a good start
        self._variants: dict[frozenset[Hashable], Plan] = {}

    def _nodes(self) -> dict[Any, Node]:
        states = dict.fromkeys(chain(self.specs, self.graph.exits))
        ends = dict.fromkeys(self.graph.exits)  # an exit state wins: its task never runs
        nodes = {
            state: Node(self, state, None if state in ends else self.specs[state], index) for index, state in enumerate(states)
        }
        for node in nodes.values():
            if node.spec is None:
                continue
            named = node.spec.returns.targets
            if named is None:
                node.targets = {state: each for state, each in nodes.items() if each.spec is None or state not in self.joins}
            else:
                node.targets = {state: nodes[state] for state in named}
            node.ways = {id(each.state): each for each in node.targets.values()}
            node.ways.update((id(state), nodes[state]) for state in named or ())  # an equal object, kept alive by the spec
            if named is not None and len(named) == 1:
                node.only, node.next = named[0], nodes[named[0]]
            bind = node.spec.binder(self.resources, self.mine, self.clock)
            keys = {each.key for _, each in self._filled(node.spec)} if self.mine else ()
            if not any(key is None or key in self.mine for key in keys):
                node.call = bind(self.resources)
            else:
                node.bind = bind
        return nodes

    def _filled(self, spec: Spec) -> list[tuple[Signature, Parameter]]:
        """List all that the container fills for a task or the branches of a split, however deep."""
        found = [pair for signature in spec.signatures for pair in signature.filled(self.resources)]
        return [(signature, each) for signature, each in found if each.given is None]

    def start(self, state: Any) -> Node:
        """Return the node to start at.

        Raises: StateUnknown; WorkflowInvalid if states cannot be reached from there.
        """
        try:
            node = self.nodes[state]
        except Exception:  # noqa: BLE001 - its __hash__ and __eq__ are the user's
            raise StateUnknown(*told_apart(state, self.nodes, shown_text)) from None
        if id(node.state) not in self.begun:
            problems = () if node.spec is None else problems_of(self.graph, self.specs, self.starts, (state, *self.starts))
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
            found = Plan(
                self.specs,
                self.graph,
                self.starts,
                self.resources,
                self.clock,
                self.max_steps,
                self.name,
                self.hooks,
                self.told,
                brought,
            )
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
            check = self.demands.get(key)
            if check is not None and not check.accepts(value):
                raise ResourceTypeMismatch(key, check.form, type(value), "resources of this run")
        for signature, each in self.asked:
            if each.key in values:
                signature.check_value(each, values[each.key])
