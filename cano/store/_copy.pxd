"""Deep copies: see _copy.pyx."""

from cpython.object cimport PyObject, PyTypeObject

from cano.store._parts cimport cano_enter, cano_leave, cano_own, cano_section


cdef extern from *:
    PyTypeObject PyUnicode_Type, PyLong_Type, PyFloat_Type, PyBool_Type, PyBytes_Type, PyComplex_Type
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    PyObject *PyList_GET_ITEM(object, Py_ssize_t) noexcept
    Py_ssize_t PyList_GET_SIZE(object) noexcept
    int PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **) noexcept


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


cdef inline PyObject *next_item(list copy, Py_ssize_t *place, Py_ssize_t size) noexcept:
    """A new reference to the next item that is no plain value, and its place; NULL: there is none."""
    cdef cano_section section
    cdef Py_ssize_t at = place[0]
    cdef PyObject *item = NULL
    cano_enter(&section, copy)
    while at < size and at < PyList_GET_SIZE(copy):
        if not is_atomic(PyList_GET_ITEM(copy, at)):
            item = PyList_GET_ITEM(copy, at)
            cano_own(item)
            break
        at += 1
    cano_leave(&section)
    place[0] = at
    return item


cdef inline bint next_pair(dict copy, Py_ssize_t *at, Py_ssize_t *left, PyObject **key, PyObject **value) noexcept:
    """True with new references to the next key and value that are not both plain values."""
    cdef cano_section section
    cdef bint found = False
    cano_enter(&section, copy)
    while not found and left[0] > 0 and PyDict_Next(copy, at, key, value):
        left[0] -= 1
        if not (is_atomic(value[0]) and is_atomic(key[0])):
            cano_own(key[0])
            cano_own(value[0])
            found = True
    cano_leave(&section)
    return found


cdef object deep_copy(object value)
