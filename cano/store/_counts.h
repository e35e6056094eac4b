/* Counts that several threads look at, and change, without a lock. Each is whole by itself; nothing follows from the order of
   two. */

#ifndef CANO_COUNTS_H
#define CANO_COUNTS_H

#include <Python.h>

typedef unsigned long long cano_count;

#ifdef Py_GIL_DISABLED
typedef struct { char line[128]; } cano_apart; /* two cache lines, since processors fetch them in pairs */
#else
typedef struct { char line[1]; } cano_apart;
#endif

static inline cano_count cano_load(const cano_count *count) { return __atomic_load_n(count, __ATOMIC_RELAXED); }
static inline void cano_set(cano_count *count, cano_count to) { __atomic_store_n(count, to, __ATOMIC_RELAXED); }

static inline void cano_add(cano_count *count, long long more)
{
#ifdef Py_GIL_DISABLED
    (void)__atomic_fetch_add(count, (cano_count)more, __ATOMIC_RELAXED);
#else
    *count += (cano_count)more;
#endif
}

#endif
