"""The check of a value against a plan: see _check.pyx."""

from cano.store._plan cimport Plan


cdef class Walk:
    """What one check remembers."""

    cdef int visits       # containers that were looked at
    cdef dict known       # (value, node) by address -> passed, or assumed to pass as long as its check goes on; or failed
    cdef list assumed     # the keys of those that passed, in order
    cdef list kept        # the values, so that their addresses name nothing else
    cdef bint recording   # note where and why a value fails
    cdef list steps       # from the part that failed, outwards
    cdef object found
    cdef str detail


cdef bint passes(object value, Plan plan) except -1
cdef bint may_pass(object value, Plan plan) except -1
cdef Walk explained(object value, Plan plan)
