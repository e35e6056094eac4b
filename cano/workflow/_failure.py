"""An exception that leaves a run: told where it comes from, without running any code of its own."""

import sys
from types import FrameType
from typing import Any

from cano._notes import ErrorContext, context_of, take_attempts
from cano._run_id import RunId
from cano._trace import is_inner, stamp
from cano.workflow._plan import Node
from cano.workflow._trail import KEPT

_BRANCH = object()  # what is around a branch: it raises into its split, and never into the run
_SHOWN = 8  # labels at either end of the path in a note


def annotate(error: BaseException, nodes: list[Any], omitted: int, node: Node, run_id: str) -> None:
    """Write the context of this run and its note on the exception, in the place of what another run wrote.

    ``nodes`` is the run's path and identity, ``node`` the state it was in, or about to enter. The context of a run that was started
    inside this one is kept as ``inner``, with its note.
    """
    inner = context_of(error) if is_inner(error, nodes) else None
    attempt, earlier = take_attempts(error)
    path = tuple([each.label for each in nodes if type(each) is not RunId])
    context = ErrorContext(node.label, node.task, attempt, path, omitted, run_id, inner, earlier)
    text = f"in state {node.label}, task {node.task}, attempt {attempt}, run {run_id}; path: {path_text(path, omitted)}"
    stamp(error, nodes, text, sys._getframe(1), context)


def annotate_branch(
    error: BaseException, nodes: list[Node], omitted: int, index: int, task: str, run_id: str, here: FrameType
) -> ErrorContext:
    """Write on the exception of a branch where it was raised, and return that: one instance may fail several branches.

    ``here`` is the frame that has caught it.
    """
    inner = context_of(error) if is_inner(error, nodes) else None
    attempt, earlier = take_attempts(error)
    surplus = max(len(nodes) - 2 * KEPT, 0)
    ends = [*nodes[:KEPT], *nodes[-KEPT:]] if surplus else nodes
    labels = tuple([each.label for each in ends])
    context = ErrorContext(nodes[-1].label, f"{task}[{index}]", attempt, labels, omitted + surplus, run_id, inner, earlier)
    text = f"in state {nodes[-1].label}, branch {index}, task {task}, attempt {attempt}, run {run_id}"
    stamp(error, nodes, text, here, context, _BRANCH)
    return context


def path_text(path: tuple[str, ...], omitted: int) -> str:
    """Write a path in one line, of a long one the ends."""
    if len(path) <= 2 * _SHOWN:
        return " → ".join(path)
    left_out = f"… {len(path) + omitted - 2 * _SHOWN} more …"
    return " → ".join((*path[:_SHOWN], left_out, *path[-_SHOWN:]))
