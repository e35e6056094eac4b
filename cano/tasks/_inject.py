"""The parameters of a task, and the resources that fill them, one by one or in a dataclass."""

import functools
import inspect
import sys
from collections.abc import Callable, Hashable, Iterator, Set
from dataclasses import InitVar, dataclass, field, is_dataclass
from enum import Enum
from typing import Annotated, Any, Protocol, get_args, get_origin

from cano._text import key_text, name_of, short_name, shown_message
from cano._trace import CURRENT, Trail, stamp
from cano.errors import ConfigurationError, ResourceNotFound, ResourceTypeMismatch, TaskInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.resources.forms import Leaf, leaves_of
from cano.resources.types import TypeCheck, check_of, is_protocol
from cano.tasks._names import Names, names_in_dataclass
from cano.tasks._split_result import SplitResult


class Bind(Protocol):
    """Makes the call of a task, for the resources of a run and the token of an attempt."""

    def __call__(self, own: Resources, token: CancellationToken | None = None, /) -> Callable[[], Any]: ...


_GIVEN = (CancellationToken, SplitResult)  # what a run gives its tasks
_EMPTY = inspect.Parameter.empty
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a task, or of a dataclass that a task asks for.

    ``key`` is that of what fills it (None: the container itself does). If there is no such resource, the dataclass ``made`` is
    filled in its place, if that is one. ``given`` is the class of what the run gives, whatever the resources are. An ``option`` is
    no parameter of the function: it was named by an option of the decorator.
    """

    name: str
    key: str | Enum | None
    check: TypeCheck
    default: Any
    positional: bool
    annotated: bool
    made: type | None = None
    given: type | None = None
    option: bool = False

    @property
    def required(self) -> bool:
        """True if there is no default."""
        return self.default is _EMPTY


@dataclass(frozen=True, slots=True)
class Signature:
    """What a task's function asks for; or a dataclass in it, which ``path`` leads to, ``around`` being those that it is in."""

    task: str
    fn: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    path: str = ""
    around: tuple[type, ...] = ()
    _inner: "dict[str, Signature]" = field(default_factory=dict, repr=False, compare=False)  # read when they are needed

    def filled(self, resources: Resources) -> "Iterator[tuple[Signature, Parameter]]":
        """Iterate over what the container fills: the parameters, and of those that are dataclasses filled from it, theirs."""
        for each in self.parameters:
            inner = self._filling(each, resources)
            if inner is None:
                yield self, each
            else:
                yield from inner.filled(resources)

    def check(self, resources: Resources) -> None:
        """See whether all parameters can be filled, as far as recipes let it be known before the set-up.

        Raises: ResourceNotFound, ResourceTypeMismatch; TaskInvalid if a parameter may be meant in two ways.
        """
        recipes = resources._recipes()
        for each in self.parameters:
            if each.given is not None:
                continue
            if each.key is None and not each.annotated and each.name in resources:
                reason = f"parameter {each.name!r} of run may be the container or the resource of that name; annotate it"
                raise TaskInvalid(self.task, reason)
            if each.key is None:
                self.check_value(each, resources._shown())
            elif each.key in recipes:
                produced = recipes[each.key].produces
                if produced is not None and self._asked(each, each.check.excludes, produced):
                    raise ResourceTypeMismatch(each.key, each.check.form, produced, self.where(each))
            elif each.key in resources:
                self.check_value(each, resources[each.key])
            elif each.required:
                # One that is there under another key was meant, and not an object that nobody has put in.
                fitting = self._fitting(each, resources)
                inner = None if fitting else self._filling(each, resources)
                if inner is None:
                    raise self._not_found(each, each.key, resources, fitting)
                inner.check(resources)

    def check_value(self, parameter: Parameter, value: object) -> None:
        """See whether a value may fill a parameter.

        Raises: ResourceTypeMismatch; TaskInvalid if the class that is asked for fails to answer.
        """
        if not self._asked(parameter, parameter.check.accepts, value):
            asked = parameter.name if parameter.key is None else parameter.key
            raise ResourceTypeMismatch(asked, parameter.check.form, type(value), self.where(parameter))

    def where(self, parameter: Parameter) -> str:
        """Name the task and the parameter for an error."""
        return f"{self.task}({self.path}{parameter.name}{'=' if parameter.option else ''})"

    def takes(self, given: type) -> bool:
        """Tell whether the task asks for this of its run."""
        return any(each.given is given for each in self.parameters)

    def needs(self, given: type) -> bool:
        """Tell whether the task asks for this of its run, and has no default for it."""
        return any(each.given is given and each.required for each in self.parameters)

    @property
    def positional(self) -> tuple[str, ...]:
        """The names of what is passed by place."""
        return tuple(each.name for each in self.parameters if each.positional)

    @property
    def given(self) -> bool:
        """True if a run gives any parameter."""
        return any(each.given is not None for each in self.parameters)

    def binder(self, resources: Resources, mine: Set[Hashable]) -> Bind:
        """Return what makes the call without arguments, for the resources of a run and a token.

        Found now, once, is all but what belongs to the run: resources under the keys ``mine``, the container, if there are any of
        these, and what the run gives.
        """
        values: list[Any] = []
        owned: list[tuple[int, functools.partial[Any]]] = []
        given: list[tuple[int, Parameter]] = []
        for at, each in enumerate(self.parameters):
            inner = self._filling(each, resources)
            keys = {each.key} if inner is None else {part.key for _, part in inner.filled(resources)}
            if each.given is not None:
                given.append((at, each))
                values.append(None)
            elif mine and any(key is None or key in mine for key in keys):
                owned.append((at, functools.partial(self._value, each)))
                values.append(None)
            else:
                values.append(self._value(each, resources))
        names = tuple([each.name for each in self.parameters if not each.positional])
        fn = self.fn
        if not (owned or given):
            call = _with(fn, values, names)
            return lambda _own, _token=None: call
        plain = [(at, part.args[0].key) for at, part in owned if part.args[0].key in mine]
        if type(resources) is Resources and not (given or names) and len(plain) == len(owned):
            # The usual case, at the first entry of each state in each run.
            def bind_keys(own: Resources, token: CancellationToken | None = None) -> Callable[[], Any]:
                found, now = own._values, values[:]
                for at, key in plain:
                    now[at] = found[key]
                return functools.partial(fn, *now)

            def bind_key(own: Resources, token: CancellationToken | None = None) -> Callable[[], Any]:
                return functools.partial(fn, own._values[only])

            only = plain[0][1]
            return bind_key if len(values) == 1 else bind_keys

        def bind(own: Resources, token: CancellationToken | None = None) -> Callable[[], Any]:
            now = values[:]
            for at, value in owned:
                now[at] = value(own)
            for at, parameter in given:
                now[at] = given_value(parameter, token)
            return _with(fn, now, names)

        return bind

    def _value(self, parameter: Parameter, resources: Resources) -> Any:
        if type(resources) is Resources and parameter.key in resources._values:  # a class of the user's may look things up itself
            return resources._values[parameter.key]
        if parameter.key is None:
            return resources._shown()
        if parameter.key in resources:
            return resources[parameter.key]
        inner = self._filling(parameter, resources)
        return parameter.default if inner is None else inner._make(resources)

    def _asked(self, parameter: Parameter, question: Callable[[Any], bool], value: object) -> bool:
        try:
            return question(value)
        except Exception as error:  # the class may come with a metaclass of the user's
            raise TaskInvalid(
                self.task, f"parameter {self.path + parameter.name!r}: its type cannot be asked ({shown_message(error)})"
            ) from error

    def _filling(self, parameter: Parameter, resources: Resources) -> "Signature | None":
        """Return the dataclass that fills a parameter which no resource and no default fills; none if it has nothing to fill.

        Raises: TaskInvalid if it cannot be read, or is inside of itself; AnnotationUnresolved.
        """
        made = parameter.made
        if made is None or not parameter.required or parameter.key in resources:
            return None
        found = self._inner.get(parameter.name)
        if found is None:
            found = self._inner[parameter.name] = _signature_of_dataclass(
                made, self.task, f"{self.path}{parameter.name}.", (*self.around, made)
            )
        return found if found.parameters else None

    def _make(self, resources: Resources) -> Any:
        """Make the dataclass.

        Raises: what its own code raises, with a note that names the parameter.
        """
        make = self.binder(resources, frozenset())(resources)
        try:
            return make()
        except StopIteration as error:  # which cannot cross the coroutine of the run
            raise RuntimeError(f"{self.fn!r} raised StopIteration") from error
        except Exception as error:
            stamp(error, object(), f"while {name_of(self.fn)} was made for {self.task}({self.path[:-1]})", sys._getframe())
            raise

    def _fitting(self, parameter: Parameter, resources: Resources) -> tuple[Any, ...]:
        check, made = parameter.check, parameter.made
        if check.free:
            return ()
        if made is None:
            return tuple(key for key, value in resources.items() if self._asked(parameter, check.accepts, value))
        wanted: type = made
        kinds = {key: type(value) for key, value in resources.items()}
        kinds.update((key, recipe.produces or object) for key, recipe in resources._recipes().items())
        return tuple(key for key, kind in kinds.items() if self._asked(parameter, lambda kind: issubclass(kind, wanted), kind))

    def _not_found(self, parameter: Parameter, key: str | Enum, resources: Resources, fitting: tuple[Any, ...]) -> ResourceNotFound:
        if parameter.option:
            advice = f"write {parameter.name}={key_text(fitting[0])}" if fitting else ""
            return ResourceNotFound(key, parameter.check.form, tuple(resources), (), self.where(parameter), advice)
        advice = "" if parameter.annotated else "annotate it with Resources to get the container"
        if self.around and not fitting:
            whole = self.path[:-1].rpartition(".")[2]
            advice = f"or insert a {short_name(self.around[-1])} as {whole!r}"
        return ResourceNotFound(key, parameter.check.form, tuple(resources), fitting, self.where(parameter), advice)


