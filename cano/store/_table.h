/* The store's hash table: exact str keys to any values, by open addressing with linear probing.

   A dict would do, but it knows more than a store needs: looking a key up in one table of 16-byte entries is one call less and
   one cache line less, and nothing here but cano_table_drop can run Python code, allocate a Python object or wait, whatever the
   build of Python. All memory is the raw allocator's, which neither needs the GIL nor runs the collector.

   The table owns a reference to each key and each value. The caller holds the lock, exclusively where something changes, and
   releases what is displaced after the unlock. Keys are exact str whose hash has been computed (cano_hash). */

#ifndef CANO_TABLE_H
#define CANO_TABLE_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    PyObject *key; /* NULL: the entry is free, and then its value is, too */
    PyObject *marked; /* the value, and without a GIL its mark: see cano_value */
} cano_entry;

typedef struct {
    cano_entry *entries;
    size_t mask; /* the number of entries, a power of two, less one */
    size_t used; /* never more than two thirds of the entries, so that a search always ends */
    int bits;    /* the number of entries is 2 to this power */
} cano_table;

#define CANO_SMALLEST 3 /* bits: eight entries, of which five are used before it grows */

/* Without a GIL the lowest bit of a value's address is the owned mark: the store itself has made this list, and no operation has
   let a reference to it out. Readers clear it beside one another, so who only shares the lock reads and clears it in one step. */
#ifdef Py_GIL_DISABLED

#define CANO_OWNED ((uintptr_t)1)

static inline PyObject *cano_value(const cano_entry *entry)
{
    return (PyObject *)((uintptr_t)__atomic_load_n(&entry->marked, __ATOMIC_RELAXED) & ~CANO_OWNED);
}

static inline int cano_is_owned(const cano_entry *entry)
{
    return (int)((uintptr_t)__atomic_load_n(&entry->marked, __ATOMIC_RELAXED) & CANO_OWNED);
}

/* The value, to be let out: others will see it, so it is no longer the store's alone. */
static inline PyObject *cano_let_out(cano_entry *entry)
{
    if (cano_is_owned(entry))
        (void)__atomic_fetch_and((uintptr_t *)&entry->marked, ~CANO_OWNED, __ATOMIC_RELAXED);
    return cano_value(entry);
}

/* Set the mark. Held: exclusive. */
static inline void cano_mark(cano_entry *entry) { entry->marked = (PyObject *)((uintptr_t)entry->marked | CANO_OWNED); }

#else

static inline PyObject *cano_value(const cano_entry *entry) { return entry->marked; }
static inline int cano_is_owned(const cano_entry *entry) { return 0; }
static inline PyObject *cano_let_out(cano_entry *entry) { return entry->marked; }
static inline void cano_mark(cano_entry *entry) {}

#endif

/* The hash of an exact str as far as it has been computed, else -1. Another thread may be computing it. */
static inline Py_hash_t cano_known_hash(PyObject *key) { return __atomic_load_n(&((PyASCIIObject *)key)->hash, __ATOMIC_RELAXED); }

/* The hash of an exact str, which the str itself keeps. -1 with an error set if memory ran out. */
static inline Py_hash_t cano_hash(PyObject *key)
{
    Py_hash_t hash = cano_known_hash(key);
    return hash != -1 ? hash : PyObject_Hash(key);
}

static inline int cano_same_text(PyObject *a, PyObject *b)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(a);
    return length == PyUnicode_GET_LENGTH(b) && PyUnicode_KIND(a) == PyUnicode_KIND(b)
        && memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)length * PyUnicode_KIND(a)) == 0;
}

/* Where a search for a hash begins. It depends on the size of the table in more than the number of bits, or the keys of another
   table, set or dict, which come in the order of the low bits of their hashes, would fill one end of this one and run over. */
static inline size_t cano_home(const cano_table *table, Py_hash_t hash)
{
    return ((size_t)hash ^ ((size_t)hash >> table->bits)) & table->mask;
}

