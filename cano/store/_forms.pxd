"""Asking whether a value is of a type: see _forms.pyx."""

from cano.store._plan cimport Plan


cdef extern from *:
    int PyType_CheckExact(object) noexcept
    int Py_IS_TYPE(object, void *) noexcept
    int PyObject_IsInstance(object, object) except -1


cdef inline bint is_a(object value, object form) except -1:
    """True if ``value`` is of the type ``form``. May run user code: never under the lock."""
    if Py_IS_TYPE(value, <void *> form):
        return True
    if PyType_CheckExact(form):  # its metaclass is ``type``: no look at the form itself is needed
        return PyObject_IsInstance(value, form)
    return is_a_slowly(value, form)


cdef bint is_a_slowly(object value, object form) except -1
cdef bint may_be(object value, object form) except -1
cdef object misfit(str name, object value, object form)
cdef int check_form(object form, bint read) except -1
cdef object kept_form(object form)
