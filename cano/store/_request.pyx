# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""What a call asks for: the slot, the type, the copy. No lock is held here: type checks and copies may run user code."""

from cpython.object cimport PyObject

from cano.store._copy cimport deep_copy, is_atomic
from cano.store._core cimport Data, list_of_keys
from cano.store._forms cimport check_form, is_a, may_be, misfit
from cano.store._key cimport Key

from copy import Error as CopyModuleError
from pickle import PicklingError

from cano._notes import CopyNote, write_notes
from cano._text import shown_text
from cano.errors import CopyError, KeyNotFound


ABSENT = object()

cdef enum:
    KNOWN_KEYS = 256  # the most keys that a KeyNotFound carries to suggest from


cdef object form_under(object key, object form):
    """The type to ask for under a key that is no plain str: the typed key's own, or ``form``."""
    if type(key) is not Key:
        return form
    if form is not ABSENT:
        raise TypeError(f"{key!r} names its type already: leave {shown_text(form)} out")
    return (<Key> key).asked


cdef str admitted(object key, object value):
    """The exact text of a key that is about to hold ``value``."""
    cdef str name = text(key)
    form = form_under(key, ABSENT)
    if form is not ABSENT and not is_a(value, form):
        raise misfit(name, value, form)
    return name


cdef object handed_out(object value, str name, object form, bint copy):
    """What a read gives for the value that it found."""
    if form is not ABSENT and not (may_be(value, form) if copy else is_a(value, form)):
        raise misfit(name, value, form)
    return owned(value, name, form) if copy else value


cdef object owned(object value, str name, object form):
    """A deep copy of ``value``, which is of the type asked for as far as its class tells, that is of that type."""
    if is_atomic(<PyObject *> value):
        return value
    try:
        copy = deep_copy(value)
    except (TypeError, CopyModuleError, PicklingError) as error:
        raise CopyError(name, type(value)) from error
    except (ValueError, RuntimeError) as error:  # of the value's own code, or a refusal that nobody can tell from it
        if type(error) is not RecursionError:
            said = f"raised while what is under the key {name!r} was copied; get_shared reads the stored object itself"
            write_notes(error, (CopyNote(said),), kind=CopyNote)
        raise
    if form is not ABSENT and not is_a(copy, form):
        raise misfit(name, copy, form)
    return copy


cdef object missing(Data *data, dict writes, str name, object form, object default):
    """What a read gives that found nothing: the default, or a KeyNotFound.

    ``writes`` are those of the transaction that reads, ABSENT for what it has removed, or None.
    """
    cdef list known
    if form is not ABSENT:
        check_form(form, True)  # a form that nothing could pass is a mistake, whatever the store holds
    if default is not ABSENT:
        return default
    known = [key for key in list_of_keys(data, KNOWN_KEYS) if key != name and (writes is None or key not in writes)]
    if writes is not None and len(writes) <= KNOWN_KEYS:
        known += [key for key, value in writes.items() if value is not ABSENT]
    raise KeyNotFound(name, tuple(known))
