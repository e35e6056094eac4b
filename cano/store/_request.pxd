"""What a call asks for: see _request.pyx."""

from cano.store._core cimport Data, cano_hash
from cano.store._key cimport text_slowly


cdef extern from *:
    int PyUnicode_CheckExact(object) noexcept


cdef object ABSENT  # an argument that was not given, a key without a value


cdef inline str text(object key):
    """The exact text of a key, with its hash, without calling any code of a subclass."""
    cdef str name = <str> key if PyUnicode_CheckExact(key) else text_slowly(key)
    cano_hash(name)
    return name


cdef object form_under(object key, object form)
cdef str admitted(object key, object value)
cdef object handed_out(object value, str name, object form, bint copy)
cdef object owned(object value, str name, object form)
cdef object missing(Data *data, dict writes, str name, object form, object default)
