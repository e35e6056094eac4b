/* Readers beside one another without a GIL: each counts itself in and out in a slot on cache lines of its own, so that those who
   read on several cores write to no common one. A writer, which the pthread lock has made the only one, raises a flag and waits
   until all slots are empty; a reader that finds the flag steps back and waits for its turn.

   After the reader indicators of BRAVO (Dice and Kogan, USENIX ATC 2019) and the "big reader" locks of operating systems; here the
   pthread lock is never what a reader holds, so a writer that is gone has nothing to take back.

   Nobody counts himself in detached, and nobody detaches between in and out. So whoever is counted in is running, and leaves
   before the world can be stopped: to wait for him attached keeps the collector no longer than he does himself. */

#ifndef CANO_READERS_H
#define CANO_READERS_H

#include <sched.h>

#include "_thread.h"

enum {
    CANO_SLOTS = 8,   /* each costs a writer a look: with 64 of them, a put took a third longer */
    CANO_LINE = 128,  /* bytes: two cache lines, since processors fetch them in pairs */
    CANO_LOOKS = 64,  /* how often a thread looks again before it lets others run: as long as a few operations take */
    CANO_YIELDS = 20, /* how often a thread then gives its core away before it sleeps */
    CANO_TURN = 16    /* how often a writer looks again for readers that wait to go in before it does: as long as that takes them */
};

typedef struct {
    long inside; /* how many readers */
    char apart[CANO_LINE - sizeof(long)];
} cano_slot;

typedef struct {
    int writing; /* the flag of the writer */
    int waiting; /* how many readers look for it to go down */
    char apart[CANO_LINE];
    cano_slot slots[CANO_SLOTS];
} cano_readers;

/* In and out of one reading are in one function, and so in one extension, for each extension counts the threads by itself. */
static CANO_OF_THREAD unsigned int cano_place = 0; /* 1 and the slot of this thread; 0: it has none yet */
static unsigned int cano_places = 0;               /* how many threads have got one */

static inline cano_slot *cano_my_slot(cano_readers *readers)
{
    if (cano_place == 0)
        cano_place = 1 + __atomic_fetch_add(&cano_places, 1, __ATOMIC_RELAXED) % CANO_SLOTS;
    return &readers->slots[cano_place - 1];
}

/* A moment of a loop that waits for another core. */
static inline void cano_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Count the thread in, then look for a writer: in the other order a writer could look between the two. 1, or 0 for a writer. */
static inline int cano_go_in(cano_readers *readers)
{
    cano_slot *slot = cano_my_slot(readers);
    __atomic_fetch_add(&slot->inside, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&readers->writing, __ATOMIC_SEQ_CST))
        return 1;
    __atomic_fetch_sub(&slot->inside, 1, __ATOMIC_RELEASE);
    return 0;
}

static inline void cano_go_out(cano_readers *readers) { __atomic_fetch_sub(&cano_my_slot(readers)->inside, 1, __ATOMIC_RELEASE); }

static inline int cano_is_writing(const cano_readers *readers) { return __atomic_load_n(&readers->writing, __ATOMIC_RELAXED); }

/* Go in if the writer that is there leaves soon. 1, or 0. */
static inline int cano_go_in_soon(cano_readers *readers)
{
    int looks, in = 0;
    __atomic_fetch_add(&readers->waiting, 1, __ATOMIC_RELAXED);
    for (looks = 0; looks < CANO_LOOKS && !in; looks++) {
        cano_pause();
        in = !cano_is_writing(readers) && cano_go_in(readers);
    }
    __atomic_fetch_sub(&readers->waiting, 1, __ATOMIC_RELAXED);
    return in;
}

/* The one writer: keep readers out, and wait until those inside have left. Readers that wait have a turn first, or a writer that
   comes again and again would find the door before they do. */
static inline void cano_keep_out(cano_readers *readers)
{
    int each, looks;
    for (looks = 0; looks < CANO_TURN && __atomic_load_n(&readers->waiting, __ATOMIC_RELAXED); looks++)
        cano_pause();
    looks = 0;
    __atomic_store_n(&readers->writing, 1, __ATOMIC_SEQ_CST);
    for (each = 0; each < CANO_SLOTS; each++)
        while (__atomic_load_n(&readers->slots[each].inside, __ATOMIC_SEQ_CST))
            if (++looks < CANO_LOOKS)
                cano_pause();
            else
                (void)sched_yield(); /* it does not fail; the reader may be without a core */
}

static inline void cano_let_in(cano_readers *readers) { __atomic_store_n(&readers->writing, 0, __ATOMIC_RELEASE); }

#endif
