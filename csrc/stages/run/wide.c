/* The engine's run with 128-bit ranks. */
#include "stages/state.h"

typedef unsigned __int128 rank_t;
#define TIME_BITS   61
#define NUMBER_BITS 32
#define KIND_BITS   3
#define NAMED(x)    x##_wide
#define RECORD(s, e, which, time)                                                                                      \
    do {                                                                                                               \
        if ((s)->spans)                                                                                                \
            (s)->spans[2 * (size_t)(e) + (which)] = (time);                                                            \
    } while (0)
#include "stages/run/core.inc.h"
