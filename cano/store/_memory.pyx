# cython: language_level=3, auto_pickle=False, binding=False, embedsignature=True, embedsignature.format=clinic
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
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.list cimport PyList_GetSlice, PyList_New
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, Py_XINCREF
from libc.stdlib cimport free, malloc

from cano.store._copy cimport deep_copy, is_atomic
from cano.store._forms cimport check_form, is_a
from cano.store._lock cimport (
    cano_lock_drop, cano_lock_exclusive, cano_lock_make, cano_lock_setup, cano_lock_shared, cano_only_ours, cano_passed_on,
    cano_unlock,
)

from collections.abc import Mapping
from copy import Error as CopyModuleError
from os import strerror
from pickle import PicklingError
from types import GenericAlias

from cano.errors import AppendTypeMismatch, CopyError, KeyNotFound, LockError, TypeMismatch


cdef extern from *:
    int PyUnicode_CheckExact(object) noexcept
    int PyUnicode_Check(object) noexcept
    int PyList_CheckExact(PyObject *) noexcept
    object PyUnicode_FromObject(object)
    int PyList_Append(PyObject *, object) except -1
    void PyList_SET_ITEM(PyObject *, Py_ssize_t, PyObject *) noexcept
    const Py_ssize_t PY_SSIZE_T_MAX


cdef enum:
    KNOWN_KEYS = 256  # the most keys that a KeyNotFound carries to suggest from

cdef object ABSENT = object()  # an argument that was not given


cdef int refused = cano_lock_setup()
if refused:
    raise ImportError(f"cano cannot watch for forks, so its stores would not be safe: {strerror(refused)}")


@cython.final
@cython.no_gc_clear  # its fields are never changed, so a cycle through it is broken elsewhere: in a list, a dict, an instance
cdef class Key:
    """The name of a slot together with the type of what it holds.

    ``Key("count", int)`` can stand wherever a plain key can. What goes in or comes out under it is checked against its type,
    at run time and by type checkers. A typed key and the plain string with the same text are the same slot. Keys are immutable,
    equal if name and type are, hashable, and can be pickled. Safe between threads.

    Raises:
        TypeError: the name is no ``str``, or the type is no form that the store can check.
    """

    def __cinit__(self, name, type, /):
        if not PyUnicode_Check(name):
            raise TypeError(f"the name of a key is a str, got {name!r} of type {name.__class__.__qualname__}")
        check_form(type)
        self.name = PyUnicode_FromObject(name)
        self.type = type

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    def __repr__(self):
        shown = self.type.__qualname__ if isinstance(self.type, type) else repr(self.type)
        return f"Key({self.name!r}, {shown})"

    def __eq__(self, other):
        if not isinstance(other, Key):
            return NotImplemented
        return self.name == (<Key> other).name and self.type == (<Key> other).type

    def __hash__(self):
        return hash((Key, self.name))

    def __reduce__(self):
        return Key, (self.name, self.type)


@cython.final
@cython.no_gc_clear  # ``data`` must outlive every finalizer that still uses the store; the collector clears the dict itself
cdef class Core:
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


cdef inline int share(Core core) except -1:
    """Take the lock for reading."""
    cdef int refused = cano_lock_shared(&core.lock)
    return refuse(refused) if refused else 0


cdef inline int exclude(Core core) except -1:
    """Take the lock for writing."""
    cdef int refused = cano_lock_exclusive(&core.lock)
    return refuse(refused) if refused else 0


cdef inline PyObject *held(Core core, str name) noexcept:
    """The value under ``name``, borrowed, or NULL. Held: shared or exclusive. Exact str keys cannot fail to compare."""
    return PyDict_GetItemWithError(core.data, name)


cdef inline str text(object key):
    """The exact text of a plain key, without calling any code of a subclass."""
    return <str> key if PyUnicode_CheckExact(key) else text_slowly(key)


cdef str text_slowly(object key):
    if type(key) is Key:
        return (<Key> key).name
    if PyUnicode_Check(key):
        return PyUnicode_FromObject(key)
    raise TypeError(f"a key is a str or a Key, got {type(key).__module__}.{type(key).__qualname__}")


cdef inline object type_of(object key):
    """The type that a typed key names, or ABSENT."""
    return (<Key> key).type if type(key) is Key else ABSENT


cdef Py_ssize_t gather(Core core, PyObject ***keys, PyObject ***values, Py_ssize_t most) except -1:
    """Note the keys, and the values if asked for, as they are at one moment, in fresh memory; new references.

    Gathers nothing if there are more than ``most``. Returns how many it gathered; the caller frees ``keys``, and ``values``
    points into the same memory.
    """
    cdef Py_ssize_t size, at = 0, number = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject **memory
    share(core)
    size = PyDict_Size(core.data)
    if size > most:
        size = 0
    memory = <PyObject **> malloc((size * 2 + 1) * sizeof(PyObject *))
    if memory is not NULL and size:
        # Held: shared. Only counts go up here.
        while PyDict_Next(core.data, &at, &key, &value):
            Py_INCREF(<object> key)
            memory[number] = key
            if values is not NULL:
                Py_INCREF(<object> value)
                memory[size + number] = value
            number += 1
    cano_unlock(&core.lock)
    if memory is NULL:
        raise MemoryError()
    keys[0] = memory
    if values is not NULL:
        values[0] = memory + size
    return number


