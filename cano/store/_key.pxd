"""C layout of a typed key: see _key.pyx."""


cdef class Key:
    cdef readonly str name  # exact str, so that it can go under the lock
    cdef readonly object type
    cdef object asked  # ``type`` in the form that is quickest to check


cdef str text_slowly(object key)
