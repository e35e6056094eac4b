# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""What all handles of one store share.

The lock rule. Between ``share`` or ``exclude`` and ``release`` runs no Python code, ever, and nothing that could suspend the
thread:

- keys are exact ``str`` with a hash before the lock is taken, so no ``__eq__`` and no ``__hash__`` of anybody runs;
- what is displaced is released after the unlock, so no ``__del__`` and no weakref callback runs;
- no Python object is allocated (before 3.12 that runs the collector on the spot): references are gathered in plain memory;
- no error is raised, for that would allocate: what fails there reports by its result, and the error comes after the unlock;
- type checks and copies come after the unlock;
- the thread stays attached: it keeps the GIL, or without one its thread state. So the data is whole whenever the world is stopped,
  for the collector or a fork, which read it without the lock.

Nobody waits for the lock attached for longer than a few looks: it is tried first, and waited for detached. Without a GIL, readers
do not touch it while no writer is there; a writer waits attached for those inside, who are running and leave first (_readers.h).
What a reader lets out loses its mark (_table.h).
"""

cimport cython
from cpython.list cimport PyList_New
from cpython.object cimport PyObject, PyTypeObject, inquiry, traverseproc, visitproc
from libc.stdlib cimport free, malloc

from cano.store._lock cimport cano_lock_drop, cano_lock_make, cano_lock_setup, cano_nap, cano_now, cano_thread

from os import strerror

from cano.errors import LockError


cdef extern from *:
    void PyList_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept


cdef extern from *:
    """
    #include "_thread.h"
    static CANO_OF_THREAD void *cano_runs = NULL;  /* a list of those of this thread, the latest first */
    static inline void *cano_first_run(void) { return cano_runs; }
    static inline void cano_set_first_run(void *run) { cano_runs = run; }
    """
    void *cano_first_run() noexcept
    void cano_set_first_run(void *run) noexcept


cdef enum:
    NAP = 50_000  # ns between two looks of a writer that leaves room: short against the 50 ms that it leaves at most


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


# Cython writes no traverse for a table in C, so these two go into the type's slots. Where the collector reads the table, nobody is
# suspended inside the lock, so it is whole and no lock is needed.

cdef int traverse(PyObject *self, visitproc visit, void *arg) noexcept:
    cdef cano_table *table = &(<_Core> self).data.table
    cdef size_t at
    cdef int status
    if table.entries is NULL:
        return 0
    for at in range(table.mask + 1):
        if table.entries[at].key is not NULL:
            status = visit(cano_value(&table.entries[at]), arg)
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
    cdef cano_count end = cano_now() + ROOM_MOST
    while cano_load(&data.guest) != cano_thread() and cano_now() < min(cano_load(&data.room), end):
        cano_nap(NAP)


# The runs of one thread, of all stores, where its writes can tell them that they are its own. In a forked child the runs of threads
# that are not there stay counted, which costs a look at this list with each write.

cdef void begin(Data *data, Run *run) noexcept:
    run.data = data
    run.began = cano_load(&data.writes)
    run.own = 0
    run.next = <Run *> cano_first_run()
    cano_set_first_run(run)
    cano_add(&data.runs, 1)


cdef void end(Data *data, Run *run) noexcept:
    cdef Run *before = <Run *> cano_first_run()
    if before is run:
        cano_set_first_run(run.next)
    else:
        while before.next is not run:  # greenlets end in any order
            before = before.next
        before.next = run.next
    cano_add(&data.runs, -1)


cdef void note_own(Data *data) noexcept:
    """Count a write for the runs of this thread. Held: exclusive."""
    cdef Run *run = <Run *> cano_first_run()
    while run is not NULL:
        if run.data is data:
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
                    memory[size + number] = cano_let_out(&entries[at])
                    Py_INCREF(memory[size + number])
                number += 1
    release_shared(data)
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
