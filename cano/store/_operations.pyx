# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""What the operations of a store do to its data. The lock rule stands at the head of _core.pyx."""

from cpython.object cimport PyObject
from libc.stdlib cimport free

from cano.store._core cimport (
    CANO_SMALLEST, Data, Py_DECREF, Py_XDECREF, cano_find, cano_mark, cano_table, cano_table_drop, cano_table_make,
    exclude, gather, held, hold, let_out, look, no_memory, release_exclusive, wrote,
)
from cano.store._forms cimport is_a, misfit
from cano.store._lock cimport cano_passed_on
from cano.store._parts cimport cano_list_copy
from cano.store._request cimport ABSENT, handed_out, missing

from cano.errors import AppendTypeMismatch


cdef extern from *:
    const size_t SIZE_MAX


cdef object read(Data *data, str name, object form, object default, bint copy):
    cdef PyObject *found = look(data, <PyObject *> name)
    if found is NULL:
        return missing(data, None, name, form, default)
    return handed_out(cano_passed_on(found), name, form, copy)


cdef int append_slowly(Data *data, str name, object item) except -1:
    """Append by putting a new list in place, made with the lock released, until nothing has moved in between."""
    cdef PyObject *seen
    cdef PyObject *displaced = NULL
    cdef int status
    cdef bint moved
    cdef object base  # keeps what was seen alive, so that the same address is the same list
    cdef list own
    while not extend(data, <PyObject *> name, <PyObject *> item):
        seen = look(data, <PyObject *> name)
        if seen is NULL:
            base = None
            own = [item]
        else:
            base = cano_passed_on(seen)
            if type(base) is not list:
                raise AppendTypeMismatch(name, type(base))
            own = cano_list_copy(base)
            own.append(item)
        status = 0
        exclude(data)
        moved = held(data, <PyObject *> name) is not seen
        if not moved:
            status = hold(data, <PyObject *> name, <PyObject *> own, &displaced)
            if not status:
                cano_mark(cano_find(&data.table, <PyObject *> name))
                own = None  # which releases nothing, and leaves the list to the store alone before another thread appends to it
        release_exclusive(data)
        Py_XDECREF(displaced)
        if status:
            no_memory()
        if not moved:
            return 0
        base = own = None
    return 0


cdef object put_if_absent(Data *data, str name, object value, object form):
    """Return the value under ``name``, after putting ``value`` there if nothing was, in one step."""
    cdef PyObject *displaced = NULL
    cdef PyObject *found = look(data, <PyObject *> name)
    cdef int status = 0
    if found is NULL:
        if form is not ABSENT and not is_a(value, form):
            raise misfit(name, value, form)
        exclude(data)
        found = held(data, <PyObject *> name)
        if found is NULL:
            status = hold(data, <PyObject *> name, <PyObject *> value, &displaced)
        else:
            found = let_out(data, <PyObject *> name)
        release_exclusive(data)
        if status:
            no_memory()
        if found is NULL:
            return value
    stored = cano_passed_on(found)
    if form is not ABSENT and not is_a(stored, form):
        raise misfit(name, stored, form)
    return stored


cdef dict snapshot(Data *data):
    """All keys and the stored objects themselves, at one moment."""
    cdef PyObject **keys = NULL
    cdef PyObject **values = NULL
    cdef Py_ssize_t size = gather(data, &keys, &values, SIZE_MAX), at
    cdef dict result
    try:
        result = {}
        for at in range(size):
            result[<object> keys[at]] = <object> values[at]
        return result
    finally:
        for at in range(size):
            Py_DECREF(keys[at])
            Py_DECREF(values[at])
        free(keys)


cdef int clear(Data *data) except -1:
    """Remove everything, at one moment."""
    cdef cano_table fresh
    cdef cano_table displaced
    if cano_table_make(&fresh, CANO_SMALLEST):
        no_memory()
    try:
        exclude(data)
    except BaseException:
        cano_table_drop(&fresh)
        raise
    displaced = data.table
    data.table = fresh
    wrote(data)
    release_exclusive(data)
    cano_table_drop(&displaced)  # may run finalizers, which may use the store
    return 0
