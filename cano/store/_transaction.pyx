# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
# cython: embedsignature=True, embedsignature.format=clinic
"""``Transaction``: what one run of ``transact`` has read and is to write.

All that it has read is of one moment: its latest look, which compares all earlier ones if the store has moved since.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_ITEM
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc

from cano.store._commit cimport moved
from cano.store._core cimport Data, Py_XDECREF, cano_count, cano_load, let_out, release_shared, share
from cano.store._list cimport cano_only_ours
from cano.store._parts cimport cano_dict_copy, cano_list_copy
from cano.store._request cimport ABSENT, admitted, form_under, handed_out, missing, text

from cano.errors import AppendTypeMismatch, TransactionClosed


cdef extern from *:
    int PyList_CheckExact(PyObject *) noexcept


class Stale(BaseException):
    """Ends a run that has read what is no longer there; the function is run again."""


@cython.final
@cython.no_gc_clear  # a finalizer may still call it
cdef class Transaction:
    """What the function of ``transact`` reads and writes through; it has no other maker.

    Every read is of one moment and sees the transaction's own writes; the writes land at one moment when the function returns,
    or never. A read that finds an earlier one outdated ends the run, by an exception that is no ``Exception``, and the function
    is run again. For the thread that runs the function only.

    Raises:
        StoreError: of every method, once the function has returned (``TransactionClosed``).
        TypeError: of every method, for a key that is no ``str`` and no ``Key``.
    """

    def __cinit__(self):
        self.over = True  # until ``transact`` opens it

    def __init__(self, *args, **kwargs):
        raise TypeError("a Transaction is made by store.transact(fn), which passes it to fn")

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def get(self, key, form=ABSENT, /, *, default=ABSENT):
        """get($self, key, form=..., /, *, default=...)
--

        Return an owned copy of the value, as ``MemoryStore.get`` does. Cost: the copy, and at the first read of a key one
        comparison for each earlier read if the store has moved.

        Raises:
            KeyNotFound, TypeMismatch, CopyError, RecursionError, TypeError: as ``MemoryStore.get``.
        """
        cdef str name = text(key)
        form = form_under(key, form)
        value = first_look(self, name)
        if value is ABSENT:
            return absent(self, name, form, default)
        return handed_out(value, name, form, True)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def get_shared(self, key, form=ABSENT, /, *, default=ABSENT):
        """get_shared($self, key, form=..., /, *, default=...)
--

        Return the object itself, without a copy, as ``MemoryStore.get_shared`` does. It is not for changing: the run may be void.

        Raises:
            KeyNotFound, TypeMismatch, TypeError: as ``MemoryStore.get_shared``.
        """
        cdef str name = text(key)
        form = form_under(key, form)
        value = first_look(self, name)
        if value is ABSENT:
            return absent(self, name, form, default)
        return handed_out(value, name, form, False)

    def get_many(self, keys, /):
        """Return a dict of owned copies of the values under ``keys``, by the text of the key; keys without a value are left out.

        All are read at one moment, for the price of one comparison of the earlier reads. Cost: O(n) and the copies.

        Raises:
            TypeMismatch: a key is typed and its value is of another type.
            CopyError, RecursionError: as ``get``.
            TypeError: ``keys`` is a ``str``, or nothing that can be walked through.
        """
        cdef list asked
        cdef dict result = {}
        if isinstance(keys, str):
            raise TypeError(f"get_many takes several keys, got the str {keys!r}: write get_many([{keys!r}]) or get({keys!r})")
        asked = [(text(key), form_under(key, ABSENT)) for key in keys]
        with cython.critical_section(self):
            look_at_all(self, [name for name, _ in asked])
        for name, form in asked:
            value = first_look(self, name)
            if value is not ABSENT:
                result[name] = handed_out(value, name, form, True)
        return result

    def put(self, key, value, /):
        """Insert or replace when the transaction lands; a read of it sees ``value`` from now on. Cost: O(1).

        Raises:
            TypeMismatch: the key is typed and ``value`` is not of its type.
        """
        cdef str name = admitted(key, value)
        note(self, name, value)

    def append(self, key, item, /):
        """Append ``item`` to the list under ``key``, or begin one, when the transaction lands. This is a read, too.

        Cost: O(n) for the first time, then O(1) amortised.

        Raises:
            AppendTypeMismatch: the value is no ``list``, or a subclass of it.
            TypeMismatch: the key is typed and its type admits no such list.
        """
        cdef str name = text(key)
        cdef list own = [item]
        admitted(key, own)
        if grown(self, name, item):
            return
        value = first_look(self, name)
        if value is not ABSENT:
            if type(value) is not list:
                raise AppendTypeMismatch(name, type(value))
            own = cano_list_copy(value)
            own.append(item)
        note(self, name, own)

    def remove(self, key, /):
        """Delete what is under ``key`` when the transaction lands; a missing key is no error. Cost: O(1)."""
        note(self, text(key), ABSENT)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def pop(self, key, form=ABSENT, /, *, default=ABSENT):
        """pop($self, key, form=..., /, *, default=...)
