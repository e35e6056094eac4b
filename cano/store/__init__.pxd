"""The store for other Cython code: docs/cython.md.

``MemoryStore`` is declared without its layout, so code that was compiled against one version of cano runs with any other that
offers the functions it calls. Its fields are out of reach, and no ``cdef class`` can derive from it: that would need the layout.
"""

cimport cython


cdef extern from *:
    """
    struct cano_memory_store { PyObject_HEAD };
    """

    @cython.final  # for a ``cdef class`` alone; an ordinary class may be derived from it
    cdef class cano.store.MemoryStore [object cano_memory_store, check_size ignore]:
        pass