def signature_of(fn: Callable[..., Any], names: Names, *, method: str | None) -> Signature:
    """Read what a function asks for; ``method`` is ``run`` or ``run_bare`` if it is that method of a class task.

    Raises: TaskInvalid if the signature cannot be read, or ``run_bare`` has parameters; AnnotationUnresolved.
    """
    free = free_parameters(fn, names.task)
    if method == "run_bare" and any(each.default is _EMPTY for each in free):
        raise TaskInvalid(names.task, "run_bare takes no resources; name the method run to get them")
    if method == "run" and len(free) == 1 and free[0].annotation is _EMPTY:
        only = free[0]
        container = Parameter(only.name, None, TypeCheck(Resources), only.default, only.kind in _POSITIONAL, annotated=False)
        return Signature(names.task, fn, (container,))
    return Signature(names.task, fn, tuple(_read(each, names) for each in free) if method != "run_bare" else ())


def free_parameters(fn: Callable[..., Any], task: str) -> list[inspect.Parameter]:
    """List the parameters of a function that can be filled: what ``functools.partial`` has bound stays, ``*args`` get nothing.

    Raises: TaskInvalid if its signature cannot be read.
    """
    try:
        listed = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError) as error:
        raise TaskInvalid(task, f"its signature cannot be read ({error}); wrap it in an async def") from error
    bound = _bound_keywords(fn)
    return [each for each in listed if each.kind not in _VARIADIC and each.name not in bound]


