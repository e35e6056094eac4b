# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False
"""The type forms that a value can be asked for: classes, ``Any``, ``None`` and unions of these. All others are refused."""

from types import GenericAlias, UnionType
from typing import Annotated, Any, ForwardRef, Union, get_args, get_origin


cdef object UNIONS = (Union, UnionType)


cdef str shown(object value):
    """Write a value that is somebody's mistake: in few letters, and also if its own repr fails."""
    try:
        text = repr(value)
    except Exception:  # it is the user's, and must not hide the mistake that is to be told
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= 100 else f"{text[:100]}…"


cdef bint is_a_slowly(object value, object form) except -1:
    check_form(form)
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


cdef int check_form(object form) except -1:
    """Raise a TypeError unless ``form`` is one that can be answered without guessing."""
    if PyType_CheckExact(form) or form is None or form is Any:
        return 0
    if isinstance(form, (str, ForwardRef)):
        name = form.__forward_arg__ if isinstance(form, ForwardRef) else str(form)
        raise TypeError(f"{name!r} is a forward reference, which the store cannot resolve: pass the class {name} itself")
    if get_origin(form) in UNIONS:
        for choice in get_args(form):
            check_form(choice)
        return 0
    if isinstance(form, tuple):
        raise TypeError(f"a tuple is no type: write {' | '.join(map(spelled, form)) or 'the type itself'} instead of {shown(form)}")
    if get_origin(form) is not None:
        origin = get_args(form)[0] if get_origin(form) is Annotated else get_origin(form)
        ask = spelled(origin) if isinstance(origin, type) else "the class of the value"
        raise TypeError(f"{shown(form)} is no class: the store does not look inside containers or at literals; ask for {ask}")
    if not isinstance(form, type):
        raise TypeError(
            f"expected a class to check the value against, got {shown(form)} of type {spelled(type(form))}"
            "; a default is given by keyword: default=..."
        )
    if hasattr(form, "__required_keys__") and hasattr(form, "__total__"):
        raise TypeError(f"{form.__qualname__} is a TypedDict, whose keys the store does not check: ask for dict")
    if getattr(form, "_is_protocol", False) and not getattr(form, "_is_runtime_protocol", False):
        raise TypeError(f"{form.__qualname__} is a Protocol without @runtime_checkable, so no value can be checked against it")
    return 0


cdef str spelled(object form):
    return form.__qualname__ if isinstance(form, type) and not isinstance(form, GenericAlias) else shown(form)
