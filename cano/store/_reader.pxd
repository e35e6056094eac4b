"""From a type form to its plan: see _reader.pyx."""

from cano.store._plan cimport Plan


cdef int read_into(Plan plan, object form, bint read) except -1
