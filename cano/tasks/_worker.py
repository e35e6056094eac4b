"""What runs in a worker: bytes in, bytes out, so that nothing of a task ever meets the executor's own pickling.

A pool whose own machinery meets an exception that does not unpickle is broken as a whole; here that is one task's error.
"""

import io
import pickle
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from cano._notes import plain_message
from cano._run_id import RunId
from cano._text import name_of, shown_message
from cano._trace import CURRENT

PROTOCOL = 5  # the newest that every supported Python reads: a cluster may have others than this process

# How a call ended; first in a reply.
VALUE, RAISED, UNREAD, UNWRITTEN = "value", "raised", "unread", "unwritten"

_DEEPEST = 16  # causes of an error
_LONGEST = 8_000  # letters of a traceback, at either end


def work(payload: bytes) -> bytes:
    """Make the call that :func:`~cano.tasks._sending.packed` wrote, and return how it ended.

    Whatever it raises is part of that, a SystemExit and its like included: it is raised again where the task was called, as an
    error of a thread is, and the worker lives on.
    """
    parts: list[Any] = []
    try:
        stream = pickle.Unpickler(io.BytesIO(payload))
        _identity, run_id, positional, keywords = stream.load()
        while len(parts) < 1 + positional + len(keywords):
            parts.append(stream.load())
    except BaseException as error:  # noqa: BLE001 - classes of the user's are imported and made here
        return pickle.dumps((UNREAD, len(parts), f"{name_of(type(error))}: {shown_message(error)}"), PROTOCOL)
    fn, arguments, named = parts[0], parts[1 : 1 + positional], dict(zip(keywords, parts[1 + positional :], strict=True))
    del stream, parts
    token = CURRENT.set(None if run_id is None else [RunId(run_id)])  # the call belongs to its run here, too
    try:
        value = fn(*arguments, **named)
    except BaseException as error:  # noqa: BLE001 - raised again where the task was called, whatever it is
        return _raised(error)
    finally:
        CURRENT.reset(token)
    try:
        return pickle.dumps((VALUE, pickle.dumps(value, PROTOCOL)), PROTOCOL)
    except BaseException as error:  # noqa: BLE001 - to pickle is to run the value's code
        reason = f"{name_of(type(error))}: {shown_message(error)}"
        return pickle.dumps((UNWRITTEN, name_of(type(value)), reason), PROTOCOL)


def _raised(error: BaseException) -> bytes:
    itself: bytes | None = None
    with suppress(BaseException):  # to pickle is to run the exception's code; what cannot be sent is told
        itself = pickle.dumps(error, PROTOCOL)
    return pickle.dumps((RAISED, itself, name_of(type(error)), plain_message(error), _trace_of(error)), PROTOCOL)


def _trace_of(error: BaseException) -> str:
    """Write the traceback of an exception, from the task's own frame on, and of its causes, without calling code of theirs."""
    parts = []
    for each, link in _chain_of(error):
        message = plain_message(each)
        trace: TracebackType | None = _trace(each)
        if each is error and trace is not None:
            trace = trace.tb_next
        frames = ""
        with suppress(Exception):  # the source is read by loaders of the user's
            frames = "".join(traceback.StackSummary.extract(traceback.walk_tb(trace)).format())
        head = "Traceback (most recent call last):\n" if frames else ""
        parts.append(f"{head}{frames}{name_of(type(each))}{': ' if message else ''}{message}\n{link}")
    text = "".join(reversed(parts)).rstrip("\n")
    return text if len(text) <= 2 * _LONGEST else f"{text[:_LONGEST]}\n…\n{text[-_LONGEST:]}"


def _chain_of(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Iterate over an exception and what led to it, each with what is to be said between it and the one before."""
    each: BaseException | None = error
    link = ""
    for _ in range(_DEEPEST):
        if each is None:
            return
        yield each, link
        cause: BaseException | None = _cause(each)
        link = "\nThe above exception was the direct cause of the following exception:\n\n"
        if cause is None and not _suppressed(each):
            cause = _context(each)
            link = "\nDuring handling of the above exception, another exception occurred:\n\n"
        each = cause


_cause: Any = BaseException.__dict__["__cause__"].__get__
_context: Any = BaseException.__dict__["__context__"].__get__
_suppressed: Any = BaseException.__dict__["__suppress_context__"].__get__
_trace: Any = BaseException.__dict__["__traceback__"].__get__
