# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, embedsignature=True, embedsignature.format=clinic
"""``MemoryStore``: a string-keyed map that threads and async tasks share through handles.

The lock rule stands at the head of _core.pyx: nothing that runs Python code between ``share`` or ``exclude`` and ``release``.
"""

cimport cython
from cpython.list cimport PyList_GetSlice
from cpython.object cimport PyObject
from libc.stdlib cimport free

from cano.store._commit cimport land
from cano.store._copy cimport is_atomic
from cano.store._core cimport (
    CANO_SMALLEST, _Core, Data, Py_DECREF, Py_XDECREF, Py_XINCREF, cano_entry, cano_table, cano_table_drop, cano_table_make,
    exclude, gather, held, hold, list_of_keys, look, no_memory, release, share, take, wrote,
)
from cano.store._forms cimport is_a, misfit
from cano.store._lock cimport cano_only_ours, cano_passed_on
from cano.store._request cimport ABSENT, PyUnicode_CheckExact, admitted, form_under, missing, owned, text
from cano.store._transact cimport modify, transact

from collections.abc import Mapping

from cano.errors import AppendTypeMismatch


cdef extern from *:
    """
    static inline int cano_status(int status) { return status; }
    """
    int passed_on "cano_status" (int status) except -1  # raises what a call under the lock has set

    # Under the lock nothing is raised, so that nothing is allocated there: these report by their result alone.
    int PyList_Append(PyObject *, object) noexcept
    int PyList_CheckExact(PyObject *) noexcept

    int Py_IS_TYPE(PyObject *, void *) noexcept
    const size_t SIZE_MAX


cdef inline object read(Data *data, str name, object form, object default, bint copy):
    cdef PyObject *found = look(data, name)
    if found is NULL:
        return missing(data, name, form, default)
    value = cano_passed_on(found)
    if form is not ABSENT and not is_a(value, form):
        raise misfit(name, value, form)
    if not copy or is_atomic(<PyObject *> value):
        return value
    return owned(value, name, form)


cdef inline int write(Data *data, str name, object value) except -1:
    cdef PyObject *displaced
    cdef int status
    exclude(data)
    status = hold(data, name, value, &displaced)
    release(data)
    Py_XDECREF(displaced)  # may run a finalizer, which may use the store
    return no_memory() if status else 0


cdef inline bint extend(Data *data, str name, object item) except -1:
    """Append to the list under ``name`` if the store has it to itself; False: it has not, and nothing was done."""
    cdef PyObject *seen
    cdef int status = 0
    cdef bint ours
    exclude(data)
    seen = held(data, name)
    ours = seen is not NULL and PyList_CheckExact(seen) and cano_only_ours(seen)
    if ours:
        status = PyList_Append(seen, item)
        wrote(data)
    release(data)
    passed_on(status)
    return ours


cdef int append_slowly(Data *data, str name, object item) except -1:
    """Append by putting a new list in place, made with the lock released, until nothing has moved in between."""
    cdef PyObject *seen
    cdef PyObject *displaced = NULL
    cdef int status
    cdef bint moved
    cdef object base  # keeps what was seen alive, so that the same address is the same list
    cdef list own
    while not extend(data, name, item):
        seen = look(data, name)
        if seen is NULL:
            base = None
            own = [item]
        else:
            base = cano_passed_on(seen)
            if type(base) is not list:
                raise AppendTypeMismatch(name, type(base))
            own = PyList_GetSlice(base, 0, len(<list> base))
            own.append(item)
        status = 0
        exclude(data)
        moved = held(data, name) is not seen
        if not moved:
            status = hold(data, name, own, &displaced)
        release(data)
        Py_XDECREF(displaced)
        if status:
            no_memory()
        if not moved:
            return 0
        base = own = None  # our own hold on the list would keep the store from having it to itself
    return 0


cdef inline bint contains(Data *data, str name) except -1:
    cdef bint found
    share(data)
    found = held(data, name) is not NULL
    release(data)
    return found


cdef inline Py_ssize_t size_of(Data *data) except -1:
    cdef Py_ssize_t size
    share(data)
    size = data.table.used
    release(data)
    return size


