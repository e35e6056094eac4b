# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
# cython: embedsignature=True, embedsignature.format=clinic
"""``MemoryStore``: a string-keyed map that threads and async tasks share through handles.

The lock rule stands at the head of _core.pyx: nothing that runs Python code between ``share`` or ``exclude`` and ``release``.
"""

cimport cython
from cpython.object cimport PyObject, PyTypeObject

from cano.store._commit cimport land
from cano.store._copy cimport is_atomic
from cano.store._core cimport Data, _Core, list_of_keys, look
from cano.store._key cimport Key
from cano.store._lock cimport cano_passed_on
from cano.store._operations cimport (
    append_slowly, clear, contains, extend, put_if_absent, read, remove, size_of, snapshot, write,
)
from cano.store._request cimport ABSENT, PyUnicode_CheckExact, admitted, form_under, handed_out, text
from cano.store._transact cimport modify, pop, transact

from collections.abc import Mapping


cdef extern from "_fastcall.h":
    ctypedef PyObject *(*cano_call)(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) except NULL
    cano_call cano_replace(PyTypeObject *type, str name, cano_call fast) except NULL


cdef extern from *:
    """
    static inline PyObject *cano_none(void) { return Py_NewRef(Py_None); }
    /* An exact str that knows its hash. */
    static inline int cano_is_plain(PyObject *key)
    {
        return PyUnicode_CheckExact(key) && __atomic_load_n(&((PyASCIIObject *)key)->hash, __ATOMIC_RELAXED) != -1;
    }
    """
    PyObject *nothing "cano_none" () noexcept
    PyObject *taken_over "Py_NewRef" (object) noexcept
    bint is_plain "cano_is_plain" (PyObject *key) noexcept
    int Py_IS_TYPE(PyObject *, void *) noexcept
    const size_t SIZE_MAX


cdef int put_all(Data *data, object mapping, str call) except -1:
    """Put all items of a mapping at one moment."""
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
        RecursionError: of every method that checks a type, if the value or the type is nested too deep.
        MemoryError: of every method, if there is no memory left; nothing was done.
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
        ``isinstance``, ``list[int]`` and the like in every part: the class before the copy is made, the whole copy after it.
        Cost: O(1) for plain values, otherwise the size of the value; ``get_shared`` never copies.

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names.
            CopyError: the value cannot be copied.
            RecursionError: the value is nested too deep to be copied or checked.
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
        changes in place, every other holder sees. Cost: O(1); a ``form`` that asks for what is inside looks at every part.

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
        cdef str name = admitted(key, value)
        write(&self.core.data, <PyObject *> name, <PyObject *> value)

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
        if not extend(&self.core.data, <PyObject *> name, <PyObject *> item):
            append_slowly(&self.core.data, name, item)

    def remove(self, key, /):
        """Delete what is under ``key``; a missing key is no error. Cost: O(1)."""
        cdef str name = text(key)
        remove(&self.core.data, <PyObject *> name)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def pop(self, key, form=ABSENT, /, *, default=ABSENT):
        """pop($self, key, form=..., /, *, default=...)
--

        Remove the value and return it, the stored object itself, in one step: of many threads one gets it. Cost: as ``get_shared``.

        Raises:
            KeyNotFound: nothing is stored and no ``default`` was given. A default is returned as it is, unchecked.
            TypeMismatch: the value is not of the type asked for, or of the type that the typed key names; it stays.
            CommitConflict: the type's own check keeps replacing the value through the store.
            TypeError: ``form`` is no form that can be checked.
        """
        return pop(self.core, key, form, default)

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
            TypeError: ``fn`` is async or a generator, or ``form`` is no form that can be checked.
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
            TypeError: ``fn`` is async or a generator.
        """
        return transact(self.core, fn)

    def contains_key(self, key, /):
        """Return whether something is stored under ``key``. Cost: O(1)."""
        cdef str name = text(key)
        return contains(&self.core.data, <PyObject *> name)

    def __contains__(self, key):
        cdef str name = text(key)
        return contains(&self.core.data, <PyObject *> name)

    def keys(self):
        """Return a list of all keys at one moment, as exact ``str``, in no particular order. Cost: O(n)."""
        return list_of_keys(&self.core.data, SIZE_MAX)

    def __iter__(self):
        return iter(list_of_keys(&self.core.data, SIZE_MAX))

    def snapshot(self):
        """Return a dict of all keys and the stored objects themselves, at one moment. Cost: O(n), no value is copied."""
        return snapshot(&self.core.data)

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
        clear(&self.core.data)

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


# The usual calls of the hot methods, see _fastcall.h.

cdef cano_call slow_get, slow_get_shared, slow_put, slow_append


cdef inline PyObject *usual_read(
    PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, cano_call slow, bint copy
) except NULL:
    cdef PyObject *name
    cdef PyObject *form
    cdef PyObject *found
    if kwnames is not NULL or nargs == 0 or nargs > 2:
        return slow(self, args, nargs, kwnames)
    if is_plain(args[0]):
        name = args[0]
        form = args[1] if nargs == 2 else <PyObject *> ABSENT
    elif nargs == 1 and Py_IS_TYPE(args[0], <void *> Key):
        name = <PyObject *> (<Key> args[0]).name
        form = <PyObject *> (<Key> args[0]).asked
    else:
        return slow(self, args, nargs, kwnames)
    found = look(&(<MemoryStore> self).core.data, name)
    if found is NULL:  # or the name of the key has no hash yet
        return slow(self, args, nargs, kwnames)
    if (form is <PyObject *> ABSENT or Py_IS_TYPE(found, <void *> form)) and (not copy or is_atomic(found)):
        return found
    return taken_over(handed_out(cano_passed_on(found), <str> name, <object> form, copy))


cdef PyObject *usual_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) except NULL:
    return usual_read(self, args, nargs, kwnames, slow_get, True)


cdef PyObject *usual_get_shared(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) except NULL:
    return usual_read(self, args, nargs, kwnames, slow_get_shared, False)


cdef PyObject *usual_put(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) except NULL:
    if kwnames is not NULL or nargs != 2 or not is_plain(args[0]):
        return slow_put(self, args, nargs, kwnames)
    write(&(<MemoryStore> self).core.data, args[0], args[1])
    return nothing()


cdef PyObject *usual_append(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) except NULL:
    if kwnames is not NULL or nargs != 2 or not is_plain(args[0]):
        return slow_append(self, args, nargs, kwnames)
    if not extend(&(<MemoryStore> self).core.data, args[0], args[1]):
        append_slowly(&(<MemoryStore> self).core.data, <str> args[0], <object> args[1])
    return nothing()


slow_get = cano_replace(<PyTypeObject *> MemoryStore, "get", usual_get)
slow_get_shared = cano_replace(<PyTypeObject *> MemoryStore, "get_shared", usual_get_shared)
slow_put = cano_replace(<PyTypeObject *> MemoryStore, "put", usual_put)
slow_append = cano_replace(<PyTypeObject *> MemoryStore, "append", usual_append)
