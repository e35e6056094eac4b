"""C layout of a typed key: see _key.pyx."""


cdef class Key:
    cdef readonly str name  # exact str, so that it can go under the lock
    cdef readonly object type
    cdef object asked  # what is checked against: ``type`` if that is a plain class, else its plan


cdef str text_slowly(object key)
