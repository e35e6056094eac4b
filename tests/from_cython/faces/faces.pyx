# cython: language_level=3, freethreading_compatible=True
"""The C functions of cano.store.direct, each as a Python function that takes what the method of its name takes."""

from cano.store cimport MemoryStore, direct


def get(MemoryStore store, key, *rest):
    if len(rest) == 0:
        return direct.get(store, key)
    if len(rest) == 1:
        return direct.get(store, key, rest[0])
    return direct.get(store, key, rest[0], default=rest[1])


def get_shared(MemoryStore store, key, *rest):
    if len(rest) == 0:
        return direct.get_shared(store, key)
    if len(rest) == 1:
        return direct.get_shared(store, key, rest[0])
    return direct.get_shared(store, key, rest[0], default=rest[1])


def pop(MemoryStore store, key, *rest):
    if len(rest) == 0:
        return direct.pop(store, key)
    if len(rest) == 1:
        return direct.pop(store, key, rest[0])
    return direct.pop(store, key, rest[0], default=rest[1])


def setdefault(MemoryStore store, key, value, *rest):
    return direct.setdefault(store, key, value, rest[0]) if rest else direct.setdefault(store, key, value)


def get_int(MemoryStore store, key):
    cdef long long number = direct.get_int(store, key)
    return number


def get_float(MemoryStore store, key):
    cdef double number = direct.get_float(store, key)
    return number


def put(MemoryStore store, key, value):
    direct.put(store, key, value)


def append(MemoryStore store, key, item):
    direct.append(store, key, item)


def remove(MemoryStore store, key):
    direct.remove(store, key)


def contains_key(MemoryStore store, key):
    return direct.contains_key(store, key)


cdef class Counter:
    """A class of C fields that has a store, where it cannot be one."""

    cdef readonly MemoryStore store

    def __cinit__(self, MemoryStore store not None):
        self.store = store

    def count(self, long long more):
        direct.put(self.store, "count", direct.get_int(self.store, "count") + more)


class Loud(MemoryStore):
    """An ordinary subclass, whose method the C function of that name does not ask."""

    def get(self, *args, **kwargs):
        return "loud"
