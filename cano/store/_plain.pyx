# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""Which classes have objects that are copied by their attributes alone, without any code of theirs."""

from cpython.object cimport PyTypeObject

from types import GetSetDescriptorType


ASKED_OF_OBJECTS = ("__deepcopy__", "__reduce_ex__", "__reduce__", "__getnewargs_ex__", "__getnewargs__", "__getstate__")
cdef tuple OWN_CODE = (*ASKED_OF_OBJECTS, "__setstate__")
cdef object USUAL = vars(type("Ordinary", (), {}))["__dict__"]  # how an ordinary class keeps the attributes of its objects


cdef bint looks_plain(type kind) except -1:
    """True for a class as ``class`` makes it, if neither it nor its bases say anything about copies."""
    if type(kind) is not type or not cano_plain_layout(<PyTypeObject *> kind):
        return False
    for base in kind.__mro__[:-1]:
        own = base.__dict__
        if has_own_code(own) or own.get("__slots__", ()) is not () or type(own.get("__dict__", USUAL)) is not GetSetDescriptorType:
            return False
    return True


cdef bint has_own_code(object attributes) except -1:
    """True if one of the methods that a copy asks is among the attributes of a class, which others may change meanwhile."""
    for name in OWN_CODE:
        if name in attributes:
            return True
    return False
