/* What is known of classes: whether their objects are copied in the ordinary way, by their attributes alone.

   A class is known by its version, a number that the interpreter gives to no other class and takes away when the class or
   one of its bases changes. So nothing has to be told of changes, and no class is held. Another thread may change a class
   between two looks here: what was seen in between is noted under the version from before, which no class has any more.

   Whoever includes this has a table of his own. */
#ifndef CANO_PLAIN_H
#define CANO_PLAIN_H

#include <Python.h>
#include <stdint.h>

enum { CANO_PLAIN_KNOWN = 64 };

/* Twice the version, and 1 more if the class is such a one. */
static uint64_t cano_plain_classes[CANO_PLAIN_KNOWN];

/* The version of a class, or 0 if it has none now. */
static inline unsigned int cano_plain_version(PyTypeObject *kind)
{
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(kind, Py_TPFLAGS_VALID_VERSION_TAG))
        return 0;
#endif
#ifdef Py_GIL_DISABLED
    return __atomic_load_n(&kind->tp_version_tag, __ATOMIC_ACQUIRE); /* what is seen afterwards is no older than that */
#else
    return kind->tp_version_tag;
#endif
}

/* 1 or 0 for a class that was looked at, -1 for others. */
static inline int cano_plain_known(PyTypeObject *kind)
{
    unsigned int version = cano_plain_version(kind);
    uint64_t known = __atomic_load_n(&cano_plain_classes[version % CANO_PLAIN_KNOWN], __ATOMIC_RELAXED);
    return version != 0 && known >> 1 == version ? (int)(known & 1) : -1;
}

static inline void cano_plain_note(unsigned int version, int plain)
{
    uint64_t known = (uint64_t)version << 1 | (plain != 0);
    __atomic_store_n(&cano_plain_classes[version % CANO_PLAIN_KNOWN], known, __ATOMIC_RELAXED);
}

/* The object is made and read by nothing but ``object``'s own code, and has a dict and no other state in C. */
static inline int cano_plain_layout(PyTypeObject *kind)
{
    Py_ssize_t size = PyBaseObject_Type.tp_basicsize;
    if (!PyType_HasFeature(kind, Py_TPFLAGS_MANAGED_DICT))
        size += sizeof(PyObject *);
    if (kind->tp_weaklistoffset > 0)
        size += sizeof(PyObject *);
    return kind->tp_new == PyBaseObject_Type.tp_new && kind->tp_getattro == PyObject_GenericGetAttr && kind->tp_itemsize == 0
        && kind->tp_dictoffset != 0 && kind->tp_basicsize <= size;
}

#endif