def _signature_of_dataclass(made: type, task: str, path: str, around: tuple[type, ...]) -> Signature:
    where = f"parameter {path[:-1]!r}"
    if made in around[:-1]:
        name = short_name(made)
        raise TaskInvalid(task, f"{where}: a {name} is filled with a {name}, and so on without end; give the field a default")
    try:
        listed = [each for each in inspect.signature(made).parameters.values() if each.kind not in _VARIADIC]
        parameters = tuple([_read(each, names_in_dataclass(made, each.name, task), path) for each in listed])
    except ConfigurationError:
        raise
    except Exception as error:  # a metaclass is the user's code
        raise TaskInvalid(task, f"{where}: {name_of(made)} cannot be read ({shown_message(error)})") from error
    return Signature(task, made, parameters, path, around)


def _read(listed: inspect.Parameter, names: Names, path: str = "") -> Parameter:
    annotated = listed.annotation is not _EMPTY
    positional = listed.kind in _POSITIONAL
    if not annotated:
        return Parameter(listed.name, listed.name, TypeCheck(Any), listed.default, positional, annotated)
    what = f"parameter {path + listed.name!r}"
    with names.reading(what, listed.annotation, f"annotate it with the type of the resource {listed.name!r}") as resolve:
        form = resolve(listed.annotation) if isinstance(listed.annotation, str) else listed.annotation
        form = form.type if isinstance(form, InitVar) else form
        leaves = leaves_of(form, resolve)
        key: str | Enum | None = key_among(leaves, (str, Enum), what, "resource", names.task)
        check = check_of(get_args(form)[0] if get_origin(form) is Annotated else form, resolve)
        classes = [leaf.form for leaf in leaves if leaf.form is not None and leaf.form is not type(None)]
        containers = [each for each in classes if isinstance(each, type) and issubclass(each, Resources)]
        made = _dataclass_among(classes) if key is None else None  # a key that is named is asked for, and nothing in its place
    given = given_among(classes, what, names.task)
    if containers and len(containers) < len(classes):
        raise TaskInvalid(names.task, f"{what} may be the container or a resource; annotate it with one of them")
    if given is not None and path:
        raise TaskInvalid(names.task, f"{what}: a run gives its {given.__name__} to a parameter of the task, not to a field")
    if containers or given is not None:
        return Parameter(listed.name, None, check, listed.default, positional, annotated, given=given)
    return Parameter(listed.name, listed.name if key is None else key, check, listed.default, positional, annotated, made)


