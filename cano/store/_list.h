/* A list that the store has to itself, and how it grows. The caller holds the lock exclusively, or alone has what refers to it. */

#ifndef CANO_LIST_H
#define CANO_LIST_H

#include <Python.h>

/* The store's is the only reference, so nobody else can see the list change. ``owned``: the mark of its entry (see _table.h). */
#ifndef Py_GIL_DISABLED
/* Exact while we hold the GIL: every other holder is counted. */
static inline int cano_only_ours(PyObject *value, int owned) { return Py_REFCNT(value) == 1; }
#else
/* References are counted in two places, one for the thread that made the object and one for all others, and to read both is no
   reading of one moment. A list that the store has made and never let out has no holder that could come or go meanwhile, but for
   those whom the collector shows it to, while the world is stopped; who keeps it is seen, and only two of them who hand it from one
   to the other at that very moment could be missed. Any other list is ours if this thread made it, has one reference and no other
   thread has any: then the one is the store's, and nobody is there who could make another. */
static inline int cano_only_ours(PyObject *value, int owned)
{
    if (owned)
        return Py_REFCNT(value) == 1;
    return __atomic_load_n(&value->ob_tid, __ATOMIC_RELAXED) == _Py_ThreadId()
        && __atomic_load_n(&value->ob_ref_local, __ATOMIC_RELAXED) == 1
        && __atomic_load_n(&value->ob_ref_shared, __ATOMIC_ACQUIRE) == 0;
}
#endif

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
