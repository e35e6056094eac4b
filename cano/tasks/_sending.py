"""A call in an executor outside this process: sent as bytes, waited for, and brought back."""

import asyncio
import functools
import io
import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, NoReturn

from cano._left_behind import leave_trace
from cano._notes import note_abandoned, note_origin
from cano._run_id import current_run_id
from cano._text import name_of, shown_message
from cano.errors import ExecutorFailed, NotPicklable, WorkerError
from cano.resources.lifecycle import leave_behind, withdraws
from cano.tasks._blocking import failed
from cano.tasks._worker import PROTOCOL, RAISED, UNREAD, UNWRITTEN, work

Parts = Sequence[tuple[str, str, str]]  # of a call: what each is, the name of its class, and what to do if it cannot cross

_BY_NAME = "; a function is sent by its module and name: put it at the top level of a module that the worker can import"
_OF_MAIN = (
    "; it is in the main module, of which only workers that were spawned from this very program have a copy: "
    "put it at the top level of a module that the worker can import"
)


async def elsewhere(executor: Executor, make: Callable[[], Any], parameters: Sequence[str], task: str, *, abandon: bool) -> Any:
    """Send the call that ``make`` gives now to an executor, and return what it returns there.

    ``parameters`` are the names of its last positional arguments. A cancellation withdraws a call that has not begun, where the
    executor tells that truly. Else it waits until the call has ended and then raises the CancelledError, with the call's own error
    as its cause; or, with ``abandon``, raises it at once, with a note, and the call goes on.

    Raises: what the call raises, with the worker's traceback in a note; NotPicklable, ExecutorFailed, WorkerError.
    """
    payload, parts = packed(make(), parameters, task)
    try:
        future = _submitted(executor, payload, task)
    finally:
        del payload  # an error's traceback leads here
    ended = _ended(future)
    cancelled: asyncio.CancelledError | None = None
    withdrawn = False
    error: BaseException | None = None
    try:
        while not future.done():
            try:
                await asyncio.wait((ended,))
            except asyncio.CancelledError as cancel:
                cancelled = cancelled or cancel
                withdrawn = withdraws(executor) and future.cancel()
                if abandon and not future.done():
                    _abandon(executor, future, task, cancelled)
                    raise cancelled  # noqa: B904 - it is the same, or the first of several
            except BaseException:
                with suppress(Exception):  # thrown away, or a signal's: if it has not begun, nobody wants it any more
                    future.cancel()
                raise
        if cancelled is not None:
            error = None if withdrawn else _error_of(future, executor, task, parts)
            raise cancelled from error
        return _outcome_of(future, executor, task, parts)
    finally:
        del future, ended, cancelled, error  # what is raised leads here


def _submitted(executor: Executor, payload: bytes, task: str) -> "Future[Any]":
    """Send a call.

    Raises: ExecutorFailed.
    """
    try:
        future: Any = executor.submit(work, payload)
    except Exception as refusal:  # whatever it says when it takes no more
        raise failed(task, executor, refusal) from refusal
    finally:
        del payload
    if not isinstance(future, Future):
        raise ExecutorFailed(task, name_of(type(executor)), f"its submit gave back a {name_of(type(future))} and no Future")
    return future


def packed(call: Callable[[], Any], parameters: Sequence[str], task: str) -> tuple[bytes, Parts]:
    """Write a call, a function or a ``partial`` of one, as bytes, and say what its parts are.

    All parts go through one pickler, so that what they share is shared there, too. No two calls are the same bytes: a cluster may
    take equal calls for one, and run it once.

    Raises: NotPicklable with the part that is in the way.
    """
    whole: Any = functools.partial(_flat(call))
    arguments, keywords = whole.args, whole.keywords
    bound = len(arguments) - len(parameters)
    labels = [f"parameter {parameters[at - bound]!r}" if at >= bound else f"bound argument {at}" for at in range(len(arguments))]
    labels += [f"parameter {name!r}" for name in keywords]
    values = [whole.func, *arguments, *keywords.values()]
    parts = [("the function", name_of(type(values[0])), _advice(values[0]))]
    parts += [(label, name_of(type(value)), "") for label, value in zip(labels, values[1:], strict=True)]
    head = (os.urandom(16), current_run_id(), len(arguments), tuple(keywords))
    del call, whole, arguments, keywords  # an error's traceback leads here
    return _written(head, values, parts, task), parts


