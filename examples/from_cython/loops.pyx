# cython: language_level=3, freethreading_compatible=True
"""Each way to a value, over and over, for measure.py."""

from cano.store cimport MemoryStore, direct

cdef dict table = {"n": 1_000, "x": 1.5}
cdef MemoryStore store = MemoryStore(table)
cdef object get = store.get


def nothing(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += turns
    return total


def dict_read(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += <long long> table["n"]
    return total


def method_get(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += <long long> store.get("n", int)
    return total


def bound_get(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += <long long> get("n", int)
    return total


def direct_get(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += <long long> direct.get(store, "n", int)
    return total


def direct_get_int(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += direct.get_int(store, "n")
    return total


def dict_put(long turns):
    cdef long at
    for at in range(turns):
        table["x"] = <double> at


def method_put(long turns):
    cdef long at
    for at in range(turns):
        store.put("x", <double> at)


def direct_put(long turns):
    cdef long at
    for at in range(turns):
        direct.put(store, "x", <double> at)


def operator_in(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += "n" in store
    return total


def direct_contains_key(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += direct.contains_key(store, "n")
    return total


def dict_contains(long turns):
    cdef long long total = 0
    for _ in range(turns):
        total += "n" in table
    return total
