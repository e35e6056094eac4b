"""The type that a look-up or a parameter asks for, turned into a yes-or-no question about a value."""

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Resolve = Callable[[str], object]

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

    Raises: TypeError if the form is nothing that a value could be an instance of; and what ``resolve`` raises.
    """
    return _Reader(resolve).read(form, form)


def no_names(name: str) -> object:
    """Refuse text where a type is to be passed.

    Raises: TypeError, always.
    """
    raise TypeError(f"{name!r} is text and no type; pass the type itself")


class _Reader:
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def read(self, form: object, shown: object) -> TypeCheck:
        form = self._unfold(form)
        origin = typing.get_origin(form)
        if form is None:
            return TypeCheck(shown, (type(None),))
        if form is Any or form is object or isinstance(form, typing.TypeVar):
            return TypeCheck(shown)
        if origin is typing.Literal:
            return TypeCheck(shown, exact=typing.get_args(form))
        if origin is typing.Union or origin is types.UnionType:
            alternatives = tuple(self.read(each, each) for each in typing.get_args(form))
            free = any(not (each.classes or each.members or each.exact or each.any_of) for each in alternatives)
            return TypeCheck(shown) if free else TypeCheck(shown, any_of=alternatives)
        target = origin if origin is not None else form
        if not isinstance(target, type):
            raise TypeError(f"{form!r} is no type")
        return TypeCheck(shown, members=protocol_members(target)) if is_protocol(target) else TypeCheck(shown, (target,))

    def _unfold(self, form: object) -> object:
        """Strip names, aliases, new types and annotations off, down to the type that a value can have."""
        while True:
            if isinstance(form, str):
                form = self._resolve(form)
            elif isinstance(form, typing.ForwardRef):
                form = self._resolve(form.__forward_arg__)
            elif typing.get_origin(form) is typing.Annotated:
                form = typing.get_args(form)[0]
            elif isinstance(form, typing.NewType):
                form = form.__supertype__
            elif type(form).__name__ == "TypeAliasType":  # `type X = ...`, a class that typing has since 3.12
                form = form.__value__  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
            else:
                return form
