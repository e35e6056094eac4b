/* What GCC compiles with -fsanitize-coverage=trace-pc,trace-cmp, told to libFuzzer.
 *
 * libFuzzer wants what only Clang writes: counters of one byte in one piece, and a table of the places that they count. GCC
 * calls __sanitizer_cov_trace_pc in each basic block instead. So each place gets the next counter when it is first reached.
 * Comparisons are handed on as they are. To be loaded for all (RTLD_GLOBAL) before what is counted. For one thread.
 */

#include <stdint.h>

#define PLACES 65536 /* a power of two; the blocks of all extensions are half as many */

static uint8_t counters[PLACES];
static struct { uintptr_t place, flags; } places[PLACES];
static struct { uintptr_t place; uint32_t number; } known[2 * PLACES];
static uint32_t reached;

void __sanitizer_cov_trace_pc(void) {
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    uint32_t at = (uint32_t)((place * 0x9E3779B97F4A7C15u) >> 40) % (2 * PLACES);
    while (known[at].place != place) {
        if (!known[at].place) {
            if (reached == PLACES)
                return;
            known[at].place = places[reached].place = place;
            known[at].number = reached++;
            break;
        }
        at = (at + 1) % (2 * PLACES);
    }
    if (counters[known[at].number] < UINT8_MAX)
        counters[known[at].number]++;
}

/* libFuzzer asks for the address to which a comparison returns, so these have to end in a jump: compile with -O2. */
#define HANDED_ON(name, type)                                 \
    static void no_##name(type a, type b) { (void)a, (void)b; } \
    static void (*its_##name)(type, type) = no_##name;          \
    void __sanitizer_cov_trace_##name(type a, type b) { its_##name(a, b); }

HANDED_ON(cmp1, uint8_t)
HANDED_ON(cmp2, uint16_t)
HANDED_ON(cmp4, uint32_t)
HANDED_ON(cmp8, uint64_t)
HANDED_ON(const_cmp1, uint8_t)
HANDED_ON(const_cmp2, uint16_t)
HANDED_ON(const_cmp4, uint32_t)
HANDED_ON(const_cmp8, uint64_t)
/* These two are of GCC alone; libFuzzer does not look at floats. */
HANDED_ON(cmpf, float)
HANDED_ON(cmpd, double)

static void no_switch(uint64_t value, uint64_t *cases) { (void)value, (void)cases; }
static void (*its_switch)(uint64_t, uint64_t *) = no_switch;
void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases) { its_switch(value, cases); }

/* Begin to hand on; find: gives the function of libFuzzer that has a name. */
void cano_coverage_begins(void *(*find)(const char *)) {
    void (*count)(uint8_t *, uint8_t *) = find("__sanitizer_cov_8bit_counters_init");
    void (*name)(const uintptr_t *, const uintptr_t *) = find("__sanitizer_cov_pcs_init");
    count(counters, counters + PLACES);
    name((const uintptr_t *)places, (const uintptr_t *)(places + PLACES));
#define FOUND(name) its_##name = find("__sanitizer_cov_trace_" #name)
    FOUND(cmp1), FOUND(cmp2), FOUND(cmp4), FOUND(cmp8), FOUND(switch);
    FOUND(const_cmp1), FOUND(const_cmp2), FOUND(const_cmp4), FOUND(const_cmp8);
}

/* How many blocks have been reached. */
uint32_t cano_coverage_reached(void) { return reached; }
