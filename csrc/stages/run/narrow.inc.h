/* stages/run/narrow.inc.h -- a run with 64-bit ranks; before it NAMED and RECORD are defined. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif
#include "stages/state.h"

typedef uint64_t rank_t;
#define TIME_BITS   NARROW_TIME_BITS
#define NUMBER_BITS NARROW_NUMBER_BITS
#define KIND_BITS   3
#include "stages/run/core.inc.h"
