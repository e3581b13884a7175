/* The engine's run with 64-bit ranks. */
#define NAMED(x)                  x##_narrow
#define RECORD(s, e, which, time) ((void)0)
#include "stages/run/narrow.inc.h"
