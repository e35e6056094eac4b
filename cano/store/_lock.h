/* The store's lock: a pthread read-write lock that is waited for detached and that is whole again after a fork.

   Every function returns pthread's own error number, 0 for success. The caller is attached (holds the GIL, or without one a
   thread state) on entry and on return. Between a lock and its unlock the caller runs no Python code and does nothing that
   could suspend its thread. Who has to wait, and has looked again for a short while if there is no GIL, detaches, waits until
   the lock could be had, lets go of it, attaches, and tries again: so nobody holds the lock who is not running, also when the
   interpreter ends and lets no thread attach any more. */

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

#ifdef Py_GIL_DISABLED
#include "_readers.h"
#endif

typedef struct {
    pthread_rwlock_t rw;
#ifdef CANO_GATE
    pthread_mutex_t gate;
#endif
    const unsigned long *now;  /* the generation of this process: how many forks lie behind it */
    unsigned long generation; /* of the process in which the lock was made */
#ifdef Py_GIL_DISABLED
    unsigned long renewing; /* the generation for which a thread is making the lock anew, or has */
    cano_readers readers;
#endif
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
        __atomic_store_n(&lock->generation, *lock->now, __ATOMIC_RELEASE);
    return refused;
}

static inline int cano_lock_make(cano_lock *lock)
{
    lock->now = &cano_generation;
#ifdef Py_GIL_DISABLED
    lock->renewing = cano_generation;
    memset(&lock->readers, 0, sizeof lock->readers);
#endif
    return cano_lock_init(lock);
}

/* In a forked child: a lock that some thread of the parent may have held is forgotten, not destroyed. Some systems refuse to
   make a lock where they see one that is held, so its memory is wiped first. */
