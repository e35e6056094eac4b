"""Writes that land at one moment: see _commit.pyx."""

from cpython.object cimport PyObject

from cano.store._core cimport Data, cano_count


cdef PyObject *moved(Data *data, dict reads) noexcept
cdef object land(Data *data, dict reads, cano_count checked, dict writes)
