# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False
"""What all handles of one store share.

The lock rule. Between ``share`` or ``exclude`` and ``release`` runs no Python code, ever, and nothing that could suspend the
thread:

- keys are exact ``str`` with a hash before the lock is taken, so no ``__eq__`` and no ``__hash__`` of anybody runs;
- what is displaced is released after the unlock, so no ``__del__`` and no weakref callback runs;
- no Python object is allocated (before 3.12 that runs the collector on the spot): references are gathered in plain memory;
- no error is raised, for that would allocate: what fails there reports by its result, and the error comes after the unlock;
- type checks and copies come after the unlock;
- the GIL is kept. So the data is whole whenever anybody else looks: another thread, the collector, a forked child.

Nobody waits for the lock attached: it is tried first, and waited for with the GIL released.
"""

cimport cython
from cpython.list cimport PyList_New
from cpython.object cimport PyObject, PyTypeObject, inquiry, traverseproc, visitproc
from libc.stdlib cimport free, malloc

from cano.store._lock cimport cano_lock_drop, cano_lock_make, cano_lock_setup, cano_nap, cano_now, cano_thread

import sys
from os import strerror

from cano.errors import LockError


cdef extern from *:
    void PyList_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept


cdef enum:
    NAP = 50_000  # ns between two looks of a writer that leaves room: short against the 50 ms that it leaves at most


if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
    raise ImportError("cano's store is not built for running without the GIL: leave PYTHON_GIL and -X gil alone")

cdef int refused_setup = cano_lock_setup()
if refused_setup:
    raise ImportError(f"cano cannot watch for forks, so its stores would not be safe: {strerror(refused_setup)}")


@cython.final
@cython.no_gc_clear  # see ``clear`` below
@cython.trashcan(True)  # so that a long chain of stores does not end the C stack when it dies
cdef class _Core:
    """The data of one store; it has no face of its own."""

    def __cinit__(self):
        cdef int refused
        if cano_table_make(&self.data.table, CANO_SMALLEST):
            raise MemoryError()
        refused = cano_lock_make(&self.data.lock)
        if refused:
            raise LockError(refused, strerror(refused))
        self.made = True

    def __dealloc__(self):
        cano_table_drop(&self.data.table)
        if self.made:
            cano_lock_drop(&self.data.lock)


# Cython writes no traverse for a table in C, so these two go into the type's slots. The collector runs attached, and nobody is
# suspended inside the lock, so the table is whole and no lock is needed.

cdef int traverse(PyObject *self, visitproc visit, void *arg) noexcept:
    cdef cano_table *table = &(<_Core> self).data.table
    cdef size_t at
    cdef int status
    if table.entries is NULL:
        return 0
    for at in range(table.mask + 1):
        if table.entries[at].value is not NULL:
            status = visit(table.entries[at].value, arg)
            if status:
                return status
    return 0


cdef int clear(PyObject *self) noexcept:
    """Break a cycle through a store that nobody reaches any more; a finalizer that still does finds it empty."""
    cdef cano_table *table = &(<_Core> self).data.table
    cdef cano_table displaced = table[0]
    if not cano_table_make(table, CANO_SMALLEST):
        cano_table_drop(&displaced)
    else:
        table[0] = displaced  # without memory now: the next collection finds it again
    return 0


(<PyTypeObject *> _Core).tp_traverse = <traverseproc> traverse
(<PyTypeObject *> _Core).tp_clear = <inquiry> clear


cdef int refuse(int refused) except -1:
    raise LockError(refused, strerror(refused))


cdef int no_memory() except -1:
    raise MemoryError()


cdef void give_room(Data *data) noexcept:
    """Wait, detached, while another thread has asked for room and its time is not over; for guest after guest no longer."""
    cdef unsigned long long end = cano_now() + ROOM_MOST
    while data.room and data.guest != cano_thread() and cano_now() < min(data.room, end):
        cano_nap(NAP)


cdef void note_own(Data *data) noexcept:
    """Count a write for the runs of this thread. Held: exclusive."""
    cdef Run *run = data.runs
    cdef unsigned long me = cano_thread()
    while run is not NULL:
        if run.thread == me:
            run.own += 1
        run = run.next


cdef Py_ssize_t gather(Data *data, PyObject ***keys, PyObject ***values, size_t most) except -1:
    """Note the keys, and the values if asked for, as they are at one moment, in fresh memory; new references.

    Gathers nothing if there are more than ``most``. Returns how many it gathered; the caller frees ``keys``, and ``values``
    points into the same memory.
    """
    cdef size_t size, at
    cdef Py_ssize_t number = 0
    cdef cano_entry *entries
    cdef PyObject **memory
    share(data)
    size = data.table.used if data.table.used <= most else 0
    memory = <PyObject **> malloc((size * (2 if values is not NULL else 1) + 1) * sizeof(PyObject *))
    if memory is not NULL and size:
        # Held: shared. Only counts go up here.
        entries = data.table.entries
        for at in range(data.table.mask + 1):
            if entries[at].key is not NULL:
                Py_INCREF(entries[at].key)
                memory[number] = entries[at].key
                if values is not NULL:
                    Py_INCREF(entries[at].value)
                    memory[size + number] = entries[at].value
                number += 1
    release(data)
    if memory is NULL:
        raise MemoryError()
    keys[0] = memory
    if values is not NULL:
        values[0] = memory + size
    return number


cdef list list_of_keys(Data *data, size_t most):
    """The keys at one moment; none if there are more than ``most``."""
    cdef PyObject **keys = NULL
    cdef Py_ssize_t size = gather(data, &keys, NULL, most), at
    cdef list result
    try:
        result = PyList_New(size)
    except MemoryError:
        for at in range(size):
            Py_DECREF(keys[at])
        free(keys)
        raise
    for at in range(size):
        PyList_SET_ITEM(<PyObject *> result, at, keys[at])
    free(keys)
    return result
