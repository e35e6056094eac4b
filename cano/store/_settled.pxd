"""What the class of a value says alone, and the parts of a list or dict that need another look. No code runs here."""

from cpython.object cimport PyObject, PyTypeObject

from cano.store._parts cimport cano_class_in, cano_enter, cano_leave, cano_own, cano_section
from cano.store._plan cimport ANYTHING, UNION, Node


cdef extern from *:
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    PyObject *PyList_GET_ITEM(object, Py_ssize_t) noexcept
    Py_ssize_t PyList_GET_SIZE(object) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *) noexcept
    int PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **) noexcept


cdef inline bint settled(PyObject *value, Node node) noexcept:
    """True if the class of the value says already that it fits; no code runs."""
    cdef Py_ssize_t at
    cdef PyTypeObject *kind = Py_TYPE(value)
    cdef PyObject *parts
    if kind is cano_class_in(&node.exact):
        return True
    if node.kind == UNION:
        parts = <PyObject *> node.parts
        for at in range(PyTuple_GET_SIZE(parts)):
            if kind is cano_class_in(&(<Node> PyTuple_GET_ITEM(parts, at)).exact):
                return True
        return False
    return node.kind == ANYTHING


cdef inline PyObject *unsettled_item(object value, Node part, Py_ssize_t *place, Py_ssize_t size) noexcept:
    """A new reference to the next item of a list whose class does not settle it, and its place; NULL: there is none."""
    cdef cano_section section
    cdef Py_ssize_t at = place[0]
    cdef PyObject *item = NULL
    cano_enter(&section, value)
    while at < size and at < PyList_GET_SIZE(value):
        if not settled(PyList_GET_ITEM(value, at), part):
            item = PyList_GET_ITEM(value, at)
            cano_own(item)
            break
        at += 1
    cano_leave(&section)
    place[0] = at
    return item


cdef struct Way:  # how far a look through a dict has come
    Py_ssize_t at
    Py_ssize_t left    # pairs that are still looked at
    PyObject *key      # new references
    PyObject *value


cdef inline bint unsettled_pair(object value, Node first, Node second, Way *way) noexcept:
    """True with the next pair of a dict that classes do not settle; ``second`` is None if keys alone are looked at."""
    cdef cano_section section
    cdef Py_ssize_t at = way.at, left = way.left
    cdef PyObject *key
    cdef PyObject *each
    cdef bint found = False
    cano_enter(&section, value)
    while left > 0 and PyDict_Next(value, &at, &key, &each):
        left -= 1
        if not (settled(key, first) and (second is None or settled(each, second))):
            cano_own(key)
            cano_own(each)
            way.key, way.value = key, each
            found = True
            break
    cano_leave(&section)
    way.at, way.left = at, left
    return found
