/* What each thread has for itself. */

#ifndef CANO_THREAD_H
#define CANO_THREAD_H

#include <features.h>

/* glibc keeps some room for what a library that is loaded late has for each thread, so that to reach it takes no call. */
#ifdef __GLIBC__
#define CANO_OF_THREAD __thread __attribute__((tls_model("initial-exec")))
#else
#define CANO_OF_THREAD __thread
#endif

#endif
