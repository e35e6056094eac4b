# cython: language_level=3, freethreading_compatible=True
"""Readings are compared with a limit in C, while other threads move the limit, read the latest and take the alarms."""

from cano.store cimport MemoryStore, direct


def watch(MemoryStore store not None, readings):
    """Put each reading under "latest", append those above "limit" to "alarms"; return how many those were, "most" at most."""
    cdef long long alarms = 0
    cdef double reading
    for reading in readings:
        direct.put(store, "latest", reading)
        if reading > direct.get_float(store, "limit"):
            direct.append(store, "alarms", reading)
            alarms += 1
            if alarms == direct.get_int(store, "most"):
                break
    return alarms
