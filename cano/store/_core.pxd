"""What all handles of one store share: the lock, the table that it guards, and counts.

The lock rule stands at the head of _core.pyx.
"""

from cpython.object cimport PyObject

from cano.store._lock cimport (
    cano_lock, cano_lock_exclusive, cano_lock_shared, cano_unlock_exclusive, cano_unlock_shared,
)


cdef extern from "_table.h":
    ctypedef struct cano_entry:
        PyObject *key  # and the value, which the functions below read

    ctypedef struct cano_taken:
        PyObject *key
        PyObject *value

    ctypedef struct cano_table:
        cano_entry *entries
        size_t mask
        size_t used
        int bits

    Py_hash_t cano_hash(object key) except? -1
    cano_entry *cano_find(const cano_table *table, PyObject *key) noexcept
    PyObject *cano_value(const cano_entry *entry) noexcept
    PyObject *cano_let_out(cano_entry *entry) noexcept
    bint cano_is_owned(const cano_entry *entry) noexcept
    void cano_mark(cano_entry *entry) noexcept
    int cano_table_make(cano_table *table, int bits) noexcept
    int cano_table_reserve(cano_table *table, size_t more) noexcept
    PyObject *cano_table_put(cano_table *table, cano_entry *entry, PyObject *key, PyObject *value) noexcept
    cano_taken cano_table_take(cano_table *table, cano_entry *entry) noexcept
    void cano_table_shrink(cano_table *table) noexcept
    void cano_table_drop(cano_table *table)
    const int CANO_SMALLEST


cdef extern from *:
    # Under the lock only counts go up, so that nothing is released there.
    void Py_INCREF(PyObject *) noexcept
    void Py_XINCREF(PyObject *) noexcept
    void Py_DECREF(PyObject *)
    void Py_XDECREF(PyObject *)


cdef enum:
    ROOM_MOST = 50_000_000  # ns that writers leave room to a guest at most


cdef extern from "_counts.h":
    ctypedef unsigned long long cano_count

    cano_count cano_load(const cano_count *count) noexcept
    void cano_set(cano_count *count, cano_count to) noexcept
    void cano_add(cano_count *count, long long more) noexcept
    ctypedef struct cano_apart:
        pass


cdef struct Run:
    Run *next
    void *data            # the store that it is about
    cano_count began      # ``writes`` of the store at its first look
    cano_count own        # how many of the writes since then came from its own thread


cdef struct Data:
    cano_lock lock     # guards the table: shared to read it, exclusive to change it
    cano_table table
    cano_apart apart   # so that who counts does not take away what all readers read
    # Counts that are looked at without the lock, too, each by itself:
    cano_count writes  # how many changes there have been. Changed under the exclusive lock
    cano_count runs    # how many runs of a modify or transact are going on
    cano_count room    # until when (monotonic, ns) other writers leave room to ``guest``; 0: nobody asked
    cano_count guest   # a thread


cdef class _Core:
    cdef Data data
    cdef bint made          # the lock exists and has to be dropped
    cdef object gc_header   # always None: a type without any object gets no header, and the collector would not see the values


cdef int refuse(int refused) except -1
cdef int no_memory() except -1
cdef void give_room(Data *data) noexcept
cdef void begin(Data *data, Run *run) noexcept
cdef void end(Data *data, Run *run) noexcept
cdef void note_own(Data *data) noexcept


cdef inline int share(Data *data) except -1:
    """Take the lock for reading."""
    cdef int refused = cano_lock_shared(&data.lock)
    return refuse(refused) if refused else 0


cdef inline int exclude(Data *data) except -1:
    """Take the lock for writing."""
    cdef int refused
    if cano_load(&data.room):
        give_room(data)
    refused = cano_lock_exclusive(&data.lock)
    return refuse(refused) if refused else 0


cdef inline void release_shared(Data *data) noexcept:
    cano_unlock_shared(&data.lock)


cdef inline void release_exclusive(Data *data) noexcept:
    cano_unlock_exclusive(&data.lock)


cdef inline void wrote(Data *data) noexcept:
    """Say that something has changed. Held: exclusive."""
    cano_set(&data.writes, cano_load(&data.writes) + 1)
    if cano_load(&data.runs):
        note_own(data)


cdef inline PyObject *held(Data *data, PyObject *name) noexcept:
    """The value under ``name``, borrowed, or NULL. It is not to be let out. Held: shared or exclusive."""
    return cano_value(cano_find(&data.table, name))


cdef inline PyObject *let_out(Data *data, PyObject *name) noexcept:
    """A new reference to the value under ``name``, or NULL. Held: shared or exclusive."""
    cdef PyObject *found = cano_let_out(cano_find(&data.table, name))
    Py_XINCREF(found)
    return found


cdef inline PyObject *look(Data *data, PyObject *name) except? NULL:
    """A new reference to the value under ``name``, or NULL."""
    cdef PyObject *found
    share(data)
    found = let_out(data, name)
    release_shared(data)
    return found


cdef inline int hold(Data *data, PyObject *name, PyObject *value, PyObject **displaced) noexcept:
    """Put ``value`` under ``name``; what it displaces is the caller's, to be released after the unlock. Held: exclusive.

    -1 without memory: nothing has changed, and no error is set.
    """
    cdef cano_entry *entry = cano_find(&data.table, name)
    if entry.key is NULL:
        if cano_table_reserve(&data.table, 1):
            displaced[0] = NULL
            return -1
        entry = cano_find(&data.table, name)
    displaced[0] = cano_table_put(&data.table, entry, name, value)
    wrote(data)
    return 0


cdef inline cano_taken take(Data *data, PyObject *name) noexcept:
    """Remove what is under ``name``, if anything is. Held: exclusive.

    The key and the value in what it returns, or NULL, are the caller's, to be released after the unlock.
    """
    cdef cano_entry *entry = cano_find(&data.table, name)
    cdef cano_taken taken
    taken.key = taken.value = NULL
    if entry.key is not NULL:
        taken = cano_table_take(&data.table, entry)
        cano_table_shrink(&data.table)
        wrote(data)
    return taken


cdef Py_ssize_t gather(Data *data, PyObject ***keys, PyObject ***values, size_t most) except -1
cdef list list_of_keys(Data *data, size_t most)
