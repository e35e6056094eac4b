# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, embedsignature=True, embedsignature.format=clinic
"""Optimistic changes: note what is stored, run a function without any lock, commit if it is all still there, or run it again.

A run that commits is what it would have been at the moment of its commit alone (_commit.pyx says why); one that only reads, at
that of its last look, which compares all earlier ones if the store has moved.
"""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_ITEM, PyList_GetSlice
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc

from cano.store._commit cimport land, moved
from cano.store._core cimport (
    ROOM_MOST, Py_DECREF, Py_XDECREF, Py_XINCREF, cano_entry, cano_find, exclude, held, hold, look, no_memory, release, share, take,
)
from cano.store._forms cimport check_form, is_a, misfit
from cano.store._list cimport cano_only_ours
from cano.store._lock cimport cano_now, cano_passed_on, cano_thread
from cano.store._request cimport ABSENT, admitted, form_under, handed_out, missing, owned, text

from cano._text import shown_text
from cano.errors import AppendTypeMismatch, CommitConflict, TransactionClosed


cdef extern from *:
    int PyCoro_CheckExact(object) noexcept
    int PyAsyncGen_CheckExact(object) noexcept
    int PyGen_CheckExact(object) noexcept
    int Py_IS_TYPE(PyObject *, void *) noexcept


cdef enum:
    ROOM_AFTER = 8             # failed runs before the others are asked to leave room
    ROOM_RUNS = 4              # how many times the last run they leave
    OWN_FAILURES = 3           # failures in a row by writes of the run's own thread alone: it would go on for ever
    MOST_RUNS = 10_000


class _Stale(BaseException):
    """Ends a run that has read what is no longer there; the function is run again."""


# A run in progress stands in a list of its store, where a write can tell it that it comes from its own thread. The list is
# read under the exclusive lock and changed attached, which is the same to a build with a GIL.

cdef void begin(Data *data, Run *run) noexcept:
    run.thread = cano_thread()
    run.began = data.writes
    run.own = 0
    run.next = data.runs
    data.runs = run


cdef void end(Data *data, Run *run) noexcept:
    cdef Run **at = &data.runs
    while at[0] is not NULL and at[0] is not run:
        at = &at[0].next
    if at[0] is not NULL:
        at[0] = run.next


cdef struct Failures:
    int runs
    int own                      # the last ones in a row that came from writes of the run's own thread alone
    unsigned long long started   # ns; when the last run began, once that matters


cdef inline void start_clock(Failures *failures) noexcept:
    if failures.runs >= ROOM_AFTER - 1:
        failures.started = cano_now()


cdef int failed(Data *data, Run *run, Failures *failures, object name) except -1:
    """Count a run that found ``name`` moved; decide whether there is another one, and in what room."""
    cdef unsigned long long now, room
    failures.runs += 1
    failures.own = failures.own + 1 if run.own == data.writes - run.began else 0
    if failures.own == OWN_FAILURES or failures.runs == MOST_RUNS:
        raise CommitConflict(name, failures.runs, failures.own == OWN_FAILURES)
    if failures.runs >= ROOM_AFTER:
        now = cano_now()
        if data.guest == cano_thread() or data.room < now:
            room = ROOM_RUNS * (now - failures.started)
            data.guest = cano_thread()
            data.room = now + (room if room < ROOM_MOST else ROOM_MOST)
    return 0


cdef inline void leave(Data *data, Failures *failures) noexcept:
    """Give back the room that was asked for."""
    if failures.runs >= ROOM_AFTER and data.guest == cano_thread():
        data.room = 0


cdef int refuse_coroutine(object result, object fn, str where) except -1:
    if PyGen_CheckExact(result) and result.gi_code is getattr(fn, "__code__", None):
        raise TypeError(f"{where} runs a plain function, and {shown_text(fn)} is a generator, of which nothing has run")
    if PyCoro_CheckExact(result) or PyAsyncGen_CheckExact(result):
        if PyCoro_CheckExact(result):
            result.close()  # or it warns that nobody awaited it
        raise TypeError(f"{where} runs a plain function, and {shown_text(fn)} is async: await before the call, and use its result")
    return 0


cdef object modify(_Core core, object key, object fn, object form, object default):
    return repeated(&core.data, text(key), fn, form_under(key, form), default)


cdef object pop(_Core core, object key, object form, object default):
    cdef Data *data = &core.data
    cdef str name = text(key)
    cdef PyObject *found
    cdef cano_entry taken
    form = form_under(key, form)
    exclude(data)
    found = held(data, <PyObject *> name)
    if found is not NULL and (form is ABSENT or Py_IS_TYPE(found, <void *> form)):  # no check that could run code
        taken = take(data, <PyObject *> name)
        release(data)
        Py_DECREF(taken.key)
        return cano_passed_on(taken.value)
    release(data)
    return repeated(data, name, ABSENT, form, default)


