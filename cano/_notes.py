"""What the library writes on exceptions, its own and others', and reads from them, without running any code of theirs."""

from asyncio import CancelledError
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, TypeGuard

from cano._text import name_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed attempt of a task: its ``number``, counted from 1, the name of the exception's class, and its message.

    The message is made of the arguments if all of them are texts and numbers, else empty, and at most 200 letters long: no code
    of the exception is called.
    """

    number: int
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """Where in a run an exception came from; read it with :func:`context_of`.

    Plain text and numbers, so that it pickles with any error. ``path`` holds the labels of the states entered, the failing
    one last; of a long run only its beginning and its end, and ``omitted`` says how many between them are left out (after
    ``path[:len(path) // 2]``). ``inner`` is the context of a run that this run's task had started, if the error came from it.
    ``earlier`` are the attempts that failed before ``attempt``, the oldest first; of many only the first 16 and the last 16.
    """

    state: str
    task: str
    attempt: int
    path: tuple[str, ...]
    omitted: int
    run_id: str
    inner: "ErrorContext | None" = None
    earlier: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What the library keeps on an exception: its context, if it has left a run, and, of use in this process only, its way.

    ``me`` is the identity of what it has left last, ``around`` of what that is in, ``callers`` the code that had called it.
    """

    context: ErrorContext | None
    around: object = field(default=None, compare=False)
    me: object = field(default=None, compare=False)
    callers: tuple[CodeType, ...] = field(default=(), compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.context,)


class Note(str):
    """A note that the library wrote on an exception, told from other notes by its class, so that it can be replaced."""

    __slots__ = ()


class CopyNote(Note):
    """The one that the store writes, which stays when a run writes its own."""

    __slots__ = ()


class OriginNote(Note):
    """The one that says where an error began, before it reached a run: in which worker, at the reading of which parameter."""

    __slots__ = ()


class AbandonedNote(Note):
    """The one that says that work was not waited for and goes on."""

    __slots__ = ()


_dict_of = BaseException.__dict__["__dict__"].__get__
_args_of = BaseException.__dict__["args"].__get__
_MARK = "cano_context"
_ATTEMPTS = "cano_attempts"
_PLAIN = (str, int, float, bool, type(None))
_KEPT = 16  # attempts at either end
_LONGEST = 200  # letters of a message
_LARGEST = 256  # bits of a number that is written out: to write one of millions takes seconds, if it is allowed at all


class _Ended(tuple[int, tuple[Attempt, ...]]):
    """Which attempt an exception ended, and those before; told by its class from what somebody else has written there."""

    __slots__ = ()


def context_of(error: BaseException) -> ErrorContext | None:
    """Return where in a run the exception came from, or None if it never left a run. No code of the exception is called."""
    mark = mark_of(error)
    return mark.context if mark is not None else None


def mark_of(error: BaseException) -> Mark | None:
    """Return what the library has written on an exception beside its notes."""
    mark = _dict_of(error).get(_MARK)
    return mark if type(mark) is Mark else None


def plain_message(error: BaseException) -> str:
    """Write an exception's arguments if all of them are texts and numbers, else nothing; no code of the exception is called."""
    arguments = _args_of(error)
    plain = all(type(each) in _PLAIN and (type(each) is not int or each.bit_length() < _LARGEST) for each in arguments)
    return ", ".join([str(each)[:_LONGEST] for each in arguments[:_LONGEST]])[:_LONGEST] if plain else ""


def with_attempt(earlier: tuple[Attempt, ...], number: int, error: BaseException) -> tuple[Attempt, ...]:
    """Add a failed attempt to those before it, and drop the middle of too many."""
    added = (*earlier, Attempt(number, name_of(type(error)), plain_message(error)))
    return added if len(added) <= 2 * _KEPT else (*added[:_KEPT], *added[-_KEPT:])


def note_attempts(error: BaseException, number: int, earlier: tuple[Attempt, ...]) -> None:
    """Leave on an exception which attempt it ended, for whom it meets next: :func:`take_attempts`."""
    _dict_of(error)[_ATTEMPTS] = _Ended((number, earlier))


def take_attempts(error: BaseException) -> tuple[int, tuple[Attempt, ...]]:
    """Return which attempt an exception ended, and those before, and take it off the exception."""
    fields = _dict_of(error)
    left = fields.get(_ATTEMPTS)
    if type(left) is not _Ended:
        return 1, ()
    del fields[_ATTEMPTS]
    return left[0], left[1]


def forget(error: BaseException) -> None:
    """Take off an exception all that the library wrote on it when it left a run, and its traceback."""
    write_notes(error, ())
    fields = _dict_of(error)
    if type(fields.get(_MARK)) is Mark:
        del fields[_MARK]
    BaseException.with_traceback(error, None)


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of an exception, without calling the exception's own code."""
    # What a class keeps under a name is Any to a checker; this descriptor gives a traceback or None.
    return BaseException.__dict__["__traceback__"].__get__(error)  # type: ignore[no-any-return]


def is_cancellation(error: BaseException | None) -> TypeGuard[CancelledError]:
    """Tell whether this is a CancelledError, by the class alone: isinstance would read an attribute of the exception."""
    return issubclass(type(error), CancelledError)


def is_thrown_away(error: BaseException) -> bool:
    """Tell whether the coroutine that has just caught this at an ``await`` is being closed, and can await nothing any more.

    A coroutine that is closed has its inner ones closed first, and the GeneratorExit begins in its own frame; what code has
    raised by itself comes from a frame below.
    """
    trace = traceback_of(error)
    return type(error) is GeneratorExit and trace is not None and trace.tb_next is None


def write_notes(error: BaseException, notes: Sequence[Note], mark: Mark | None = None, *, kind: type[Note] = Note) -> None:
    """Replace the library's notes of one kind on an exception, and its mark if one is given; other notes stay.

    Written into the instance's dictionary, so that no ``__setattr__``, property or ``__str__`` of the exception runs. The list
    of notes is a new one: copies of an exception share theirs.
    """
    fields = _dict_of(error)
    old = fields.get("__notes__", ())
    if isinstance(old, list | tuple):
        fields["__notes__"] = [*(each for each in old if type(each) is not kind), *notes]
    if mark is not None:
        fields[_MARK] = mark


def notes_of(error: BaseException) -> tuple[Note, ...]:
    """Return the notes that the library wrote on an exception."""
    notes = _dict_of(error).get("__notes__", ())
    return tuple(each for each in notes if type(each) is Note) if isinstance(notes, list | tuple) else ()


def note_origin(error: BaseException, text: str) -> None:
    """Note on an exception where it began, in the place of such a note that an earlier attempt has left."""
    write_notes(error, (OriginNote(text),), kind=OriginNote)


def note_abandoned(error: BaseException, *texts: str) -> None:
    """Note on an exception that work was not waited for and goes on, in the place of such a note that it has."""
    write_notes(error, [AbandonedNote(text) for text in texts], kind=AbandonedNote)
