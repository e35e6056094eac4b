# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""Writes that land at one moment, all of them or none, if what was read still holds.

Identity is the version. What was read is held by a strong reference, so an address names nothing else meanwhile; and no
operation changes in place what anybody but the store refers to. So "the same object" means "the same content", and "still
nothing" means "still nothing"; what came and went in between does no harm.
"""

cimport cython
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc

from cano.store._core cimport (
    Data, Py_DECREF, Py_INCREF, Py_XDECREF, Py_XINCREF, cano_count, cano_entry, cano_find, cano_load, cano_table_put,
    cano_table_reserve, cano_table_shrink, cano_table_take, cano_taken, cano_value, exclude, release_exclusive, wrote,
)
from cano.store._lock cimport cano_passed_on
from cano.store._request cimport ABSENT


cdef extern from *:
    int PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **) noexcept


cdef struct Change:
    PyObject *name   # owned
    PyObject *value  # owned; NULL is a removal
    cano_taken displaced


cdef PyObject *moved(Data *data, dict reads) noexcept:
    """The first name, borrowed, under which is not what was read, or NULL. Held: shared or exclusive."""
    cdef Py_ssize_t at = 0
    cdef PyObject *name
    cdef PyObject *seen
    cdef PyObject *now
    while PyDict_Next(reads, &at, &name, &seen):
        now = cano_value(cano_find(&data.table, name))
        if now is not seen and (now is not NULL or seen is not <PyObject *> ABSENT):
            return name
    return NULL


cdef object land(Data *data, dict reads, cano_count checked, dict writes):
    """Make all ``writes`` if nothing in ``reads`` has moved, both by name, ABSENT for no value.

    Returns None, or the name of what has moved; then nothing was written, as when it raises. ``checked`` is the number of
    writes that the store had seen when the reads last held.
    """
    cdef Py_ssize_t size = len(writes), at = 0, step = 0
    cdef PyObject *name
    cdef PyObject *value
    cdef PyObject *stale = NULL
    cdef size_t fresh = 0
    cdef bint roomy = False
    cdef Change *changes = <Change *> malloc((size + 1) * sizeof(Change))
    if changes is NULL:
        raise MemoryError()
    # A thread that wrote to the transaction as it ended, and had to wait for a finalizer, may still come.
    with cython.critical_section(writes):
        while step < size and PyDict_Next(writes, &at, &name, &value):
            changes[step].name = name
            changes[step].value = value if value is not <PyObject *> ABSENT else NULL
            changes[step].displaced.key = changes[step].displaced.value = NULL
            Py_INCREF(name)
            Py_XINCREF(changes[step].value)
            step += 1
    size = step
    try:
        exclude(data)
        if cano_load(&data.writes) != checked:
            stale = moved(data, reads)
        if stale is NULL:
            for step in range(size):
                fresh += changes[step].value is not NULL and cano_find(&data.table, changes[step].name).key is NULL
            roomy = not cano_table_reserve(&data.table, fresh)  # so that no step below can fail
        if roomy:
            for step in range(size):
                make(data, &changes[step])
            cano_table_shrink(&data.table)
            wrote(data)
        Py_XINCREF(stale)
        release_exclusive(data)
    finally:
        for step in range(size):
            Py_DECREF(changes[step].name)
            Py_XDECREF(changes[step].value)
            Py_XDECREF(changes[step].displaced.key)
            Py_XDECREF(changes[step].displaced.value)  # may run a finalizer, which may use the store
        free(changes)
    if stale is not NULL:
        return cano_passed_on(stale)
    if not roomy:
        raise MemoryError()
    return None


cdef inline void make(Data *data, Change *change) noexcept:
    """Make one change, for which there is room. Held: exclusive."""
    cdef cano_entry *entry = cano_find(&data.table, change.name)
    if change.value is not NULL:
        change.displaced.value = cano_table_put(&data.table, entry, change.name, change.value)
    elif entry.key is not NULL:
        change.displaced = cano_table_take(&data.table, entry)
