"""C declarations of the memo of one copy: see _memo.h."""

from cpython.object cimport PyObject


cdef extern from "_memo.h":
    ctypedef struct cano_memo:
        pass

    void cano_memo_make(cano_memo *memo) noexcept
    void cano_memo_drop(cano_memo *memo) noexcept
    int cano_memo_find(cano_memo *memo, object original, PyObject **copy) except -1
    int cano_memo_begin(cano_memo *memo, object original, object copy) except -1
    int cano_memo_end(cano_memo *memo, object original, object copy) except -1
    int cano_memo_note(cano_memo *memo, object original, object copy) except -1
    object cano_memo_show(cano_memo *memo)
    object cano_memo_passed_on(PyObject *reference)
