/* A list that the store has to itself, and how it grows. The caller holds the lock exclusively. */

#ifndef CANO_LIST_H
#define CANO_LIST_H

#include <Python.h>

/* The store's is the only reference, so nobody else can see the list change. Exact while we hold the GIL: every other
   holder is counted. (A build without GIL needs a mark of its own: another thread's references are counted late.) */
static inline int cano_only_ours(PyObject *value) { return Py_REFCNT(value) == 1; }

/* Append to an exact list that is only ours. 0, or -1 with a MemoryError set, the one error that is set under the lock: CPython
   keeps some of these ready. Where there is room, and a GIL, without a call. */
static inline int cano_grow(PyObject *list, PyObject *item)
{
#ifndef Py_GIL_DISABLED
    PyListObject *ours = (PyListObject *)list;
    Py_ssize_t size = PyList_GET_SIZE(list);
    if (size < ours->allocated) {
        Py_INCREF(item);
        ours->ob_item[size] = item;
        Py_SET_SIZE(ours, size + 1);
        return 0;
    }
#endif
    return PyList_Append(list, item);
}

#endif