cdef list list_of_keys(Core core, Py_ssize_t most):
    cdef PyObject **keys = NULL
    cdef Py_ssize_t size = gather(core, &keys, NULL, most), at
    cdef list result
    try:
        result = PyList_New(size)
    except MemoryError:
        for at in range(size):
            Py_DECREF(<object> keys[at])
        free(keys)
        raise
    for at in range(size):
        PyList_SET_ITEM(<PyObject *> result, at, keys[at])
    free(keys)
    return result


cdef object missing(Core core, str name, object default):
    if default is not ABSENT:
        return default
    raise KeyNotFound(name, tuple(list_of_keys(core, KNOWN_KEYS)))


cdef object copied(object value, str name, object form):
    """A deep copy of ``value`` that is of the type asked for, too."""
    try:
        copy = deep_copy(value)
    except (TypeError, CopyModuleError, PicklingError) as error:
        raise CopyError(name, type(value)) from error
    if form is not ABSENT and not is_a(copy, form):
        raise TypeMismatch(name, form, type(copy))
    return copy


cdef inline object read(Core core, object key, object form, object default, bint copy):
    cdef PyObject *found
    cdef str name
    if PyUnicode_CheckExact(key):
        name = <str> key
    else:
        name = text_slowly(key)
        if type(key) is Key:
            if form is not ABSENT:
                raise TypeError(f"{key!r} names its type already: leave {form!r} out")
            form = (<Key> key).type
    share(core)
    found = held(core, name)
    Py_XINCREF(found)
    cano_unlock(&core.lock)
    if found is NULL:
        return missing(core, name, default)
    value = cano_passed_on(found)
    if form is not ABSENT and not is_a(value, form):
        raise TypeMismatch(name, form, type(value))
    if not copy or is_atomic(<PyObject *> value):
        return value
    return copied(value, name, form)