def given_among(classes: list[Any], what: str, task: str) -> type | None:
    """Return what a run gives, if that is what is asked for.

    Raises: TaskInvalid if it may be something else, too.
    """
    given = next((each for each in _GIVEN if any((get_origin(form) or form) is each for form in classes)), None)
    if given is not None and len(classes) > 1:
        raise TaskInvalid(task, f"{what} may be the {given.__name__} of the run or a resource; annotate it with one of them")
    return given


def _with(fn: Callable[..., Any], values: list[Any], names: tuple[str, ...]) -> Callable[[], Any]:
    """Bind values to a function, the last ones by these names."""
    if not names:
        return functools.partial(fn, *values) if values else fn
    first = len(values) - len(names)
    return functools.partial(fn, *values[:first], **dict(zip(names, values[first:], strict=True)))


def given_value(parameter: Parameter, token: CancellationToken | None) -> Any:
    """Return what the run gives now."""
    run = CURRENT.get()
    assert type(run) is Trail
    if parameter.given is CancellationToken:
        run.token = run.token or CancellationToken()
        return token or run.token
    # Of the split just joined, not of one before.
    joined, result = run.split
    return result if len(run) > 1 and run[-2] is joined else parameter.default


def _dataclass_among(classes: list[Any]) -> type | None:
    """Return the dataclass that can be made, if that is all that is asked for."""
    if len(classes) != 1:
        return None
    made = get_origin(classes[0]) or classes[0]
    try:
        fits = isinstance(made, type) and is_dataclass(made) and not (inspect.isabstract(made) or is_protocol(made))
    except Exception:  # noqa: BLE001 - a metaclass is the user's code, and what it hides is no dataclass
        return None
    return made if fits else None


def key_among(leaves: tuple[Leaf, ...], kinds: tuple[type, ...], what: str, of: str, task: str) -> Any:
    """Return the key, of one of these kinds, that ``Annotated`` names, at whatever depth: the first of its notes that can be one.

    Raises: TaskInvalid if alternatives name different ones.
    """
    named = [next((note for note in leaf.notes if isinstance(note, kinds)), None) for leaf in leaves]
    keys = dict.fromkeys(each for each in named if each is not None)
    if len(keys) > 1:
        raise TaskInvalid(task, f"{what} names more than one {of}: {', '.join(map(key_text, keys))}")
    return next(iter(keys), None)


def _bound_keywords(fn: Any) -> set[str]:
    bound: set[str] = set()
    while isinstance(fn, functools.partial):
        bound.update(fn.keywords)
        fn = fn.func
    return bound
