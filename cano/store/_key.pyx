# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
# cython: embedsignature=True, embedsignature.format=clinic
"""Keys of the store: ``Key``, which knows its type, and the exact text of whatever may stand in its place."""

cimport cython

from cano.store._forms cimport kept_form

from types import GenericAlias

from cano._text import shown_text


cdef extern from *:
    int PyUnicode_Check(object) noexcept
    object PyUnicode_FromObject(object)


@cython.final
@cython.no_gc_clear  # its fields are never changed, so a cycle through it is broken elsewhere: in a list, a dict, an instance
cdef class Key:
    """Key(name, type, /)
--

    The name of a slot together with the type of what it holds.

    ``Key("count", int)`` can stand wherever a plain key can. What goes in or comes out under it is checked against its type,
    at run time and by type checkers. A typed key and the plain string with the same text are the same slot. Keys are immutable,
    equal if name and type are, hashable, and can be pickled. Safe between threads.

    Raises:
        TypeError: the name is no ``str``, or the type is no form that the store can check.
    """

    def __cinit__(self, *args, **kwargs):
        if kwargs or len(args) != 2:
            raise TypeError("a Key takes its name and its type, by position: Key('count', int)")
        name, form = args
        if not PyUnicode_Check(name):
            raise TypeError(f"the name of a key is a str, got {shown_text(name)} of type {type(name).__qualname__}")
        self.asked = kept_form(form)
        self.name = PyUnicode_FromObject(name)
        self.type = form

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    def __repr__(self):
        shown = self.type.__qualname__ if isinstance(self.type, type) else repr(self.type)
        return f"Key({self.name!r}, {shown})"

    def __eq__(self, other):
        if not isinstance(other, Key):
            return NotImplemented
        return self.name == (<Key> other).name and self.type == (<Key> other).type

    def __hash__(self):
        return hash((Key, self.name))

    def __reduce__(self):
        return Key, (self.name, self.type)


cdef str text_slowly(object key):
    """The exact text of a key that is no exact str, without calling any code of a subclass."""
    if type(key) is Key:
        return (<Key> key).name
    if PyUnicode_Check(key):
        return PyUnicode_FromObject(key)
    raise TypeError(f"a key is a str or a Key, got {shown_text(key)} of type {type(key).__qualname__}")
