"""A workflow as a task of another one."""

import functools
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, EnumType
from inspect import Parameter as Blank
from typing import Any, Generic, Protocol, TypeVar

from cano._text import key_text, label_text, name_of, shown_message, shown_text, told_apart
from cano._trace import CURRENT, Trail
from cano.errors import CanoError, ResourceNotFound, TargetUndeclared, TaskInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.resources.types import check_of, no_names
from cano.tasks import Kind, Parameter, Returns, Signature, TaskSpec
from cano.workflow._hooks import Hooks

T_co = TypeVar("T_co", covariant=True)


class Nestable(Protocol):
    """A workflow, as the task that it is made into knows it."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def resources(self) -> Resources:
        """What it runs on."""
        ...

    def validate(self, start: Any, /) -> None:
        """See whether a run from this state could begin."""
        ...

    def _takes(self, given: type, /) -> bool: ...

    def _run_inside(
        self, start: Any, resources: Mapping[Any, object] | None, token: CancellationToken | None, hooks: Hooks | None, /
    ) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class SubWorkflow(Generic[T_co]):
    """A workflow as a task of another one; :meth:`Workflow.as_task` makes it."""

    _spec: TaskSpec

    def __repr__(self) -> str:
        return f"<workflow {self._spec.name} as a task>"

    def _check_states(self, state: type | None) -> None:
        """Refuse next states that are not of the class of the workflow's states.

        Raises: TaskInvalid.
        """
        for each in self._spec.returns.targets or ():
            if state is not None and not isinstance(each, state):
                advice = "say where each exit state leads, as_task(to=...)"
                raise TaskInvalid(self._spec.name, f"it goes to {key_text(each)}, and the states are {name_of(state)}; {advice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken(Signature):
    """What a ``workflow`` takes from the one around: ``keys`` are its own, each parameter has that of the other.

    It may be put together further until it first runs, so what it needs is asked for whenever the one around is looked at.
    """

    workflow: Nestable
    start: Any
    keys: tuple[Any, ...]

    def takes(self, given: type) -> bool:
        """Tell whether a task of it asks for this of its run, which has the token of the run around."""
        return given is CancellationToken and _once(self, lambda: self.workflow._takes(given))

    def check(self, resources: Resources) -> None:
        """See whether the workflow can run, and what it takes is there.

        Raises: TaskInvalid; what :meth:`Signature.check` raises.
        """
        _once(self, self._check_inside)
        Signature.check(self, resources)

    def _check_inside(self) -> bool:
        try:
            self.workflow.validate(self.start)
        except CanoError as error:
            raise TaskInvalid(self.task, f"as it is put together by now, it cannot run; {error}") from error
        for key in _brought(self.workflow.resources):
            if key not in self.keys:
                advice = f"which was not there when as_task was called; call it when {self.task} is put together"
                raise TaskInvalid(self.task, f"each run of it must bring {key_text(key)}, {advice}")
        return True

    def _not_found(self, parameter: Parameter, key: str | Enum, resources: Resources, fitting: tuple[Any, ...]) -> ResourceNotFound:
        mine = key_text(self.keys[self.parameters.index(parameter)])
        advice = f"write as_task(..., resources={{{mine}: {key_text(fitting[0])}}})" if fitting else ""
        return ResourceNotFound(key, parameter.check.form, tuple(resources), fitting, self.where(parameter), advice)


# What has been looked at, while a workflow is, all the way down: it may be a task of itself.
_LOOKED_AT: ContextVar[set[int] | None] = ContextVar("cano_looked_at", default=None)


def _once(me: object, look: Callable[[], bool]) -> bool:
    """Look inside, unless that has been done; False then."""
    seen = _LOOKED_AT.get()
    if seen is not None:
        if id(me) in seen:
            return False
        seen.add(id(me))
        return look()
    token = _LOOKED_AT.set({id(me)})
    try:
        return look()
    finally:
        _LOOKED_AT.reset(token)


def _brought(resources: Resources) -> dict[Any, Any]:
    """Return what each run must bring, by its key."""
    return {key: recipe for key, recipe in resources._recipes().items() if recipe.own and recipe.fn is None}


def sub_workflow(
    inner: Nestable, start: Hashable, exits: tuple[Hashable, ...], to: Any, renamed: Mapping[Any, Any] | None
) -> SubWorkflow[Any]:
    """Make a task of a workflow.

    Raises: TaskInvalid, ResourceNotFound, TypeError.
    """
    name, resources = inner.name, inner.resources
    if not (renamed is None or isinstance(renamed, Mapping)):
        raise TypeError(f"resources is {shown_text(renamed)}; pass a dict from keys of {name} to keys of the workflow around it")
    table = _table(name, exits, to)
    targets = _targets(name, table)
    recipes = resources._recipes()
    keys: dict[Any, Any] = {key: key for key in _brought(resources)}
    for key, theirs in (renamed or {}).items():
        if key not in resources:
            raise ResourceNotFound(key, None, tuple(resources), (), f"resources that {name} takes")
        if not isinstance(theirs, str | Enum):
            raise TypeError(f"resources takes {key_text(key)} from {shown_text(theirs)}; a key is a str or an Enum member")
    keys.update(renamed or {})
    asked = {key: Any if key not in recipes or recipes[key].of is None else recipes[key].of for key in keys}
    parameters = tuple(
        [
            Parameter(
                key_text(key) if isinstance(key, Enum) else key,
                theirs,
                check_of(asked[key], no_names),
                Blank.empty,
                positional=True,
                annotated=True,
            )
            for key, theirs in keys.items()
        ]
    )
    fn = functools.partial(_inside, inner, start, tuple(keys), table)
    signature = _Taken(name, fn, parameters, workflow=inner, start=start, keys=tuple(keys))
    return SubWorkflow(TaskSpec(name, Kind.ASYNC, signature, Returns(targets)))


def _table(name: str, exits: tuple[Hashable, ...], to: Any) -> dict[Hashable, Any]:
    """Say for each exit state what comes next."""
    if to is None:
        return {each: each for each in exits}
    if not isinstance(to, Mapping):
        return dict.fromkeys(exits, to)
    known = dict.fromkeys(exits)
    for each in to:
        if each not in known:
            text, others = told_apart(each, exits, key_text)
            raise TaskInvalid(name, f"to= says what comes after {text}, and its exit states are {', '.join(others)}")
    for each in exits:
        if each not in to:
            raise TaskInvalid(name, f"it may end in {key_text(each)}, and to= does not say what comes next")
    return dict(to)


def _targets(name: str, table: dict[Hashable, Any]) -> tuple[Any, ...]:
    """Return all that may come next, each once."""
    for each in table.values():
        if each is None or isinstance(each, EnumType):
            raise TaskInvalid(name, f"to= names {name_of(each)}, which is no state; name the one that comes next")
    try:
        return tuple(dict.fromkeys(table.values()))
    except Exception as error:  # its __hash__ and __eq__ are the user's
        raise TaskInvalid(name, f"to= names something that is no state: {shown_message(error)}") from error


async def _inside(inner: Nestable, start: Any, keys: tuple[Any, ...], table: dict[Any, Any], *values: object) -> Any:
    around = CURRENT.get()
    token: CancellationToken | None = None
    hooks: Hooks | None = None
    if type(around) is Trail:
        token = around.token
        hooks = around.watch.hooks if around.watch is not None else None
    del around  # an error's traceback leads here
    brought: dict[Any, object] = {}
    if keys:
        replaced = inner.resources._overridden()  # for a test, which wins over what is around
        brought = {key: value for key, value in zip(keys, values, strict=True) if key not in replaced}
    end = await inner._run_inside(start, brought or None, token, hooks)
    if end not in table:  # an exit state that was added after the task was made
        raise TargetUndeclared(inner.name, label_text(end), tuple(map(label_text, table)))
    return table[end]
