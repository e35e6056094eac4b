"""The parameters of a task, and the resources that fill them."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from cano._text import key_text, shown_message
from cano.errors import ResourceNotFound, ResourceTypeMismatch, TaskInvalid
from cano.resources import Resources
from cano.resources.forms import Leaf, leaves_of
from cano.resources.types import TypeCheck, check_of
from cano.tasks._names import Names

_EMPTY = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a task: the ``key`` of what fills it (None: the container itself does), and how it is passed."""

    name: str
    key: str | Enum | None
    check: TypeCheck
    default: Any
    positional: bool
    annotated: bool

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
            if each.key is None and not each.annotated and each.name in resources:
                reason = f"parameter {each.name!r} of run may be the container or the resource of that name; annotate it"
                raise TaskInvalid(self.task, reason)
            if each.key is None:
                self.check_value(each, resources)
            elif each.key in recipes:
                produced = recipes[each.key].produces
                if produced is not None and self._asked(each, each.check.excludes, produced):
                    raise ResourceTypeMismatch(each.key, each.check.form, produced, self.where(each))
            elif each.key in resources:
                self.check_value(each, resources[each.key])
            elif each.required:
                raise self._not_found(each, each.key, resources)

    def check_value(self, parameter: Parameter, value: object) -> None:
        """See whether a value may fill a parameter.

        Raises: ResourceTypeMismatch; TaskInvalid if the class that is asked for fails to answer.
        """
        if not self._asked(parameter, parameter.check.accepts, value):
            asked = parameter.name if parameter.key is None else parameter.key
            raise ResourceTypeMismatch(asked, parameter.check.form, type(value), self.where(parameter))

    def where(self, parameter: Parameter) -> str:
        """Name the task and the parameter for an error."""
        return f"{self.task}({parameter.name})"

    def bind(self, resources: Resources) -> Callable[[], Any]:
        """Return the call without arguments. The resources must have passed :meth:`check`."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for each in self.parameters:
            if each.key is None:
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

    def _asked(self, parameter: Parameter, question: Callable[[Any], bool], value: object) -> bool:
        try:
            return question(value)
        except Exception as error:  # the class may come with a metaclass of the user's
            raise TaskInvalid(
                self.task, f"parameter {parameter.name!r}: its type cannot be asked ({shown_message(error)})"
            ) from error

    def _not_found(self, parameter: Parameter, key: str | Enum, resources: Resources) -> ResourceNotFound:
        check = parameter.check
        fits = (
            () if check.free else tuple(each for each, value in resources.items() if self._asked(parameter, check.accepts, value))
        )
        advice = "" if parameter.annotated else "annotate it with Resources to get the container"
        return ResourceNotFound(key, check.form, tuple(resources), fits, self.where(parameter), advice)


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
        container = Parameter(only.name, None, TypeCheck(Resources), only.default, only.kind in _POSITIONAL, annotated=False)
        return Signature(names.task, fn, (container,))
    return Signature(names.task, fn, tuple(_read(each, names) for each in free) if method != "run_bare" else ())


def _read(listed: inspect.Parameter, names: Names) -> Parameter:
    annotated = listed.annotation is not _EMPTY
    positional = listed.kind in _POSITIONAL
    if not annotated:
        return Parameter(listed.name, listed.name, TypeCheck(Any), listed.default, positional, annotated)
    what = f"parameter {listed.name!r}"
    with names.reading(what, listed.annotation, f"annotate it with the type of the resource {listed.name!r}") as resolve:
        form = resolve(listed.annotation) if isinstance(listed.annotation, str) else listed.annotation
        leaves = leaves_of(form, resolve)
        key = _key_of(leaves, listed.name, names.task)
        check = check_of(get_args(form)[0] if get_origin(form) is Annotated else form, resolve)
        classes = [leaf.form for leaf in leaves if leaf.form is not None and leaf.form is not type(None)]
        containers = [each for each in classes if isinstance(each, type) and issubclass(each, Resources)]
    if containers and len(containers) < len(classes):
        raise TaskInvalid(names.task, f"{what} may be the container or a resource; annotate it with one of them")
    return Parameter(listed.name, None if containers else key, check, listed.default, positional, annotated)


def _key_of(leaves: tuple[Leaf, ...], name: str, task: str) -> str | Enum:
    """Return the key that ``Annotated`` names, at whatever depth; the first of its notes that can be one."""
    named = [next((note for note in leaf.notes if isinstance(note, str | Enum)), None) for leaf in leaves]
    keys = dict.fromkeys(each for each in named if each is not None)
    if len(keys) > 1:
        raise TaskInvalid(task, f"parameter {name!r} names more than one resource: {', '.join(map(key_text, keys))}")
    return next(iter(keys), name)


def _bound_keywords(fn: Any) -> set[str]:
    bound: set[str] = set()
    while isinstance(fn, functools.partial):
        bound.update(fn.keywords)
        fn = fn.func
    return bound
