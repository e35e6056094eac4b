"""C declarations of the store's lock: see _lock.h."""

from cpython.object cimport PyObject


cdef extern from "_lock.h" nogil:
    ctypedef struct cano_lock:
        pass

    int cano_lock_setup() noexcept
    int cano_lock_make(cano_lock *lock) noexcept
    void cano_lock_drop(cano_lock *lock) noexcept
    void cano_unlock_shared(cano_lock *lock) noexcept
    void cano_unlock_exclusive(cano_lock *lock) noexcept
    unsigned long cano_thread() noexcept
    unsigned long long cano_now() noexcept


cdef extern from "_lock.h":
    # Attached when they are called and when they return; detached while they wait.
    int cano_lock_shared(cano_lock *lock) noexcept
    int cano_lock_exclusive(cano_lock *lock) noexcept
    void cano_nap(long nanoseconds) noexcept
    object cano_passed_on(PyObject *reference)
