"""Optimistic changes: see _transact.pyx."""

from cano.store._core cimport _Core, Data, Run


cdef class Transaction:
    cdef _Core core       # whose data this is about
    cdef dict reads      # name -> what was seen there, ABSENT for nothing; None once it is over
    cdef dict writes     # name -> what to put there, ABSENT to remove it; None once it is over
    cdef size_t checked  # the number of writes that the store had seen when all reads held
    cdef Run run
    cdef bint stale      # something that was read has moved: this run is void
    cdef bint over       # the function has returned
    cdef object key      # the name that moved


cdef object modify(_Core core, object key, object fn, object form, object default)
cdef object pop(_Core core, object key, object form, object default)
cdef object transact(_Core core, object fn)
