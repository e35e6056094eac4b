# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""The copy that ``get`` hands out: the semantics of ``copy.deepcopy``, done in C.

Each exact built-in container is first copied shallowly in one step, so that it is seen as it was at one moment, and then its
parts are replaced in that private copy. Everything else is asked what ``copy.deepcopy`` asks it, in the same order, and put
together here. So the memo is a table in C, and becomes a dict only for those who are handed it: ``__deepcopy__``, and what is
registered in ``copy``.

No lock is held. User code may run at every step, and other threads at any time: they may change what is being copied, and once
user code has been handed a part of it, or the memo, the copies, too. So whatever is used after a call is owned, and sizes are read
again; see _parts.h.
"""

from cpython.dict cimport (
    PyDict_Clear, PyDict_GetItemWithError, PyDict_Items, PyDict_Next, PyDict_SetItem, PyDict_Size, PyDict_Update,
)
from cpython.list cimport PyList_AsTuple, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.method cimport PyMethod_Check, PyMethod_GET_FUNCTION, PyMethod_GET_SELF
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.type cimport PyType_Check

from cano.store._memo cimport (
    cano_memo, cano_memo_begin, cano_memo_drop, cano_memo_end, cano_memo_find, cano_memo_make, cano_memo_note, cano_memo_passed_on,
    cano_memo_show,
)
from cano.store._parts cimport cano_attributes, cano_dict_copy, cano_handed_over, cano_item_of, cano_list_copy, cano_set_item
from cano.store._plain cimport ASKED_OF_OBJECTS, cano_plain_known, cano_plain_note, cano_plain_version, looks_plain

import copy as copy_module
import copyreg
from copyreg import __newobj__
from enum import Enum


cdef extern from *:
    int Py_EnterRecursiveCall(const char *where) except -1
    void Py_LeaveRecursiveCall() noexcept
    int PyList_SetItem(object, Py_ssize_t, PyObject *) except -1
    object PyFrozenSet_New(object)
    PyTypeObject PyBaseObject_Type, PyDict_Type, PyList_Type, PyTuple_Type, PySet_Type, PyFrozenSet_Type
    PyTypeObject PyType_Type, PyFunction_Type, PyCFunction_Type, PyCode_Type, PyProperty_Type, PyRange_Type, _PyWeakref_RefType


cdef enum:
    DEEPEST = 1_000  # levels in one another: up to 400 bytes of C stack each, and threads may have but 512 kB
    OF_CONTAINER = 1
    OF_OBJECT = 2  # takes as much stack as two

cdef dict REGISTERED = getattr(copy_module, "_deepcopy_dispatch", {})  # methods, and what programs have put there
cdef object AS_IT_IS = getattr(copy_module, "_deepcopy_atomic", None)  # how that table says so
cdef dict REDUCERS = copyreg.dispatch_table
cdef object NEW_OBJECT = __newobj__
cdef object OF_ENUM = Enum.__deepcopy__


cdef inline bint is_whole(object value) noexcept:
    """True for what ``copy.deepcopy`` returns as it is, by exact type, beside the plain values."""
    cdef PyTypeObject *kind = Py_TYPE(<PyObject *> value)
    return (
        kind is &PyType_Type
        or kind is &PyFunction_Type
        or kind is &PyCFunction_Type
        or kind is &PyRange_Type
        or kind is &PyProperty_Type
        or kind is &_PyWeakref_RefType
        or kind is &PyCode_Type
        or value is Ellipsis
        or value is NotImplemented
    )


cdef object deep_copy(object value):
    """Copy ``value`` as ``copy.deepcopy`` would. Nesting too deep is a RecursionError, and never the end of the C stack."""
    cdef cano_memo memo
    cano_memo_make(&memo)
    try:
        return copy_part(value, &memo, 0)
    finally:
        cano_memo_drop(&memo)


cdef object copy_part(object value, cano_memo *memo, int depth):
    """Copy one part of a graph, ``depth`` levels below its root, if that was not done before."""
    cdef PyObject *known = NULL
    cdef PyTypeObject *kind
    if is_atomic(<PyObject *> value):
        return value
    if cano_memo_find(memo, value, &known):
        return cano_memo_passed_on(known)
    kind = Py_TYPE(<PyObject *> value)
    if kind is &PyDict_Type:
        return copy_dict(<dict> value, memo, depth)
    if kind is &PyList_Type:
        return copy_list(<list> value, memo, depth)
    if kind is &PyTuple_Type:
        return copy_tuple(<tuple> value, memo, depth)
    if is_whole(value):
        return value
    copy = copy_object(value, memo, depth)
    if copy is not value:
        cano_memo_note(memo, value, copy)
    return copy


cdef int go_deeper(int depth) except -1:
    """Enter the parts of something; ``Py_LeaveRecursiveCall`` leaves them."""
    if depth >= DEEPEST:
        raise RecursionError(f"more than {DEEPEST} levels in one another while copying a value out of the store")
    return Py_EnterRecursiveCall(b" while copying a value out of the store")


cdef list copy_list(list original, cano_memo *memo, int depth):
    cdef list copy = cano_list_copy(original)
    cdef Py_ssize_t size = PyList_GET_SIZE(copy), at = 0
    while at < size and is_atomic(<PyObject *> PyList_GET_ITEM(copy, at)):
        at += 1
    if at == size and depth == 0:
        return copy  # nobody will ask for it again
    cano_memo_begin(memo, original, copy)
    if at < size:
        go_deeper(depth)
        try:
            replace_items(copy, at, memo, depth + OF_CONTAINER)
        finally:
            Py_LeaveRecursiveCall()
    cano_memo_end(memo, original, copy)
    return copy


cdef int replace_items(list copy, Py_ssize_t at, cano_memo *memo, int depth) except -1:
    """Replace the items of a list from ``at`` on by their copies, but none that somebody adds meanwhile."""
    cdef object part
    cdef Py_ssize_t size = PyList_GET_SIZE(copy)
    cdef PyObject *seen = next_item(copy, &at, size)
    while seen is not NULL:
        part = cano_handed_over(seen)
        part = copy_part(part, memo, depth)
        cano_set_item(copy, at, part)
        at += 1
        seen = next_item(copy, &at, size)
    return 0


cdef dict copy_dict(dict original, cano_memo *memo, int depth):
    cdef dict copy = cano_dict_copy(original)
    cdef Py_ssize_t at = 0, following = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef bint flat = True
    while flat and PyDict_Next(copy, &following, &key, &value):
        if is_atomic(key) and is_atomic(value):
            at = following
        else:
            flat = False
    if flat and depth == 0:
        return copy  # nobody will ask for it again
    cano_memo_begin(memo, original, copy)
    if not flat:
        go_deeper(depth)
        try:
            replace_values(copy, at, memo, depth + OF_CONTAINER)
        finally:
            Py_LeaveRecursiveCall()
    cano_memo_end(memo, original, copy)
    return copy


cdef int replace_values(dict copy, Py_ssize_t at, cano_memo *memo, int depth) except -1:
    """Replace the values of a dict from the place ``at`` on by their copies, and its keys if they have to be copied, too.

    What somebody adds meanwhile may come up, but no more pairs than there were.
    """
    cdef Py_ssize_t left = PyDict_Size(copy)
    cdef PyObject *key_seen
    cdef PyObject *value_seen
    while next_pair(copy, &at, &left, &key_seen, &value_seen):
        key, value = cano_handed_over(key_seen), cano_handed_over(value_seen)
        new_value = copy_part(value, memo, depth)
        new_key = copy_part(key, memo, depth)
        # To put a value under a key that stays is the one change that a walk through a dict allows, if no code can have the key
        # hash to something else than it did.
        if new_key is not key or new_value is not value and not hashes_plainly(key):
            return replace_keys(copy, key, new_key, new_value, memo, depth)
        if new_value is not value:
            PyDict_SetItem(copy, key, new_value)
    return 0


cdef bint hashes_plainly(object key) noexcept:
    """True for plain values and flat tuples of them."""
    cdef Py_ssize_t at
    if type(key) is not tuple:
        return is_atomic(<PyObject *> key)
    for at in range(PyTuple_GET_SIZE(key)):
        if not is_atomic(<PyObject *> PyTuple_GET_ITEM(key, at)):
            return False
    return True


cdef int replace_keys(dict copy, object first, object new_key, object new_value, cano_memo *memo, int depth) except -1:
    """Fill a dict anew: with what is done, with ``new_key`` and ``new_value`` for ``first``, and with copies of what follows."""
    cdef list items = PyDict_Items(copy)
    cdef bint done = True
    PyDict_Clear(copy)
    for key, value in items:
        if key is first:
            done = False
            key, value = new_key, new_value
        elif not done:
            value = copy_part(value, memo, depth)
            key = copy_part(key, memo, depth)
        PyDict_SetItem(copy, key, value)
    return 0


cdef object copy_tuple(tuple original, cano_memo *memo, int depth):
    cdef Py_ssize_t size = PyTuple_GET_SIZE(original), at = 0
    cdef PyObject *known = NULL
    cdef list parts
    while at < size and is_atomic(<PyObject *> PyTuple_GET_ITEM(original, at)):
        at += 1
    if at == size:
        return original
    go_deeper(depth)
    try:
        parts = copies_of(original, at, memo, depth + OF_CONTAINER)
    finally:
        Py_LeaveRecursiveCall()
    # The tuple may have been met again inside itself: then it is copied already.
    if cano_memo_find(memo, original, &known):
        return cano_memo_passed_on(known)
    if parts is None:
        return original
    copy = PyList_AsTuple(parts)
    cano_memo_note(memo, original, copy)
    return copy


cdef list copies_of(tuple original, Py_ssize_t at, cano_memo *memo, int depth):
    """Copy the parts of a tuple from ``at`` on, or return None if all come back as they are."""
    cdef list parts = None
    cdef object part, copy
    for at in range(at, PyTuple_GET_SIZE(original)):
        part = <object> PyTuple_GET_ITEM(original, at)
        copy = copy_part(part, memo, depth)
        if copy is not part:
            if parts is None:
                parts = list(original)
            Py_INCREF(copy)
            PyList_SetItem(parts, at, <PyObject *> copy)
    return parts


cdef object copy_object(object value, cano_memo *memo, int depth):
    """Copy what is no list, dict or tuple as it wants to be copied: see ``copy.deepcopy`` for the order of the questions."""
    cdef PyObject *found
    cdef object kind = type(value)  # owned: the class of an object can be replaced
    if cano_item_of(REGISTERED, kind, &found):
        copier = cano_handed_over(found)
        return value if copier is AS_IT_IS else copier(value, cano_memo_show(memo))
    if PyType_Check(value):
        return value
    if is_plain(<PyTypeObject *> kind) and PyDict_GetItemWithError(REDUCERS, kind) is NULL:  # what it points to is not looked at
        copy = copy_unasked(value, <PyTypeObject *> kind, memo, depth)
        if copy is not None:
            return copy
    copier = getattr(value, "__deepcopy__", None)
    if copier is not None:
        return value if is_of_enum(copier, value) else copier(cano_memo_show(memo))
    reduced = reduce(value)
    if isinstance(reduced, str):
        return value
    go_deeper(depth)
    try:
        return reconstruct(value, tuple(cano_list_copy(reduced) if type(reduced) is list else reduced), memo, depth + OF_OBJECT)
    finally:
        Py_LeaveRecursiveCall()


cdef inline bint is_of_enum(object copier, object value) noexcept:
    """True for the ``__deepcopy__`` of an enum's member: it returns the member, and the memo need not become a dict for that."""
    return (
        PyMethod_Check(copier)
        and PyMethod_GET_FUNCTION(copier) is <PyObject *> OF_ENUM
        and PyMethod_GET_SELF(copier) is <PyObject *> value
    )


