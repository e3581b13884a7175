/* Quotients of duration rules: rounded up once, to a multiple of the rule's quantum, and kept with their rate. */
#include "stages/state.h"

int quotient(stages *s, rate *r, i64 quantum, i64 work, i64 *ps)
{
    u128 quanta;
    if (work < 0)
        return stages_fail(s, STAGES_BAD, "a negative amount of work: %lld", (long long)work);
    if (work <= r->fits) {
        u64 scaled = (u64)work * (u64)r->a + (u64)(r->b - 1); /* 32-bit division is the quicker one */
        quanta = (scaled | (u64)r->b) >> 32 ? scaled / (u64)r->b : (u32)scaled / (u32)r->b;
    } else
        quanta = ((u128)work * (u64)r->a + (u64)(r->b - 1)) / (u64)r->b;
    if (quanta > (u64)LONGEST / (u64)quantum)
        return stages_fail(s, STAGES_BAD, "a duration beyond 2^61 ps");
    r->work = work;
    r->ps = *ps = r->latency + (i64)(u64)quanta * quantum;
    return 0;
}
