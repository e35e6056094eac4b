# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""What a plan is: a graph of nodes, made once of a type form.

A plan holds the classes that it speaks of weakly, by address: a direct instance is told by a comparison of two pointers. Threads
share it. All of it is made before it is shown to a second one, and after that only a death changes it, see ``Watch``.
"""

cimport cython

from cano.store._parts cimport cano_forget_class


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
    int PyType_Check(object) noexcept


cdef class Node:
    pass


cdef class Watch:
    """Hears of the deaths of what a plan speaks of. Knows nothing of the plan, so that the two are no cycle.

    A death is heard of in whatever thread it happens, while others check values by the plan. What has died has no instance that
    they could meet, and its address becomes that of something else only after this call.
    """

    def __cinit__(self):
        self.nodes = []

    def __call__(self, ref, /):
        cdef Node node
        cdef dict table
        cdef bytes key
        with cython.critical_section(self):
            self.dead = True
            table, key = self.table, self.key
        for node in self.nodes:
            if node.holder is ref:
                cano_forget_class(&node.address)
                cano_forget_class(&node.exact)
        if table is not None:
            table.pop(key, None)  # if that is a newer plan by now, it is made again

    cdef int found_under(self, bytes key, dict table) except -1:
        """Note where the plan is going to be found."""
        with cython.critical_section(self):
            self.key = key
            self.table = table
        return 0

    cdef bint has_heard(self) except -1:
        """True if something has died; who looks after the plan has been put there misses no death."""
        cdef bint dead
        with cython.critical_section(self):
            dead = self.dead
        return dead


cdef class Plan:
    """A compiled type form."""

    def __cinit__(self):
        self.watch = Watch()


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


cdef object class_of(Node node):
    """The class that a node speaks of, or None if it has died."""
    return node.holder if PyType_Check(node.holder) else cano_referent(node.holder)