cdef inline bint is_plain(PyTypeObject *kind) except -1:
    """True for the sets, and for a class whose objects are copied by their attributes alone, without any code of theirs."""
    cdef int known
    if kind is &PySet_Type or kind is &PyFrozenSet_Type:
        return True
    known = cano_plain_known(kind)
    return known if known >= 0 else look_at_class(kind)


cdef bint look_at_class(PyTypeObject *kind) except -1:
    cdef unsigned int version = cano_plain_version(kind)  # of before the look
    cdef bint plain
    if version == 0:
        return False  # it could not be remembered
    plain = looks_plain(<type> kind)
    cano_plain_note(version, plain)
    return plain


cdef object copy_unasked(object value, PyTypeObject *kind, cano_memo *memo, int depth):
    """Copy a set of plain values, or an object of a plain class; None: it has to be asked."""
    if kind is &PySet_Type or kind is &PyFrozenSet_Type:
        parts = set(value)
        for part in parts:
            if not is_atomic(<PyObject *> part):
                return None
        return parts if kind is &PySet_Type else PyFrozenSet_New(parts)
    attributes = cano_attributes(value)
    if type(attributes) is not dict:
        return None  # a subclass, with code of its own
    for name in ASKED_OF_OBJECTS:
        if name in attributes:
            return None
    go_deeper(depth)
    try:
        return copy_plain_object(value, kind, attributes, memo, depth + OF_OBJECT)
    finally:
        Py_LeaveRecursiveCall()


