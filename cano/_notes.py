"""What the library writes on exceptions, its own and others', and reads from them, without running any code of theirs."""

from asyncio import CancelledError
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, TypeGuard


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """Where in a run an exception came from; read it with :func:`context_of`.

    Plain text and numbers, so that it pickles with any error. ``path`` holds the labels of the states entered, the failing
    one last; of a long run only its beginning and its end, and ``omitted`` says how many between them are left out (after
    ``path[:len(path) // 2]``). ``inner`` is the context of a run that this run's task had started, if the error came from it.
    """

    state: str
    task: str
    attempt: int
    path: tuple[str, ...]
    omitted: int
    run_id: str
    inner: "ErrorContext | None" = None
    # For the engine, and of use in this process only: the run around the one that failed, and the code that called that one.
    _around: object = field(default=None, repr=False, compare=False)
    _callers: tuple[CodeType, ...] = field(default=(), repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.state, self.task, self.attempt, self.path, self.omitted, self.run_id, self.inner)


class Note(str):
    """A note that the library wrote on an exception, told from other notes by its class, so that it can be replaced."""

    __slots__ = ()


_dict_of = BaseException.__dict__["__dict__"].__get__
_CONTEXT = "cano_context"


def context_of(error: BaseException) -> ErrorContext | None:
    """Return where in a run the exception came from, or None if it never left a run. No code of the exception is called."""
    return _dict_of(error).get(_CONTEXT)  # type: ignore[no-any-return]


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of an exception, without calling the exception's own code."""
    return BaseException.__dict__["__traceback__"].__get__(error)  # type: ignore[no-any-return]


def is_cancellation(error: BaseException | None) -> TypeGuard[CancelledError]:
    """Tell whether this is a CancelledError, by the class alone: isinstance would read an attribute of the exception."""
    return issubclass(type(error), CancelledError)


def write_notes(error: BaseException, notes: Sequence[Note], context: ErrorContext | None = None) -> None:
    """Replace the library's notes on an exception, and its context if one is given; other notes stay.

    Written into the instance's dictionary, so that no ``__setattr__``, property or ``__str__`` of the exception runs. The list
    of notes is a new one: copies of an exception share theirs.
    """
    fields = _dict_of(error)
    old = fields.get("__notes__", ())
    if isinstance(old, list | tuple):
        fields["__notes__"] = [*(each for each in old if type(each) is not Note), *notes]
    if context is not None:
        fields[_CONTEXT] = context


def add_note(error: BaseException, text: str) -> None:
    """Add one of the library's notes, unless the exception has it from an earlier time."""
    write_notes(error, [*(each for each in notes_of(error) if each != text), Note(text)])


def notes_of(error: BaseException) -> tuple[Note, ...]:
    """Return the notes that the library wrote on an exception."""
    notes = _dict_of(error).get("__notes__", ())
    return tuple(each for each in notes if type(each) is Note) if isinstance(notes, list | tuple) else ()
