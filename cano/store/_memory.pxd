"""C layout of a handle."""

from cano.store._core cimport _Core


cdef class MemoryStore:
    cdef _Core core
    cdef object __weakref__
