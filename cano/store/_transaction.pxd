"""C layout of a transaction: see _transaction.pyx."""

from cano.store._core cimport _Core, Run, cano_count


cdef class Transaction:
    cdef _Core core       # whose data this is about
    cdef dict reads      # name -> what was seen there, ABSENT for nothing; None once it is over
    cdef dict writes     # name -> what to put there, ABSENT to remove it; None once it is over
    cdef cano_count checked  # the number of writes that the store had seen when all reads held
    cdef Run run
    cdef bint stale      # something that was read has moved: this run is void
    cdef bint over       # the function has returned
    cdef object key      # the name that moved
