# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""How a value is checked against a plan.

No lock is held: ``__instancecheck__`` and the iterators of a user's own collections run here and may change what is being looked
at, and other threads may do so at any time. So each part is owned while it is looked at, sizes are read again at each step, and
nothing that is added meanwhile is looked at.
"""

from cpython.object cimport PyObject, PyTypeObject
from cpython.set cimport PyAnySet_Check

from cano.store._parts cimport cano_class_in, cano_handed_over, cano_item_of
from cano.store._plan cimport (
    ANYTHING, CLASS, FIELDS, ITEMS, LITERAL, MEMBER, PAIRS, RECORD, SAME, SUBCLASS, UNION, Node, Plan, class_of,
)
from cano.store._settled cimport PyList_GET_SIZE, PyTuple_GET_ITEM, PyTuple_GET_SIZE, Way, settled, unsettled_item, unsettled_pair

from collections import deque

from cano._text import key_text, name_of


cdef extern from *:
    Py_ssize_t Py_REFCNT(object) noexcept
    int Py_IS_TYPE(object, PyTypeObject *) noexcept
    int PyObject_TypeCheck(object, PyTypeObject *) noexcept
    int PyObject_IsInstance(object, object) except -1
    int PyObject_IsSubclass(object, object) except -1
    int PyType_Check(object) noexcept
    int PyList_Check(object) noexcept
    int PyTuple_Check(object) noexcept
    int PyDict_Check(object) noexcept
    Py_ssize_t PyDict_Size(object) except -1
    object PyFrozenSet_New(object)
    object PyLong_FromVoidPtr(PyObject *)
    int Py_EnterRecursiveCall(const char *where) except -1
    void Py_LeaveRecursiveCall() noexcept


cdef enum:
    DEEPEST = 1_000  # nodes in one another: some 350 bytes of C stack each, and threads may have but 512 kB

cdef enum:
    FEW = 256          # containers looked at without a note: what holds more may hold some of them many times
    OF_ONE_PARENT = 2  # references to a container that is in one other alone: that one's, and the one that is held meanwhile
    TRIES = 16         # looks for a moment at which nobody changes a deque

cdef object LIVE_DEQUE = deque.__iter__  # its own, whatever a subclass has made of it
cdef object DEQUE_ITEM = deque.__getitem__
cdef object DEQUE_SIZE = deque.__len__


cdef class Walk:
    def __cinit__(self):
        self.known = {}
        self.assumed = []
        self.kept = []
        self.steps = []
        self.detail = ""


cdef bint passes(object value, Plan plan) except -1:
    """True if ``value`` is what the plan asks for."""
    if settled(<PyObject *> value, plan.root):
        return True
    return fits(value, plan.root, Walk() if plan.deep else None, 0)


cdef bint may_pass(object value, Plan plan) except -1:
    """False if ``value`` is of a class that the plan has no place for, whatever is inside."""
    return may_fit(value, plan.root)


cdef bint may_fit(object value, Node node) except -1:
    cdef Node part
    if node.kind == SAME:
        return may_fit(value, node.parts[0])
    if node.kind == UNION:
        for part in node.parts:
            if may_fit(value, part):
                return True
        return False
    if node.kind in (ITEMS, PAIRS, RECORD, FIELDS):
        return is_instance(value, node)
    return fits(value, node, None, 0)


cdef Walk explained(object value, Plan plan):
    """Check once more and return what there is to be said about where the value fails."""
    cdef Walk walk = Walk()
    walk.recording = True
    if fits(value, plan.root, walk, 0):  # it has changed since
        failed(value, walk, "")
    return walk


cdef bint failed(object value, Walk walk, str detail) except -1:
    """Note that it is this value that does not fit."""
    if walk is not None and walk.recording:
        walk.found = type(value)
        walk.steps = []
        walk.detail = detail
    return False


cdef bint failed_at(Walk walk, object step) except -1:
    """Note the way from a container to the part of it that did not fit."""
    if walk is not None and walk.recording:
        walk.steps.append(step if type(step) is str else f"[{step}]")
    return False


cdef str written(object key):
    """A key as it is written in code, if it is not too long for a sentence."""
    text = key_text(key)
    return text if len(text) <= 100 else f"{text[:100]}…"


cdef inline bint is_instance(object value, Node node) except -1:
    """``isinstance``, of a container by its layout."""
    cdef PyTypeObject *address = cano_class_in(&node.address)
    if Py_IS_TYPE(value, address):
        return True
    if node.concrete:
        return address is not NULL and PyObject_TypeCheck(value, address)
    kind = class_of(node)
    return kind is not None and PyObject_IsInstance(value, kind)


cdef bint fits(object value, Node node, Walk walk, int depth) except -1:
    """True if ``value``, which the caller owns, is what the node asks for; ``depth`` nodes are above it."""
    if node.kind == SAME and settled(<PyObject *> value, node.parts[0]) or settled(<PyObject *> value, node):
        return True
    if node.kind == CLASS:
        return is_instance(value, node) or failed(value, walk, "")
    if depth == DEEPEST:
        raise RecursionError(f"more than {DEEPEST} parts in one another while checking a value against a type")
    Py_EnterRecursiveCall(b" while checking a value against a type")
    try:
        if node.kind == UNION:
            return union_fits(value, node, walk, depth + 1)
        if node.kind == SAME:
            return same_fits(value, node, walk, depth + 1)
        if walk is not None:
            walk.visits += 1
            if walk.visits > FEW and Py_REFCNT(value) > OF_ONE_PARENT:
                return fits_once(value, node, walk, depth + 1)
        return looks(value, node, walk, depth + 1)
    finally:
        Py_LeaveRecursiveCall()


cdef bint looks(object value, Node node, Walk walk, int depth) except -1:
    """The kinds that are neither a choice nor an alias."""
    if node.kind == LITERAL:
        return literal_fits(value, node.facts) or failed(value, walk, "")
    if node.kind == MEMBER:
        return member_fits(value, node) or failed(value, walk, "")
    if node.kind == SUBCLASS:
        return subclass_fits(value, node, walk)
    if not is_instance(value, node):
        return failed(value, walk, "")
    if node.kind == RECORD:
        return record_fits(value, node, walk, depth)
    if node.kind == FIELDS:
        return fields_fit(value, node, walk, depth)
    if PyDict_Check(value):
        return dict_fits(value, node, walk, depth)
    if node.kind == PAIRS:
        return mapping_fits(value, node, walk, depth)
    if PyList_Check(value):
        return list_fits(value, node.parts[0], walk, depth)
    if PyTuple_Check(value):
        return tuple_fits(value, node.parts[0], walk, depth)
    if PyAnySet_Check(value):
        return set_fits(value, node.parts[0], walk, depth)
    return collection_fits(value, node.parts[0], walk, depth)


cdef bint union_fits(object value, Node node, Walk walk, int depth) except -1:
    cdef Node part
    cdef list steps = None
    for part in node.parts:
        if fits(value, part, walk, depth):
            return True
        # The part that got furthest is the one that was meant.
        if walk is not None and walk.recording and (steps is None or len(walk.steps) > len(steps) or walk.detail and not steps):
            steps, found, detail = walk.steps, walk.found, walk.detail
    if walk is not None and walk.recording:
        walk.steps, walk.found, walk.detail = steps, found, detail
    return False


cdef bint same_fits(object value, Node node, Walk walk, int depth) except -1:
    """Check against a recursive form. A value that is met again inside itself passes if nothing else in it fails."""
    cdef Py_ssize_t mark = len(walk.assumed)
    cdef tuple pair = (PyLong_FromVoidPtr(<PyObject *> value), PyLong_FromVoidPtr(<PyObject *> node))
    known = walk.known.get(pair)
    if known is not None:
        return known or failed(value, walk, "")
    walk.known[pair] = True
    walk.assumed.append(pair)
    walk.kept.append(value)
    if fits(value, node.parts[0], walk, depth):
        return True
    for each in walk.assumed[mark:]:  # what passed since may have done so because this was assumed
        del walk.known[each]
    del walk.assumed[mark:]
    walk.known[pair] = False
    return False


cdef bint fits_once(object value, Node node, Walk walk, int depth) except -1:
    """Check a container that may have been checked already: of shared parts there can be more ways than anybody could go."""
    cdef tuple pair = (PyLong_FromVoidPtr(<PyObject *> value), PyLong_FromVoidPtr(<PyObject *> node))
    cdef bint passed
    known = walk.known.get(pair)
    if known is not None and (known or not walk.recording):  # to tell where it fails, it is gone through again
        return known
    passed = looks(value, node, walk, depth)
    walk.known[pair] = passed
    walk.kept.append(value)
    if passed:
        walk.assumed.append(pair)
    return passed


cdef bint literal_fits(object value, tuple facts) except -1:
    """Compare with plain values of the very same class, so that no ``__eq__`` but theirs runs."""
    if type(value) is str:
        return value in <frozenset> facts[0]
    if type(value) is int:
        return value in <frozenset> facts[1]
    if type(value) is bytes:
        return value in <frozenset> facts[2]
    return (value is True or value is False or value is None) and value in <frozenset> facts[3]


cdef bint member_fits(object value, Node node) except -1:
    return Py_IS_TYPE(value, cano_class_in(&node.address)) and PyLong_FromVoidPtr(<PyObject *> value) in node.facts


cdef bint subclass_fits(object value, Node node, Walk walk) except -1:
    cdef Node part
    if not PyType_Check(value):
        return failed(value, walk, "")
    for part in node.parts:
        kind = class_of(part) if part.kind == CLASS else object
        if kind is not None and PyObject_IsSubclass(value, kind):
            return True
    return failed(value, walk, name_of(value))


cdef bint list_fits(object value, Node part, Walk walk, int depth) except -1:
    cdef Py_ssize_t at = 0, size = PyList_GET_SIZE(value)
    cdef PyObject *seen
    if part.kind == ANYTHING:
        return True
    while True:
        seen = unsettled_item(value, part, &at, size)
        if seen is NULL:
            return True
        item = cano_handed_over(seen)
        if not fits(item, part, walk, depth):
            return failed_at(walk, at)
        at += 1


cdef bint tuple_fits(object value, Node part, Walk walk, int depth) except -1:
    cdef Py_ssize_t at
    for at in range(PyTuple_GET_SIZE(<PyObject *> value)):
        if not settled(PyTuple_GET_ITEM(<PyObject *> value, at), part):
            if not fits(<object> PyTuple_GET_ITEM(<PyObject *> value, at), part, walk, depth):
                return failed_at(walk, at)
    return True


cdef bint record_fits(object value, Node node, Walk walk, int depth) except -1:
    cdef Py_ssize_t at, size = PyTuple_GET_SIZE(<PyObject *> value)
    if size != len(node.parts):
        return failed(value, walk, f"of length {size}")
    for at in range(size):
        if not fits(<object> PyTuple_GET_ITEM(<PyObject *> value, at), node.parts[at], walk, depth):
            return failed_at(walk, at)
    return True


cdef bint dict_fits(object value, Node node, Walk walk, int depth) except -1:
    """The keys of a dict, and its values if the node asks for pairs."""
    cdef Node first = node.parts[0], second = node.parts[1] if node.kind == PAIRS else None
    cdef Way way
    way.at, way.left = 0, PyDict_Size(value)
    while unsettled_pair(value, first, second, &way):
        key, each = cano_handed_over(way.key), cano_handed_over(way.value)
        if not fits(key, first, walk, depth):
            return failed_at(walk, f"<key {written(key)}>")
        if second is not None and not fits(each, second, walk, depth):
            return failed_at(walk, f"[{written(key)}]")
    return True


cdef bint fields_fit(object value, Node node, Walk walk, int depth) except -1:
    cdef Py_ssize_t at = 0
    cdef PyObject *seen
    for name, required in node.facts:
        if not cano_item_of(value, name, &seen):
            if required:
                return failed(value, walk, f"without the key {name!r}")
        else:
            each = cano_handed_over(seen)
            if not fits(each, node.parts[at], walk, depth):
                return failed_at(walk, f"[{name!r}]")
        at += 1
    return True


cdef bint mapping_fits(object value, Node node, Walk walk, int depth) except -1:
    """A mapping that is no dict, by its own ``items``."""
    cdef Node first = node.parts[0], second = node.parts[1]
    for key, each in value.items():
        if not fits(key, first, walk, depth):
            return failed_at(walk, f"<key {written(key)}>")
        if not fits(each, second, walk, depth):
            return failed_at(walk, f"[{written(key)}]")
    return True


cdef bint set_fits(object value, Node part, Walk walk, int depth) except -1:
    for item in PyFrozenSet_New(value):  # as it is at one moment, and without the code of a subclass
        if not fits(item, part, walk, depth):
            return failed_at(walk, "<item>")
    return True


cdef list items_of_deque(object value):
    """The items as they are at one moment, or one after the other while other threads leave them no such moment."""
    cdef list items
    for _ in range(TRIES):
        try:
            return list(LIVE_DEQUE(value))
        except RuntimeError:  # changed meanwhile: by another thread, or by what a collection calls
            pass
    items = []
    try:
        for at in range(DEQUE_SIZE(value)):
            items.append(DEQUE_ITEM(value, at))
    except IndexError:  # shorter now
        pass
    return items


cdef bint collection_fits(object value, Node part, Walk walk, int depth) except -1:
    """Any other collection, by its own iterator."""
    cdef Py_ssize_t at = 0
    cdef object items
    if PyObject_TypeCheck(value, <PyTypeObject *> deque):
        items = items_of_deque(value)
    else:
        items = iter(value)
        if items is value:
            raise TypeError(f"a {name_of(type(value))} is its own iterator: a look at its items would use them up")
    # All items of these are of one class, so the first one answers for them; a range can have more than anybody could look at.
    first_answers = type(value) in (str, bytes, bytearray, range) and part.kind in (ANYTHING, CLASS)
    for item in items:
        if not fits(item, part, walk, depth):
            return failed_at(walk, at)
        if first_answers:
            break
        at += 1
    return True
