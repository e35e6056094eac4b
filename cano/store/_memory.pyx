# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, embedsignature=True, embedsignature.format=clinic
"""``MemoryStore``: a string-keyed map that threads and async tasks share through handles.

The lock rule. Between ``acquire`` and ``cano_unlock`` runs no Python code, ever, and nothing that could suspend the thread:

- keys are exact ``str`` before the lock is taken, so no ``__eq__`` and no ``__hash__`` of anybody runs;
- what is displaced is released after the unlock, so no ``__del__`` and no weakref callback runs;
- no Python object is allocated (before 3.12 that runs the collector on the spot): references are gathered in plain memory;
- type checks and copies come after the unlock;
- the GIL is kept. So the data is whole whenever anybody else looks: another thread, the collector, a forked child.

Nobody waits for the lock attached: it is tried first, and waited for with the GIL released.
"""

cimport cython
from cpython.list cimport PyList_GetSlice, PyList_New
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc

from cano.store._copy cimport deep_copy, is_atomic
from cano.store._forms cimport check_form, is_a, misfit
from cano.store._key cimport Key, text_slowly
from cano.store._lock cimport (
    cano_lock_drop, cano_lock_exclusive, cano_lock_make, cano_lock_setup, cano_lock_shared, cano_only_ours, cano_passed_on,
    cano_unlock,
)

import sys
from collections.abc import Mapping
from copy import Error as CopyModuleError
from os import strerror
from pickle import PicklingError

from cano._text import shown_text
from cano.errors import AppendTypeMismatch, CopyError, KeyNotFound, LockError


cdef extern from *:
    """
    static inline int cano_status(int status) { return status; }
    """
    int passed_on "cano_status" (int status) except -1  # raises what a call under the lock has set

    # Under the lock nothing is raised, so that nothing is allocated there: these report by their result alone.
    PyObject *PyDict_GetItemWithError(PyObject *, object) noexcept
    int PyDict_SetItem(PyObject *, object, object) noexcept
    int PyDict_DelItem(PyObject *, object) noexcept
    int PyDict_Next(PyObject *, Py_ssize_t *, PyObject **, PyObject **) noexcept
    Py_ssize_t PyDict_Size(PyObject *) noexcept
    int PyList_Append(PyObject *, object) noexcept
    int PyList_CheckExact(PyObject *) noexcept
    void Py_INCREF(PyObject *) noexcept
    void Py_DECREF(PyObject *) noexcept
    void Py_XINCREF(PyObject *) noexcept
    void Py_XDECREF(PyObject *) noexcept

    int PyUnicode_CheckExact(object) noexcept
    void PyList_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept
    const Py_ssize_t PY_SSIZE_T_MAX


cdef enum:
    KNOWN_KEYS = 256  # the most keys that a KeyNotFound carries to suggest from

cdef object ABSENT = object()  # an argument that was not given


if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
    raise ImportError("cano's store is not built for running without the GIL: leave PYTHON_GIL and -X gil alone")

cdef int refused = cano_lock_setup()
if refused:
    raise ImportError(f"cano cannot watch for forks, so its stores would not be safe: {strerror(refused)}")


@cython.final
@cython.no_gc_clear  # ``data`` must outlive every finalizer that still uses the store; the collector clears the dict itself
@cython.trashcan(True)
cdef class _Core:
    """What all handles of one store share."""

    def __cinit__(self):
        cdef int refused
        self.data = {}
        refused = cano_lock_make(&self.lock)
        if refused:
            raise LockError(refused, strerror(refused))
        self.made = True

    def __dealloc__(self):
        if self.made:
            cano_lock_drop(&self.lock)


cdef int refuse(int refused) except -1:
    raise LockError(refused, strerror(refused))


# What follows takes the handle and not its core: Cython counts a reference to an attribute that it passes on, not to ``self``.

cdef inline int share(MemoryStore self) except -1:
    """Take the lock for reading."""
    cdef int refused = cano_lock_shared(&self.core.lock)
    return refuse(refused) if refused else 0


cdef inline int exclude(MemoryStore self) except -1:
    """Take the lock for writing."""
    cdef int refused = cano_lock_exclusive(&self.core.lock)
    return refuse(refused) if refused else 0


cdef inline void release(MemoryStore self) noexcept:
    cano_unlock(&self.core.lock)


cdef inline PyObject *held(MemoryStore self, str name) noexcept:
    """The value under ``name``, borrowed, or NULL. Held: shared or exclusive. Exact str keys cannot fail to compare."""
    return PyDict_GetItemWithError(<PyObject *> self.core.data, name)


cdef inline int hold(MemoryStore self, str name, object value) noexcept:
    """Put ``value`` under ``name``; -1 with a MemoryError set, to be raised after the unlock. Held: exclusive."""
    return PyDict_SetItem(<PyObject *> self.core.data, name, value)


