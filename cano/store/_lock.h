/* The store's lock: a pthread read-write lock that is never waited for attached and that is whole again after a fork.

   Every function returns pthread's own error number, 0 for success. The caller is attached (holds the GIL) on entry and on
   return. Between a lock and its unlock the caller runs no Python code and does nothing that could suspend its thread. */

#ifndef CANO_LOCK_H
#define CANO_LOCK_H

#include <Python.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* glibc can be told to prefer a waiting writer. Elsewhere writers pass a gate of ours, which they hold while they wait, so
   that the readers who come later wait behind them. */
#if !defined(__GLIBC__) && !defined(CANO_GATE)
#define CANO_GATE
#endif

typedef struct {
    pthread_rwlock_t rw;
#ifdef CANO_GATE
    pthread_mutex_t gate;
#endif
    const unsigned long *now;  /* the generation of this process: how many forks lie behind it */
    unsigned long generation; /* of the process in which the lock was made */
} cano_lock;

/* This header is compiled into several extensions, and each has these for itself; those of the one that makes the locks count. */
static unsigned long cano_generation = 0;

static inline void cano_forked(void) { cano_generation++; }

/* Once, when that module is imported. One handler for all stores: each sees at its next operation that it is old. */
static inline int cano_lock_setup(void) { return pthread_atfork(NULL, NULL, cano_forked); }

static inline int cano_lock_init(cano_lock *lock)
{
    int refused;
#ifdef __GLIBC__
    pthread_rwlockattr_t kind;
    if ((refused = pthread_rwlockattr_init(&kind)))
        return refused;
    refused = pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    if (!refused)
        refused = pthread_rwlock_init(&lock->rw, &kind);
    (void)pthread_rwlockattr_destroy(&kind); /* frees nothing in glibc; there is nothing to undo if it fails */
#else
    refused = pthread_rwlock_init(&lock->rw, NULL);
#endif
#ifdef CANO_GATE
    if (!refused && (refused = pthread_mutex_init(&lock->gate, NULL)))
        (void)pthread_rwlock_destroy(&lock->rw); /* made just now, and held by nobody */
#endif
    if (!refused)
        lock->generation = *lock->now;
    return refused;
}

static inline int cano_lock_make(cano_lock *lock)
{
    lock->now = &cano_generation;
    return cano_lock_init(lock);
}

/* In a forked child: a lock that some thread of the parent may have held is forgotten, not destroyed. Some systems refuse to
   make a lock where they see one that is held, so its memory is wiped first. */
static inline int cano_lock_renew(cano_lock *lock)
{
    const unsigned long *now = lock->now;
    memset(lock, 0, sizeof *lock);
    lock->now = now;
    lock->generation = *now - 1; /* until it is made */
    return cano_lock_init(lock);
}

static inline void cano_lock_drop(cano_lock *lock)
{
    if (lock->generation != *lock->now)
        return; /* a thread that is not in this process may hold it: to destroy it would be undefined */
    (void)pthread_rwlock_destroy(&lock->rw); /* nobody can hold it: the last reference to its owner is going */
#ifdef CANO_GATE
    (void)pthread_mutex_destroy(&lock->gate);
#endif
}

typedef int (*cano_acquire)(pthread_rwlock_t *);

/* Another thread has the lock: let everybody else run while we wait for it. */
static inline int cano_lock_wait(cano_lock *lock, cano_acquire wait)
{
    int refused;
    Py_BEGIN_ALLOW_THREADS
#ifdef CANO_GATE
    refused = pthread_mutex_lock(&lock->gate);
    if (!refused) {
        int stuck;
        refused = wait(&lock->rw);
        stuck = pthread_mutex_unlock(&lock->gate);
        if (stuck)
            Py_FatalError("cano: the gate of a store's lock, held by this thread, could not be released");
    }
#else
    refused = wait(&lock->rw);
#endif
    Py_END_ALLOW_THREADS
    return refused;
}

static inline int cano_lock_take(cano_lock *lock, cano_acquire attempt, cano_acquire wait)
{
    int refused;
    if (lock->generation != *lock->now && (refused = cano_lock_renew(lock)))
        return refused;
#ifdef CANO_GATE
    refused = pthread_mutex_trylock(&lock->gate);
    if (!refused) {
        refused = attempt(&lock->rw);
        if (pthread_mutex_unlock(&lock->gate))
            Py_FatalError("cano: the gate of a store's lock, held by this thread, could not be released");
    }
#else
    refused = attempt(&lock->rw);
#endif
    return refused == EBUSY ? cano_lock_wait(lock, wait) : refused;
}

static inline int cano_lock_shared(cano_lock *lock)
{
    return cano_lock_take(lock, pthread_rwlock_tryrdlock, pthread_rwlock_rdlock);
}

static inline int cano_lock_exclusive(cano_lock *lock)
{
    return cano_lock_take(lock, pthread_rwlock_trywrlock, pthread_rwlock_wrlock);
}

/* A lock that this thread holds cannot be refused its release, unless memory is corrupt; going on would hang everybody. */
static inline void cano_unlock(cano_lock *lock)
{
    if (pthread_rwlock_unlock(&lock->rw))
        Py_FatalError("cano: a store's lock, held by this thread, could not be released");
}

/* The running thread, as a number. */
static inline unsigned long cano_thread(void) { return (unsigned long)pthread_self(); }

/* Nanoseconds of a clock that only goes on. */
static inline unsigned long long cano_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* a clock that every POSIX system with threads has */
    return (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
}

/* Let everybody else run for a while. */
static inline void cano_nap(long nanoseconds)
{
    struct timespec length = {0, nanoseconds};
    Py_BEGIN_ALLOW_THREADS
    (void)nanosleep(&length, NULL); /* cut short by a signal: the caller looks again */
    Py_END_ALLOW_THREADS
}

/* Pass a reference on as it is, where a cast to an object would count it again. */
static inline PyObject *cano_passed_on(PyObject *reference) { return reference; }

#endif
