/* Duration rules. Every quotient is rounded up once, to a multiple of its rule's quantum, and the last one of each rate
   is kept: transfers of one batch mostly ask the same. */
#include "stages_internal.h"

int quotient(stages *s, rate *r, i64 quantum, i64 work, i64 *ps)
{
    u128 quanta;
    if (work == r->work) {
        *ps = r->ps;
        return 0;
    }
    if (work < 0) return stages_fail(s, STAGES_BAD, "a negative amount of work: %lld", (long long)work);
    if (work <= r->fits) {
        u64 scaled = (u64)work * (u64)r->a + (u64)(r->b - 1); /* 32-bit division is the quicker one */
        quanta = (scaled | (u64)r->b) >> 32 ? scaled / (u64)r->b : (u32)scaled / (u32)r->b;
    }
    else quanta = ((u128)work * (u64)r->a + (u64)(r->b - 1)) / (u64)r->b;
    if (quanta > (u64)LONGEST / (u64)quantum) return stages_fail(s, STAGES_BAD, "a duration beyond 2^61 ps");
    r->work = work;
    r->ps = *ps = r->latency + (i64)(u64)quanta * quantum;
    return 0;
}

static int route_ps(stages *s, const lasts_rule *rule, const i64 *operands, i64 *ps)
{
    i64 n = s->circuits[rule->network].endpoints, from = operands[rule->source], to = operands[rule->target];
    if (from < 0 || from >= n || to < 0 || to >= n)
        return stages_fail(s, STAGES_BAD, "a route from endpoint %lld to %lld of %lld", (long long)from, (long long)to, (long long)n);
    int32_t pick = rule->route_rate[from * n + to];
    *ps = 0;
    return pick < 0 ? 0 : quotient(s, rule->rates + pick, rule->quantum, amount_of(&rule->work, operands), ps);
}

int lasts_ps(stages *s, const lasts_rule *rule, const i64 *operands, i64 *ps)
{
    i64 pick = 0;
    switch (rule->kind) {
    case LASTS_CONSTANT: *ps = rule->value; return 0;
    case LASTS_GIVEN: *ps = operands[rule->value]; break;
    case LASTS_ROUTE: return route_ps(s, rule, operands, ps);
    case LASTS_STEPS:
        while (pick < rule->n_rates - 1 && operands[rule->by] > rule->upto[pick]) pick++;
        return quotient(s, rule->rates + pick, rule->quantum, amount_of(&rule->work, operands), ps);
    default:
        if (rule->by >= 0) pick = operands[rule->by];
        if (pick < 0 || pick >= rule->n_rates)
            return stages_fail(s, STAGES_BAD, "instance %lld of a duration rule with %d", (long long)pick, rule->n_rates);
        return quotient(s, rule->rates + pick, rule->quantum, amount_of(&rule->work, operands), ps);
    }
    return *ps < 0 ? stages_fail(s, STAGES_BAD, "a duration of %lld ps", (long long)*ps) : 0;
}
