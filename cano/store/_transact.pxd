"""Optimistic changes: see _transact.pyx."""

from cano.store._core cimport _Core


cdef object modify(_Core core, object key, object fn, object form, object default)
cdef object pop(_Core core, object key, object form, object default)
cdef object transact(_Core core, object fn)
