"""The parameters of a task, and the resources that fill them."""

import functools
import inspect
import typing
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cano._text import key_text
from cano.errors import ResourceNotFound, ResourceTypeMismatch, TaskInvalid
from cano.resources import Resources
from cano.resources.types import TypeCheck, check_of
from cano.tasks._names import Names

_EMPTY = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a task: what fills it, and how it is passed. ``check`` None: the container itself fills it."""

    name: str
    key: Hashable
    check: TypeCheck | None
    default: Any
    positional: bool
    implied: bool = False  # the only parameter of run, without an annotation

    @property
    def required(self) -> bool:
        """True if there is no default."""
        return self.default is _EMPTY


@dataclass(frozen=True, slots=True)
class Signature:
    """What a task's function asks for."""

    task: str
    fn: Callable[..., Any]
    parameters: tuple[Parameter, ...]

    def check(self, resources: Resources) -> None:
        """See whether all parameters can be filled, as far as recipes let it be known before the set-up.

        Raises: ResourceNotFound, ResourceTypeMismatch; TaskInvalid if a parameter may be meant in two ways.
        """
        recipes = resources._recipes()
        for each in self.parameters:
            if each.implied and each.key in resources:
                reason = f"parameter {each.name!r} of run may be the container or the resource of that name; annotate it"
                raise TaskInvalid(self.task, reason)
            if each.check is None or (each.key not in resources and not each.required):
                continue
            if each.key not in resources:
                raise self._not_found(each, each.check, resources)
            if each.key not in recipes:
                self.check_value(each, resources[each.key])
            elif (produced := recipes[each.key].produces) is not None and each.check.excludes(produced):
                raise ResourceTypeMismatch(each.key, each.check.form, produced, self.where(each))

    def check_value(self, parameter: Parameter, value: object) -> None:
        """See whether a value may fill a parameter.

        Raises: ResourceTypeMismatch.
        """
        if parameter.check is not None and not parameter.check.accepts(value):
            raise ResourceTypeMismatch(parameter.key, parameter.check.form, type(value), self.where(parameter))

    def where(self, parameter: Parameter) -> str:
        """Name the task and the parameter for an error."""
        return f"{self.task}({parameter.name})"

    def bind(self, resources: Resources) -> Callable[[], Any]:
        """Return the call without arguments. The resources must have passed :meth:`check`."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for each in self.parameters:
            if each.check is None:
                value: Any = resources
            elif each.key in resources:
                value = resources[each.key]
            else:
                value = each.default
            if each.positional:
                args.append(value)
            else:
                kwargs[each.name] = value
        return functools.partial(self.fn, *args, **kwargs) if args or kwargs else self.fn

    def _not_found(self, parameter: Parameter, check: TypeCheck, resources: Resources) -> ResourceNotFound:
        fitting = () if check.form is Any else tuple(key for key, value in resources.items() if check.accepts(value))
        return ResourceNotFound(parameter.key, check.form, tuple(resources), fitting, self.where(parameter))


def signature_of(fn: Callable[..., Any], names: Names, *, method: str | None) -> Signature:
    """Read what a function asks for; ``method`` is ``run`` or ``run_bare`` if it is that method of a class task.

    Raises: TaskInvalid if the signature cannot be read, or ``run_bare`` has parameters; AnnotationUnresolved.
    """
    try:
        listed = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError) as error:
        raise TaskInvalid(names.task, f"its signature cannot be read ({error}); wrap it in an async def") from error
    bound = _bound_keywords(fn)
    free = [each for each in listed if each.kind not in _VARIADIC and each.name not in bound]
    if method == "run_bare" and any(each.default is _EMPTY for each in free):
        raise TaskInvalid(names.task, "run_bare takes no resources; name the method run to get them")
    if method == "run" and len(free) == 1 and free[0].annotation is _EMPTY:
        only = free[0]
        container = Parameter(only.name, only.name, None, only.default, only.kind in _POSITIONAL, implied=True)
        return Signature(names.task, fn, (container,))
    return Signature(names.task, fn, tuple(_read(each, names) for each in free) if method != "run_bare" else ())


def _read(listed: inspect.Parameter, names: Names) -> Parameter:
    resolve = names.resolver(f"parameter {listed.name!r}")
    form: Any = Any if listed.annotation is _EMPTY else listed.annotation
    if isinstance(form, str):
        form = resolve(form)
    key: Hashable = listed.name
    if typing.get_origin(form) is typing.Annotated:
        form, *extra = typing.get_args(form)
        key = next((each for each in extra if isinstance(each, str | Enum)), key)
    positional = listed.kind in _POSITIONAL
    if isinstance(form, type) and issubclass(form, Resources):
        return Parameter(listed.name, key, None, listed.default, positional)
    try:
        check = check_of(form, resolve)
    except TypeError as error:
        reason = f"parameter {listed.name!r}: {error}; annotate it with the type of the resource {key_text(key)}"
        raise TaskInvalid(names.task, reason) from None
    return Parameter(listed.name, key, check, listed.default, positional)


def _bound_keywords(fn: Any) -> set[str]:
    bound: set[str] = set()
    while isinstance(fn, functools.partial):
        bound.update(fn.keywords)
        fn = fn.func
    return bound
