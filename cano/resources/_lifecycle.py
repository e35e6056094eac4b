"""Setting resources up one by one, and undoing it in reverse."""

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import Token
from types import FunctionType, MethodType, TracebackType
from typing import Any
from weakref import WeakSet

from cano._notes import is_cancellation, is_thrown_away, traceback_of
from cano._text import key_text, name_of
from cano._trace import CURRENT, ENGINE_CODE, Within, stamp
from cano._turn import bare_yield
from cano.errors import ResourceBroken, ResourceInvalid
from cano.resources._executors import leave_executor
from cano.resources._recipes import Recipe

Undo = Callable[[BaseException | None], Any]

# Context managers that a recipe may well return, and that nobody wants held for the length of a run.
_LOCKS = (
    asyncio.Lock,
    asyncio.Condition,
    asyncio.Semaphore,
    type(threading.Lock()),
    type(threading.RLock()),
    threading.Condition,
    threading.Semaphore,
)

# Functions that have passed as methods without arguments: to read a signature takes longer than the rest of a set-up.
_CALLABLE: WeakSet[FunctionType] = WeakSet()

_MANAGERS = (("__aenter__", "__aexit__"), ("__enter__", "__exit__"))


def method_of(value: object, name: str) -> Callable[[], Any] | None:
    """Return the method if the type has it. An instance may pretend anything (a mock has every attribute)."""
    return getattr(value, name) if callable(getattr(type(value), name, None)) else None


def has_life(value: object) -> bool:
    """Tell whether a resource has to be set up or torn down."""
    return isinstance(value, Recipe) or method_of(value, "setup") is not None or method_of(value, "teardown") is not None


def check_life(key: Hashable, value: object) -> None:
    """Refuse a resource whose life cycle methods cannot be called as such.

    Raises: ResourceInvalid if ``setup``, ``teardown`` or ``health`` of its type needs arguments.
    """
    for name in ("setup", "teardown", "health"):
        method = method_of(value, name)
        fn = method.__func__ if isinstance(method, MethodType) else None
        known = fn if isinstance(fn, FunctionType) else None
        if method is None or (known is not None and known in _CALLABLE):
            continue
        try:
            inspect.signature(method).bind()
            if known is not None:
                _CALLABLE.add(known)
        except TypeError:
            raise ResourceInvalid(
                key_text(key),
                f"{name_of(type(value))}.{name} takes arguments, but would be called without as part of the life cycle; "
                "put the object into one that has it as an attribute",
            ) from None
        except ValueError:
            continue  # compiled, and does not tell its signature


async def call_plain_or_async(fn: Callable[[], Any]) -> Any:
    """Call and, if that gives an awaitable, await it.

    Raises: what ``fn`` raises; RuntimeError for a StopIteration, which can cross neither a coroutine nor a future.
    """
    try:
        result = fn()
    except StopIteration as error:
        raise RuntimeError(f"{fn!r} raised StopIteration") from error
    return await result if inspect.isawaitable(result) else result