cdef class MemoryStore:
    """A string-keyed map that any number of threads and async tasks share through handles.

    ``MemoryStore()`` is empty, ``MemoryStore(mapping)`` starts with the items of a mapping; values are kept by reference.
    Every operation is atomic with respect to every other, from any thread. None waits for anything but another operation, none
    runs Python code while it holds the lock, and one that raises has changed nothing. No operation is a coroutine: each is
    shorter than a switch of tasks. A key is a ``str`` (a subclass counts as its text) or a ``Key``. After ``fork`` the child
    can use its stores; each process then has its own data. A store is not pickled and not deep-copied, see ``snapshot``.

    Raises:
        TypeError: of every method, for a key that is no ``str`` and no ``Key``.
        LockError: of every method, if pthread refuses the lock; nothing was done.
    """

    def __cinit__(self):
        self.core = Core()

    def __init__(self, mapping=None, /):
        if mapping is None:
            return
        if not isinstance(mapping, Mapping):
            hint = "; for a second handle on its data call clone()" if isinstance(mapping, MemoryStore) else ""
            raise TypeError(f"a store starts from a mapping, got {type(mapping).__qualname__}{hint}")
        items = []
        for key, value in dict(mapping).items():  # all checked before the first is put
            items.append((checked(key, value), value))
        for name, value in items:
            self.put(name, value)

    def get(self, key, form=ABSENT, /, *, default=ABSENT):
        """Return an owned copy of the value: nothing the caller does to it reaches the store.

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
        return read(self.core, key, form, default, True)

    def get_shared(self, key, form=ABSENT, /, *, default=ABSENT):
        """Return the stored object itself, without a copy: two calls with no write between return the identical object.

        No later operation of the store changes that object (``append`` copies a list that somebody holds); what a holder
        changes in place, every other holder sees. Cost: O(1).

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names.
            TypeError: ``form`` is no form that can be checked.
        """
        return read(self.core, key, form, default, False)

    def put(self, key, value, /):
        """Insert or replace whatever was there, and keep a reference to ``value``, which is not copied. Cost: O(1).

        Raises:
            TypeMismatch: the key is typed and ``value`` is not of its type; the store is unchanged.
        """
        cdef Core core = self.core
        cdef PyObject *displaced
        cdef str name = <str> key if PyUnicode_CheckExact(key) else checked(key, value)
        exclude(core)
        displaced = held(core, name)
        Py_XINCREF(displaced)
        try:
            PyDict_SetItem(core.data, name, value)
        finally:
            cano_unlock(&core.lock)
            Py_XDECREF(displaced)  # may run a finalizer, which may use the store

    def append(self, key, item, /):
        """Append ``item`` to the list under ``key``, or put ``[item]`` there if nothing is stored.

        N appends from any number of threads leave N items. A list that anybody else can see is never changed: the store then
        goes on with a copy of its own. Cost: O(1) amortised; O(n) once after somebody took the list by ``get_shared`` or put
        it and still holds it.

        Raises:
            AppendTypeMismatch: the value is no ``list``, or a subclass of it; it stays as it was.
            TypeMismatch: the key is typed and its type admits no list.
        """
        cdef Core core = self.core
        cdef PyObject *seen
        cdef str name = text(key)
        cdef object own = None   # the list to put in place of ``base``
        cdef object base = None  # what ``own`` was made from; None: nothing was there
        form = type_of(key)
        if form is not ABSENT and not is_a([], form):
            raise TypeMismatch(name, form, list)
        while True:
            exclude(core)
            seen = held(core, name)
            if seen is not NULL and PyList_CheckExact(seen) and cano_only_ours(seen):
                try:
                    PyList_Append(seen, item)
                finally:
                    cano_unlock(&core.lock)
                return
            if own is not None and seen is (NULL if base is None else <PyObject *> base):
                try:
                    PyDict_SetItem(core.data, name, own)  # displaces ``base``, which is still held here
                finally:
                    cano_unlock(&core.lock)
                return
            Py_XINCREF(seen)
            cano_unlock(&core.lock)
            # Not ours alone, or not there: make our own list with the lock released, and put it in place if nothing has moved.
            own = base = None
            if seen is NULL:
                own = [item]
                continue
            base = cano_passed_on(seen)
            if type(base) is not list:
                raise AppendTypeMismatch(name, type(base))
            own = PyList_GetSlice(base, 0, len(<list> base))
            (<list> own).append(item)

    def remove(self, key, /):
        """Delete what is under ``key``; a missing key is no error. Cost: O(1)."""
        cdef Core core = self.core
        cdef str name = text(key)
        cdef PyObject *displaced
        exclude(core)
        displaced = held(core, name)
        if displaced is not NULL:
            Py_INCREF(<object> displaced)
            PyDict_DelItem(core.data, name)
        cano_unlock(&core.lock)
        Py_XDECREF(displaced)  # may run a finalizer, which may use the store

    def contains_key(self, key, /):
        """Return whether something is stored under ``key``. Cost: O(1)."""
        return contains(self.core, key)

    def __contains__(self, key):
        return contains(self.core, key)

    def keys(self):
        """Return a list of all keys at one moment, as exact ``str``, in no particular order. Cost: O(n)."""
        return list_of_keys(self.core, PY_SSIZE_T_MAX)

    def __iter__(self):
        return iter(list_of_keys(self.core, PY_SSIZE_T_MAX))

    def snapshot(self):
        """Return a dict of all keys and the stored objects themselves, at one moment. Cost: O(n), no value is copied."""
        cdef PyObject **keys = NULL
        cdef PyObject **values = NULL
        cdef Py_ssize_t size = gather(self.core, &keys, &values, PY_SSIZE_T_MAX), at
        cdef dict result
        try:
            result = {}
            for at in range(size):
                PyDict_SetItem(result, <object> keys[at], <object> values[at])
            return result
        finally:
            for at in range(size):
                Py_DECREF(<object> keys[at])
                Py_DECREF(<object> values[at])
            free(keys)

    def __len__(self):
        return size_of(self.core)

    def len(self):
        """Return the number of keys; the same as ``len(store)``. Cost: O(1)."""
        return size_of(self.core)

    def is_empty(self):
        """Return whether nothing is stored. Cost: O(1)."""
        return size_of(self.core) == 0

    def clear(self):
        """Remove everything, at one moment. Cost: O(1) under the lock, O(n) after it."""
        cdef Core core = self.core
        cdef dict fresh = {}
        cdef dict displaced
        exclude(core)
        displaced = core.data
        core.data = fresh
        cano_unlock(&core.lock)
        displaced = None  # may run finalizers, which may use the store

    def clone(self):
        """Return a second handle on the same data, never a copy of it. Cost: O(1).

        A subclass gets an instance of itself, made without ``__init__``.
        """
        cdef MemoryStore handle = type(self).__new__(type(self))
        handle.core = self.core
        return handle

    def __repr__(self):
        cdef Py_ssize_t size = size_of(self.core)
        return f"<{type(self).__name__}: {size} {'key' if size == 1 else 'keys'}>"

    def __copy__(self):
        raise TypeError("a store is not copied: clone() is a second handle on its data, MemoryStore(store.snapshot()) a new store")

    def __deepcopy__(self, memo, /):
        raise TypeError("a store is not deep-copied: take store.snapshot(), a dict of its values, and copy that")

    def __reduce_ex__(self, protocol, /):
        raise TypeError("a store is not pickled: take store.snapshot(), a dict of its values, and pickle that")


cdef str checked(object key, object value):
    """The exact text of a key that is about to hold ``value``."""
    cdef str name = text(key)
    form = type_of(key)
    if form is not ABSENT and not is_a(value, form):
        raise TypeMismatch(name, form, type(value))
    return name


cdef inline bint contains(Core core, object key) except -1:
    cdef str name = text(key)
    cdef bint found
    share(core)
    found = held(core, name) is not NULL
    cano_unlock(&core.lock)
    return found


cdef inline Py_ssize_t size_of(Core core) except -1:
    cdef Py_ssize_t size
    share(core)
    size = PyDict_Size(core.data)
    cano_unlock(&core.lock)
    return size
