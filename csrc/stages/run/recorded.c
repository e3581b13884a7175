/* The engine's run with 64-bit ranks that keeps when each stage started and ended. */
#define NAMED(x)                  x##_recorded
#define RECORD(s, e, which, time) ((s)->spans[2 * (size_t)(e) + (which)] = (time))
#include "stages/run/narrow.inc.h"
