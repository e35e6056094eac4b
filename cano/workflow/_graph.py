"""The graph of a workflow, and what can be wrong with it."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from cano._text import did_you_mean, key_text, label_text, told_apart
from cano.ports import Clock
from cano.resources import Resources
from cano.tasks import Call, Returns, Signature, SplitResult

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Graph(Generic[S]):
    """States, exit states and the ways between them, as the tasks declare them.

    A task that may go anywhere has an edge to every state that has a task, itself included, and to every exit state; but none to
    one whose task asks for the SplitResult of a split, where only a split leads.
    """

    states: tuple[S, ...]
    exits: tuple[S, ...]
    edges: tuple[tuple[S, S], ...]


class Spec(Protocol):
    """What is registered for a state: a task, or a split."""

    @property
    def name(self) -> str: ...
    @property
    def returns(self) -> Returns: ...
    @property
    def signatures(self) -> tuple[Signature, ...]: ...
    @property
    def splits(self) -> bool: ...
    @property
    def tries(self) -> bool: ...
    @property
    def branch_names(self) -> tuple[str, ...]: ...
    def binder(self, resources: Resources, mine: Set[Hashable], clock: Clock) -> Callable[[Resources], Call]: ...


def joins_of(specs: Mapping[S, Spec]) -> tuple[S, ...]:
    """Return the states whose tasks cannot do without the SplitResult of a split."""
    return tuple(state for state, spec in specs.items() if any(each.needs(SplitResult) for each in spec.signatures))


def graph_of(targets: Mapping[S, tuple[S, ...] | None], exits: Iterable[S], joins: Iterable[S] = ()) -> Graph[S]:
    """Draw the graph; ``targets`` maps a state to those that its task may name, None for any but the ``joins``."""
    ends = tuple(exits)
    kept = dict.fromkeys(joins)
    everywhere = tuple(each for each in dict.fromkeys((*targets, *ends)) if each not in kept or each in ends)
    edges = tuple((state, to) for state, named in targets.items() for to in (everywhere if named is None else named))
    return Graph(tuple(targets), ends, edges)


def problems_of(
    graph: Graph[Any], specs: Mapping[Any, Spec], declared: Iterable[Any], starts: Iterable[Any] | None
) -> tuple[str, ...]:
    """Return everything that is wrong, one sentence each, in an order that does not change from run to run.

    ``specs`` has what is registered for each state, ``declared`` are the states that were said to be starts. With ``starts`` given,
    states that no run from there, nor from a state on the way to there, can enter are wrong, too.
    """
    known = dict.fromkeys((*graph.states, *graph.exits))
    found = []
    if not graph.states:
        found.append("no state has a task; register one")
    if not graph.exits:
        found.append("there is no exit state; add one with add_exit_state")
    found += [
        f"{specs[state].name}, the task of {label_text(state)}, may go to {told_apart(to, known)[0]}, "
        "which has no task and is no exit state"
        for state, to in graph.edges
        if to not in known
    ]
    for state in declared:
        if state not in known:
            text, others = told_apart(state, known)
            found.append(f"{text} is a start state that has no task and is no exit state{did_you_mean(text, others)}")
    begins = [*declared, *(starts or ())]
    found += [each for state in joins_of(specs) if state not in graph.exits for each in _unjoined(state, graph, specs, begins)]
    found += _same_labels(known)
    if graph.exits:
        ends = {*graph.exits, *(state for state in graph.states if all(state != origin for origin, _ in graph.edges))}
        ends.update(to for _, to in graph.edges if to not in known)  # said above already
        leading = _closure(ends, _reversed(graph))
        lost = [label_text(state) for state in graph.states if state not in leading]
        if lost:
            found.append(f"no exit state can be reached from {', '.join(lost)}")
    if starts is not None:
        found += _unreachable(graph, tuple(starts))
    return tuple(found)


def _unjoined(join: Any, graph: Graph[Any], specs: Mapping[Any, Spec], starts: list[Any]) -> list[str]:
    """Say what is wrong with a state whose task asks for a SplitResult."""
    asks = f"{specs[join].name}, the task of {label_text(join)}, asks for a SplitResult"
    found = []
    origins = [state for state, to in graph.edges if to == join]
    if not any(specs[state].splits for state in origins):
        found.append(f"{asks}, and no split leads there; give register_split to={label_text(join)}")
    found += [
        f"{asks}, and {specs[state].name}, the task of {label_text(state)}, leads there and is no split; give it a default"
        for state in origins
        if not specs[state].splits
    ]
    if any(start == join for start in starts):
        found.append(f"{asks}, and a run that starts there has none; give the parameter a default")
    return found


def _unreachable(graph: Graph[Any], starts: tuple[Any, ...]) -> list[str]:
    # A run may begin in the middle: what lies before its start is not unreachable for that.
    roots = _closure(starts, _reversed(graph))
    reached = _closure(roots, graph.edges)
    lost = [label_text(state) for state in graph.states if state not in reached]
    if not lost:
        return []
    begin = ", ".join(map(label_text, starts))
    return [f"a run that starts in {begin} cannot reach {', '.join(lost)}; if others start there, say so with add_start_state"]


def _reversed(graph: Graph[Any]) -> list[tuple[Any, Any]]:
    return [(to, state) for state, to in graph.edges]


def _same_labels(states: Iterable[Any]) -> list[str]:
    by_label: dict[str, list[Any]] = {}
    for state in states:
        by_label.setdefault(label_text(state), []).append(state)
    return [
        f"{len(same)} states have the label {label}: {', '.join(map(key_text, same))}"
        for label, same in by_label.items()
        if len(same) > 1
    ]


def _closure(begin: Iterable[Any], edges: Iterable[tuple[Any, Any]]) -> set[Any]:
    ways: dict[Any, list[Any]] = {}
    for origin, to in edges:
        ways.setdefault(origin, []).append(to)
    reached = set(begin)
    waiting = list(reached)
    while waiting:
        for to in ways.get(waiting.pop(), ()):
            if to not in reached:
                reached.add(to)
                waiting.append(to)
    return reached
