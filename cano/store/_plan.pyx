# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False
"""What a plan is, and how a value is checked against it.

A plan is a graph of nodes, made once of a type form. It holds the classes that it speaks of weakly, by address: a direct instance
is told by a comparison of two pointers. No lock is held: ``__instancecheck__`` and the iterators of a user's own collections run
here and may change what is being looked at, or let another thread do it. So each part is owned while it is looked at, sizes are
read again at each step, and nothing that is added meanwhile is looked at.
"""

from cpython.object cimport PyObject, PyTypeObject
from cpython.set cimport PyAnySet_Check

from collections import deque

from cano._text import key_text, name_of


cdef extern from *:
    """
    static inline PyObject *cano_referent(PyObject *ref) {  /* a new reference; None for what has died */
    #if PY_VERSION_HEX >= 0x030D0000
        PyObject *seen = NULL;
        if (PyWeakref_GetRef(ref, &seen) < 0) return NULL;
        return seen ? seen : Py_NewRef(Py_None);
    #else
        PyObject *seen = PyWeakref_GetObject(ref);
        return seen ? Py_NewRef(seen) : NULL;
    #endif
    }
    """
    object cano_referent(object)
    Py_ssize_t Py_REFCNT(object) noexcept
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    int Py_IS_TYPE(object, PyTypeObject *) noexcept
    int PyObject_TypeCheck(object, PyTypeObject *) noexcept
    int PyObject_IsInstance(object, object) except -1
    int PyObject_IsSubclass(object, object) except -1
    int PyType_Check(object) noexcept
    int PyList_Check(object) noexcept
    PyObject *PyList_GET_ITEM(object, Py_ssize_t) noexcept
    Py_ssize_t PyList_GET_SIZE(object) noexcept
    int PyTuple_Check(object) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *) noexcept
    int PyDict_Check(object) noexcept
    int PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **) noexcept
    Py_ssize_t PyDict_Size(object) except -1
    PyObject *PyDict_GetItemWithError(object, object) except? NULL
    object PyFrozenSet_New(object)
    object PyLong_FromVoidPtr(PyObject *)
    int Py_EnterRecursiveCall(const char *where) except -1
    void Py_LeaveRecursiveCall() noexcept


cdef enum:
    DEEPEST = 1_000  # nodes in one another: some 350 bytes of C stack each, and threads may have but 512 kB

cdef enum:
    FEW = 256          # containers looked at without a note: what holds more may hold some of them many times
    OF_ONE_PARENT = 2  # references to a container that is in one other alone: that one's, and the one that is held meanwhile

cdef object LIVE_DEQUE = deque.__iter__  # its own, whatever a subclass has made of it


cdef class Node:
    pass


cdef class Watch:
    """Hears of the deaths of what a plan speaks of. Knows nothing of the plan, so that the two are no cycle."""

    def __cinit__(self):
        self.nodes = []

    def __call__(self, ref, /):
        cdef Node node
        cdef Plan plan
        cdef list nodes = []
        self.dead = True
        for node in self.nodes:
            if node.holder is not ref:
                nodes.append(node)
                continue
            node.address = NULL  # it will soon be the address of something else
            node.exact = NULL
            if node.kind == MEMBER:
                node.facts = frozenset()
        self.nodes = nodes
        if self.table is not None:
            plan = self.table.get(self.key)
            if plan is not None and plan.watch is self:
                del self.table[self.key]


cdef class Plan:
    """A compiled type form."""

    def __cinit__(self):
        self.watch = Watch()


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


cdef bint is_deep(Node node, bint inside):
    """True if the node, which stands ``inside`` a container or not, speaks of containers in one another, or of itself."""
    cdef Node part
    cdef bint container = node.kind in (ITEMS, PAIRS, RECORD, FIELDS)
    if node.kind == SAME or container and inside:
        return True
    for part in node.parts or ():
        if is_deep(part, inside or container):
            return True
    return False


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


cdef object class_of(Node node):
    """The class that a node speaks of, or None if it has died."""
    return node.holder if PyType_Check(node.holder) else cano_referent(node.holder)


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


cdef inline bint settled(PyObject *value, Node node) noexcept:
    """True if the class of the value says already that it fits; no code runs."""
    cdef Py_ssize_t at
    cdef PyTypeObject *kind = Py_TYPE(value)
    cdef PyObject *parts
    if kind is node.exact:
        return True
    if node.kind == UNION:
        parts = <PyObject *> node.parts
        for at in range(PyTuple_GET_SIZE(parts)):
            if kind is (<Node> PyTuple_GET_ITEM(parts, at)).exact:
                return True
        return False
    return node.kind == ANYTHING


cdef inline bint is_instance(object value, Node node) except -1:
    """``isinstance``, of a container by its layout."""
    if Py_IS_TYPE(value, node.address):
        return True
    if node.concrete:
        return node.address is not NULL and PyObject_TypeCheck(value, node.address)
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
        return (Py_IS_TYPE(value, node.address) and PyLong_FromVoidPtr(<PyObject *> value) in node.facts) or failed(value, walk, "")
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
    if part.kind == ANYTHING:
        return True
    while at < size and at < PyList_GET_SIZE(value):
        if not settled(PyList_GET_ITEM(value, at), part):
            item = <object> PyList_GET_ITEM(value, at)
            if not fits(item, part, walk, depth):
                return failed_at(walk, at)
        at += 1
    return True


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
    cdef Py_ssize_t at = 0, left = PyDict_Size(value)
    cdef PyObject *key_seen
    cdef PyObject *value_seen
    while left > 0 and PyDict_Next(value, &at, &key_seen, &value_seen):
        left -= 1
        if settled(key_seen, first) and (second is None or settled(value_seen, second)):
            continue
        key, each = <object> key_seen, <object> value_seen
        if not fits(key, first, walk, depth):
            return failed_at(walk, f"<key {written(key)}>")
        if second is not None and not fits(each, second, walk, depth):
            return failed_at(walk, f"[{written(key)}]")
    return True


cdef bint fields_fit(object value, Node node, Walk walk, int depth) except -1:
    cdef Py_ssize_t at = 0
    cdef PyObject *seen
    for name, required in node.facts:
        seen = PyDict_GetItemWithError(value, name)
        if seen is NULL:
            if required:
                return failed(value, walk, f"without the key {name!r}")
        else:
            each = <object> seen
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


cdef bint collection_fits(object value, Node part, Walk walk, int depth) except -1:
    """Any other collection, by its own iterator."""
    cdef Py_ssize_t at = 0
    cdef object items
    if PyObject_TypeCheck(value, <PyTypeObject *> deque):
        items = list(LIVE_DEQUE(value))
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
