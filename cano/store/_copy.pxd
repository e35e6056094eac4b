"""Deep copies: see _copy.pyx."""

from cpython.object cimport PyObject, PyTypeObject


cdef extern from *:
    PyTypeObject PyUnicode_Type, PyLong_Type, PyFloat_Type, PyBool_Type, PyBytes_Type, PyComplex_Type
    PyTypeObject *Py_TYPE(PyObject *) noexcept


cdef inline bint is_atomic(PyObject *value) noexcept:
    """True for the plain values that a copy would return as they are, by exact type."""
    cdef PyTypeObject *kind = Py_TYPE(value)
    return (
        kind is &PyUnicode_Type
        or kind is &PyLong_Type
        or kind is &PyFloat_Type
        or value is <PyObject *> None
        or kind is &PyBool_Type
        or kind is &PyBytes_Type
        or kind is &PyComplex_Type
    )


cdef object deep_copy(object value)
