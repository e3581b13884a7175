/* The engine's run with 64-bit ranks. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif
#include "stages/state.h"

typedef uint64_t rank_t;
#define TIME_BITS                 NARROW_TIME_BITS
#define NUMBER_BITS               NARROW_NUMBER_BITS
#define KIND_BITS                 3
#define NAMED(x)                  x##_narrow
#define RECORD(s, e, which, time) ((void)0)
#include "stages/run/core.inc.h"
