"""Where a task may go, read from its return annotation."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import EnumType
from typing import Any

from cano._text import key_text, name_of, shown_message, shown_text
from cano.errors import TaskInvalid
from cano.resources.forms import leaves_of
from cano.resources.types import check_askable
from cano.tasks._names import awaits
from cano.tasks._result import TaskResult


@dataclass(frozen=True, slots=True)
class Returns:
    """Where a task may go: to ``targets``; or, if that is None, anywhere, to a state of one of the ``kinds`` (empty: any)."""

    targets: tuple[Any, ...] | None
    kinds: tuple[type, ...] = ()


ANYWHERE = Returns(None)


def returns_of(annotation: object, task: str, resolve: Callable[[str], object]) -> Returns:
    """Read a return annotation.

    Raises: TaskInvalid for ``None``, alone or in a union, which is no state; and what ``resolve`` raises for unknown names.
    """
    targets: list[Any] = []
    kinds: list[type] = []
    free = False
    for leaf in _leaves(annotation, resolve):
        check_none((leaf,), task)
        if leaf is typing.Never or leaf is typing.NoReturn:
            continue
        if typing.get_origin(leaf) is typing.Literal:
            check_none(typing.get_args(leaf), task)
            targets += typing.get_args(leaf)
        elif isinstance(leaf, type) and not any(leaf is each for each in (object, TaskResult, Any)) and _askable(leaf):
            kinds.append(leaf)
        else:
            free = True
    if free:
        return ANYWHERE
    return Returns(None, (*kinds, *map(type, targets))) if kinds else Returns(tuple(dict.fromkeys(targets)))


def check_none(leaves: tuple[Any, ...], task: str) -> None:
    """Refuse None among what a task returns.

    Raises: TaskInvalid.
    """
    if any(leaf is None or leaf is type(None) for leaf in leaves):
        raise TaskInvalid(task, "it returns None, and a task returns its next state; annotate -> Literal[Stage.NEXT], or -> Stage")


def declared(to: object, task: str) -> Returns:
    """Read the ``to=`` of a decorator: a state, or a tuple, list or set of states.

    Raises: TaskInvalid for None, an enum itself or nothing at all.
    """
    states = tuple(to) if isinstance(to, tuple | list | set | frozenset) else (to,)
    if not states:
        raise TaskInvalid(task, "to= is empty; name the states that may come next")
    for state in states:
        if state is None or isinstance(state, EnumType):
            raise TaskInvalid(task, f"to= names {name_of(state)}, which is no state; to go anywhere, leave to= out")
    try:
        return Returns(tuple(dict.fromkeys(states)))
    except Exception as error:  # its __hash__ and __eq__ are the user's
        raise TaskInvalid(task, f"to= names something that is no state: {shown_message(error)}") from error


def agree(annotated: Returns, to: Returns, task: str) -> Returns:
    """Join what the annotation and ``to=`` say.

    Raises: TaskInvalid if they name different states.
    """
    assert to.targets is not None
    if annotated.targets is not None and set(annotated.targets) != set(to.targets):
        raise TaskInvalid(task, "its return annotation and to= name different states; say it once")
    check_kinds(to.targets, annotated.kinds, task, "to= names")
    return to


def check_state_class(state: Any) -> None:
    """Refuse what is no class of states: text, a literal, a type whose instances nobody can tell.

    Raises: TypeError.
    """
    if state is None:
        return
    try:
        if isinstance(state, type):
            check_askable(state)
            return
    except Exception as error:  # a metaclass is the user's code
        raise TypeError(f"state=: {shown_message(error)}; pass the class of the states, such as state=Stage") from error
    raise TypeError(f"state={shown_text(state)}: pass the class of the states itself, such as state=Stage")


def check_kinds(states: tuple[Any, ...], kinds: tuple[type, ...], task: str, what: str) -> None:
    """Refuse states that are of none of the classes; no classes means any.

    Raises: TaskInvalid.
    """
    for state in states:
        if kinds and not isinstance(state, kinds):
            raise TaskInvalid(task, f"{what} {key_text(state)}, which is no {' or '.join(map(name_of, kinds))}")


def _leaves(form: Any, resolve: Callable[[str], object]) -> Iterator[Any]:
    """Open unions, aliases, ``TaskResult[...]`` and ``Awaitable[...]`` and return what is inside."""
    for leaf, _ in leaves_of(form, resolve):
        origin = typing.get_origin(leaf)
        if isinstance(origin, type) and (issubclass(origin, TaskResult) or awaits(origin)):
            yield from _leaves(typing.get_args(leaf)[-1], resolve)  # Coroutine[Any, Any, X]: the last is what comes out
        else:
            yield leaf


def _askable(form: type) -> bool:
    try:
        check_askable(form)
    except TypeError:
        return False
    return True