cdef object taken_out(Data *data, str name, object form, object default):
    """Remove and return the value under ``name`` if it is of the type asked for, in one step."""
    cdef PyObject *seen = NULL
    cdef PyObject *found
    cdef cano_entry taken
    cdef object value
    while True:
        exclude(data)
        found = held(data, name)
        # What was checked when it was looked at is still there, or needs no look that could run code.
        if found is not NULL and (found is seen or form is ABSENT or Py_IS_TYPE(found, <void *> form)):
            taken = take(data, name)
            release(data)
            Py_DECREF(taken.key)
            return cano_passed_on(taken.value)
        Py_XINCREF(found)
        release(data)
        if found is NULL:
            return missing(data, name, form, default)
        value = cano_passed_on(found)  # held, so that the same address is the same value
        if not is_a(value, form):
            raise misfit(name, value, form)
        seen = found


cdef object put_if_absent(Data *data, str name, object value, object form):
    """Return the value under ``name``, after putting ``value`` there if nothing was, in one step."""
    cdef PyObject *displaced = NULL
    cdef PyObject *found = look(data, name)
    cdef int status = 0
    if found is NULL:
        if form is not ABSENT and not is_a(value, form):
            raise misfit(name, value, form)
        exclude(data)
        found = held(data, name)
        if found is NULL:
            status = hold(data, name, value, &displaced)
        else:
            Py_XINCREF(found)
        release(data)
        if status:
            no_memory()
        if found is NULL:
            return value
    stored = cano_passed_on(found)
    if form is not ABSENT and not is_a(stored, form):
        raise misfit(name, stored, form)
    return stored


cdef int put_all(Data *data, object mapping, str call) except -1:
    cdef dict items = {}
    if not isinstance(mapping, Mapping):
        hint = ""
        if isinstance(mapping, MemoryStore):
            hint = "; for a second handle on its data call clone(), for a dict of its values snapshot()"
        raise TypeError(f"{call} a mapping, got {type(mapping).__qualname__}{hint}")
    for key, value in dict(mapping).items():  # all checked before the first is put
        items[admitted(key, value)] = value
    if items:
        land(data, {}, 0, items)
    return 0


