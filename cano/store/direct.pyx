# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""The operations of a store as C functions, for other Cython code: docs/cython.md. Python code has the methods."""

from cpython.object cimport PyObject

from cano.store cimport MemoryStore
from cano.store._copy cimport is_atomic
from cano.store._core cimport Data, _Core, cano_hash, look
from cano.store._lock cimport cano_passed_on
from cano.store._memory cimport MemoryStore as Handle
from cano.store._operations cimport append_slowly, contains, extend, put_if_absent, read, remove as removed, write
from cano.store._request cimport ABSENT, PyUnicode_CheckExact, admitted, form_under, handed_out, missing, text
from cano.store._transact cimport pop as taken_out

from cano.errors import TypeMismatch


cdef extern from *:
    """
    /* An int as a C number, the usual one without a call. */
    static inline long long cano_number(PyObject *value, int *overflow)
    {
    #if PY_VERSION_HEX >= 0x030C0000
        if (PyUnstable_Long_IsCompact((PyLongObject *)value))
            return PyUnstable_Long_CompactValue((PyLongObject *)value);
    #endif
        return PyLong_AsLongLongAndOverflow(value, overflow);
    }
    """
    long long cano_number(object, int *overflow) except? -1
    int Py_IS_TYPE(PyObject *, void *) noexcept
    bint PyLong_Check(object) noexcept
    bint PyFloat_Check(object) noexcept
    double PyFloat_AS_DOUBLE(object) noexcept


cdef inline _Core core_of(MemoryStore store):
    """What all handles of the store share; a caller's variable may hold None in its place."""
    if store is None:
        raise TypeError("a store is needed, got None")
    return (<Handle> store).core


cdef inline Data *data_of(MemoryStore store) except NULL:
    if store is None:
        core_of(store)
    return &(<Handle> store).core.data


cdef inline bint is_plain(object key) except -1:
    """True for an exact ``str``, which then knows its hash and can go under the lock as it is."""
    if not PyUnicode_CheckExact(key):
        return False
    cano_hash(key)
    return True


cdef inline object found_under(Data *data, object key, object form, object default, bint copy):
    """What a read gives, with the usual case, a plain key and a value that needs no further look, decided without a call."""
    cdef PyObject *found
    if not is_plain(key):
        return read(data, text(key), form_under(key, form), default, copy)
    found = look(data, <PyObject *> key)
    if found is NULL:
        return missing(data, None, <str> key, form, default)
    if (form is ABSENT or Py_IS_TYPE(found, <void *> form)) and (not copy or is_atomic(found)):
        return cano_passed_on(found)
    return handed_out(cano_passed_on(found), <str> key, form, copy)


cdef object get(MemoryStore store, object key, object form=ABSENT, object default=ABSENT):
    return found_under(data_of(store), key, form, default, True)


cdef object get_shared(MemoryStore store, object key, object form=ABSENT, object default=ABSENT):
    return found_under(data_of(store), key, form, default, False)


cdef long long get_int(MemoryStore store, object key) except? -1:
    """The int under the key; a bool and a subclass count, as ``isinstance`` has it, and none of their code runs."""
    cdef object value = found_under(data_of(store), key, ABSENT, ABSENT, False)
    cdef int overflow = 0
    cdef long long number
    if not PyLong_Check(value):
        raise TypeMismatch(text(key), int, type(value))
    number = cano_number(value, &overflow)
    if overflow:
        raise OverflowError(f"key {text(key)!r}: the int does not fit into 64 bits; get returns it as an object")
    return number


cdef double get_float(MemoryStore store, object key) except? -1:
    """The float under the key; a subclass counts, an int does not, as ``isinstance`` has it."""
    cdef object value = found_under(data_of(store), key, ABSENT, ABSENT, False)
    if not PyFloat_Check(value):
        raise TypeMismatch(text(key), float, type(value))
    return PyFloat_AS_DOUBLE(value)


cdef int put(MemoryStore store, object key, object value) except -1:
    cdef Data *data = data_of(store)
    cdef str name
    if is_plain(key):
        return write(data, <PyObject *> key, <PyObject *> value)
    name = admitted(key, value)
    return write(data, <PyObject *> name, <PyObject *> value)


cdef int append(MemoryStore store, object key, object item) except -1:
    cdef Data *data = data_of(store)
    cdef str name = text(key)
    if not PyUnicode_CheckExact(key):
        admitted(key, [item])
    if not extend(data, <PyObject *> name, <PyObject *> item):
        append_slowly(data, name, item)
    return 0


cdef object pop(MemoryStore store, object key, object form=ABSENT, object default=ABSENT):
    return taken_out(core_of(store), key, form, default)


cdef object setdefault(MemoryStore store, object key, object value, object form=ABSENT):
    return put_if_absent(data_of(store), text(key), value, form_under(key, form))


cdef int remove(MemoryStore store, object key) except -1:
    cdef str name = text(key)  # what is removed may be of any type
    return removed(data_of(store), <PyObject *> name)


cdef bint contains_key(MemoryStore store, object key) except -1:
    cdef str name = text(key)
    return contains(data_of(store), <PyObject *> name)
