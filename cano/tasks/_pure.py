"""A pure task: a function that needs no store, whose parameters are read from one, and whose value is put there."""

import functools
import inspect
from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from cano._notes import note_origin
from cano._text import key_text, name_of
from cano.errors import TaskInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.resources.forms import leaves_of
from cano.resources.types import TypeCheck
from cano.store import Key, MemoryStore
from cano.tasks._inject import Bind, Parameter, Signature, free_parameters, given_among, given_value, key_among
from cano.tasks._names import Names
from cano.tasks._place import option

_ABSENT: Any = object()
_EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter that is read from the store."""

    name: str
    key: Key[Any]
    default: Any
    positional_only: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parameters of a pure function: those that are read from the store, and those that a run gives."""

    task: str
    fn: Callable[..., Any]
    store: str | Enum
    read: tuple[Input, ...]
    given: tuple[Parameter, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The names of what is passed by place."""
        return tuple(each.name for each in self.read if each.positional_only)

    @property
    def signature(self) -> Signature:
        """What is asked of the container and of the run."""
        return Signature(self.task, self.fn, (*self.given, option("inputs", self.store, MemoryStore)))

    def binder(self, resources: Resources, mine: Set[Hashable]) -> Bind:
        """Return what makes the call without arguments, for the resources of a run and a token."""

        def bind(own: Resources, token: CancellationToken | None = None) -> Callable[[], Any]:
            given = {each.name: given_value(each, token) for each in self.given}
            return Reading(self, own.get(self.store, MemoryStore), given)

        return bind


@dataclass(frozen=True, slots=True)
class Reading:
    """A call whose arguments are read when it is made."""

    inputs: Inputs
    store: MemoryStore
    given: dict[str, Any]

    def __call__(self) -> Any:
        """Read, and call the function.

        Raises: as :meth:`prepared`; what the function raises.
        """
        return self.prepared()()

    def prepared(self) -> Callable[[], Any]:
        """Read, and return the call; what the store does not have is left to the function's own defaults.

        Raises: KeyNotFound, TypeMismatch, CopyError, with a note that names the parameter.
        """
        arguments: list[Any] = []
        named = dict(self.given)
        for each in self.inputs.read:
            try:
                value = self.store.get(each.key) if each.default is _EMPTY else self.store.get(each.key, default=_ABSENT)
            except Exception as error:  # to copy is to run the value's own code
                note_origin(error, f"while parameter {each.name!r} of {self.inputs.task} was read from the store")
                raise
            if each.positional_only:
                arguments.append(each.default if value is _ABSENT else value)
            elif value is not _ABSENT:
                named[each.name] = value
        return functools.partial(self.inputs.fn, *arguments, **named)


def inputs_of(fn: Callable[..., Any], names: Names, store: str | Enum) -> Inputs:
    """Read the parameters of a pure function: the key and the type of each.

    Raises: TaskInvalid for a type that the store cannot check, and for the container of resources; AnnotationUnresolved.
    """
    read: list[Input] = []
    given: list[Parameter] = []
    for each in free_parameters(fn, names.task):
        found = _input_of(each, names)
        if isinstance(found, Parameter):
            given.append(found)
        else:
            read.append(found)
    return Inputs(names.task, fn, store, tuple(read), tuple(given))


def _input_of(listed: inspect.Parameter, names: Names) -> Input | Parameter:
    only = listed.kind is inspect.Parameter.POSITIONAL_ONLY
    if listed.annotation is _EMPTY:
        return Input(listed.name, Key(listed.name, Any), listed.default, only)
    what = f"parameter {listed.name!r}"
    with names.reading(what, listed.annotation, "annotate it with a type that the store can check") as resolve:
        form: Any = resolve(listed.annotation) if isinstance(listed.annotation, str) else listed.annotation
        leaves = leaves_of(form, resolve)
        classes = [leaf.form for leaf in leaves if leaf.form is not None and leaf.form is not type(None)]
        given = given_among(classes, what, names.task)
        if given is None and any(isinstance(each, type) and issubclass(each, (Resources, MemoryStore)) for each in classes):
            raise TaskInvalid(
                names.task,
                f"{what} is annotated as a container, and inputs= reads each parameter from a store; ask for the values",
            )
        note = key_among(leaves, (str, Enum, Key), what, "key of the store", names.task)
        if given is None:
            return Input(listed.name, Key(_name_of(note, listed.name, form, what, names.task), form), listed.default, only)
    if only:
        raise TaskInvalid(names.task, f"{what} is given by the run, and so by its name; leave out the / after it")
    return Parameter(listed.name, None, TypeCheck(Any), listed.default, positional=False, annotated=True, given=given)


def _name_of(note: str | Enum | Key[Any] | None, name: str, form: Any, what: str, task: str) -> str:
    """Return the name of the key that a note names, if it names one.

    Raises: TaskInvalid for what is no key of a store, and for a key of another type than that of the parameter.
    """
    if note is None or isinstance(note, str):
        return name if note is None else note
    if not isinstance(note, Key):
        raise TaskInvalid(task, f"{what} names {key_text(note)}, and a key of the store is a str or a Key")
    asked = get_args(form)[0] if get_origin(form) is Annotated else form
    if note.type not in (asked, *get_args(asked), Any) and asked is not Any:
        raise TaskInvalid(task, f"{what} is annotated {name_of(asked)}, and its key {note.name!r} holds {name_of(note.type)}")
    return note.name