--

        Return an owned copy of the value, and remove it when the transaction lands. Cost: as ``get``.

        Raises:
            KeyNotFound, TypeMismatch, CopyError, RecursionError, TypeError: as ``MemoryStore.get``; nothing is removed.
        """
        cdef str name = text(key)
        result = self.get(key, default=default) if form is ABSENT else self.get(key, form, default=default)
        note(self, name, ABSENT)
        return result

    def contains_key(self, key, /):
        """Return whether something is stored under ``key``; that nothing is there is remembered, too. Cost: as ``get_shared``."""
        return first_look(self, text(key)) is not ABSENT

    def __contains__(self, key):
        return first_look(self, text(key)) is not ABSENT

    def __repr__(self):
        with cython.critical_section(self):
            if self.over:
                return "<Transaction: over>"
            return f"<Transaction: {len(self.reads)} read, {len(self.writes)} to write>"

    def __reduce__(self):
        raise TypeError("a transaction is neither copied nor pickled: it belongs to the call of transact that made it")


# Another thread may hold the transaction. So its fields are used in critical sections alone, which are nothing where there is a
# GIL; like the GIL, a section is left where the thread waits, and what was seen before is looked at again.

cdef int alive(Transaction self) except -1:
    if self.over:
        raise TransactionClosed()
    if self.stale:
        raise Stale()
    return 0


cdef int note(Transaction self, str name, object value) except -1:
    """Have ``value`` put under ``name``, or nothing for ABSENT, when the transaction lands."""
    cdef dict writes
    with cython.critical_section(self):
        alive(self)
        writes = self.writes  # held: what is displaced may have a finalizer, amid which another thread closes the transaction
        writes[name] = value
    return 0


cdef bint grown(Transaction self, str name, object item) except -1:
    """Append to the list that is to be written if it is the transaction's alone; False: there is none, and nothing was done."""
    cdef PyObject *own
    with cython.critical_section(self):
        alive(self)
        own = PyDict_GetItemWithError(self.writes, name)
        if own is NULL or not PyList_CheckExact(own) or not cano_only_ours(own, False):
            return False
        (<list> <object> own).append(item)
    return True


cdef object absent(Transaction self, str name, object form, object default):
    """What a read gives that found nothing."""
    cdef dict writes = None
    if default is ABSENT:
        with cython.critical_section(self):
            alive(self)
            writes = self.writes  # owned: the run may end amid the copy
            writes = cano_dict_copy(writes)
    return missing(&self.core.data, writes, name, form, default)


cdef object first_look(Transaction self, str name):
    """What is under ``name`` for this transaction, ABSENT for nothing; noted the first time."""
    cdef PyObject *known
    with cython.critical_section(self):
        while True:
            alive(self)
            known = PyDict_GetItemWithError(self.writes, name)
            if known is NULL:
                known = PyDict_GetItemWithError(self.reads, name)
            if known is not NULL:
                return <object> known
            look_at_all(self, [name])  # may run the collector, and so a finalizer that writes through this very transaction


cdef int look_at_all(Transaction self, list names) except -1:
    """Note what is under ``names``, as far as it is not known yet, at one moment, at which all earlier reads still hold.

    The caller is in a critical section of the transaction.
    """
    cdef Data *data = &self.core.data
    cdef dict reads, writes
    cdef list fresh
    cdef PyObject **seen
    cdef PyObject *stale = NULL
    cdef Py_ssize_t size, at
    cdef cano_count count = 0
    cdef bint closed
    alive(self)
    reads, writes = self.reads, self.writes  # held, for another thread may close the transaction
    fresh = [name for name in names if name not in writes and name not in reads]
    size = len(fresh)
    seen = <PyObject **> malloc((size + 1) * sizeof(PyObject *))
    if seen is NULL:
        raise MemoryError()
    try:
        share(data)
    except BaseException:
        free(seen)
        raise
    closed = self.over  # while this thread waited
    if not closed and cano_load(&data.writes) != self.checked:
        stale = moved(data, reads)
    if not closed and stale is NULL:
        count = cano_load(&data.writes)
        for at in range(size):
            seen[at] = let_out(data, PyList_GET_ITEM(fresh, at))
    release_shared(data)
    if closed:
        free(seen)
        raise TransactionClosed()
    if stale is not NULL:
        free(seen)
        self.key = <object> stale
        self.stale = True
        raise Stale()
    try:
        for at in range(size):
            reads[fresh[at]] = ABSENT if seen[at] is NULL else <object> seen[at]
    finally:
        for at in range(size):
            Py_XDECREF(seen[at])
        free(seen)
    self.checked = count
    return 0