@cython.no_gc_clear  # a finalizer may still reach a handle that the collector takes apart: it must keep its core
@cython.trashcan(True)  # so that a long chain of stores does not end the C stack when it dies
cdef class MemoryStore:
    """MemoryStore(mapping=None, /)
--

    A string-keyed map that any number of threads and async tasks share through handles.

    ``MemoryStore()`` is empty, ``MemoryStore(mapping)`` starts with the items of a mapping; values are kept by reference.
    Every operation is atomic with respect to every other, from any thread. None waits for anything but another operation, none
    runs Python code while it holds the lock, and one that raises has changed nothing. No operation is a coroutine: each is
    shorter than a switch of tasks. A key is a ``str`` (a subclass counts as its text) or a ``Key``. After ``fork`` the child
    can use its stores; each process then has its own data. An empty store is false, as an empty dict is. A store is not
    pickled and not copied, see ``snapshot``.

    Raises:
        TypeError: of every method, for a key that is no ``str`` and no ``Key``.
        LockError: of every method, if pthread refuses the lock; nothing was done.
    """

    def __cinit__(self):
        self.core = _Core()

    def __init__(self, mapping=None, /, **items):
        if items:
            raise TypeError(f"a store starts from a mapping: MemoryStore({{{next(iter(items))!r}: ...}}), not from keywords")
        if mapping is not None:
            put_all(&self.core.data, mapping, "a store starts from")

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def get(self, key, form=ABSENT, /, *, default=ABSENT):
        """get($self, key, form=..., /, *, default=...)
--

        Return an owned copy of the value: nothing the caller does to it reaches the store.

        The copy is what ``copy.deepcopy`` makes; immutable plain values come back as they are. A class as ``form`` is checked by
        ``isinstance`` before the copy is made, and the copy again.
        Cost: O(1) for plain values, otherwise the size of the value; ``get_shared`` never copies.

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names.
            CopyError: the value cannot be copied.
            RecursionError: the value is nested too deep to be copied.
            TypeError: ``form`` is no form that can be checked.
        """
        if PyUnicode_CheckExact(key):
            return read(&self.core.data, text(key), form, default, True)
        return read(&self.core.data, text(key), form_under(key, form), default, True)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def get_shared(self, key, form=ABSENT, /, *, default=ABSENT):
        """get_shared($self, key, form=..., /, *, default=...)
--

        Return the stored object itself, without a copy: two calls with no write between return the identical object.

        No later operation of the store changes that object (``append`` copies a list that somebody holds); what a holder
        changes in place, every other holder sees. Cost: O(1).

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names.
            TypeError: ``form`` is no form that can be checked.
        """
        if PyUnicode_CheckExact(key):
            return read(&self.core.data, text(key), form, default, False)
        return read(&self.core.data, text(key), form_under(key, form), default, False)

    def put(self, key, value, /):
        """Insert or replace whatever was there, and keep a reference to ``value``, which is not copied. Cost: O(1).

        Raises:
            TypeMismatch: the key is typed and ``value`` is not of its type; the store is unchanged.
        """
        if PyUnicode_CheckExact(key):
            write(&self.core.data, text(key), value)
        else:
            write(&self.core.data, admitted(key, value), value)

    def append(self, key, item, /):
        """Append ``item`` to the list under ``key``, or put ``[item]`` there if nothing is stored.

        N appends from any number of threads leave N items. A list that anybody else can see is never changed: the store then
        goes on with a copy of its own. Cost: O(1) amortised; O(n) once after somebody took the list by ``get_shared`` or put
        it and still holds it.

        Raises:
            AppendTypeMismatch: the value is no ``list``, or a subclass of it; it stays as it was.
            TypeMismatch: the key is typed and its type admits no list.
        """
        cdef str name = text(key)
        if not PyUnicode_CheckExact(key):
            admitted(key, [item])
        if not extend(&self.core.data, name, item):
            append_slowly(&self.core.data, name, item)

    def remove(self, key, /):
        """Delete what is under ``key``; a missing key is no error. Cost: O(1)."""
        cdef str name = text(key)
        cdef cano_entry taken
        exclude(&self.core.data)
        taken = take(&self.core.data, name)
        release(&self.core.data)
        Py_XDECREF(taken.key)
        Py_XDECREF(taken.value)  # may run a finalizer, which may use the store

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def pop(self, key, form=ABSENT, /, *, default=ABSENT):
        """pop($self, key, form=..., /, *, default=...)
--

        Remove the value and return it, the stored object itself, in one step: of many threads one gets it. Cost: as ``get_shared``.

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names; it stays.
            TypeError: ``form`` is no form that can be checked.
        """
        return taken_out(&self.core.data, text(key), form_under(key, form), default)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def setdefault(self, key, value, form=ABSENT, /):
        """setdefault($self, key, value, form=..., /)
--

        Return the stored object itself, after putting ``value`` there if nothing was, in one step. Cost: as ``get_shared``.

        Raises:
            TypeMismatch: what is stored, or else ``value``, is not of the type asked for, or of the type that the typed key
                names; the store is unchanged.
            TypeError: ``form`` is no form that can be checked.
        """
        return put_if_absent(&self.core.data, text(key), value, form_under(key, form))

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def modify(self, key, fn, form=ABSENT, /, *, default=ABSENT):
        """modify($self, key, fn, form=..., /, *, default=...)
--

        Replace the value under ``key`` by what ``fn`` makes of it, without losing anybody's update; return the new value.

        ``fn`` gets what ``get`` would return, a copy of its own, or a copy of ``default`` if nothing is stored, and returns the
        new value. It runs without any lock, so it may use the store, and it runs again, with a new copy, if another thread has
        replaced the value meanwhile: let it touch nothing but what it was given. If it raises, nothing has changed. After 8
        failed runs other writers of the store leave room, for four times the last run, at most 50 ms.
        Cost: ``get``, ``fn`` and ``put``, for each run.

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given.
            TypeMismatch: the value, or what ``fn`` returned, is not of the type asked for, or of the type that the key names.
            CopyError, RecursionError: as ``get``.
            CommitConflict: ``fn`` itself keeps replacing the value through the store, or 10,000 runs have failed.
            TypeError: ``fn`` is async, or ``form`` is no form that can be checked.
        """
        return modify(self.core, key, fn, form, default)

    def put_many(self, mapping, /):
        """Put all items of a mapping at one moment: a reader sees all of them or none. Cost: O(n).

        Raises:
            TypeMismatch: a key is typed and its value is not of its type; the store is unchanged.
            TypeError: the argument is no mapping, or one of its keys no key; the store is unchanged.
        """
        put_all(&self.core.data, mapping, "put_many takes")

    def transact(self, fn, /):
        """Read and write several keys at one moment: call ``fn(tx)`` and return what it returns.

        ``fn`` reads and writes through ``tx``, a ``Transaction``; its reads are all of one moment, and its writes land at one
        moment when it returns, or not at all. It runs without any lock, so it may use the store, and it runs again if another
        thread has replaced what it read: let it touch nothing but what it reads from ``tx``. If it raises, nothing has changed.
        After 8 failed runs other writers of the store leave room, for four times the last run, at most 50 ms.
        Cost: the run of ``fn``, and O(keys read and written) at the commit, for each run.

        Raises:
            CommitConflict: ``fn`` keeps changing what it read through the store itself, or 10,000 runs have failed.
            TypeError: ``fn`` is async.
        """
        return transact(self.core, fn)

    def contains_key(self, key, /):
        """Return whether something is stored under ``key``. Cost: O(1)."""
        return contains(&self.core.data, text(key))

    def __contains__(self, key):
        return contains(&self.core.data, text(key))

    def keys(self):
        """Return a list of all keys at one moment, as exact ``str``, in no particular order. Cost: O(n)."""
        return list_of_keys(&self.core.data, SIZE_MAX)

    def __iter__(self):
        return iter(list_of_keys(&self.core.data, SIZE_MAX))

    def snapshot(self):
        """Return a dict of all keys and the stored objects themselves, at one moment. Cost: O(n), no value is copied."""
        cdef PyObject **keys = NULL
        cdef PyObject **values = NULL
        cdef Py_ssize_t size = gather(&self.core.data, &keys, &values, SIZE_MAX), at
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

    def __len__(self):
        return size_of(&self.core.data)

    def len(self):
        """Return the number of keys; the same as ``len(store)``. Cost: O(1)."""
        return size_of(&self.core.data)

    def is_empty(self):
        """Return whether nothing is stored. Cost: O(1)."""
        return size_of(&self.core.data) == 0

    def clear(self):
        """Remove everything, at one moment. Cost: O(1) under the lock, O(n) after it."""
        cdef cano_table fresh
        cdef cano_table displaced
        if cano_table_make(&fresh, CANO_SMALLEST):
            no_memory()
        try:
            exclude(&self.core.data)
        except BaseException:
            cano_table_drop(&fresh)
            raise
        displaced = self.core.data.table
        self.core.data.table = fresh
        wrote(&self.core.data)
        release(&self.core.data)
        cano_table_drop(&displaced)  # may run finalizers, which may use the store

    def clone(self):
        """Return a second handle on the same data, never a copy of it. Cost: O(1).

        A subclass gets an instance of itself, made without its ``__new__`` and ``__init__``.
        """
        cdef MemoryStore handle = MemoryStore.__new__(type(self))
        handle.core = self.core
        return handle

    def __repr__(self):
        cdef Py_ssize_t size = size_of(&self.core.data)
        return f"<{type(self).__name__}: {size} {'key' if size == 1 else 'keys'}>"

    def __copy__(self):
        raise TypeError("a store is not copied: clone() is a second handle on its data, MemoryStore(store.snapshot()) a new store")

    def __deepcopy__(self, memo, /):
        raise TypeError("a store is not deep-copied: take store.snapshot(), a dict of its values, and copy that")

    def __reduce__(self):
        raise TypeError("a store is not pickled: take store.snapshot(), a dict of its values, and pickle that")
