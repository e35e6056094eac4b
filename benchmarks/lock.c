/* pthread's read-write lock without what it does, for a process of one thread. All that takes or releases one is replaced, since
   others in the process (OpenSSL) wait where the store only tries. */

#include <pthread.h>

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock) { return lock == 0; }
int pthread_rwlock_trywrlock(pthread_rwlock_t *lock) { return lock == 0; }
int pthread_rwlock_rdlock(pthread_rwlock_t *lock) { return lock == 0; }
int pthread_rwlock_wrlock(pthread_rwlock_t *lock) { return lock == 0; }
int pthread_rwlock_unlock(pthread_rwlock_t *lock) { return lock == 0; }
