/* The engine's run with 64-bit ranks that keeps when each stage started and ended. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif
#include "stages/state.h"

typedef uint64_t rank_t;
#define TIME_BITS                 NARROW_TIME_BITS
#define NUMBER_BITS               NARROW_NUMBER_BITS
#define KIND_BITS                 3
#define NAMED(x)                  x##_recorded
#define RECORD(s, e, which, time) ((s)->spans[2 * (size_t)(e) + (which)] = (time))
#include "stages/run/core.inc.h"
