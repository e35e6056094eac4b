"""From what a task is to the call without arguments that the engine makes."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from cano.errors import ResultInvalid
from cano.ports import Clock
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources
from cano.resources.lifecycle import runs_threads
from cano.store import Key, MemoryStore
from cano.tasks._blocking import in_thread, in_thread_made, with_token
from cano.tasks._inject import Bind, Signature
from cano.tasks._kinds import Kind
from cano.tasks._place import SentSignature
from cano.tasks._pure import Reading
from cano.tasks._result import TaskResult
from cano.tasks._retrying import retrying
from cano.tasks._sending import elsewhere
from cano.tasks._timing import timed

Call = Callable[[], Awaitable[Any]]
End = Callable[[Any], Any]


def attempt_of(kind: Kind, bind: Bind, own: Resources, signature: Signature, positional: tuple[str, ...]) -> Callable[[], Any]:
    """Return the call that is one attempt: in the event loop, in a thread or in another process.

    Raises: TaskInvalid if the executor, which a recipe has made, cannot run the task.
    """
    make = functools.partial(bind, own)
    options: dict[str, Any] = {}
    if isinstance(signature, SentSignature):
        executor = own[signature.executor]
        signature.check_place(type(executor), own)
        if not runs_threads(type(executor)):
            whole = functools.partial(_prepared, make)
            return functools.partial(elsewhere, executor, whole, positional, signature.task, abandon=signature.abandon)
        options = {"executor": executor, "task": signature.task}
    if kind is Kind.ASYNC or kind is Kind.AWAITABLE:
        call = functools.partial(_made, make) if signature.given else make()
        return functools.partial(_awaited, signature.task, call) if kind is Kind.AWAITABLE else call
    if signature.takes(CancellationToken):
        return functools.partial(with_token, make, **options)
    if signature.given:
        return functools.partial(in_thread_made, make, **options)
    return functools.partial(in_thread, make(), **options)


def tried(
    call: Callable[[], Any], task: str, limit: float | None, retry: Retry | None, clock: Clock, ends: tuple[End, ...]
) -> Callable[[], Any]:
    """Return a call with the time limit of each attempt, and the attempts; ``ends`` are what the value of the last goes through."""
    if limit is not None:
        call = timed(call, limit, task, clock)
    if retry is not None and retry.attempts > 1:
        return retrying(call, retry, clock, ends)
    return functools.partial(_through, ends, call) if ends else call


async def _through(ends: tuple[End, ...], call: Call) -> Any:
    value = await call()
    for end in ends:
        value = end(value)
    return value


def accepted(result: Any) -> Any:
    """Return what a call gave, or raise it if it is a refusal."""
    if type(result) is ResultInvalid:
        raise result
    return result


def put_into(store: MemoryStore, key: str | Key[Any], task: str, value: Any) -> Any:
    """Put a value under the key, and return it.

    Raises: TypeMismatch if the key has another type; ResultInvalid for a coroutine, and for a TaskResult.
    """
    if inspect.iscoroutine(value):
        value.close()
        raise ResultInvalid(task, "a coroutine", "nobody has awaited it; write async def")
    if isinstance(value, TaskResult):
        raise ResultInvalid(task, "a TaskResult", "with output= it returns a value, and the state that comes next is that of to=")
    store.put(key, value)
    return value


async def going_to(state: Any, call: Call) -> Any:
    """Make a call, and go to the state whatever it returns."""
    await call()
    return state


def _made(make: Callable[[], Callable[[], Any]]) -> Any:
    """Make a call and call it: what the run gives is found when a task is entered."""
    return make()()


def _prepared(make: Callable[[], Callable[[], Any]]) -> Callable[[], Any]:
    """Make a call, with all its arguments."""
    call = make()
    return call.prepared() if isinstance(call, Reading) else call


async def _awaited(name: str, call: Callable[[], Any]) -> Any:
    """Await what a plain wrapper gives; if that is no awaitable, return the refusal: it is no failure that may pass."""
    result = call()
    if not inspect.isawaitable(result):
        reason = "it is a plain function that did not return an awaitable; write async def, or @task(blocking=True)"
        return ResultInvalid(name, type(result).__name__, reason)
    return await result