cdef inline str text(object key):
    """The exact text of a key, without calling any code of a subclass."""
    return <str> key if PyUnicode_CheckExact(key) else text_slowly(key)


cdef object form_under(object key, object form):
    """The type to ask for under a key that is no plain str: the typed key's own, or ``form``."""
    if type(key) is not Key:
        return form
    if form is not ABSENT:
        raise TypeError(f"{key!r} names its type already: leave {shown_text(form)} out")
    return (<Key> key).asked


cdef str checked(object key, object value):
    """The exact text of a key that is about to hold ``value``."""
    cdef str name = text(key)
    form = form_under(key, ABSENT)
    if form is not ABSENT and not is_a(value, form):
        raise misfit(name, value, form)
    return name


cdef Py_ssize_t gather(MemoryStore self, PyObject ***keys, PyObject ***values, Py_ssize_t most) except -1:
    """Note the keys, and the values if asked for, as they are at one moment, in fresh memory; new references.

    Gathers nothing if there are more than ``most``. Returns how many it gathered; the caller frees ``keys``, and ``values``
    points into the same memory.
    """
    cdef Py_ssize_t size, at = 0, number = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject **memory
    share(self)
    size = PyDict_Size(<PyObject *> self.core.data)
    if size > most:
        size = 0
    memory = <PyObject **> malloc((size * (2 if values is not NULL else 1) + 1) * sizeof(PyObject *))
    if memory is not NULL and size:
        # Held: shared. Only counts go up here.
        while PyDict_Next(<PyObject *> self.core.data, &at, &key, &value):
            Py_INCREF(key)
            memory[number] = key
            if values is not NULL:
                Py_INCREF(value)
                memory[size + number] = value
            number += 1
    release(self)
    if memory is NULL:
        raise MemoryError()
    keys[0] = memory
    if values is not NULL:
        values[0] = memory + size
    return number


cdef list list_of_keys(MemoryStore self, Py_ssize_t most):
    cdef PyObject **keys = NULL
    cdef Py_ssize_t size = gather(self, &keys, NULL, most), at
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


cdef object missing(MemoryStore self, str name, object form, object default):
    if form is not ABSENT:
        check_form(form, True)  # a form that nothing could pass is a mistake, whatever the store holds
    if default is not ABSENT:
        return default
    raise KeyNotFound(name, tuple(list_of_keys(self, KNOWN_KEYS)))


cdef object copied(object value, str name, object form):
    """A deep copy of ``value`` that is of the type asked for, too."""
    try:
        copy = deep_copy(value)
    except (TypeError, CopyModuleError, PicklingError) as error:
        raise CopyError(name, type(value)) from error
    if form is not ABSENT and not is_a(copy, form):
        raise misfit(name, copy, form)
    return copy


cdef inline object read(MemoryStore self, str name, object form, object default, bint copy):
    cdef PyObject *found
    share(self)
    found = held(self, name)
    Py_XINCREF(found)
    release(self)
    if found is NULL:
        return missing(self, name, form, default)
    value = cano_passed_on(found)
    if form is not ABSENT and not is_a(value, form):
        raise misfit(name, value, form)
    if not copy or is_atomic(<PyObject *> value):
        return value
    return copied(value, name, form)


cdef inline int write(MemoryStore self, str name, object value) except -1:
    cdef PyObject *displaced
    cdef int status
    exclude(self)
    displaced = held(self, name)
    Py_XINCREF(displaced)
    status = hold(self, name, value)
    release(self)
    Py_XDECREF(displaced)  # may run a finalizer, which may use the store
    return passed_on(status)


cdef inline bint extend(MemoryStore self, str name, object item) except -1:
    """Append to the list under ``name`` if the store has it to itself; False: it has not, and nothing was done."""
    cdef PyObject *seen
    cdef int status = 0
    cdef bint ours
    exclude(self)
    seen = held(self, name)
    ours = seen is not NULL and PyList_CheckExact(seen) and cano_only_ours(seen)
    if ours:
        status = PyList_Append(seen, item)
    release(self)
    passed_on(status)
    return ours


cdef int append_slowly(MemoryStore self, str name, object item) except -1:
    """Append by putting a new list in place, made with the lock released, until nothing has moved in between."""
    cdef PyObject *seen
    cdef int status
    cdef bint moved
    cdef object base  # keeps what was seen alive, so that the same address is the same list
    cdef list own
    while not extend(self, name, item):
        share(self)
        seen = held(self, name)
        Py_XINCREF(seen)
        release(self)
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
        exclude(self)
        moved = held(self, name) is not seen
        if not moved:
            status = hold(self, name, own)  # what it displaces is still held here
        release(self)
        passed_on(status)
        if not moved:
            return 0
        base = own = None  # our own hold on the list would keep the store from having it to itself
    return 0


