/* stages/time.c -- durations: work divided by a rate, rounded up once.
 *
 * The quotient is exact: 128 bits hold any product of work below 2^61 and a rate's denominator. Rates of a hardware
 * part hardly change, and neither does the size of a slice, so the last quotient is kept beside the rate. */
#include "stages/state.h"

/* work / rate, rounded up to the quantum: ceil(work * a / b) quanta, with the rate's a and b of stages.h, and 128 bits
 * where 64 might overflow. The last result is kept, as many transfers in a row have the same size. */
int quotient(stages *s, struct rate *r, int64_t quantum, int64_t work, int64_t *ps)
{
    u128 quanta;
    if (work < 0)
        return stages_fail(s, STAGES_BAD, "a negative amount of work: %lld", (long long)work);
    if (work <= r->fits) {
        uint64_t scaled =
            (uint64_t)work * (uint64_t)r->a + (uint64_t)(r->b - 1); /* 32-bit division is the quicker one */
        quanta = (scaled | (uint64_t)r->b) >> 32 ? scaled / (uint64_t)r->b : (uint32_t)scaled / (uint32_t)r->b;
    } else
        quanta = ((u128)work * (uint64_t)r->a + (uint64_t)(r->b - 1)) / (uint64_t)r->b;
    if (quanta > (uint64_t)LONGEST / (uint64_t)quantum)
        return stages_fail(s, STAGES_BAD, "a duration beyond 2^61 ps");
    r->work = work;
    r->ps = *ps = r->latency + (int64_t)(uint64_t)quanta * quantum;
    return 0;
}