class Stack:
    """What has been set up so far, with the way to undo each. For one task at a time.

    ``cancelling`` counts the cancellations of that task: a CancelledError that comes without one is a resource's own, and an
    error like any other. ``run`` is the path of the run that it belongs to, if it does to one.
    """

    __slots__ = ("_cancelling", "_me", "_undo")

    def __init__(self, cancelling: Callable[[], int], run: object = None) -> None:
        self._cancelling = cancelling
        self._undo: list[tuple[Hashable, object, Undo]] = []
        self._me = Within(run)

    async def open(self, key: Hashable, resource: object) -> object:
        """Set one resource up and return it, for a recipe what it makes.

        Raises: what the set-up raises, with a note that names the resource; what it has opened itself stays to be closed.
        """
        before, token = self._cancelling(), CURRENT.set(self._me)
        try:
            if isinstance(resource, Recipe):
                assert resource.fn is not None
                resource = await self._enter(key, await self._make(resource.fn))
                check_life(key, resource)
            setup, teardown = method_of(resource, "setup"), method_of(resource, "teardown")
            if setup is not None:
                await call_plain_or_async(setup)
            if teardown is not None:
                self._undo.append((key, resource, _ignoring_the_error(teardown)))
            if self._cancelling() > before:
                await bare_yield()  # asked for amid a step (Ctrl-C does that), it would come out in the next set-up
        except BaseException as error:
            _leave(token)
            if is_thrown_away(error):
                raise
            where = f"while resource {key_text(key)} was set up"
            if is_cancellation(error):
                if self._cancelling() > before:
                    raise
                raise self._cancelled_itself(key, "set-up", where, error)  # noqa: B904 - it is the cause
            stamp(error, self._me, where, sys._getframe())
            raise
        _leave(token)
        return resource

    async def _make(self, fn: Callable[[], Any]) -> Any:
        try:
            made = fn()
        except StopIteration as error:
            raise RuntimeError(f"{fn!r} raised StopIteration") from error
        # What is both (a connection pool often is) would be opened by either; entered, it is closed again.
        return await made if inspect.isawaitable(made) and not _enterable(made) else made

    async def _enter(self, key: Hashable, made: Any) -> object:
        kind = type(made)
        if not _enterable(made):
            return made
        if hasattr(kind, "__aenter__"):
            value: object = await kind.__aenter__(made)

            async def leave(error: BaseException | None) -> None:
                await kind.__aexit__(made, *_details(error))

            self._undo.append((key, value, leave))
            return value
        value = kind.__enter__(made)

        async def leave_plain(error: BaseException | None) -> None:
            def exit_plain() -> None:
                kind.__exit__(made, *_details(error))

            try:
                if issubclass(kind, Executor):
                    await leave_executor(made, exit_plain)
                else:
                    exit_plain()
            except StopIteration as stop:
                raise RuntimeError(f"{kind.__exit__!r} raised StopIteration") from stop

        self._undo.append((key, value, leave_plain))
        return value

    async def close(self, error: BaseException | None) -> list[BaseException]:
        """Undo all set-ups, last one first, and return what went wrong; nothing stops it half-way.

        ``error`` is what a context manager's exit gets to see; its traceback is left as it is. A cancellation that comes
        meanwhile interrupts the teardown that is under way and is returned with the failures; if there was no error, it is what
        the exits after that get to see.
        """
        failures: list[BaseException] = []
        try:
            while self._undo:
                before = self._cancelling()
                failure = await self._undone(*self._undo.pop(), error)
                if failure is not None:
                    failures.append(failure)
                if self._cancelling() > before:
                    if not is_cancellation(failure):
                        failure = await self._on_its_way(failures)
                    error = failure if error is None else error
            return failures
        finally:
            self._cancelling = _never
            failures, failure, error = [], None, None  # their tracebacks lead here

    async def _on_its_way(self, failures: list[BaseException]) -> BaseException | None:
        """Let a cancellation come out that was asked for amid a step, lest it come out in the next teardown."""
        try:
            await bare_yield()
        except asyncio.CancelledError as cancel:
            failures.append(cancel)
            return cancel
        return None

    async def _undone(self, key: Hashable, resource: object, undo: Undo, error: BaseException | None) -> BaseException | None:
        """Undo one set-up, and return what went wrong."""
        before, token = self._cancelling(), CURRENT.set(self._me)
        try:
            await undo(error)
        except BaseException as failure:
            _leave(token)
            if is_thrown_away(failure):
                raise
            if failure is error:
                return None  # an exit that raises anew what it was given has not failed
            where = f"while resource {key_text(key)} ({name_of(type(resource))}) was torn down"
            if is_cancellation(failure):
                return failure if self._cancelling() > before else self._cancelled_itself(key, "teardown", where, failure)
            stamp(failure, self._me, where, sys._getframe())
            return failure
        _leave(token)
        return None

    def _cancelled_itself(self, key: Hashable, step: str, where: str, cancel: asyncio.CancelledError) -> ResourceBroken:
        broken = ResourceBroken(
            f"its {step} raised CancelledError, though nobody had cancelled it (awaiting a cancelled task does that)",
            key,
        )
        broken.__cause__ = cancel
        stamp(broken, self._me, where, sys._getframe())
        return broken

    def abandon(self, error: BaseException) -> None:
        """Undo what can be undone without waiting: the coroutine around was thrown away, and nothing can be awaited any more."""
        while self._undo:
            steps = self._undo.pop()[2](error).__await__()
            with suppress(BaseException):  # nobody is there to be told
                next(steps, None)
            with suppress(BaseException):
                steps.close()


def _leave(token: Token[object]) -> None:
    try:
        CURRENT.reset(token)
    except ValueError:  # a run that was thrown away, perhaps in another context than its own
        return


def _never() -> int:
    return 0


def _details(error: BaseException | None) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    return (None, None, None) if error is None else (type(error), error, traceback_of(error))


def _ignoring_the_error(teardown: Callable[[], Any]) -> Undo:
    return lambda _: call_plain_or_async(teardown)


def _enterable(made: object) -> bool:
    kind = type(made)
    if not any(hasattr(kind, enter) and hasattr(kind, leave) for enter, leave in _MANAGERS):
        return False
    return not (isinstance(made, _LOCKS) or hasattr(kind, "locked") or any(t.__module__ == "unittest.mock" for t in kind.__mro__))


ENGINE_CODE.update(each.__code__ for each in (Stack.open, Stack._undone))
