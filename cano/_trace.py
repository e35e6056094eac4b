"""What runs and life cycles leave on the exceptions that pass through them, so that one raised again and again does not grow."""

from collections.abc import Iterator
from contextvars import ContextVar
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from cano._interrupts import Interrupts
from cano._notes import ErrorContext, Mark, Note, mark_of, notes_of, traceback_of, write_notes

_REMEMBERED = 16  # callers

# The identity of what the current code belongs to: a run (its path; a list is the cheapest thing that has an identity), or the
# set-ups and teardowns of one life cycle. What begins there is inside it.
CURRENT: ContextVar[object] = ContextVar("cano_current", default=None)


class Trail(list[Any]):
    """The path of a run that may be interrupted or watched, or has splits: what they need to know of the run they are in.

    ``interrupts`` is what interrupts it in its own asyncio task, ``token`` what its tasks get as their CancellationToken,
    ``split`` the state of its last split and what that gave, ``timed`` what interrupts the attempts that its branches are amid, by
    their asyncio tasks; ``omitted`` says how many states were dropped from the middle; ``watch`` is what its observers are told by;
    ``ids`` are those that were made of it at once, the first one counts. ``around`` is the path of the run that it is in, and
    ``left`` counts the work that it, or a run in it, has left behind.
    """

    __slots__ = ("around", "ids", "interrupts", "left", "omitted", "split", "timed", "token", "watch")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.interrupts: Interrupts | None = None
        self.around: list[Any] | None = None
        self.left = 0
        self.omitted = 0
        self.split: tuple[Any, Any] = (None, None)
        self.timed: dict[object, Interrupts] = {}
        self.token: Any = None
        self.watch: Any = None


class Within:
    """What the code of a run's own resources belongs to while these are set up or torn down: ``run`` is the path of the run."""

    __slots__ = ("run",)

    def __init__(self, run: object) -> None:
        self.run = run


def trail_of(task: object) -> Trail | None:
    """Return the trail of the run that the current code belongs to, if this is the asyncio task of that run itself."""
    run = CURRENT.get()
    return run if type(run) is Trail and run.interrupts is not None and run.interrupts.task is task else None


# The code of the functions that a run consists of; filled where they are defined.
ENGINE_CODE: set[CodeType] = set()


def is_inner(error: BaseException, me: object) -> bool:
    """Tell whether the exception comes out of something that was inside ``me``."""
    mark = mark_of(error)
    return mark is not None and mark.around is me


def stamp(
    error: BaseException, me: object, text: str, here: FrameType, context: ErrorContext | None = None, around: object = None
) -> None:
    """Write on an exception that it leaves ``me``, in the place of what was written when it left something else before.

    What ``me``, or something inside, has written stays. ``here`` is the frame that has caught the exception; ``around`` is what
    ``me`` is in, by default :data:`CURRENT`.
    """
    around = CURRENT.get() if around is None else around
    mark = mark_of(error)
    kept: tuple[Note, ...] = ()
    if mark is not None:
        if mark.around is me or mark.me is me:
            kept = tuple(each for each in notes_of(error) if each != text)
        if mark.around is not me:
            _cut_traceback(error, mark.callers, here)
    write_notes(error, [*kept, Note(text)], Mark(context, around, me, _code_of_callers(here)))


def pass_on(error: BaseException, here: FrameType) -> None:
    """Note on an exception which was caught elsewhere that it is now raised from here."""
    mark = mark_of(error)
    if mark is not None:
        write_notes(error, notes_of(error), Mark(mark.context, CURRENT.get(), mark.me, _code_of_callers(here)))


def _code_of_callers(here: FrameType) -> tuple[CodeType, ...]:
    return tuple([frame.f_code for frame in islice(_callers(here), 1, _REMEMBERED)])


def _callers(here: FrameType) -> Iterator[FrameType]:
    """Iterate over a frame and what it was called from."""
    frame: FrameType | None = here
    while frame is not None:
        yield frame
        frame = frame.f_back


def _cut_traceback(error: BaseException, earlier: tuple[CodeType, ...], here: FrameType) -> None:
    """Drop what was left in the traceback of an exception when it was raised before.

    A traceback grows at its near end: it holds ``here``, then who called the code that it left the last time (``earlier`` is their
    code, the nearest first), then that. The first frame that is an engine's again, or one that ``here`` itself was called from,
    belongs to the old part, and so do the earlier callers before it.
    """
    top = traceback_of(error)
    if top is None:
        return
    callers = set(_callers(here))
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
