/* stages/record.c -- when each stage of each transfer requested its resources, started and ended. */
#include "stages/state.h"

/* Recording begins; nothing may be in flight, as what runs already has no start. */
int stages_record(stages *s)
{
    if (s->in_flight)
        return stages_fail(s, STAGES_BAD, "recording cannot begin while transfers are in flight");
    return s->spans ? 0 : reserve_spans(s);
}

/* One stage that has started, as a row. */
static void row(const stages *s, uint32_t e, int64_t *to)
{
    const struct event *ev = s->events + e;
    const struct batch *b = s->batches + s->batch_of[ev->transfer];
    to[RECORD_NUMBER] = e;
    to[RECORD_BATCH] = s->first_batch + s->batch_of[ev->transfer];
    to[RECORD_TRANSFER] = ev->transfer - b->first;
    to[RECORD_PROGRAM] = b->program;
    to[RECORD_NODE] = ev->node - s->programs[b->program].first_node;
    to[RECORD_SIDE] = (s->flags[e] & SIDE) != 0;
    to[RECORD_ASKED] = s->base + ev->requested;
    to[RECORD_START] = s->base + s->spans[2 * (size_t)e];
    to[RECORD_END] = s->spans[2 * (size_t)e + 1] < 0 ? -1 : s->base + s->spans[2 * (size_t)e + 1];
    to[RECORD_RESOURCE] = ev->n_resources ? (int64_t)s->pool[ev->resources] : -1;
}

/* The stages that have started since the last barrier, and are of what the caller wants. */
int64_t stages_recorded(const stages *s, int64_t batch, int64_t transfer, int64_t ended, int64_t *rows,
                        int64_t capacity)
{
    int64_t n = 0, first = 0, past = INT64_MAX, end = ended - s->base;
    if (ended >= 0 && end < 0) /* before the barrier; and -1 stands for no end yet */
        return 0;
    if (batch >= 0) {
        if (batch < s->first_batch || batch >= (int64_t)s->first_batch + s->n_batches)
            return 0;
        const struct batch *b = s->batches + (batch - s->first_batch);
        first = b->first + (transfer < 0 ? 0 : transfer);
        past = (int64_t)b->first + (transfer < 0 || transfer >= b->n ? b->n : transfer + 1);
    }
    const int in_any = batch < 0 && transfer >= 0;
    for (uint32_t e = 0; s->spans && e < s->n_events; e++) {
        const int64_t *span = s->spans + 2 * (size_t)e, of = s->events[e].transfer;
        if (span[0] < 0 || of < first || of >= past || (ended >= 0 && span[1] != end))
            continue;
        if (in_any && of - s->batches[s->batch_of[of]].first != transfer)
            continue;
        if (n < capacity)
            row(s, e, rows + n * RECORD_COLUMNS);
        n++;
    }
    return n;
}

/* Number of the stage that ends last, the first of several; -1: none has started. */
static int64_t ended_last(const stages *s)
{
    int64_t last = -1, at = -1;
    for (uint32_t e = 0; s->spans && e < s->n_events; e++)
        if (s->spans[2 * (size_t)e] >= 0 && s->spans[2 * (size_t)e + 1] > last) {
            last = s->spans[2 * (size_t)e + 1];
            at = e;
        }
    return at;
}

/* The stage that ends last. */
int stages_recorded_last(const stages *s, int64_t *one)
{
    const int64_t at = ended_last(s);
    if (at < 0)
        return -1;
    row(s, (uint32_t)at, one);
    return 0;
}

enum { OWN = 512 }; /* stages of one transfer that are looked at: chains are far shorter */

/* The stages of a transfer that have started, in order; how many, at most OWN. */
static uint32_t stages_of(const stages *s, uint32_t transfer, uint32_t *own)
{
    uint32_t n = 0;
    for (uint32_t e = 0; e < s->n_events; e++)
        if (s->events[e].transfer == transfer && s->spans[2 * (size_t)e] >= 0) {
            if (n == OWN) /* the last ones matter: drop the first */
                memmove(own, own + 1, --n * sizeof *own);
            own[n++] = e;
        }
    return n;
}

/* Of them the one whose end created `e`: of the same side first, then the latest. -1: there is none. */
static int64_t before(const stages *s, uint32_t e, const uint32_t *own, uint32_t n)
{
    int64_t found = -1;
    for (uint32_t i = 0; i < n && own[i] < e; i++) {
        if (s->spans[2 * (size_t)own[i] + 1] != s->events[e].requested)
            continue;
        const int like = !((s->flags[own[i]] ^ s->flags[e]) & SIDE);
        if (found < 0 || like || ((s->flags[found] ^ s->flags[e]) & SIDE))
            found = own[i];
    }
    return found;
}

/* Backwards: each stage was created by exactly one other, so that this way is the only one. */
int64_t stages_path(const stages *s, int64_t *rows, int64_t capacity)
{
    uint32_t own[OWN];
    int64_t n = 0, e = ended_last(s);
    const uint32_t n_own = e < 0 ? 0 : stages_of(s, s->events[e].transfer, own);
    for (; e >= 0; e = before(s, (uint32_t)e, own, n_own), n++)
        if (n < capacity)
            row(s, (uint32_t)e, rows + n * RECORD_COLUMNS);
    return n;
}

enum { SERVED, HELD, WAITED, SUMS };

/* One stage that held a resource. */
static inline void add_use(int64_t *resources, uint32_t resource, int64_t held, int64_t waited)
{
    int64_t *sum = resources + (size_t)resource * SUMS;
    sum[SERVED]++;
    sum[HELD] += held;
    sum[WAITED] += waited;
}

/* What one stage adds to the resources that it takes. */
static inline void add_stage(const stages *s, uint32_t e, int64_t *resources, int64_t n)
{
    const struct event *ev = s->events + e;
    const int64_t *span = s->spans + 2 * (size_t)e;
    const int64_t held = span[1] < 0 ? 0 : span[1] - span[0], waited = span[0] - ev->requested;
    if (ev->n_resources == 1 && ev->resources < n) { /* the usual case; the pool begins with the resources themselves */
        add_use(resources, ev->resources, held, waited);
        return;
    }
    const uint32_t *taken = s->pool + ev->resources;
    for (uint32_t k = 0; k < ev->n_resources; k++)
        if (taken[k] < n)
            add_use(resources, taken[k], held, k ? 0 : waited);
}

/* See stages.h. */
void stages_sums(const stages *s, int64_t *resources, int64_t n, const int32_t *slot_of, int32_t slots,
                 const int64_t *first_row, const int64_t *times, int64_t *started)
{
    for (uint32_t e = 0; s->spans && e < s->n_events; e++) {
        if (s->spans[2 * (size_t)e] < 0)
            continue;
        add_stage(s, e, resources, n);
        const struct event *ev = s->events + e;
        const int32_t slot = slot_of[ev->node];
        if (slot < 0)
            continue;
        const uint32_t b = s->batch_of[ev->transfer];
        const int64_t of = first_row[b] + (ev->transfer - s->batches[b].first) / (uint32_t)times[b];
        started[of * slots + slot]++;
    }
}
