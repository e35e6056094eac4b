/* The memo of one copy: which object became which copy.

   A table of addresses, as long as only the copy itself looks into it: open addressing, linear probing, two thirds full at
   most. It owns both objects of each pair until the end, so that an address it knows names nothing else meanwhile.

   copy.deepcopy's memo is a dict, and user code that is handed it may read it and write to it. So once it has to be shown,
   the table becomes such a dict, with the originals kept alive under its own id, and the dict is all there is from then on.

   One thread uses a memo, attached. Calls that can run user code say so: the memo may have been shown when they return. The dict
   may be used by any thread that user code has given it to. */
#ifndef CANO_MEMO_H
#define CANO_MEMO_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    PyObject *original; /* NULL: the slot is free */
    PyObject *copy;
} cano_pair;

enum { CANO_MEMO_FIRST = 8 };

typedef struct {
    PyObject *shown;  /* the dict, or NULL while nobody has seen it */
    cano_pair *slots; /* NULL before the first pair */
    size_t mask, used;
    cano_pair first[CANO_MEMO_FIRST]; /* so that a small value costs no allocation */
} cano_memo;

static inline void cano_memo_make(cano_memo *memo)
{
    memo->shown = NULL;
    memo->slots = NULL;
}

static inline cano_pair *cano_memo_slot(cano_pair *slots, size_t mask, PyObject *original)
{
    size_t at = (size_t)(((uint64_t)(uintptr_t)original * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (slots[at].original != NULL && slots[at].original != original)
        at = (at + 1) & mask;
    return &slots[at];
}

/* Let go of the pairs. Runs user code: finalizers. */
static void cano_memo_empty(cano_memo *memo)
{
    cano_pair *slots = memo->slots;
    if (slots == NULL)
        return;
    memo->slots = NULL;
    for (size_t at = 0; at <= memo->mask; at++) {
        Py_XDECREF(slots[at].original);
        Py_XDECREF(slots[at].copy);
    }
    if (slots != memo->first)
        PyMem_Free(slots);
}

/* Runs user code: finalizers. */
static inline void cano_memo_drop(cano_memo *memo)
{
    cano_memo_empty(memo);
    Py_CLEAR(memo->shown);
}

static int cano_memo_grow(cano_memo *memo)
{
    size_t size = memo->mask + 1;
    size_t larger = size < 65536 ? size * 4 : size * 2;
    cano_pair *slots = larger > SIZE_MAX / sizeof(cano_pair) ? NULL : PyMem_Calloc(larger, sizeof(cano_pair));
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t at = 0; at < size; at++) {
        if (memo->slots[at].original != NULL)
            *cano_memo_slot(slots, larger - 1, memo->slots[at].original) = memo->slots[at];
    }
    if (memo->slots != memo->first)
        PyMem_Free(memo->slots);
    memo->slots = slots;
    memo->mask = larger - 1;
    return 0;
}

/* Look a number up in a dict: 1 and a new reference, 0, or -1 with an error. */
static int cano_memo_item(PyObject *dict, void *address, PyObject **found)
{
    PyObject *number = PyLong_FromVoidPtr(address);
    if (number == NULL)
        return -1;
#if PY_VERSION_HEX >= 0x030D0000
    int status = PyDict_GetItemRef(dict, number, found);
#else
    *found = PyDict_GetItemWithError(dict, number);
    Py_XINCREF(*found);
    int status = *found != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
#endif
    Py_DECREF(number);
    return status;
}

static int cano_memo_set_item(PyObject *dict, void *address, PyObject *value)
{
    PyObject *number = PyLong_FromVoidPtr(address);
    if (number == NULL)
        return -1;
    int status = PyDict_SetItem(dict, number, value);
    Py_DECREF(number);
    return status;
}

/* The list in which a dict without one keeps the originals: a new reference. */
static PyObject *cano_memo_keeper(PyObject *dict)
{
    PyObject *kept = PyList_New(0);
    if (kept == NULL)
        return NULL;
    /* Another thread, or what a collection calls, may have put one there. */
    PyObject *number = PyLong_FromVoidPtr(dict), *first = NULL;
#if PY_VERSION_HEX >= 0x030D0000
    int status = number == NULL ? -1 : PyDict_SetDefaultRef(dict, number, kept, &first);
#else
    if (number != NULL)
        first = PyDict_SetDefault(dict, number, kept);
    Py_XINCREF(first);
    int status = first == NULL ? -1 : 0;
#endif
    Py_XDECREF(number);
    Py_SETREF(kept, first);
    if (status < 0)
        Py_CLEAR(kept);
    return kept;
}

/* Note a pair in the dict, as copy.deepcopy does. Runs user code, if some has put its own things there. */
static int cano_memo_note_shown(PyObject *dict, PyObject *original, PyObject *copy)
{
    PyObject *kept = NULL, *done;
    int status = cano_memo_set_item(dict, original, copy);
    if (status == 0)
        status = cano_memo_item(dict, dict, &kept);
    if (status < 0)
        return -1;
    if (status == 0) {
        kept = cano_memo_keeper(dict);
        if (kept == NULL)
            return -1;
    }
    if (PyList_CheckExact(kept))
        status = PyList_Append(kept, original);
    else {
        done = PyObject_CallMethod(kept, "append", "O", original);
        status = done == NULL ? -1 : 0;
        Py_XDECREF(done);
    }
    Py_DECREF(kept);
    return status;
}

/* What became of ``original``: 1 and a new reference, 0, or -1 with an error. */
static inline int cano_memo_find(cano_memo *memo, PyObject *original, PyObject **copy)
{
    if (memo->slots != NULL) {
        *copy = cano_memo_slot(memo->slots, memo->mask, original)->copy;
        Py_XINCREF(*copy);
        return *copy != NULL;
    }
    return memo->shown == NULL ? 0 : cano_memo_item(memo->shown, original, copy);
}

/* Put a pair into the table, in the place of what was there before. Runs user code in the latter case. */
static inline int cano_memo_put(cano_memo *memo, PyObject *original, PyObject *copy)
{
    if (memo->slots == NULL) {
        memset(memo->first, 0, sizeof memo->first);
        memo->slots = memo->first;
        memo->mask = CANO_MEMO_FIRST - 1;
        memo->used = 0;
    }
    else if (memo->used * 3 >= memo->mask * 2 && cano_memo_grow(memo) < 0)
        return -1;
    cano_pair *slot = cano_memo_slot(memo->slots, memo->mask, original);
    PyObject *before = slot->copy;
    Py_INCREF(copy);
    slot->copy = copy;
    if (before == NULL) {
        Py_INCREF(original);
        slot->original = original;
        memo->used++;
    }
    else
        Py_DECREF(before);
    return 0;
}

/* Note what ``original`` is becoming, before its parts are looked at. Runs user code, if something was noted before. */
static inline int cano_memo_begin(cano_memo *memo, PyObject *original, PyObject *copy)
{
    return memo->shown == NULL ? cano_memo_put(memo, original, copy) : cano_memo_set_item(memo->shown, original, copy);
}

/* The same when the parts are done: what user code has noted in between does not count any more. */
static inline int cano_memo_end(cano_memo *memo, PyObject *original, PyObject *copy)
{
    return memo->shown == NULL ? 0 : cano_memo_note_shown(memo->shown, original, copy);
}

/* Note what became of ``original``. */
static inline int cano_memo_note(cano_memo *memo, PyObject *original, PyObject *copy)
{
    return memo->shown == NULL ? cano_memo_put(memo, original, copy) : cano_memo_note_shown(memo->shown, original, copy);
}

/* The memo as the dict that user code expects: a new reference. */
static PyObject *cano_memo_show(cano_memo *memo)
{
    if (memo->shown == NULL) {
        PyObject *dict = PyDict_New();
        if (dict == NULL)
            return NULL;
        for (size_t at = 0; memo->slots != NULL && at <= memo->mask; at++) {
            cano_pair *pair = &memo->slots[at];
            if (pair->original != NULL && cano_memo_note_shown(dict, pair->original, pair->copy) < 0) {
                Py_DECREF(dict);
                return NULL;
            }
        }
        memo->shown = dict;
        cano_memo_empty(memo); /* everything lives on in the dict */
    }
    Py_INCREF(memo->shown);
    return memo->shown;
}

/* Pass a reference on as it is, where a cast to an object would count it again. */
static inline PyObject *cano_memo_passed_on(PyObject *reference) { return reference; }

#endif
