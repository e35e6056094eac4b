# cython: language_level=3, auto_pickle=False, autotestdict=False, binding=False, freethreading_compatible=True
"""Asking for a type form: how the plan of a form is found again, and the error when a value does not fit.

``list[int]`` is a new object each time it is written, and to hash it could run a metaclass's ``__hash__``. So plans are found by
structure, spelled out as the addresses of what a form consists of, without running any code. What an address stands for is held
weakly, and its death removes the plan before the address can mean anything else: the table keeps nothing of a user's alive.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject, PyTypeObject

from cano.store._check cimport Walk, explained, may_pass, passes
from cano.store._copy cimport is_atomic
from cano.store._parts cimport cano_handed_over, cano_item_of
from cano.store._plan cimport Plan
from cano.store._reader cimport read_into

import typing
from types import GenericAlias, UnionType

from cano.errors import TypeMismatch


cdef extern from *:
    """
    #include "structmember.h"  /* before 3.12 PyMemberDef is declared here alone */
    static inline PyObject *cano_member(PyObject *owner, Py_ssize_t offset) { return *(PyObject **) ((char *) owner + offset); }
    static inline int cano_flag(PyObject *owner, Py_ssize_t offset) { return *((char *) owner + offset); }
    static inline Py_ssize_t cano_offset(PyObject *member) {  /* of a plain member of a built-in class, or 0 */
        return Py_IS_TYPE(member, &PyMemberDescr_Type) ? ((PyMemberDescrObject *) member)->d_member->offset : 0;
    }
    """
    PyObject *cano_member(PyObject *, Py_ssize_t) noexcept
    int cano_flag(PyObject *, Py_ssize_t) noexcept
    Py_ssize_t cano_offset(object) noexcept
    PyTypeObject *Py_TYPE(PyObject *) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *) noexcept
    object PyWeakref_NewRef(object, object)


cdef enum:
    LONGEST = 256  # words of a spelling; a longer form is read each time
    NESTED = 16    # aliases in one another
    MOST = 1_024   # plans in the table
    FIRST = 4_096  # no object has a lower address: lower words are numbers

cdef enum:  # words that are no addresses
    PARAMETRIZED = 1  # then how many parts, the class, the parts
    UNPACKED = 2      # the same with a star
    EITHER = 3        # then how many choices, the choices
    NAMED = 4         # then how many variables, the variables, the value of the alias
    AGAIN = 5         # then the word at which the alias around began

cdef object ALIAS = getattr(typing, "TypeAliasType", None)  # which cannot be referred to weakly
cdef Py_ssize_t ORIGIN = cano_offset(vars(GenericAlias).get("__origin__"))
cdef Py_ssize_t PARTS = cano_offset(vars(GenericAlias).get("__args__"))
cdef Py_ssize_t STAR = cano_offset(vars(GenericAlias).get("__unpacked__"))
cdef Py_ssize_t CHOICES = cano_offset(vars(UnionType).get("__args__"))
cdef dict plans = {}  # spelling -> Plan

if not (ORIGIN and PARTS and STAR and CHOICES):
    raise ImportError("cano does not know how this Python keeps the parts of list[int]")


cdef struct Spelling:
    size_t words[LONGEST]
    Py_ssize_t size
    PyObject *around[NESTED]   # the aliases that the word to come is inside of
    Py_ssize_t began[NESTED]   # and where they began
    Py_ssize_t depth


cdef inline bint say(Spelling *to, size_t word) noexcept:
    if to.size == LONGEST:
        return False
    to.words[to.size] = word
    to.size += 1
    return True


cdef bint spell(PyObject *form, Spelling *to) except -1:
    """Add the words of ``form``, which the caller owns; False if they are too many, or an alias has no value yet."""
    cdef PyTypeObject *kind = Py_TYPE(form)
    if kind is <PyTypeObject *> GenericAlias:
        return (
            say(to, UNPACKED if cano_flag(form, STAR) else PARAMETRIZED)
            and spell_all(cano_member(form, PARTS), to)
            and spell_origin(cano_member(form, ORIGIN), to)
        )
    if kind is <PyTypeObject *> UnionType:
        return say(to, EITHER) and spell_all(cano_member(form, CHOICES), to)
    if kind is <PyTypeObject *> ALIAS:
        return spell_alias(form, None, to)
    return say(to, <size_t> form)


cdef bint spell_all(PyObject *forms, Spelling *to) except -1:
    cdef Py_ssize_t at, size = PyTuple_GET_SIZE(forms)
    if not say(to, size):
        return False
    for at in range(size):
        if not spell(PyTuple_GET_ITEM(forms, at), to):
            return False
    return True


cdef bint spell_origin(PyObject *origin, Spelling *to) except -1:
    if Py_TYPE(origin) is <PyTypeObject *> ALIAS:
        return spell_alias(origin, (<object> origin).__type_params__, to)
    return say(to, <size_t> origin)


cdef bint spell_alias(PyObject *alias, object variables, Spelling *to) except -1:
    """The value of an alias, for an alias cannot be referred to weakly."""
    cdef Py_ssize_t at
    for at in range(to.depth):
        if to.around[at] is alias:
            return say(to, AGAIN) and say(to, to.began[at])
    if to.depth == NESTED:
        return False
    try:
        value = (<object> alias).__value__  # which the alias keeps from now on
    except Exception:  # as it is read, this is said
        return False
    to.around[to.depth] = alias
    to.began[to.depth] = to.size
    to.depth += 1
    if not (say(to, NAMED) and (say(to, 0) if variables is None else spell_all(<PyObject *> variables, to))):
        return False
    if not spell(<PyObject *> value, to):
        return False
    to.depth -= 1
    return True


cdef Plan plan_of(object form, bint read):
    """The plan of a form: the one that the table holds, or a new one."""
    cdef Spelling spelling
    cdef bytes key = None
    cdef Plan plan
    cdef PyObject *found
    spelling.size = spelling.depth = 0
    if spell(<PyObject *> form, &spelling):
        key = PyBytes_FromStringAndSize(<char *> spelling.words, spelling.size * sizeof(size_t))
        if cano_item_of(plans, key, &found):
            return <Plan> cano_handed_over(found)
    plan = Plan()
    read_into(plan, form, read)
    if key is not None:
        keep(plan, key, &spelling)
    return plan


cdef int keep(Plan plan, bytes key, Spelling *spelling) except -1:
    """Put a plan into the table, to be found as long as all that its key names is alive.

    Two threads may make plans of the same form: the later one stays. Whoever names what the key names holds it, so nothing of
    that dies before the guards are there; what an annotation named may be gone already.
    """
    cdef Py_ssize_t at
    cdef list guards = []
    for at in range(spelling.size):
        if spelling.words[at] < FIRST:
            continue
        named = <object> <PyObject *> spelling.words[at]
        if named is None or named is ...:
            continue
        try:
            guards.append(PyWeakref_NewRef(named, plan.watch))
        except TypeError:
            return 0
    plan.guards = guards
    plan.watch.found_under(key, plans)
    if len(plans) >= MOST:
        plans.clear()
    plans[key] = plan
    if plan.watch.has_heard():
        plans.pop(key, None)
    return 0


cdef bint is_a_slowly(object value, object form) except -1:
    cdef Plan plan = <Plan> form if type(form) is Plan else plan_of(form, True)
    return passes(value, plan)


cdef bint may_be(object value, object form) except -1:
    """False if ``value`` cannot be of the type ``form``: a look at its class alone, before a copy that is looked at as a whole."""
    cdef Plan plan
    if PyType_CheckExact(form) or is_atomic(<PyObject *> value):  # which is not copied
        return is_a(value, form)
    plan = <Plan> form if type(form) is Plan else plan_of(form, True)
    return may_pass(value, plan)


cdef int check_form(object form, bint read) except -1:
    """Raise a TypeError unless ``form`` is one that can be answered without guessing; ``read``: a default could be meant."""
    if not PyType_CheckExact(form) and type(form) is not Plan:
        plan_of(form, read)
    return 0


cdef object kept_form(object form):
    """What a typed key keeps to be asked for its type: a plain class, or a plan of its own that keeps its classes alive."""
    cdef Plan plan
    if PyType_CheckExact(form):
        return form
    plan = Plan()
    plan.form = form
    plan.held = []
    read_into(plan, form, False)
    return plan


cdef object misfit(str name, object value, object form):
    """The error that says why ``value``, under the key ``name``, is not of the type ``form``."""
    cdef Walk walk
    cdef Plan plan
    if PyType_CheckExact(form):
        return TypeMismatch(name, form, type(value))
    if type(form) is Plan:
        plan = form
        form = plan.form
    else:
        plan = plan_of(form, True)
    walk = explained(value, plan)
    return TypeMismatch(name, form, walk.found, "".join(reversed(walk.steps)), walk.detail)
