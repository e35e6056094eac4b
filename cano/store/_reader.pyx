# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""From a type form to its plan: what each form means, and which ones cannot be told without guessing.

Forms are told apart by identity alone: hashing or comparing them can run a metaclass's code.
"""

from cpython.object cimport PyObject, PyTypeObject

from cano.store._plan cimport (
    ANYTHING, CLASS, FIELDS, ITEMS, LITERAL, MEMBER, PAIRS, RECORD, SAME, SUBCLASS, UNION, Kind, Node, Plan, class_of, is_deep,
)

import collections
import sys
import typing
from collections import abc
from enum import Enum
from types import UnionType
from typing import Annotated, Any, ForwardRef, Literal, NewType, Union, get_args, get_origin

from cano._text import shown_text
from cano.store._refusals import refusal, text_of, unprotocol, unresolved


cdef extern from *:
    """
    static inline int cano_immortal(PyObject *kind) { return !PyType_HasFeature((PyTypeObject *) kind, Py_TPFLAGS_HEAPTYPE); }
    """
    int cano_immortal(object) noexcept
    int PyType_Check(object) noexcept
    int PyType_CheckExact(object) noexcept
    int PyUnicode_Check(object) noexcept
    object PyWeakref_NewRef(object, object)
    object PyLong_FromVoidPtr(PyObject *)
    object PyUnicode_FromObject(object)


cdef enum:
    DEEPEST = 200  # forms in one another: some 1,000 bytes of C stack each

cdef object NONE = type(None)
cdef object BARE = type(typing.List)  # of the old names without parts, such as typing.List
cdef set ITEMIZED = {
    id(each) for each in (
        list, set, frozenset, collections.deque, abc.Collection, abc.Sequence, abc.MutableSequence, abc.Set, abc.MutableSet,
    )
}
cdef set PAIRED = {
    id(each) for each in (
        dict, collections.defaultdict, collections.OrderedDict, collections.ChainMap, abc.Mapping, abc.MutableMapping,
    )
}


cdef bint is_special(object form, str name) except -1:
    """True if ``form`` goes by that name in ``typing``, or in ``typing_extensions`` if somebody uses that."""
    return form is not None and (
        form is getattr(typing, name, None) or form is getattr(sys.modules.get("typing_extensions"), name, None)
    )


cdef bint is_alias(object form) except -1:
    """True if ``form`` is what a ``type`` statement makes."""
    return is_special(type(form), "TypeAliasType")


cdef bint is_reference(object form) noexcept:
    """True if ``form`` is the text of a form."""
    return PyUnicode_Check(form) or type(form) is ForwardRef


cdef bint is_typed_dict(object form) except -1:
    return PyType_Check(form) and type(form).__name__ == "_TypedDictMeta"


cdef object own(object form, str name):
    """An attribute of a class, without asking its metaclass."""
    try:
        return type.__getattribute__(form, name)
    except AttributeError:
        return None


cdef int read_into(Plan plan, object form, bint read) except -1:
    """Make the plan that of ``form``, or raise a TypeError; ``read``: a default could be meant."""
    cdef Reader reader = Reader(plan, read)
    reader.outermost = form
    plan.root = reader.node_of(form, None)
    reader.check_ends()
    plan.deep = is_deep(plan.root, False)
    return 0


cdef class Scope:
    """What names and variables mean where a form is written."""

    cdef dict variables  # of a generic alias, by identity -> Node
    cdef object module
    cdef dict names      # the alias or class itself, which may not be bound in its module, and its variables


cdef class Reader:
    cdef Plan plan
    cdef bint read
    cdef int depth
    cdef object outermost
    cdef dict made      # (kind, parts and facts by identity) -> Node: equal parts are one node
    cdef dict opened    # (alias or TypedDict, its parts) by identity -> the node that will be it
    cdef dict finished  # the same -> the node that it has become
    cdef dict seen      # form by identity -> Node, where no scope can change its meaning
    cdef list kept      # forms and facts, so that their addresses name nothing else meanwhile
    cdef list ends      # (SAME node, form) that have to end somewhere

    def __cinit__(self, Plan plan, bint read):
        self.plan = plan
        self.read = read
        self.made = {}
        self.opened = {}
        self.finished = {}
        self.seen = {}
        self.kept = []
        self.ends = []

    cdef Node make(self, Kind kind, object holder=None, tuple parts=(), object facts=None):
        """The node of these facts, the same one each time."""
        cdef Node node
        name = (kind, id(holder), *map(id, parts), facts)
        node = self.made.get(name)
        if node is None:
            node = self.made[name] = Node()
            node.kind = kind
            node.parts = parts
            node.facts = facts
            if holder is not None:
                self.speak_of(node, holder)
        return node

    cdef int speak_of(self, Node node, object holder) except -1:
        """Let a node speak of a class, without keeping the class alive."""
        if cano_immortal(holder):
            node.holder = holder
        else:
            node.holder = PyWeakref_NewRef(holder, self.plan.watch)
            self.plan.watch.nodes.append(node)
        node.address = <PyTypeObject *> holder
        if node.kind == CLASS:
            node.exact = node.address
        self.kept.append(holder)
        if self.plan.held is not None:
            self.plan.held.append(holder)
        return 0

    cdef Node node_of(self, object form, Scope scope):
        cdef Node node
        if scope is None:
            node = self.seen.get(id(form))
            if node is not None:
                return node
        if self.depth == DEEPEST:
            raise RecursionError(f"more than {DEEPEST} type forms in one another")
        self.depth += 1
        node = self.class_node(form, scope) if PyType_Check(form) else self.form_node(form, scope)
        self.depth -= 1
        if scope is None:
            self.kept.append(form)
            self.seen[id(form)] = node
        return node

    cdef object refused(self, object form):
        return TypeError(refusal(form, read=self.read and form is self.outermost))

    cdef Node class_node(self, object form, Scope scope):
        if form is Any or form is object:
            return self.make(ANYTHING)
        if is_typed_dict(form):
            return self.fields_node(form, (), scope)
        if own(form, "_is_protocol") and not own(form, "_is_runtime_protocol"):
            raise TypeError(unprotocol(form))
        return self.make(CLASS, form)

    cdef Node form_node(self, object form, Scope scope):
        if form is None:
            return self.make(CLASS, NONE)
        if is_reference(form):
            return self.node_of(self.resolved(form, scope), scope)
        if is_alias(form):
            return self.alias_node(form, (), scope)
        if isinstance(form, NewType):
            return self.node_of(form.__supertype__, None)
        if scope is not None and id(form) in scope.variables:
            return scope.variables[id(form)]
        origin, parts = get_origin(form), get_args(form)
        if origin is None or getattr(form, "__unpacked__", False):
            raise self.refused(form)
        if origin is Union or origin is UnionType:
            return self.union_node([self.node_of(part, scope) for part in parts])
        if origin is Annotated:
            return self.node_of(parts[0], scope)
        if origin is Literal:
            return self.literal_node(form, parts)
        if is_alias(origin):
            return self.alias_node(origin, parts, scope)
        if not PyType_Check(origin):
            raise self.refused(form)
        if isinstance(form, BARE):
            return self.class_node(origin, scope)
        return self.inside_node(form, origin, parts, scope)

    cdef Node inside_node(self, object form, object origin, tuple parts, Scope scope):
        """A class together with what its instances hold."""
        if origin is tuple:
            if len(parts) == 2 and parts[1] is ...:
                return self.container_node(ITEMS, origin, (self.node_of(parts[0], scope),))
            return self.container_node(RECORD, origin, tuple([self.node_of(part, scope) for part in parts]))
        if id(origin) in ITEMIZED and len(parts) == 1:
            return self.container_node(ITEMS, origin, (self.node_of(parts[0], scope),))
        if id(origin) in PAIRED and len(parts) == 2:
            return self.container_node(PAIRS, origin, (self.node_of(parts[0], scope), self.node_of(parts[1], scope)))
        if origin is collections.Counter and len(parts) == 1:
            return self.container_node(PAIRS, origin, (self.node_of(parts[0], scope), self.make(CLASS, int)))
        if origin is type and len(parts) == 1:
            return self.subclass_node(form, self.node_of(parts[0], scope))
        if is_typed_dict(origin):
            return self.fields_node(origin, parts, scope)
        raise self.refused(form)

    cdef Node container_node(self, Kind kind, object origin, tuple parts, object facts=None):
        node = self.make(kind, origin, parts, facts)
        node.concrete = PyType_CheckExact(origin)
        return node

    cdef Node union_node(self, list choices):
        cdef Node part, inner
        cdef list parts = []
        for part in choices:
            for inner in part.parts if part.kind == UNION else (part,):
                if inner not in parts:
                    parts.append(inner)
        for part in parts:
            if part.kind == ANYTHING:
                return part
        return parts[0] if len(parts) == 1 else self.make(UNION, None, tuple(parts))

    cdef Node literal_node(self, object form, tuple values):
        """The plain values of a literal, and its enum members by class."""
        cdef dict members = {}, plain_ones = {str: [], int: [], bytes: [], None: []}
        for value in values:
            kind = type(value)
            if value is True or value is False or value is None:
                plain_ones[None].append(value)
            elif kind is str or kind is int or kind is bytes:
                plain_ones[kind].append(value)
            elif isinstance(value, Enum):
                members.setdefault(id(kind), (kind, []))[1].append(PyLong_FromVoidPtr(<PyObject *> value))
            else:
                raise TypeError(f"{shown_text(form)}: a literal holds int, bool, str, bytes, None and enum members alone")
        parts = [self.make(MEMBER, kind, (), frozenset(addresses)) for kind, addresses in members.values()]
        if any(plain_ones.values()) or not parts:
            parts.append(self.make(LITERAL, None, (), tuple([frozenset(each) for each in plain_ones.values()])))
        return self.union_node(parts)

    cdef Node subclass_node(self, object form, Node asked):
        cdef Node part
        cdef tuple parts = asked.parts if asked.kind == UNION else (asked,)
        for part in parts:
            if part.kind != ANYTHING and (part.kind != CLASS or own(class_of(part), "_is_protocol")):
                raise TypeError(f"{shown_text(form)}: only subclasses of classes can be told: ask for type")
        return self.make(SUBCLASS, None, parts)

    cdef Node alias_node(self, object alias, tuple parts, Scope scope):
        """What an alias stands for, with its variables as they were given."""
        cdef Node node
        nodes = tuple([self.node_of(part, scope) for part in parts])
        name = (id(alias), *map(id, nodes))
        node = self.begun(name, alias)
        if node is not None:
            return node
        try:
            variables, value = alias.__type_params__, alias.__value__
        except NameError as error:
            raise TypeError(unresolved(str(error.name), f"the alias {alias}", error)) from error
        if len(variables) != len(nodes):
            raise TypeError(f"{shown_text(alias)} takes {len(variables)} types, in brackets, and got {len(nodes)}")
        return self.ended(name, self.node_of(value, self.scope_of(alias, variables, nodes)))

    cdef Scope scope_of(self, object owner, object variables, tuple nodes):
        cdef Scope scope = Scope()
        scope.module = owner.__module__
        scope.names = {owner.__name__: owner}
        scope.variables = {}
        for variable, node in zip(variables, nodes):
            scope.variables[id(variable)] = node
            scope.names[variable.__name__] = variable
        self.kept.append(variables)
        return scope

    cdef Node begun(self, tuple name, object form):
        """The node of a form that may speak of itself, if it is known or being read; else note that it is being read."""
        cdef Node node
        if name in self.finished:
            return self.finished[name]
        if name in self.opened:
            node = self.opened[name]
            if node.kind != SAME:
                node.kind = SAME
                self.ends.append((node, form))
            return node
        self.opened[name] = Node()
        self.kept.append(form)
        return None

    cdef Node ended(self, tuple name, Node target):
        cdef Node node = self.opened.pop(name)
        if node.kind == SAME:
            node.parts = (target,)
            target = node
        self.finished[name] = target
        return target

    cdef int check_ends(self) except -1:
        """Refuse an alias that stands for itself, with no container between, since any value would pass."""
        cdef Node node, part
        for node, form in self.ends:
            found, ahead = [], list(node.parts)
            while ahead:
                part = ahead.pop()
                if part is node:
                    raise TypeError(f"{shown_text(form)} stands for itself: nothing can be checked against it")
                if part.kind in (SAME, UNION) and part not in found:
                    found.append(part)
                    ahead.extend(part.parts)
        return 0

    cdef Node fields_node(self, object form, tuple parts, Scope scope):
        """The keys of a TypedDict, as it and its bases declare them."""
        extra = own(form, "__extra_items__")
        if own(form, "__closed__") or extra is not None and not is_special(extra, "NoExtraItems"):
            raise TypeError(f"{shown_text(form)} is closed, and the store does not look at extra keys: ask for an open TypedDict")
        nodes = tuple([self.node_of(part, scope) for part in parts])
        variables = (own(form, "__parameters__") or ()) if nodes else ()
        name = (id(form), *map(id, nodes))
        node = self.begun(name, form)
        if node is not None:
            return node
        facts, parts_of = [], []
        for key, annotation in form.__annotations__.items():
            inner = self.scope_of(declaring(form, key), variables, nodes)
            annotation, required = self.unqualified(annotation, key in form.__required_keys__, inner)
            facts.append((PyUnicode_FromObject(key), required))
            parts_of.append(self.node_of(annotation, inner))
        return self.ended(name, self.container_node(FIELDS, dict, tuple(parts_of), tuple(facts)))

    cdef tuple unqualified(self, object annotation, bint required, Scope scope):
        """An annotation of a TypedDict without its qualifiers, and whether its key is required.

        Where annotations are postponed, the class itself knows of no qualifier.
        """
        while True:
            if is_reference(annotation):
                annotation = self.resolved(annotation, scope)
            origin = get_origin(annotation)
            if is_special(origin, "Required"):
                required = True
            elif is_special(origin, "NotRequired"):
                required = False
            elif origin is not Annotated and not is_special(origin, "ReadOnly"):
                return annotation, required
            annotation = get_args(annotation)[0]

    cdef object resolved(self, object form, Scope scope):
        """What a forward reference names where it stands."""
        if scope is None:
            raise self.refused(form)
        module = getattr(form, "__forward_module__", None) or scope.module
        module = sys.modules.get(module, module)
        try:
            return eval(text_of(form), {**scope.names, **getattr(module, "__dict__", {})})
        except Exception as error:
            raise TypeError(unresolved(form, str(scope.module), error)) from error


cdef object declaring(object form, object name):
    """The TypedDict whose own body declares a key: it is in that module that its annotation has to be read."""
    for base in own(form, "__orig_bases__") or ():
        if is_typed_dict(base) and base.__annotations__.get(name) is form.__annotations__[name]:
            return declaring(base, name)
    return form