cdef inline bint contains(MemoryStore self, str name) except -1:
    cdef bint found
    share(self)
    found = held(self, name) is not NULL
    release(self)
    return found


cdef inline Py_ssize_t size_of(MemoryStore self) except -1:
    cdef Py_ssize_t size
    share(self)
    size = PyDict_Size(<PyObject *> self.core.data)
    release(self)
    return size


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
        if mapping is None:
            return
        if not isinstance(mapping, Mapping):
            hint = "; for a second handle on its data call clone()" if isinstance(mapping, MemoryStore) else ""
            raise TypeError(f"a store starts from a mapping, got {type(mapping).__qualname__}{hint}")
        items = []
        for key, value in dict(mapping).items():  # all checked before the first is put
            items.append((checked(key, value), value))
        for name, value in items:
            write(self, name, value)

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
            return read(self, <str> key, form, default, True)
        return read(self, text_slowly(key), form_under(key, form), default, True)

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
            return read(self, <str> key, form, default, False)
        return read(self, text_slowly(key), form_under(key, form), default, False)

    def put(self, key, value, /):
        """Insert or replace whatever was there, and keep a reference to ``value``, which is not copied. Cost: O(1).

        Raises:
            TypeMismatch: the key is typed and ``value`` is not of its type; the store is unchanged.
        """
        if PyUnicode_CheckExact(key):
            write(self, <str> key, value)
        else:
            write(self, checked(key, value), value)

    def append(self, key, item, /):
        """Append ``item`` to the list under ``key``, or put ``[item]`` there if nothing is stored.

        N appends from any number of threads leave N items. A list that anybody else can see is never changed: the store then
        goes on with a copy of its own. Cost: O(1) amortised; O(n) once after somebody took the list by ``get_shared`` or put
        it and still holds it.

        Raises:
            AppendTypeMismatch: the value is no ``list``, or a subclass of it; it stays as it was.
            TypeMismatch: the key is typed and its type admits no list.
        """
        form = form_under(key, ABSENT)
        if form is not ABSENT and not is_a([], form):
            raise misfit(text(key), [], form)
        if not extend(self, text(key), item):
            append_slowly(self, text(key), item)

    def remove(self, key, /):
        """Delete what is under ``key``; a missing key is no error. Cost: O(1)."""
        cdef str name = text(key)
        cdef PyObject *displaced
        cdef int status = 0
        exclude(self)
        displaced = held(self, name)
        if displaced is not NULL:
            Py_INCREF(displaced)
            status = PyDict_DelItem(<PyObject *> self.core.data, name)
        release(self)
        Py_XDECREF(displaced)  # may run a finalizer, which may use the store
        passed_on(status)

    def contains_key(self, key, /):
        """Return whether something is stored under ``key``. Cost: O(1)."""
        return contains(self, text(key))

    def __contains__(self, key):
        return contains(self, text(key))

    def keys(self):
        """Return a list of all keys at one moment, as exact ``str``, in no particular order. Cost: O(n)."""
        return list_of_keys(self, PY_SSIZE_T_MAX)

    def __iter__(self):
        return iter(list_of_keys(self, PY_SSIZE_T_MAX))

    def snapshot(self):
        """Return a dict of all keys and the stored objects themselves, at one moment. Cost: O(n), no value is copied."""
        cdef PyObject **keys = NULL
        cdef PyObject **values = NULL
        cdef Py_ssize_t size = gather(self, &keys, &values, PY_SSIZE_T_MAX), at
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
        return size_of(self)

    def len(self):
        """Return the number of keys; the same as ``len(store)``. Cost: O(1)."""
        return size_of(self)

    def is_empty(self):
        """Return whether nothing is stored. Cost: O(1)."""
        return size_of(self) == 0

    def clear(self):
        """Remove everything, at one moment. Cost: O(1) under the lock, O(n) after it."""
        cdef dict fresh = {}
        cdef dict displaced
        exclude(self)
        displaced = self.core.data
        self.core.data = fresh
        release(self)
        displaced = None  # may run finalizers, which may use the store

    def clone(self):
        """Return a second handle on the same data, never a copy of it. Cost: O(1).

        A subclass gets an instance of itself, made without its ``__new__`` and ``__init__``.
        """
        cdef MemoryStore handle = MemoryStore.__new__(type(self))
        handle.core = self.core
        return handle

    def __repr__(self):
        cdef Py_ssize_t size = size_of(self)
        return f"<{type(self).__name__}: {size} {'key' if size == 1 else 'keys'}>"

    def __copy__(self):
        raise TypeError("a store is not copied: clone() is a second handle on its data, MemoryStore(store.snapshot()) a new store")

    def __deepcopy__(self, memo, /):
        raise TypeError("a store is not deep-copied: take store.snapshot(), a dict of its values, and copy that")

    def __reduce__(self):
        raise TypeError("a store is not pickled: take store.snapshot(), a dict of its values, and pickle that")
