# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False
"""The copy that ``get`` hands out: the semantics of ``copy.deepcopy``, with exact built-in containers done in C.

Each container is first copied shallowly in one step, so that it is seen as it was at one moment, and then its parts are
replaced in that private copy. Everything else goes through ``copy.deepcopy`` with the same memo, so that sharing and cycles
come out alike across both. No lock is held: user code may run at every step.
"""

from cpython.dict cimport PyDict_Copy, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_GetSlice
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM

from copy import deepcopy


cdef extern from *:
    int Py_EnterRecursiveCall(const char *where) except -1
    void Py_LeaveRecursiveCall() noexcept
    int PyList_SetItem(object, Py_ssize_t, PyObject *) except -1
    int Py_IS_TYPE(object, void *) noexcept


cdef enum:
    DEEPEST = 1_000  # levels of exact containers in one another: some 300 bytes of C stack each, and threads may have but 512 kB


cdef object deep_copy(object value):
    """Copy ``value`` as ``copy.deepcopy`` would. Nesting too deep is a RecursionError, before the C stack ends."""
    return copy_part(value, None, 0)


cdef object copy_part(object value, dict memo, int depth):
    """Copy one part of a graph, ``depth`` levels below its root; ``memo`` is None for the root alone."""
    cdef PyObject *known
    if is_atomic(<PyObject *> value):
        return value
    kind = type(value)
    if kind is not list and kind is not dict and kind is not tuple and kind is not set:
        return deepcopy(value, memo)
    if memo is not None:
        known = PyDict_GetItemWithError(memo, PyLong_FromVoidPtr(<PyObject *> value))
        if known is not NULL:
            return <object> known
    if depth == DEEPEST:
        raise RecursionError(f"more than {DEEPEST} containers in one another while copying a value out of the store")
    Py_EnterRecursiveCall(b" while copying a value out of the store")
    try:
        if kind is list:
            return copy_list(<list> value, memo, depth + 1)
        if kind is dict:
            return copy_dict(<dict> value, memo, depth + 1)
        if kind is tuple:
            return copy_tuple(<tuple> value, memo, depth + 1)
        return copy_set(<set> value, memo)
    finally:
        Py_LeaveRecursiveCall()


cdef int remember(object original, object copy, dict memo) except -1:
    """Note what became of ``original`` and keep it alive, so that its address names nothing else while the copy is made."""
    memo[PyLong_FromVoidPtr(<PyObject *> original)] = copy
    cdef object mine = PyLong_FromVoidPtr(<PyObject *> memo)  # the slot in which copy.deepcopy keeps them, too
    cdef PyObject *kept = PyDict_GetItemWithError(memo, mine)
    if kept is NULL:
        memo[mine] = [original]
    else:
        (<object> kept).append(original)
    return 0


cdef list copy_list(list original, dict memo, int depth):
    cdef list copy = PyList_GetSlice(original, 0, PyList_GET_SIZE(original))
    cdef Py_ssize_t at = 0
    cdef object part
    if memo is not None:
        remember(original, copy, memo)
    # User code that was handed the memo can reach the copy and shorten it: look at its size each time.
    while at < PyList_GET_SIZE(copy):
        if not is_atomic(<PyObject *> PyList_GET_ITEM(copy, at)):
            if memo is None:
                memo = {}
                remember(original, copy, memo)
            part = <object> PyList_GET_ITEM(copy, at)
            part = copy_part(part, memo, depth)
            if at < PyList_GET_SIZE(copy):
                Py_INCREF(part)
                PyList_SetItem(copy, at, <PyObject *> part)
        at += 1
    return copy


cdef tuple copy_tuple(tuple original, dict memo, int depth):
    cdef Py_ssize_t size = PyTuple_GET_SIZE(original), at
    cdef tuple copy
    cdef object part
    cdef bint changed = False
    cdef PyObject *known
    for at in range(size):
        if not is_atomic(<PyObject *> PyTuple_GET_ITEM(original, at)):
            break
    else:
        return original
    if memo is None:
        memo = {}
    cdef list parts = []
    for part in original:
        copied = copy_part(part, memo, depth)
        changed = changed or copied is not part
        parts.append(copied)
    # The tuple may have been met again inside itself: then it is copied already.
    known = PyDict_GetItemWithError(memo, PyLong_FromVoidPtr(<PyObject *> original))
    if known is not NULL:
        return <tuple> <object> known
    if not changed:
        return original
    copy = PyTuple_New(size)
    for at in range(size):
        part = parts[at]
        Py_INCREF(part)
        PyTuple_SET_ITEM(copy, at, part)
    remember(original, copy, memo)
    return copy


cdef dict copy_dict(dict original, dict memo, int depth):
    cdef dict copy = PyDict_Copy(original)
    cdef dict source = copy
    cdef Py_ssize_t at = 0
    cdef PyObject *key_seen
    cdef PyObject *value_seen
    cdef bint flat = True, plain_keys = True
    while PyDict_Next(source, &at, &key_seen, &value_seen):
        plain_keys = plain_keys and is_atomic(key_seen)
        flat = flat and is_atomic(value_seen)
    if memo is None and not (flat and plain_keys):
        memo = {}
    if not plain_keys:
        copy = {}
    if memo is not None:
        remember(original, copy, memo)
    if flat and plain_keys:
        return copy
    if not plain_keys:
        for key, value in list(source.items()):
            copy[copy_part(key, memo, depth)] = copy_part(value, memo, depth)
        return copy
    # Replacing the value of a key that stays is the one change that a dict allows while it is walked through.
    at = 0
    while PyDict_Next(source, &at, &key_seen, &value_seen):
        if not is_atomic(value_seen):
            key = <object> key_seen
            value = <object> value_seen
            PyDict_SetItem(copy, key, copy_part(value, memo, depth))
    return copy


cdef object copy_set(set original, dict memo):
    cdef set copy = set(original)
    for part in copy:
        if not is_atomic(<PyObject *> part):
            return deepcopy(original, memo)
    if memo is not None:
        remember(original, copy, memo)
    return copy