static inline int cano_lock_renew(cano_lock *lock)
{
    int refused;
#ifdef Py_GIL_DISABLED
    /* The first thread of the child that comes here makes it, without being suspended, and others wait for that. A thread of the
       parent that was amid this has left another generation behind. */
    unsigned long now = *lock->now, last = __atomic_load_n(&lock->renewing, __ATOMIC_ACQUIRE);
    while (last == now || !__atomic_compare_exchange_n(&lock->renewing, &last, now, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        if (__atomic_load_n(&lock->generation, __ATOMIC_ACQUIRE) == now)
            return 0;
        (void)sched_yield(); /* it does not fail */
        last = __atomic_load_n(&lock->renewing, __ATOMIC_ACQUIRE);
    }
    memset(&lock->readers, 0, sizeof lock->readers);
#endif
    memset(&lock->rw, 0, sizeof lock->rw);
#ifdef CANO_GATE
    memset(&lock->gate, 0, sizeof lock->gate);
#endif
    refused = cano_lock_init(lock);
#ifdef Py_GIL_DISABLED
    if (refused)
        __atomic_store_n(&lock->renewing, now - 1, __ATOMIC_RELEASE); /* so that the next one tries */
#endif
    return refused;
}

static inline int cano_lock_is_old(cano_lock *lock)
{
    return __atomic_load_n(&lock->generation, __ATOMIC_ACQUIRE) != *lock->now;
}

static inline void cano_lock_drop(cano_lock *lock)
{
    if (cano_lock_is_old(lock))
        return; /* a thread that is not in this process may hold it: to destroy it would be undefined */
    (void)pthread_rwlock_destroy(&lock->rw); /* nobody can hold it: the last reference to its owner is going */
#ifdef CANO_GATE
    (void)pthread_mutex_destroy(&lock->gate);
#endif
}

typedef int (*cano_acquire)(pthread_rwlock_t *);

/* A lock that this thread holds cannot be refused its release, unless memory is corrupt; going on would hang everybody. */
static inline void cano_rw_unlock(cano_lock *lock)
{
    if (pthread_rwlock_unlock(&lock->rw))
        Py_FatalError("cano: a store's lock, held by this thread, could not be released");
}

#ifdef CANO_GATE
static inline void cano_gate_unlock(cano_lock *lock)
{
    if (pthread_mutex_unlock(&lock->gate))
        Py_FatalError("cano: the gate of a store's lock, held by this thread, could not be released");
}
#endif

static inline int cano_rw_try(cano_lock *lock, cano_acquire attempt)
{
    int refused;
#ifdef CANO_GATE
    if ((refused = pthread_mutex_trylock(&lock->gate)))
        return refused;
    refused = attempt(&lock->rw);
    cano_gate_unlock(lock);
#else
    refused = attempt(&lock->rw);
#endif
    return refused;
}

/* Another thread has the lock: let everybody else run until it could be had. It is not held on return. */
static inline int cano_rw_await(cano_lock *lock, cano_acquire wait)
{
    int refused;
    Py_BEGIN_ALLOW_THREADS
#ifdef CANO_GATE
    refused = pthread_mutex_lock(&lock->gate);
    if (!refused) {
        refused = wait(&lock->rw);
        cano_gate_unlock(lock);
    }
#else
    refused = wait(&lock->rw);
#endif
    if (!refused)
        cano_rw_unlock(lock);
    Py_END_ALLOW_THREADS
    return refused;
}

static inline int cano_rw_take(cano_lock *lock, cano_acquire attempt, cano_acquire wait)
{
    int refused;
    if (cano_lock_is_old(lock) && (refused = cano_lock_renew(lock)))
        return refused;
    while ((refused = cano_rw_try(lock, attempt)) == EBUSY)
        if ((refused = cano_rw_await(lock, wait)))
            return refused;
    return refused;
}

#ifndef Py_GIL_DISABLED

static inline int cano_lock_shared(cano_lock *lock) { return cano_rw_take(lock, pthread_rwlock_tryrdlock, pthread_rwlock_rdlock); }

static inline void cano_unlock_shared(cano_lock *lock) { cano_rw_unlock(lock); }

static inline int cano_lock_exclusive(cano_lock *lock)
{
    return cano_rw_take(lock, pthread_rwlock_trywrlock, pthread_rwlock_wrlock);
}

static inline void cano_unlock_exclusive(cano_lock *lock) { cano_rw_unlock(lock); }

#else

/* Wait until the writer has gone. The wait is for the pthread lock, which is not held on return, nor is the reader counted in. */
static int cano_lock_shared_slowly(cano_lock *lock)
{
    int refused, looks = 0;
    while (!cano_go_in_soon(&lock->readers))
        if (++looks < CANO_YIELDS)
            (void)sched_yield(); /* it does not fail */
        else if ((refused = cano_rw_await(lock, pthread_rwlock_rdlock)))
            return refused;
    return 0;
}

static inline int cano_lock_shared(cano_lock *lock)
{
    int refused;
    if (cano_lock_is_old(lock) && (refused = cano_lock_renew(lock)))
        return refused;
    return cano_go_in(&lock->readers) ? 0 : cano_lock_shared_slowly(lock);
}

static inline void cano_unlock_shared(cano_lock *lock) { cano_go_out(&lock->readers); }

/* Another writer is there: try again for as long as a few operations take, then let others have the core a few times, then wait
   for it. Who sleeps has to be woken, takes the lock for that, and so sends the next one to sleep: with four writers on two cores
   that left a twentieth of what one does. */
static int cano_lock_exclusive_slowly(cano_lock *lock)
{
    int looks, refused;
    for (looks = 0; looks < CANO_LOOKS; looks++) {
        cano_pause();
        if (!cano_is_writing(&lock->readers) && (refused = cano_rw_try(lock, pthread_rwlock_trywrlock)) != EBUSY)
            return refused;
    }
    for (looks = 0; looks < CANO_YIELDS; looks++) {
        (void)sched_yield(); /* it does not fail */
        if (!cano_is_writing(&lock->readers) && (refused = cano_rw_try(lock, pthread_rwlock_trywrlock)) != EBUSY)
            return refused;
    }
    return cano_rw_take(lock, pthread_rwlock_trywrlock, pthread_rwlock_wrlock);
}

static inline int cano_lock_exclusive(cano_lock *lock)
{
    int refused;
    if (cano_lock_is_old(lock) && (refused = cano_lock_renew(lock)))
        return refused;
    if ((refused = cano_rw_try(lock, pthread_rwlock_trywrlock)) == EBUSY)
        refused = cano_lock_exclusive_slowly(lock);
    if (!refused)
        cano_keep_out(&lock->readers);
    return refused;
}

static inline void cano_unlock_exclusive(cano_lock *lock)
{
    cano_let_in(&lock->readers);
    cano_rw_unlock(lock);
}

#endif

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
