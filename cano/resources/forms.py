"""Type forms: what an annotation says once names, aliases, unions and ``Annotated`` are opened."""

import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cano._text import name_of

Resolve = Callable[[str], object]

_DEEPEST = 50  # names and aliases inside one another; what goes deeper names itself


class Leaf(NamedTuple):
    """One alternative of a form, and what ``Annotated`` says on the way to it."""

    form: Any
    notes: tuple[object, ...]


def leaves_of(form: object, resolve: Resolve) -> tuple[Leaf, ...]:
    """Open a form down to its alternatives, one if it is no union; names that are still text go through ``resolve``.

    Raises: TypeError if the form names itself; what ``resolve`` raises, and the NameError of a lazy alias.
    """
    return tuple(_open(form, resolve, (), 0))


def _open(form: Any, resolve: Resolve, notes: tuple[object, ...], depth: int) -> Iterator[Leaf]:
    for _ in range(depth, _DEEPEST):
        origin = typing.get_origin(form)
        if isinstance(form, str):
            form = resolve(form)
        elif isinstance(form, typing.ForwardRef):
            form = resolve(form.__forward_arg__)
        elif origin is typing.Annotated:
            form, *more = typing.get_args(form)
            notes = (*notes, *more)
        elif isinstance(form, typing.NewType):
            form = form.__supertype__
        elif _is_alias(form):
            form = form.__value__
        elif _is_alias(origin):
            form = _filled(origin, typing.get_args(form))
        elif origin is typing.Union or origin is types.UnionType:
            for each in typing.get_args(form):
                yield from _open(each, resolve, notes, depth + 1)
            return
        else:
            yield Leaf(form, notes)
            return
        depth += 1
    raise TypeError(f"{name_of(form)} names itself")


def _is_alias(form: object) -> bool:
    return type(form).__name__ == "TypeAliasType"  # `type X = ...`, a class that typing has since 3.12


def _filled(alias: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what a generic alias stands for with these arguments."""
    known = dict(zip(alias.__type_params__, arguments, strict=False))
    value = alias.__value__
    if typing.get_origin(value) is None:
        return known.get(value, value) if isinstance(value, typing.TypeVar) else value
    free = getattr(value, "__parameters__", ())
    return value[tuple(known.get(each, each) for each in free)] if free else value
