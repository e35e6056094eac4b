"""An exception that leaves a run: told where it comes from, without running any code of its own."""

import sys

from cano._notes import ErrorContext, context_of
from cano._trace import is_inner, stamp
from cano.workflow._plan import Node

_SHOWN = 8  # labels at either end of the path in a note


def annotate(error: BaseException, nodes: list[Node], omitted: int, run_id: str) -> None:
    """Write the context of this run and its note on the exception, in the place of what another run wrote.

    ``nodes`` is the run's path and identity. The context of a run that was started inside this one is kept as ``inner``, with
    its note.
    """
    inner = context_of(error) if is_inner(error, nodes) else None
    node = nodes[-1]
    path = tuple([each.label for each in nodes])
    context = ErrorContext(node.label, node.task, 1, path, omitted, run_id, inner)
    text = f"in state {node.label}, task {node.task}, attempt 1, run {run_id}; path: {path_text(path, omitted)}"
    stamp(error, nodes, text, sys._getframe(1), context)


def path_text(path: tuple[str, ...], omitted: int) -> str:
    """Write a path in one line, of a long one the ends."""
    if len(path) <= 2 * _SHOWN:
        return " → ".join(path)
    left_out = f"… {len(path) + omitted - 2 * _SHOWN} more …"
    return " → ".join((*path[:_SHOWN], left_out, *path[-_SHOWN:]))