def _flat(call: Any) -> Any:
    """Take together partials of partials, which functools does only for those that have no attributes."""
    return functools.partial(_flat(call.func), *call.args, **call.keywords) if type(call) is functools.partial else call


def _advice(fn: object) -> str:
    with suppress(Exception):  # its __getattr__ is the user's
        return _OF_MAIN if getattr(fn, "__module__", None) == "__main__" else _BY_NAME
    return _BY_NAME


def _written(head: tuple[Any, ...], values: list[Any], parts: Parts, task: str) -> bytes:
    """Write the values one by one, and take them off the list.

    Raises: NotPicklable.
    """
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, PROTOCOL)
    pickler.dump(head)
    try:
        for label, found, advice in parts:
            try:
                pickler.dump(values.pop(0))
            except Exception as error:  # to pickle is to run the value's own code
                raise NotPicklable(task, label, found, f"{name_of(type(error))}: {shown_message(error)}{advice}") from error
        return stream.getvalue()
    finally:
        values.clear()
        del stream, pickler


def _ended(future: "Future[Any]") -> "asyncio.Future[None]":
    """Return a future of the event loop that ends with this one; it has no outcome that anybody had to look at."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the call was abandoned
            loop.call_soon_threadsafe(end)

    future.add_done_callback(tell)
    return ended


def _abandon(executor: Executor, future: "Future[Any]", task: str, cancel: asyncio.CancelledError) -> None:
    leave_trace()
    with suppress(Exception):
        future.cancel()  # where that is not to be believed, it may still keep it from beginning
    if not future.done():
        leave_behind(executor, future)
    note_abandoned(cancel, f"{task} was abandoned: its work goes on in the executor")


def _error_of(future: "Future[Any]", executor: Executor, task: str, parts: Parts) -> BaseException | None:
    try:
        _outcome_of(future, executor, task, parts)
    except BaseException as error:  # noqa: BLE001 - it becomes a cause
        return error
    return None


def _outcome_of(future: "Future[Any]", executor: Executor, task: str, parts: Parts) -> Any:
    """Return what the call has returned, or raise what it raised."""
    if future.cancelled():
        raise failed(task, executor, None)
    own = future.exception()
    reply = future.result() if own is None else b""
    del future
    try:
        if own is not None:
            raise failed(task, executor, own)
        if type(reply) is not bytes:
            raise ExecutorFailed(
                task, name_of(type(executor)), f"it gave back a {name_of(type(reply))} in the place of the outcome"
            )
        return _decoded(reply, task, parts)
    finally:
        del own, reply


def _decoded(reply: bytes, task: str, parts: Parts) -> Any:
    how, *told = pickle.loads(reply)
    del reply
    if how == RAISED:
        _raise(task, told)
    if how == UNREAD:
        at, why = told
        label, found, advice = parts[at]
        raise NotPicklable(task, label, found, f"the worker cannot read it: {why}{advice}")
    if how == UNWRITTEN:
        raise NotPicklable(task, "the result", *told)
    try:
        return pickle.loads(told.pop())
    except Exception as error:  # to unpickle is to run the value's own code
        reason = f"it cannot be read here: {name_of(type(error))}: {shown_message(error)}"
        raise NotPicklable(task, "the result", "returned value", reason) from error


def _raise(task: str, told: list[Any]) -> NoReturn:
    itself, name, message, trace = told
    told.clear()
    error: Any = None
    if itself is not None:
        with suppress(Exception):  # to unpickle is to run the exception's own code
            error = pickle.loads(itself)
    if not issubclass(type(error), BaseException):
        error = WorkerError(task, name, message, trace)
    note_origin(error, f"in the worker:\n{trace}")
    try:
        raise error
    finally:
        del error, itself
