/* Looking into containers that other threads may change meanwhile.

   With a GIL nobody else runs between two calls into Python, and a borrowed reference is good until the next one. Without it
   a list or a dict is looked at inside its critical section: there no code runs, nothing is released and nothing waits, so
   what is borrowed there is good until the section ends. What is needed longer is owned. */
#ifndef CANO_PARTS_H
#define CANO_PARTS_H

#include <Python.h>

#ifdef Py_GIL_DISABLED
typedef PyCriticalSection cano_section;
static inline void cano_enter(cano_section *section, PyObject *container) { PyCriticalSection_Begin(section, container); }
static inline void cano_leave(cano_section *section) { PyCriticalSection_End(section); }
#else
typedef struct { char nothing; } cano_section;
static inline void cano_enter(cano_section *section, PyObject *container) { (void)section; (void)container; }
static inline void cano_leave(cano_section *section) { (void)section; }
#endif

/* What is under a key of a dict: 1 and a new reference, 0, or -1 with an error. */
static inline int cano_item_of(PyObject *dict, PyObject *key, PyObject **found)
{
#ifdef Py_GIL_DISABLED
    return PyDict_GetItemRef(dict, key, found);
#else
    *found = PyDict_GetItemWithError(dict, key);
    if (*found == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(*found);
    return 1;
#endif
}

/* Before 3.12 a collection may begin wherever CPython allocates, also in the middle of what it does in one step, and then
   finalizers, callbacks and other threads run, and may change what the step is about behind its back. So none begins in those
   steps of ours that call nobody: a stop is for the whole process, and no other code may run in it. What the methods of a class
   do, object's __reduce_ex__ among them, is between that code and the interpreter. */
#if PY_VERSION_HEX < 0x030C0000
static inline int cano_stop_collections(void) { return PyGC_Disable(); }
static inline void cano_go_on_with_collections(int stopped) { if (stopped) PyGC_Enable(); }
#else
static inline int cano_stop_collections(void) { return 0; }
static inline void cano_go_on_with_collections(int stopped) { (void)stopped; }
#endif

/* A shallow copy of an exact list, as it was at one moment. */
static inline PyObject *cano_list_copy(PyObject *list)
{
    int stopped = cano_stop_collections();
    PyObject *copy = PyList_GetSlice(list, 0, PY_SSIZE_T_MAX);
    cano_go_on_with_collections(stopped);
    return copy;
}

#if PY_VERSION_HEX < 0x030C0000
/* No key of an exact dict has an __eq__ of somebody's. */
static inline int cano_keys_are_plain(PyObject *dict)
{
    Py_ssize_t at = 0;
    PyObject *key;
    while (PyDict_Next(dict, &at, &key, NULL))
        if (!PyUnicode_CheckExact(key) && !PyLong_CheckExact(key) && !PyBytes_CheckExact(key) && !PyFloat_CheckExact(key))
            return 0;
    return 1;
}
#endif

/* A shallow copy of an exact dict. CPython fills that of one with many holes key by key, and asks keys of equal hash whether they
   are equal. For keys that may run code then the new dict is made before the look, and no collection comes into the rest. */
static inline PyObject *cano_dict_copy(PyObject *dict)
{
    PyObject *copy;
    int stopped;
#if PY_VERSION_HEX < 0x030C0000
    if (((PyDictObject *)dict)->ma_values == NULL && !cano_keys_are_plain(dict)) {
        copy = PyDict_New();
        if (copy != NULL && PyDict_Update(copy, dict) < 0)
            Py_CLEAR(copy);
        return copy;
    }
#endif
    stopped = cano_stop_collections();
    copy = PyDict_Copy(dict);
    cano_go_on_with_collections(stopped);
    return copy;
}

/* The attributes of an object of an ordinary class: a dict, or whatever dict somebody has put in its place, made when it is first
   asked for. */
static inline PyObject *cano_attributes(PyObject *object)
{
    int stopped = cano_stop_collections();
    PyObject *attributes = PyObject_GenericGetDict(object, NULL);
    cano_go_on_with_collections(stopped);
    return attributes;
}

/* Replace an item of a list, unless the list has become too short for it. */
static inline int cano_set_item(PyObject *list, Py_ssize_t at, PyObject *item)
{
    if (at >= PyList_GET_SIZE(list))
        return 0;
    Py_INCREF(item);
#ifdef Py_GIL_DISABLED
    if (PyList_SetItem(list, at, item) < 0)
        PyErr_Clear(); /* an IndexError: it has become so since the look at its size */
    return 0;
#else
    return PyList_SetItem(list, at, item);
#endif
}

/* The class in a field that its death sets to NULL from any thread. It is compared and never looked into. Whoever holds an
   instance of a new class at the address of a dead one got it after the death, so relaxed order is enough to see that. */
static inline PyTypeObject *cano_class_in(PyTypeObject **field)
{
#ifdef Py_GIL_DISABLED
    return __atomic_load_n(field, __ATOMIC_RELAXED);
#else
    return *field;
#endif
}

static inline void cano_forget_class(PyTypeObject **field)
{
#ifdef Py_GIL_DISABLED
    __atomic_store_n(field, NULL, __ATOMIC_RELAXED);
#else
    *field = NULL;
#endif
}

/* Hand a new reference over as it is, where a cast to an object would count it again. */
static inline PyObject *cano_handed_over(PyObject *reference) { return reference; }

#endif
