# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False
"""The type forms that a value can be asked for: classes, ``Any``, ``None`` and unions of these. All others are refused."""

from types import GenericAlias, UnionType
from typing import Annotated, Any, ForwardRef, Literal, NewType, Union, get_args, get_origin

from cano._text import shown_text
from cano.errors import TypeMismatch


cdef object UNIONS = (Union, UnionType)


cdef bint is_a_slowly(object value, object form) except -1:
    check_form(form, True)
    return matches(value, form)


cdef bint matches(object value, object form) except -1:
    if form is Any:
        return True
    if form is None:
        return value is None
    if get_origin(form) in UNIONS:
        for choice in get_args(form):
            if matches(value, choice):
                return True
        return False
    return isinstance(value, form)


cdef object misfit(str name, object value, object form):
    """The error that says why ``value``, under the key ``name``, is not of the type ``form``."""
    return TypeMismatch(name, form, type(value))


cdef int check_form(object form, bint read) except -1:
    """Raise a TypeError unless ``form`` is one that can be answered without guessing; ``read``: a default could be meant."""
    if PyType_CheckExact(form) or form is None or form is Any:
        return 0
    if get_origin(form) in UNIONS:
        for choice in get_args(form):
            check_form(choice, False)
        return 0
    if isinstance(form, type) and not isinstance(form, GenericAlias):
        if type(form).__name__ == "_TypedDictMeta":
            raise TypeError(f"{shown_text(form)} is a TypedDict, whose keys the store does not check: ask for dict")
        if own(form, "_is_protocol") and not own(form, "_is_runtime_protocol"):
            raise TypeError(f"{shown_text(form)} is a Protocol without @runtime_checkable, so no value can be checked against it")
        return 0
    raise TypeError(refusal(form, read))


cdef object own(object form, str name):
    """An attribute of a class, without asking its metaclass."""
    try:
        return type.__getattribute__(form, name)
    except AttributeError:
        return None


cdef str refusal(object form, bint read):
    """Say why a form is refused, and what to ask for instead."""
    origin, parts = get_origin(form), get_args(form)
    if isinstance(form, (str, ForwardRef)):
        name = form.__forward_arg__ if isinstance(form, ForwardRef) else shown_text(str(form)).strip("'")
        return f"{name!r} is a forward reference, which the store cannot resolve: pass the class {name} itself"
    if isinstance(form, tuple):
        return f"a tuple is no type: write {' | '.join(map(spelled, form)) or 'the type itself'} instead of {shown_text(form)}"
    if isinstance(form, NewType):
        return f"{shown_text(form)} is a NewType, which no value can be told by: ask for {spelled(form.__supertype__)}"
    if origin is Annotated:
        return f"{shown_text(form)} is annotated, and the store checks the type alone: ask for {spelled(parts[0])}"
    if origin is Literal:
        kinds = dict.fromkeys(map(type, parts))
        return f"{shown_text(form)} is a literal, with which the store does not compare: ask for {' | '.join(map(spelled, kinds))}"
    if isinstance(origin, type) and parts:
        return f"{shown_text(form)} asks for a look inside, which the store does not take: ask for {spelled(origin)}"
    hint = "; a default is given by keyword: default=..." if read and origin is None and not callable(form) else ""
    return f"expected a class to check the value against, got {shown_text(form)} of type {spelled(type(form))}{hint}"


cdef str spelled(object form):
    return form.__qualname__ if isinstance(form, type) and not isinstance(form, GenericAlias) else shown_text(form)
