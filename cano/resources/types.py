"""The type that a look-up or a parameter asks for, turned into a yes-or-no question about a value."""

import inspect
import typing
from dataclasses import dataclass, field, replace
from typing import Any

from cano._text import name_of, shown_message
from cano.resources.forms import Resolve, leaves_of

# What `typing` and `abc` put into the namespace of a protocol; everything else there is a member.
_NO_MEMBERS = frozenset(
    (
        *("__module__", "__qualname__", "__dict__", "__weakref__", "__doc__", "__slots__", "__match_args__", "__hash__"),
        *("__init__", "__new__", "__subclasshook__", "__class_getitem__", "__parameters__", "__orig_bases__", "__type_params__"),
        *("__abstractmethods__", "_abc_impl", "_is_protocol", "_is_runtime_protocol", "__protocol_attrs__"),
        *("__non_callable_proto_members__", "__callable_proto_members_only__", "__static_attributes__", "__firstlineno__"),
        *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
    )
)


def is_protocol(form: object) -> bool:
    """Tell whether a class was written as a protocol (a class that merely implements one was not)."""
    return isinstance(form, type) and bool(form.__dict__.get("_is_protocol", False))


def protocol_members(protocol: type) -> tuple[str, ...]:
    """Return the names that a value needs to have, those of the protocols that it extends included."""
    names: dict[str, None] = {}
    for base in protocol.__mro__:
        if is_protocol(base) and base.__module__ not in ("typing", "typing_extensions"):
            names.update(dict.fromkeys(inspect.get_annotations(base)))
            names.update(dict.fromkeys(base.__dict__))
    return tuple(name for name in names if name not in _NO_MEMBERS)


@dataclass(frozen=True, slots=True)
class TypeCheck:
    """A question about a value, whether it is of the type ``form``.

    ``classes`` are asked by ``isinstance``; ``members`` have to be there (a protocol); ``exact`` are values by type and
    value (a literal); ``any_of`` are alternatives. All empty means that anything will do.
    """

    form: object
    classes: tuple[type, ...] = ()
    members: tuple[str, ...] = ()
    exact: tuple[object, ...] = ()
    any_of: tuple["TypeCheck", ...] = field(default=())

    @property
    def asked(self) -> tuple[object, ...]:
        """All that the answer depends on; the same for types that are written anew each time, as ``list[int]`` is."""
        classes, exact = tuple(map(id, self.classes)), tuple((type(each), each) for each in self.exact)
        return classes, self.members, exact, tuple(each.asked for each in self.any_of)

    @property
    def free(self) -> bool:
        """True if anything will do."""
        return not (self.classes or self.members or self.exact or self.any_of)

    def accepts(self, value: object) -> bool:
        """Tell whether the value is of the type."""
        if self.any_of:
            return any(each.accepts(value) for each in self.any_of)
        if self.exact:
            return any(type(each) is type(value) and each == value for each in self.exact)
        if self.members:
            return all(_has(value, name) for name in self.members)
        return not self.classes or isinstance(value, self.classes)

    def excludes(self, produced: type) -> bool:
        """Tell whether no value of the class ``produced``, nor of a subclass, can be of the type."""
        if self.any_of:
            return all(each.excludes(produced) for each in self.any_of)
        return bool(self.classes) and not any(issubclass(produced, each) or issubclass(each, produced) for each in self.classes)


def _has(value: object, name: str) -> bool:
    try:
        return hasattr(value, name)
    except Exception:  # noqa: BLE001 - a property that fails now exists all the same
        return True


def check_of(form: object, resolve: Resolve) -> TypeCheck:
    """Turn an annotation into a check; names that are still text go through ``resolve``.

    Raises: TypeError if the form is nothing that a value could be an instance of; NameError if a lazy alias knows a name no
    more than ``resolve`` does, and what that raises.
    """
    try:
        checks = tuple(_check_of_leaf(leaf.form) for leaf in leaves_of(form, resolve))
    except (TypeError, NameError):
        raise
    except Exception as error:  # a metaclass is the user's code
        raise TypeError(f"{name_of(form)} cannot be read ({type(error).__name__}: {shown_message(error)})") from error
    if any(each.free for each in checks):
        return TypeCheck(form)
    return replace(checks[0], form=form) if len(checks) == 1 else TypeCheck(form, any_of=checks)


def no_names(name: str) -> object:
    """Refuse text where a type is to be passed.

    Raises: TypeError, always.
    """
    raise TypeError(f"{name!r} is text and no type; pass the type itself")


def check_askable(form: type) -> None:
    """See whether a class can be asked for its instances and subclasses: a typed dict, or a metaclass of a user, may refuse.

    Raises: TypeError.
    """
    try:
        isinstance(None, form)
        issubclass(type(None), form)
    except Exception as error:
        raise TypeError(f"{name_of(form)} cannot be asked for its instances ({shown_message(error)})") from error


def _check_of_leaf(form: Any) -> TypeCheck:
    if form is None:
        return TypeCheck(form, (type(None),))
    if form is Any or form is object or isinstance(form, typing.TypeVar):
        return TypeCheck(form)
    origin = typing.get_origin(form)
    if origin is typing.Literal:
        return TypeCheck(form, exact=typing.get_args(form))
    target = origin if origin is not None else form
    if not isinstance(target, type):
        raise TypeError(f"{form!r} is no type")
    if is_protocol(target):
        return TypeCheck(form, members=protocol_members(target))
    check_askable(target)
    return TypeCheck(form, (target,))
