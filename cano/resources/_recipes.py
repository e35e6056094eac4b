"""Recipes: resources that are made when they are needed, one for all runs or one for each."""

import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

from cano.resources.types import check_of, is_protocol, no_names


class Recipe:
    """How to make a resource; ``fn`` is called without arguments at set-up. Made by :func:`shared` and :func:`per_run`."""

    __slots__ = ("fn", "of", "own")

    def __init__(self, fn: Callable[[], object] | None, *, of: Any = None, own: bool) -> None:
        self.fn = fn
        self.of = of
        self.own = own

    @property
    def produces(self) -> type | None:
        """The class of what comes out, or a base of it; None if only the set-up will show."""
        if self.fn is None:
            return self.of if isinstance(self.of, type) and not is_protocol(self.of) else None
        made: Any = self.fn
        if not (isinstance(made, type) or hasattr(made, "__wrapped__")):  # whose annotation is of what it wraps
            with suppress(Exception):  # a name that is not known, or not yet; or no function at all
                made = inspect.get_annotations(self.fn, eval_str=True).get("return")
        if not isinstance(made, type) or made is Any:
            return None
        if issubclass(made, Executor) and made.__enter__ is Executor.__enter__:
            return made  # entered, it is itself
        return None if any(hasattr(made, name) for name in ("__aenter__", "__enter__", "__await__")) or is_protocol(made) else made

    def __repr__(self) -> str:
        what = f"of={self.of!r}" if self.fn is None else repr(self.fn)
        return f"{'per_run' if self.own else 'shared'}({what})"


def shared(fn: Callable[[], object], /) -> Recipe:
    """Make the resource by calling ``fn`` before the first of overlapping runs, and take it down after the last.

    A context manager that ``fn`` returns, async or plain, is entered, and what comes out of it is the resource; an awaitable is
    awaited; locks are left alone, though they are context managers. ``__aexit__`` sees the error of the run that failed (a
    group if several did) and cannot swallow it. Set-up and teardown happen in a task of their own.
    """
    return Recipe(_callable(fn, "shared"), own=False)


def per_run(fn: Callable[[], object] | None = None, /, *, of: Any = None) -> Recipe:
    """Make a resource of its own for each run that brings none; or, with ``of``, say that each run must bring one.

    ``fn`` is treated as by :func:`shared`, in the run's own task: tasks see the context variables that it sets, and its
    ``__aexit__`` sees the run's own error. ``of=T`` has no recipe: ``orchestrate(start, resources={key: value})`` brings a ``T``.

    Raises: TypeError unless exactly one of ``fn`` and ``of`` is given, or if ``of`` is no type.
    """
    if (fn is None) == (of is None):
        raise TypeError("per_run takes a recipe, per_run(MemoryStore), or a type that each run must bring, per_run(of=MemoryStore)")
    if of is not None:
        check_of(of, no_names)
    return Recipe(None if fn is None else _callable(fn, "per_run"), of=of, own=True)


def _callable(fn: Callable[[], object], name: str) -> Callable[[], object]:
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        decorator = "asynccontextmanager" if inspect.isasyncgenfunction(fn) else "contextmanager"
        raise TypeError(
            f"{name} of the generator function {getattr(fn, '__qualname__', repr(fn))}: decorate it with @{decorator}; "
            f"if the generator itself is the resource, write {name}(lambda: ...)"
        )
    if not callable(fn):
        raise TypeError(f"{name} takes a callable that makes the resource, not {fn!r}; what exists already needs no recipe")
    return fn
