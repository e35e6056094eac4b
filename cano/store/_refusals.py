"""Why the store cannot check a type form, and what to ask for instead."""

import collections.abc
import typing
from types import GenericAlias
from typing import Annotated, Any, ForwardRef, TypeVar, get_args, get_origin

from cano._text import shown_text

_ONE_SHOT = (
    collections.abc.Iterable,
    collections.abc.Iterator,
    collections.abc.Reversible,
    collections.abc.Container,
    collections.abc.Generator,
)
_ADVICE: tuple[tuple[object, str], ...] = (
    (typing.LiteralString, "which no str can be told by when it runs: ask for str"),
    (typing.Never, "which no value is of"),
    (typing.NoReturn, "which no value is of"),
    (typing.Self, "which means nothing here: name the class itself"),
    (typing.Union, "which is none without its parts: write int | str"),
    (typing.Optional, "which is none without its part: write int | None"),
)


def refusal(form: Any, *, read: bool) -> str:
    """Say why ``form`` is refused; ``read``: in its place a default could have been meant."""
    shown, origin = shown_text(form), get_origin(form)
    if isinstance(form, str | ForwardRef):
        name = text_of(form)
        return f"{name!r} is a forward reference, which the store cannot resolve: pass the class {name} itself"
    if isinstance(form, tuple):
        return f"a tuple is no type: write {' | '.join(map(spelled, form)) or 'the type itself'} instead of {shown}"
    for known, reason in _ADVICE:
        if form is known:
            return f"{shown} is a form {reason}"
    if isinstance(form, TypeVar):
        return f"{shown} is a TypeVar, which stands for no type by itself: put a type in its place"
    if origin is collections.abc.Callable:
        return f"{shown}: what a callable takes and returns cannot be told by looking at it: ask for Callable"
    if origin in _ONE_SHOT:
        return f"{shown}: a look at the items could use them up: ask for {spelled(origin)}, or for Sequence or Collection of them"
    if isinstance(origin, type) and get_args(form):
        return f"{shown} asks for a look inside {spelled(origin)}, which the store does not know: ask for {spelled(origin)}"
    if origin is not None:
        return f"{shown} is no type of a value: it has its meaning in annotations alone"
    hint = "; a default is given by keyword: default=..." if read and not callable(form) else ""
    return f"expected a class to check the value against, got {shown} of type {spelled(type(form))}{hint}"


def unprotocol(form: type) -> str:
    """Refuse a protocol that nothing can be checked against."""
    return f"{shown_text(form)} is a Protocol without @runtime_checkable, so no value can be checked against it"


def unresolved(form: Any, place: str, error: Exception) -> str:
    """Refuse a text in an annotation that names nothing."""
    return f"{text_of(form)!r} is a forward reference, which cannot be resolved in {place}: {type(error).__name__}: {error}"


def text_of(form: Any) -> str:
    """Return the text of a forward reference, without the code of a subclass of ``str``."""
    return form.__forward_arg__ if isinstance(form, ForwardRef) else str.__str__(form)


def spelled(form: Any) -> str:
    """Write a part of a form as it is written in code."""
    if get_origin(form) is Annotated:
        return spelled(get_args(form)[0])
    return form.__qualname__ if isinstance(form, type) and not isinstance(form, GenericAlias) else shown_text(form)
