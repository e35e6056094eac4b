"""Annotations that are text: resolved one by one, in the module that wrote them."""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from cano.errors import AnnotationUnresolved


def body_of(fn: Any) -> Any:
    """Return the function that runs when ``fn`` is called: below partials, methods and callable objects, not below ``wraps``."""
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif inspect.isroutine(fn) or isinstance(fn, type) or hasattr(fn, "__code__"):
            return fn
        else:
            fn = type(fn).__call__


def author_of(fn: Any) -> Any:
    """Return the function whose text the annotations of ``fn`` are: below partials and ``functools.wraps``."""
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif isinstance(fn, types.FunctionType) or hasattr(fn, "__wrapped__"):
            inner = inspect.unwrap(fn, stop=lambda each: hasattr(each, "__signature__"))
            if inner is fn:
                return fn
            fn = inner
        elif isinstance(fn, type) or not callable(fn) or hasattr(fn, "__code__"):
            return fn
        else:
            method = type(fn).__call__
            if isinstance(method, types.WrapperDescriptorType):
                return fn  # compiled
            fn = method


def annotations_of(fn: Any) -> Mapping[str, Any]:
    """Return the annotations as they are written; none for what has none, or only pretends to (a mock)."""
    written = getattr(fn, "__annotations__", None)
    return written if isinstance(written, dict) else {}


class Names:
    """What the text of a task's annotations may refer to."""

    __slots__ = ("_known", "_module", "_space", "task")

    def __init__(self, task: str, fn: Callable[..., Any], known: Mapping[str, object]) -> None:
        author = author_of(fn)
        self.task = task
        self._space: dict[str, Any] = getattr(author, "__globals__", {})
        self._module: str = getattr(author, "__module__", None) or "its module"
        generic = {each.__name__: each for each in getattr(author, "__type_params__", ())}
        self._known = {**known, **generic}

    def resolver(self, where: str) -> Callable[[str], object]:
        """Return the function that resolves text in the annotation of the parameter (or ``return``) named ``where``."""

        def resolve(text: str) -> object:
            try:
                return eval(text, self._space, self._known)
            except Exception as error:
                raise AnnotationUnresolved(self.task, where, text, self._module) from error

        return resolve


def local_names(fn: Callable[..., Any], frame: types.FrameType) -> dict[str, object]:
    """Return those names in the annotations of ``fn`` that are local where ``frame`` stands: a class defined in a function."""
    spaces: list[Mapping[str, object]] = []
    here: types.FrameType | None = frame
    while here is not None and here.f_locals is not here.f_globals:
        spaces.append(here.f_locals)
        if here.f_code.co_flags & inspect.CO_OPTIMIZED:
            break  # a function; a class body sees the function around it, too
        here = here.f_back
    if not spaces:
        return {}
    found: dict[str, object] = {}
    for annotation in annotations_of(author_of(fn)).values():
        for name in _names_in(annotation):
            for space in spaces:
                if name in space:
                    found.setdefault(name, space[name])
    return found


def _names_in(annotation: object) -> set[str]:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if typing.get_origin(annotation) is typing.Literal:
        return set()
    if not isinstance(annotation, str):
        return set().union(*map(_names_in, typing.get_args(annotation)))
    try:
        names = set(compile(annotation, "<annotation>", "eval").co_names)
    except (SyntaxError, ValueError):
        return set()
    return names
