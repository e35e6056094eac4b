"""C declarations of a list that the store has to itself: see _list.h."""

from cpython.object cimport PyObject


cdef extern from "_list.h":
    bint cano_only_ours(PyObject *value, bint owned) noexcept
    int cano_grow(PyObject *list, PyObject *item) noexcept
