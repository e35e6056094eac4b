/* pthread's read-write lock, as the tests want it: it refuses, is busy, or forgets to unlock, for real. And a clock that stands, and
   a writer or a reader that stays where it is. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int (*on_lock)(pthread_rwlock_t *);

static atomic_int refusal, left = -1, refused_then, tries, busy, kept, gate, waiting, waited, reads, writes, kind_made, destroyed, slept;

void refuse(int number) { refusal = number; }    /* every attempt fails with this error number; 0: none */
void refuse_after(int attempts, int number) { refused_then = number; left = attempts; } /* after so many more; -1: none */
int attempts(void) { return tries; }
void be_busy(int times) { busy = times; }        /* so many attempts find the lock busy, though it is free */
void keep_locked(int yes) { kept = yes; }        /* an unlock says that it worked, and does nothing */
void close_gate(int yes) { gate = yes; }         /* a wait for the lock lasts until this is taken back */
int waiters(void) { return waiting; }
int waits(void) { return waited; }               /* how often somebody has gone to sleep for the lock */
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
    tries += attempt;
    if (attempt && left >= 0 && left-- == 0) {
        left = 0;
        return refused_then;
    }
    if (attempt && busy > 0) {
        busy--;
        return EBUSY;
    }
    if (!attempt) {
        waited++;
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

/* A store that grows for its sixth key asks for 16 entries of 16 bytes, amid its change: there the writer stays until it may go on. */

#ifdef __GLIBC__
extern void *__libc_calloc(size_t, size_t);

static atomic_int stay, inside;

void stay_inside(int yes) { stay = yes; }
int writers_inside(void) { return inside; }

void *calloc(size_t number, size_t size)
{
    if (stay && number == 16 && size == 16) {
        inside++;
        while (stay)
            sched_yield();
        inside--;
    }
    return __libc_calloc(number, size);
}

/* Who reads all keys or all items asks for memory for them amid its look: so a reader stays, too, known by how much it asks for. */

extern void *__libc_malloc(size_t);

static atomic_int stay_reading, reading;

void stay_reading_inside(int size) { stay_reading = size; }
int readers_inside(void) { return reading; }

void *malloc(size_t size)
{
    if (stay_reading && size == (size_t)stay_reading) {
        reading++;
        while (stay_reading)
            sched_yield();
        reading--;
    }
    return __libc_malloc(size);
}
#endif

/* The clock that only goes on, and the naps of who waits by it. While it stands for the store, a nap is short and moves it by
   ``nap_moves``. For everybody else it goes on: the interpreter waits for its own threads by it. Naps are the
   store's alone: CPython itself sleeps by clock_nanosleep and waits for semaphores. */

static atomic_llong stands_at = -1, nap_moves;

static int is_of_the_store(const void *caller)
{
    Dl_info where;
    return dladdr(caller, &where) && where.dli_fname && strstr(where.dli_fname, "cano/store/");
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    long long at = stands_at;
    if (which != CLOCK_MONOTONIC || at < 0 || !is_of_the_store(__builtin_return_address(0)))
        return (int)syscall(SYS_clock_gettime, which, now); /* no dlsym: a sanitizer asks for the time within its own */
    now->tv_sec = (time_t)(at / 1000000000LL);
    now->tv_nsec = (long)(at % 1000000000LL);
    return 0;
}

int nanosleep(const struct timespec *length, struct timespec *rest)
{
    slept++;
    if (stands_at < 0)
        return clock_nanosleep(CLOCK_REALTIME, 0, length, rest);
    stands_at += nap_moves;
    sched_yield();
    return 0;
}

void stop_clock(int nanoseconds_of_a_nap)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    nap_moves = nanoseconds_of_a_nap;
    stands_at = now.tv_sec * 1000000000LL + now.tv_nsec;
}

void move_clock(int nanoseconds) { stands_at += nanoseconds; }