cdef object repeated(Data *data, str name, object fn, object form, object default):
    """Change the value under ``name`` by ``fn``, or take it out if that is ABSENT, in as many runs as it needs."""
    cdef Failures failures
    cdef Run *run
    failures.runs = failures.own = 0
    run = <Run *> malloc(sizeof(Run))  # not on the C stack, which a switch of greenlets inside ``fn`` would move away
    if run is NULL:
        raise MemoryError()
    try:
        while True:
            start_clock(&failures)
            begin(data, run)
            try:
                new = taken_out(data, name, form, default) if fn is ABSENT else modified(data, name, fn, form, default)
                if new is not ABSENT:
                    return new
                failed(data, run, &failures, name)
            finally:
                end(data, run)
    finally:
        leave(data, &failures)
        free(run)


cdef object modified(Data *data, str name, object fn, object form, object default):
    """One run of ``fn``: the value that it has made and that is stored now, or ABSENT if another one came first."""
    cdef PyObject *seen = look(data, <PyObject *> name)
    cdef PyObject *displaced = NULL
    cdef bint stale
    cdef int status = 0
    cdef object base = None, new
    if seen is NULL:
        if default is ABSENT:
            return missing(data, None, name, form, ABSENT)
        if form is not ABSENT:
            check_form(form, True)
        new = fn(owned(default, name, ABSENT))
    else:
        base = cano_passed_on(seen)  # held, so that the same address is the same value
        new = fn(handed_out(base, name, form, True))
    refuse_coroutine(new, fn, "modify")
    if form is not ABSENT and not is_a(new, form):
        raise misfit(name, new, form)
    exclude(data)
    stale = held(data, <PyObject *> name) is not seen
    if not stale:
        status = hold(data, <PyObject *> name, <PyObject *> new, &displaced)
    release(data)
    Py_XDECREF(displaced)  # may run a finalizer, which may use the store
    if status:
        no_memory()
    return ABSENT if stale else new


cdef object taken_out(Data *data, str name, object form, object default):
    """One try to take out what is of the type asked for: the value, or ABSENT if another one came meanwhile."""
    cdef PyObject *seen = look(data, <PyObject *> name)
    cdef cano_entry taken
    cdef bint stale
    if seen is NULL:
        return missing(data, None, name, form, default)
    value = cano_passed_on(seen)  # held, so that the same address is the same value
    if form is not ABSENT and not is_a(value, form):
        raise misfit(name, value, form)
    exclude(data)
    stale = held(data, <PyObject *> name) is not seen
    if not stale:
        taken = take(data, <PyObject *> name)
    release(data)
    if stale:
        return ABSENT
    Py_DECREF(taken.key)
    return cano_passed_on(taken.value)


cdef bint is_void(object error) except -1:
    """Whether an exception out of a run that was overtaken says no more than that."""
    if isinstance(error, BaseExceptionGroup):
        return error.split((Exception, _Stale))[1] is None
    return isinstance(error, (Exception, _Stale))


cdef object transact(_Core core, object fn):
    cdef Data *data = &core.data
    cdef Transaction tx
    cdef Failures failures
    cdef dict reads, writes
    failures.runs = failures.own = 0
    try:
        while True:
            start_clock(&failures)
            tx = Transaction.__new__(Transaction)
            tx.core = core
            tx.reads = reads = {}
            tx.writes = writes = {}
            tx.checked = data.writes
            tx.over = False
            begin(data, &tx.run)
            try:
                try:
                    result = fn(tx)
                except BaseException as error:
                    if not tx.stale or not is_void(error):
                        raise
                else:
                    refuse_coroutine(result, fn, "transact")
                finally:
                    tx.over = True
                    tx.reads = tx.writes = None  # ours alone now, whoever still has the transaction
                if not tx.stale:
                    if writes:
                        tx.key = land(data, reads, tx.checked, writes)
                    if tx.key is None:
                        return result
                result = reads = writes = None  # else a list that was read is not the store's alone again
                failed(data, &tx.run, &failures, tx.key)
            finally:
                end(data, &tx.run)
    finally:
        leave(data, &failures)


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
            KeyNotFound, TypeMismatch, CopyError, RecursionError: as ``MemoryStore.get``.
        """
        cdef str name = text(key)
        form = form_under(key, form)
        value = first_look(self, name)
        if value is ABSENT:
            return missing(&self.core.data, self.writes, name, form, default)
        return handed_out(value, name, form, True)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def get_shared(self, key, form=ABSENT, /, *, default=ABSENT):
        """get_shared($self, key, form=..., /, *, default=...)
