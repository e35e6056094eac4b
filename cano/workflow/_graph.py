"""The graph of a workflow, and what can be wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cano._text import did_you_mean, key_text, label_text, told_apart

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Graph(Generic[S]):
    """States, exit states and the ways between them, as the tasks declare them.

    A task that may go anywhere has an edge to every state that has a task, itself included, and to every exit state.
    """

    states: tuple[S, ...]
    exits: tuple[S, ...]
    edges: tuple[tuple[S, S], ...]


def graph_of(targets: Mapping[S, tuple[S, ...] | None], exits: Iterable[S]) -> Graph[S]:
    """Draw the graph; ``targets`` maps a state to those that its task may name, None for any."""
    ends = tuple(exits)
    everywhere = tuple(dict.fromkeys((*targets, *ends)))
    edges = tuple((state, to) for state, named in targets.items() for to in (everywhere if named is None else named))
    return Graph(tuple(targets), ends, edges)


def problems_of(
    graph: Graph[Any], tasks: Mapping[Any, str], declared: Iterable[Any], starts: Iterable[Any] | None
) -> tuple[str, ...]:
    """Return everything that is wrong, one sentence each, in an order that does not change from run to run.

    ``tasks`` names the task of each state, ``declared`` are the states that were said to be starts. With ``starts`` given, states
    that no run from there, nor from a state on the way to there, can enter are wrong, too.
    """
    known = dict.fromkeys((*graph.states, *graph.exits))
    found = []
    if not graph.states:
        found.append("no state has a task; register one")
    if not graph.exits:
        found.append("there is no exit state; add one with add_exit_state")
    found += [
        f"{tasks[state]}, the task of {label_text(state)}, may go to {told_apart(to, known)[0]}, "
        "which has no task and is no exit state"
        for state, to in graph.edges
        if to not in known
    ]
    for state in declared:
        if state not in known:
            text, others = told_apart(state, known)
            found.append(f"{text} is a start state that has no task and is no exit state{did_you_mean(text, others)}")
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
