/* pthread's read-write lock, as the tests want it: it refuses, is busy, or forgets to unlock, for real. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

typedef int (*on_lock)(pthread_rwlock_t *);

static atomic_int refusal, busy, kept, gate, waiting, reads, writes, kind_made, destroyed, slept;

void refuse(int number) { refusal = number; }    /* every attempt fails with this error number; 0: none */
void be_busy(int times) { busy = times; }        /* so many attempts find the lock busy, though it is free */
void keep_locked(int yes) { kept = yes; }        /* an unlock says that it worked, and does nothing */
void close_gate(int yes) { gate = yes; }         /* a wait for the lock lasts until this is taken back */
int waiters(void) { return waiting; }
int reads_begun(void) { return reads; }          /* how often the lock was tried for reading, and for writing */
int writes_begun(void) { return writes; }
int kind_of_last(void) { return kind_made; }     /* whom the lock that was made last prefers */
int locks_destroyed(void) { return destroyed; }
int naps(void) { return slept; }                 /* how often a writer has left room; Python itself sleeps by other means */

static int answer(const char *name, pthread_rwlock_t *lock, int attempt)
{
    on_lock real = (on_lock)dlsym(RTLD_NEXT, name);
    if (refusal)
        return refusal;
    if (attempt && busy > 0) {
        busy--;
        return EBUSY;
    }
    if (!attempt) {
        waiting++;
        while (gate)
            sched_yield();
        waiting--;
    }
    return real(lock);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    reads++;
    return answer("pthread_rwlock_tryrdlock", lock, 1);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    writes++;
    return answer("pthread_rwlock_trywrlock", lock, 1);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock) { return answer("pthread_rwlock_rdlock", lock, 0); }
int pthread_rwlock_wrlock(pthread_rwlock_t *lock) { return answer("pthread_rwlock_wrlock", lock, 0); }

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    return kept ? 0 : ((on_lock)dlsym(RTLD_NEXT, "pthread_rwlock_unlock"))(lock);
}

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *kind)
{
    int (*real)(pthread_rwlock_t *, const pthread_rwlockattr_t *) = dlsym(RTLD_NEXT, "pthread_rwlock_init");
    int preferred = 0;
    if (kind && !pthread_rwlockattr_getkind_np(kind, &preferred))
        kind_made = preferred;
    return refusal ? refusal : real(lock, kind);
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    destroyed++;
    return ((on_lock)dlsym(RTLD_NEXT, "pthread_rwlock_destroy"))(lock);
}

int nanosleep(const struct timespec *length, struct timespec *left)
{
    slept++;
    return ((int (*)(const struct timespec *, struct timespec *))dlsym(RTLD_NEXT, "nanosleep"))(length, left);
}
