"""Which kind of callable a task is, and so how its result is awaited."""

import asyncio
import inspect
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from cano.errors import TaskInvalid
from cano.tasks._names import annotations_of, awaits, body_of


class Kind(Enum):
    """How a task's function is called."""

    ASYNC = auto()  # a coroutine function: what it returns is awaited
    AWAITABLE = auto()  # a plain wrapper that says it returns an awaitable: checked, then awaited
    BLOCKING = auto()  # a plain function, in a thread
    SENT = auto()  # a plain function, in an executor


_MARKER = getattr(asyncio.coroutines, "_is_coroutine", object())  # how compiled coroutine functions say that they are


def kind_of(fn: Callable[..., Any], name: str, *, blocking: bool, executor: bool = False) -> Kind:
    """Decide how a task's function is called.

    Raises: TaskInvalid for a plain function that does not say where it runs, a coroutine function that says it blocks or is sent to
    an executor, a generator of either kind, a class.
    """
    core = body_of(fn)
    if inspect.isasyncgenfunction(core):
        raise TaskInvalid(name, "it is an async generator; a task returns its next state and yields nothing")
    if _is_async(core) or _is_async(fn):
        if blocking:
            raise TaskInvalid(name, "blocking=True is for a plain def that runs in a thread, and this is an async def")
        if executor:
            raise TaskInvalid(name, "executor= is for a plain def that an executor calls, and this is an async def")
        return Kind.ASYNC
    if inspect.isgeneratorfunction(core):
        raise TaskInvalid(name, "it is a generator; a task returns its next state and yields nothing")
    if blocking:
        return Kind.BLOCKING
    if executor:
        return Kind.SENT
    if _is_async(body_of(inspect.unwrap(core))) or _says_awaitable(core):
        return Kind.AWAITABLE
    raise TaskInvalid(name, "it is a plain def; write async def, or @task(blocking=True) to run it in a thread")


def _is_async(fn: Any) -> bool:
    code = getattr(fn, "__code__", None)
    return (
        inspect.iscoroutinefunction(fn)
        or getattr(fn, "_is_coroutine", None) is _MARKER
        or bool(getattr(code, "co_flags", 0) & inspect.CO_ITERABLE_COROUTINE)
    )


def _says_awaitable(fn: Any) -> bool:
    returns = annotations_of(fn).get("return")
    if isinstance(returns, str):
        return returns.partition("[")[0].rpartition(".")[2] in ("Awaitable", "Coroutine", "Future", "Task")
    return awaits(returns)
