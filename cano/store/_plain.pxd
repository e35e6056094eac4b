"""C declarations of what is known of classes: see _plain.h."""

from cpython.object cimport PyTypeObject


cdef extern from "_plain.h":
    unsigned int cano_plain_version(PyTypeObject *kind) noexcept
    int cano_plain_known(PyTypeObject *kind) noexcept
    void cano_plain_note(unsigned int version, bint plain) noexcept
    bint cano_plain_layout(PyTypeObject *kind) noexcept