cdef object copy_plain_object(object value, PyTypeObject *kind, dict attributes, cano_memo *memo, int depth):
    """Do what comes of the ``__reduce_ex__`` that all objects have."""
    copy = PyBaseObject_Type.tp_new(<object> kind, <PyObject *> (), NULL)
    cano_memo_begin(memo, value, copy)
    state = copy_part(attributes, memo, depth)
    if type(state) is dict:
        PyDict_Update(cano_attributes(copy), state)
    elif state is not None:
        restore(copy, state)
    return copy


cdef object reduce(object value):
    """Ask a value how to make its like: by ``copyreg``, ``__reduce_ex__`` or ``__reduce__``."""
    cdef PyObject *registered
    reducer = cano_handed_over(registered) if cano_item_of(REDUCERS, type(value), &registered) else None
    if reducer:
        return reducer(value)
    reducer = getattr(value, "__reduce_ex__", None)
    if reducer is not None:
        return reducer(4)
    reducer = getattr(value, "__reduce__", None)
    if reducer:
        return reducer()
    raise copy_module.Error(f"un(deep)copyable object of type {type(value)}")


cdef object reconstruct(object value, tuple reduced, cano_memo *memo, int depth):
    """Make the like of ``value`` from copies of what it was reduced to: constructor, arguments, state, items of list and dict."""
    cdef Py_ssize_t given = PyTuple_GET_SIZE(reduced)
    if not 2 <= given <= 5:
        raise TypeError(f"{type(value).__qualname__} reduces itself to {given} parts for a copy: 2 to 5 are expected")
    constructor, arguments = reduced[0], reduced[1]
    if arguments:
        arguments = tuple([copy_part(each, memo, depth) for each in arguments])
    if constructor is NEW_OBJECT and arguments:
        copy = new_object(arguments)
    else:
        copy = constructor(*arguments)
    cano_memo_begin(memo, value, copy)
    if given > 2 and reduced[2] is not None:
        restore(copy, copy_part(reduced[2], memo, depth))
    if given > 3 and reduced[3] is not None:
        for item in reduced[3]:
            copy.append(copy_part(item, memo, depth))
    if given > 4 and reduced[4] is not None:
        for key, item in reduced[4]:
            key = copy_part(key, memo, depth)
            copy[key] = copy_part(item, memo, depth)
    return copy


cdef object new_object(tuple arguments):
    """Do what ``copyreg.__newobj__`` does, without the call, and for the ordinary class without looking for ``__new__``."""
    cls = arguments[0]
    if type(cls) is type and PyTuple_GET_SIZE(arguments) == 1 and (<PyTypeObject *> cls).tp_new is PyBaseObject_Type.tp_new:
        return PyBaseObject_Type.tp_new(cls, <PyObject *> (), NULL)
    return cls.__new__(*arguments)


cdef int restore(object copy, object state) except -1:
    """Give a new object its state: by ``__setstate__``, or attributes, or attributes and slots."""
    if hasattr(copy, "__setstate__"):
        try:
            set_state = copy.__setstate__
        except AttributeError:  # another thread has taken it off the class since; or it raises that only now
            if hasattr(copy, "__setstate__"):
                raise
        else:
            set_state(state)
            return 0
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state is not None:
        attributes = copy.__dict__
        if type(attributes) is dict and type(state) is dict:
            PyDict_Update(attributes, state)
        else:
            attributes.update(state)
    if slots is not None:
        for name, value in slots.items():
            setattr(copy, name, value)
    return 0
