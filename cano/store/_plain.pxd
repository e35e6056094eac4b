"""What is known of classes: see _plain.h and _plain.pyx."""

from cpython.object cimport PyTypeObject


cdef extern from "_plain.h":
    unsigned int cano_plain_version(PyTypeObject *kind) noexcept
    int cano_plain_known(PyTypeObject *kind) noexcept
    void cano_plain_note(unsigned int version, bint plain) noexcept
    bint cano_plain_layout(PyTypeObject *kind) noexcept


cdef tuple ASKED_OF_OBJECTS  # the methods of an object, or attributes in their place, that a copy asks

cdef bint looks_plain(type kind) except -1
