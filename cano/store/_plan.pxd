"""C layout of a plan: see _plan.pyx."""

from cpython.object cimport PyTypeObject


cdef enum Kind:
    ANYTHING  # every value
    CLASS     # isinstance
    UNION     # one of the parts
    LITERAL   # these plain values, by class and value
    MEMBER    # these members of one enum, by identity
    SUBCLASS  # a class that is a subclass of one of the parts
    ITEMS     # of the class, and each item of the first part
    PAIRS     # a mapping of the class, each key of the first part and each value of the second
    RECORD    # a tuple of just these parts
    FIELDS    # a dict with these keys
    SAME      # the first part, which holds this node itself: the one kind through which plans are cyclic


cdef class Node:
    cdef Kind kind
    # The death of the class sets these two to NULL, whatever other threads do meanwhile: see cano_class_in. All else stays.
    cdef PyTypeObject *exact    # a class whose direct instances pass without any further look, or NULL
    cdef PyTypeObject *address  # the class that this node speaks of, or NULL
    cdef object holder      # that class: itself if it cannot die, else a weak reference to it
    cdef bint concrete      # its instances are told by their layout, not by what they say
    cdef tuple parts        # nodes
    cdef object facts       # what a literal admits, what the keys of a record are


cdef class Watch:
    cdef list nodes   # those that hold a class weakly; none is added once the plan is made
    # Guarded by the watch's own critical section.
    cdef dict table   # where the plan is to be found under ``key``, or None
    cdef bytes key
    cdef bint dead    # something that the plan speaks of is gone

    cdef int found_under(self, bytes key, dict table) except -1
    cdef bint has_heard(self) except -1


cdef class Plan:
    cdef Node root
    cdef Watch watch
    cdef object form      # of a typed key alone, as is ``held``: a plan in the table holds no form and no class
    cdef list held
    cdef list guards      # weak references to what the key of the plan names
    cdef bint deep             # it asks for containers in one another, so that a check can meet the same one many times


cdef object class_of(Node node)
cdef bint is_deep(Node node, bint inside)
