"""C declarations for looking into containers that other threads may change: see _parts.h."""

from cpython.object cimport PyObject, PyTypeObject


cdef extern from "_parts.h":
    ctypedef struct cano_section:
        pass

    void cano_enter(cano_section *section, object container) noexcept
    void cano_leave(cano_section *section) noexcept
    int cano_item_of(object dict, object key, PyObject **found) except -1
    list cano_list_copy(object list)
    dict cano_dict_copy(object dict)
    object cano_attributes(object value)
    int cano_set_item(object list, Py_ssize_t at, object item) except -1
    PyTypeObject *cano_class_in(PyTypeObject **field) noexcept
    void cano_forget_class(PyTypeObject **field) noexcept
    object cano_handed_over(PyObject *reference)
    void cano_own "Py_INCREF" (PyObject *) noexcept