--

        Return the object itself, without a copy, as ``MemoryStore.get_shared`` does. It is not for changing: the run may be void.

        Raises:
            KeyNotFound, TypeMismatch: as ``MemoryStore.get_shared``.
        """
        cdef str name = text(key)
        form = form_under(key, form)
        value = first_look(self, name)
        if value is ABSENT:
            return missing(&self.core.data, self.writes, name, form, default)
        return handed_out(value, name, form, False)

    def get_many(self, keys, /):
        """Return a dict of owned copies of the values under ``keys``, by the text of the key; keys without a value are left out.

        All are read at one moment, for the price of one comparison of the earlier reads. Cost: O(n) and the copies.

        Raises:
            TypeMismatch: a key is typed and its value is of another type.
            CopyError, RecursionError: as ``get``.
        """
        cdef list asked
        cdef dict result = {}
        if isinstance(keys, str):
            raise TypeError(f"get_many takes several keys, got the str {keys!r}: write get_many([{keys!r}]) or get({keys!r})")
        asked = [(text(key), form_under(key, ABSENT)) for key in keys]
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
        cdef PyObject *own
        admitted(key, [item])
        value = first_look(self, name)
        if value is ABSENT:
            note(self, name, [item])
            return
        if type(value) is not list:
            raise AppendTypeMismatch(name, type(value))
        value = None
        alive(self)
        own = PyDict_GetItemWithError(self.writes, name)
        if own is not NULL and cano_only_ours(own):
            (<list> <object> own).append(item)
            return
        value = first_look(self, name)
        value = PyList_GetSlice(value, 0, len(<list> value))
        (<list> value).append(item)
        note(self, name, value)

    def remove(self, key, /):
        """Delete what is under ``key`` when the transaction lands; a missing key is no error. Cost: O(1)."""
        note(self, text(key), ABSENT)

    @cython.embedsignature(False)  # a private default has no spelling that inspect could read, so the signature is given here
    def pop(self, key, form=ABSENT, /, *, default=ABSENT):
        """pop($self, key, form=..., /, *, default=...)
--

        Return an owned copy of the value, and remove it when the transaction lands. Cost: as ``get``.

        Raises:
            KeyNotFound, TypeMismatch, CopyError, RecursionError: as ``MemoryStore.get``; nothing is removed.
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
        if self.over:
            return "<Transaction: over>"
        return f"<Transaction: {len(self.reads)} read, {len(self.writes)} to write>"

    def __reduce__(self):
        raise TypeError("a transaction is neither copied nor pickled: it belongs to the call of transact that made it")


cdef int alive(Transaction self) except -1:
    if self.over:
        raise TransactionClosed()
    if self.stale:
        raise _Stale()
    return 0


cdef int note(Transaction self, str name, object value) except -1:
    """Have ``value`` put under ``name``, or nothing for ABSENT, when the transaction lands."""
    alive(self)
    self.writes[name] = value
    return 0


cdef object first_look(Transaction self, str name):
    """What is under ``name`` for this transaction, ABSENT for nothing; noted the first time."""
    cdef PyObject *known
    while True:
        alive(self)
        known = PyDict_GetItemWithError(self.writes, name)
        if known is NULL:
            known = PyDict_GetItemWithError(self.reads, name)
        if known is not NULL:
            return <object> known
        look_at_all(self, [name])  # which may run the collector, and so a finalizer that writes through this very transaction


cdef int look_at_all(Transaction self, list names) except -1:
    """Note what is under ``names``, as far as it is not known yet, at one moment, at which all earlier reads still hold."""
    cdef Data *data = &self.core.data
    cdef dict reads, writes
    cdef list fresh
    cdef PyObject **seen
    cdef PyObject *stale = NULL
    cdef Py_ssize_t size, at
    cdef size_t count = 0
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
    if data.writes != self.checked:
        stale = moved(data, reads)
    if stale is NULL:
        count = data.writes
        for at in range(size):
            seen[at] = cano_find(&data.table, PyList_GET_ITEM(fresh, at)).value
            Py_XINCREF(seen[at])
    release(data)
    if stale is not NULL:
        free(seen)
        self.key = <object> stale
        self.stale = True
        raise _Stale()
    try:
        for at in range(size):
            reads[fresh[at]] = ABSENT if seen[at] is NULL else <object> seen[at]
    finally:
        for at in range(size):
            Py_XDECREF(seen[at])
        free(seen)
    self.checked = count
    return 0
