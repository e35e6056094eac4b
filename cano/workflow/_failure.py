"""An exception that leaves a run: told where it comes from, without running any code of its own."""

import sys
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FrameType

from cano._notes import ErrorContext, Note, context_of, notes_of, traceback_of, write_notes
from cano.workflow._plan import Node
from cano.workflow._trail import CURRENT_RUN

_REMEMBERED = 16  # callers of a run
_SHOWN = 8  # labels at either end of the path in a note

# The code of the functions that a run consists of; filled where they are defined.
ENGINE_CODE: set[CodeType] = set()


def annotate(error: BaseException, nodes: list[Node], omitted: int, run_id: str) -> None:
    """Write the context of this run and its note on the exception, in the place of what another run wrote.

    ``nodes`` is the run's path and identity; the current run is the one around it, if any. The context of a run that was started
    inside this one is kept as ``inner``, with its note.
    """
    old = context_of(error)
    inner = old if old is not None and old._around is nodes else None
    if old is not None and inner is None:
        _cut_traceback(error, old._callers)
    node = nodes[-1]
    path = tuple([each.label for each in nodes])
    callers = tuple([frame.f_code for frame in islice(_callers(), 1, _REMEMBERED)])
    context = ErrorContext(node.label, node.task, 1, path, omitted, run_id, inner, CURRENT_RUN.get(), callers)
    note = Note(f"in state {node.label}, task {node.task}, attempt 1, run {run_id}; path: {path_text(path, omitted)}")
    write_notes(error, [*(notes_of(error) if inner is not None else ()), note], context)


def path_text(path: tuple[str, ...], omitted: int) -> str:
    """Write a path in one line, of a long one the ends."""
    if len(path) <= 2 * _SHOWN:
        return " → ".join(path)
    left_out = f"… {len(path) + omitted - 2 * _SHOWN} more …"
    return " → ".join((*path[:_SHOWN], left_out, *path[-_SHOWN:]))


def _callers() -> Iterator[FrameType]:
    """Iterate over the frames of this run and of what it was called from, the loop's own first."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _cut_traceback(error: BaseException, earlier: tuple[CodeType, ...]) -> None:
    """Drop what an earlier run left in the traceback of an exception that is raised again and again.

    A traceback grows at its near end: it holds this run, then who called the earlier one (``earlier`` is their code, the nearest
    first), then the earlier one. The first frame that is an engine's again, or one that this run itself was called from,
    belongs to the old part, and so do the earlier callers before it.
    """
    top = traceback_of(error)
    if top is None:
        return
    callers = set(_callers())
    kept = [top]
    while (entry := kept[-1].tb_next) is not None:
        if entry.tb_frame is not top.tb_frame and (entry.tb_frame in callers or entry.tb_frame.f_code in ENGINE_CODE):
            for code in earlier:
                if code in ENGINE_CODE:
                    continue
                if len(kept) == 1 or kept[-1].tb_frame.f_code is not code:
                    break
                kept.pop()
            kept[-1].tb_next = None
            return
        kept.append(entry)
