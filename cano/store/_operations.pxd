"""What the operations of a store do to its data: see _operations.pyx. Here are those that a call has to reach without a call."""

from cpython.object cimport PyObject

from cano.store._core cimport (
    Data, Py_XDECREF, cano_entry, cano_find, cano_is_owned, cano_mark, cano_taken, cano_value, exclude, held, hold, no_memory,
    release_exclusive, release_shared, share, take, wrote,
)
from cano.store._list cimport cano_grow, cano_only_ours


cdef extern from *:
    """
    static inline int cano_status(int status) { return status; }
    """
    int passed_on "cano_status" (int status) except -1  # raises what a call under the lock has set
    int PyList_CheckExact(PyObject *) noexcept


cdef inline int write(Data *data, PyObject *name, PyObject *value) except -1:
    cdef PyObject *displaced
    cdef int status
    exclude(data)
    status = hold(data, name, value, &displaced)
    release_exclusive(data)
    Py_XDECREF(displaced)  # may run a finalizer, which may use the store
    return no_memory() if status else 0


cdef inline int remove(Data *data, PyObject *name) except -1:
    cdef cano_taken taken
    exclude(data)
    taken = take(data, name)
    release_exclusive(data)
    Py_XDECREF(taken.key)
    Py_XDECREF(taken.value)  # may run a finalizer, which may use the store
    return 0


cdef inline bint extend(Data *data, PyObject *name, PyObject *item) except -1:
    """Append to the list under ``name`` if the store has it to itself; False: it has not, and nothing was done."""
    cdef cano_entry *entry
    cdef PyObject *seen
    cdef int status = 0
    cdef bint ours
    exclude(data)
    entry = cano_find(&data.table, name)
    seen = cano_value(entry)
    ours = seen is not NULL and PyList_CheckExact(seen) and cano_only_ours(seen, cano_is_owned(entry))
    if ours:
        cano_mark(entry)
        status = cano_grow(seen, item)
        wrote(data)
    release_exclusive(data)
    passed_on(status)
    return ours


cdef inline bint contains(Data *data, PyObject *name) except -1:
    cdef bint found
    share(data)
    found = held(data, name) is not NULL
    release_shared(data)
    return found


cdef inline Py_ssize_t size_of(Data *data) except -1:
    cdef Py_ssize_t size
    share(data)
    size = data.table.used
    release_shared(data)
    return size


cdef object read(Data *data, str name, object form, object default, bint copy)
cdef int append_slowly(Data *data, str name, object item) except -1
cdef object put_if_absent(Data *data, str name, object value, object form)
cdef dict snapshot(Data *data)
cdef int clear(Data *data) except -1
