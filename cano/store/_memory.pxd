"""C layout of the store."""

from cano.store._lock cimport cano_lock


cdef class _Core:
    """The data that all handles of one store share; it has no face of its own."""

    cdef cano_lock lock  # guards ``data``: shared to read it, exclusive to change it
    cdef dict data       # exact str -> anything
    cdef bint made       # the lock exists and has to be dropped


cdef class MemoryStore:
    cdef _Core core
    cdef object __weakref__
