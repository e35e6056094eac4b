# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""Optimistic changes: note what is stored, run a function without any lock, commit if it is all still there, or run it again.

A run that commits is what it would have been at the moment of its commit alone (_commit.pyx says why); one that only reads, at
that of its last look, which compares all earlier ones if the store has moved.
"""

cimport cython
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc

from cano.store._commit cimport land
from cano.store._core cimport (
    ROOM_MOST, Data, Py_DECREF, Py_XDECREF, Run, begin, cano_load, cano_set, cano_taken, end, exclude, held, hold, look,
    no_memory, release_exclusive, take,
)
from cano.store._forms cimport check_form, is_a, misfit
from cano.store._lock cimport cano_now, cano_passed_on, cano_thread
from cano.store._request cimport ABSENT, form_under, handed_out, missing, owned, text
from cano.store._transaction cimport Transaction

from cano._text import shown_text
from cano.errors import CommitConflict
from cano.store._transaction import Stale


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
    failures.own = failures.own + 1 if run.own == cano_load(&data.writes) - run.began else 0
    if failures.own == OWN_FAILURES or failures.runs == MOST_RUNS:
        raise CommitConflict(name, failures.runs, failures.own == OWN_FAILURES)
    if failures.runs >= ROOM_AFTER:
        now = cano_now()
        if cano_load(&data.guest) == cano_thread() or cano_load(&data.room) < now:
            room = ROOM_RUNS * (now - failures.started)
            cano_set(&data.guest, cano_thread())
            cano_set(&data.room, now + (room if room < ROOM_MOST else ROOM_MOST))
    return 0


cdef inline void leave(Data *data, Failures *failures) noexcept:
    """Give back the room that was asked for."""
    if failures.runs >= ROOM_AFTER and cano_load(&data.guest) == cano_thread():
        cano_set(&data.room, 0)


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
    cdef cano_taken taken
    form = form_under(key, form)
    exclude(data)
    found = held(data, <PyObject *> name)
    if found is not NULL and (form is ABSENT or Py_IS_TYPE(found, <void *> form)):  # no check that could run code
        taken = take(data, <PyObject *> name)
        release_exclusive(data)
        Py_DECREF(taken.key)
        return cano_passed_on(taken.value)
    release_exclusive(data)
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
    release_exclusive(data)
    Py_XDECREF(displaced)  # may run a finalizer, which may use the store
    if status:
        no_memory()
    return ABSENT if stale else new


cdef object taken_out(Data *data, str name, object form, object default):
    """One try to take out what is of the type asked for: the value, or ABSENT if another one came meanwhile."""
    cdef PyObject *seen = look(data, <PyObject *> name)
    cdef cano_taken taken
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
    release_exclusive(data)
    if stale:
        return ABSENT
    Py_DECREF(taken.key)
    return cano_passed_on(taken.value)


cdef bint is_void(object error) except -1:
    """Whether an exception out of a run that was overtaken says no more than that."""
    if isinstance(error, BaseExceptionGroup):
        return error.split((Exception, Stale))[1] is None
    return isinstance(error, (Exception, Stale))


cdef bint is_overtaken(Transaction tx) except -1:
    """Whether a read has found an earlier one outdated, be it in another thread, while the transaction is open."""
    cdef bint stale
    with cython.critical_section(tx):
        stale = tx.stale
    return stale


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
            tx.checked = cano_load(&data.writes)
            tx.over = False
            begin(data, &tx.run)
            try:
                try:
                    result = fn(tx)
                except BaseException as error:
                    if not is_overtaken(tx) or not is_void(error):
                        raise
                else:
                    refuse_coroutine(result, fn, "transact")
                finally:
                    with cython.critical_section(tx):
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
