"""The operations of a store as C functions, for other Cython code.

Each does what the method of its name does, to the letter: it goes the same way, is atomic with respect to all others, and raises
what the method raises. What a call costs less is the look-up of the method and the packing of arguments. docs/cython.md is the
whole story.

- ``key`` is what the methods take: a ``str`` (a subclass counts as its text) or a ``Key``, which is checked against its type.
- ``form`` is the type asked for, ``default`` what to return if nothing is stored. Both may be left out, from the right.
- The caller is attached: it holds the GIL, or on a free-threaded build a thread state. Cython refuses a call inside ``nogil``.
- ``None`` in the place of a store or a key is a TypeError.
- A method that a Python subclass overrides is not asked.
"""

from cano.store cimport MemoryStore


# An owned copy of the value. KeyNotFound, TypeMismatch, CopyError, RecursionError.
cdef object get(MemoryStore store, object key, object form=*, object default=*)

# The stored object itself. KeyNotFound, TypeMismatch.
cdef object get_shared(MemoryStore store, object key, object form=*, object default=*)

# The value as a C number: no reference to it is the caller's. KeyNotFound; TypeMismatch if it is no int, or no float;
# OverflowError if the int has no room in 64 bits.
cdef long long get_int(MemoryStore store, object key) except? -1
cdef double get_float(MemoryStore store, object key) except? -1

# Insert or replace. A C number in the place of ``value`` is made an object by Cython at the call. TypeMismatch of a typed key.
cdef int put(MemoryStore store, object key, object value) except -1

# Append to the list under the key, or put a list of one there. AppendTypeMismatch, TypeMismatch of a typed key.
cdef int append(MemoryStore store, object key, object item) except -1

# Take the value out, the stored object itself, in one step. KeyNotFound, TypeMismatch.
cdef object pop(MemoryStore store, object key, object form=*, object default=*)

# What is stored, or else ``value``, which is then stored, in one step. TypeMismatch.
cdef object setdefault(MemoryStore store, object key, object value, object form=*)

# Delete what is under the key; nothing there is no error.
cdef int remove(MemoryStore store, object key) except -1

# Whether something is stored under the key.
cdef bint contains_key(MemoryStore store, object key) except -1