/* The entry of a key, or the free one where it belongs. */
static inline cano_entry *cano_find(const cano_table *table, PyObject *key)
{
    Py_hash_t hash = cano_known_hash(key);
    size_t at = cano_home(table, hash);
    for (;;) {
        cano_entry *entry = &table->entries[at];
        if (entry->key == key || entry->key == NULL)
            return entry;
        if (cano_known_hash(entry->key) == hash && cano_same_text(entry->key, key))
            return entry;
        at = (at + 1) & table->mask;
    }
}

/* 0, or -1 without memory; no error is set, for that would allocate. */
static inline int cano_table_make(cano_table *table, int bits)
{
    size_t size = (size_t)1 << bits;
    table->entries = PyMem_RawCalloc(size, sizeof(cano_entry));
    table->mask = size - 1;
    table->bits = bits;
    table->used = 0;
    return table->entries == NULL ? -1 : 0;
}

static inline int cano_table_resize(cano_table *table, int bits)
{
    cano_table fresh;
    size_t at;
    if (cano_table_make(&fresh, bits))
        return -1;
    for (at = 0; at <= table->mask; at++)
        if (table->entries[at].key != NULL)
            *cano_find(&fresh, table->entries[at].key) = table->entries[at];
    fresh.used = table->used;
    PyMem_RawFree(table->entries);
    *table = fresh;
    return 0;
}

/* Make room for ``more`` keys, so that as many insertions cannot fail. 0, or -1 without memory and nothing has changed. */
static inline int cano_table_reserve(cano_table *table, size_t more)
{
    size_t needed = table->used + more;
    int bits = table->bits;
    if (3 * needed <= 2 * (table->mask + 1))
        return 0;
    while (3 * needed > (size_t)2 << bits)
        if ((size_t)1 << ++bits > PY_SSIZE_T_MAX / sizeof(cano_entry))
            return -1;
    return cano_table_resize(table, bits);
}

/* Put ``value`` where cano_find found ``entry``, without a mark; takes new references, hands the displaced value to the caller, or
   NULL. There is room. */
static inline PyObject *cano_table_put(cano_table *table, cano_entry *entry, PyObject *key, PyObject *value)
{
    PyObject *displaced = cano_value(entry);
    Py_INCREF(value);
    if (entry->key == NULL) {
        Py_INCREF(key);
        entry->key = key;
        table->used++;
    }
    entry->marked = value;
    return displaced;
}

/* A key and its value, without a mark. */
typedef struct {
    PyObject *key;
    PyObject *value;
} cano_taken;

/* Empty an entry that is in use; its references are the caller's now. What follows moves up, so that no search stops early. */
static inline cano_taken cano_table_take(cano_table *table, cano_entry *entry)
{
    cano_taken taken = {entry->key, cano_value(entry)};
    size_t hole = (size_t)(entry - table->entries), at = hole;
    for (;;) {
        size_t home;
        at = (at + 1) & table->mask;
        if (table->entries[at].key == NULL)
            break;
        home = cano_home(table, cano_known_hash(table->entries[at].key));
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->entries[hole] = table->entries[at];
            hole = at;
        }
    }
    table->entries[hole].key = table->entries[hole].marked = NULL;
    table->used--;
    return taken;
}

/* Give memory back once hardly anything is left. Moves entries and takes back what was reserved. */
static inline void cano_table_shrink(cano_table *table)
{
    int bits = CANO_SMALLEST;
    if (table->bits < CANO_SMALLEST + 3 || 8 * table->used > table->mask)
        return;
    while (3 * table->used > (size_t)1 << bits)
        bits++;
    (void)cano_table_resize(table, bits); /* without memory it stays as large as it is */
}

/* Release all that a table holds, and the table: runs finalizers, so never under the lock and never on a table in use. */
static inline void cano_table_drop(cano_table *table)
{
    size_t at;
    for (at = 0; table->used; at++)
        if (table->entries[at].key != NULL) {
            table->used--;
            Py_DECREF(table->entries[at].key);
            Py_DECREF(cano_value(&table->entries[at]));
        }
    PyMem_RawFree(table->entries);
    table->entries = NULL;
}

#endif
