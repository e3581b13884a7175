/* stages/stages.c -- what Python calls to run the engine: issue transfers, advance time.
 *
 * The run itself is a template (run/core.inc.h), compiled twice: with ranks of 64 bits, which are fast and last for
 * 2 s and half a million stages, and with 128 bits. Here the one that fits is chosen; when a rank becomes too narrow in
 * the middle of a run, all of them are widened and the run goes on. A barrier begins anew with narrow ones. */
#include "stages/state.h"

/* ---- narrow and wide ranks */

/* From the back, so that no narrow rank is overwritten before it is read. */
static void widen_ranks(void *ranks, uint32_t n)
{
    const uint64_t number = ((uint64_t)1 << (NARROW_NUMBER_BITS + 1)) - 1, time = ((uint64_t)1 << NARROW_TIME_BITS) - 1,
                   *narrow = ranks;
    u128 *wide = ranks;
    while (n-- > 0) {
        uint64_t rank = narrow[n], above = rank >> (NARROW_NUMBER_BITS + 1);
        wide[n] = (u128)(above >> NARROW_TIME_BITS) << 94 | (u128)(above & time) << 33 | (rank & number);
    }
}

/* Ranks and queue entries become wide, in place; wide room was reserved from the start. */
static void widen(stages *s)
{
    const uint64_t number = ((uint64_t)1 << NARROW_NUMBER_BITS) - 1, *narrow = s->queue;
    u128 *queue = s->queue;
    widen_ranks(s->ranks, s->n_places);
    for (int32_t r = 0; r < s->n_resources; r++)
        if (!s->rules.artifact_heap || !s->waits[r].shared)
            widen_ranks(s->waits[r].at, s->waits[r].n);
    for (uint32_t i = s->queue_n; i-- > 0;) {
        uint64_t entry = narrow[i];
        queue[i] = (u128)(entry >> (NARROW_NUMBER_BITS + 3)) << 35 | (entry & (number << 3 | 7));
    }
    memset(queue + s->queue_n, 0xff, 4 * sizeof *queue); /* see sink */
    s->is_wide = 1;
}

/* Will times and numbers of this issue still fit narrow ranks? */
static int fits_narrow(const stages *s, int32_t n, int32_t n_rows, const int64_t *starts)
{
    int64_t last = s->now;
    for (int32_t i = 0; starts && i < n_rows; i++)
        if (s->now + starts[i] > last)
            last = s->now + starts[i];
    return !((uint64_t)last >> NARROW_TIME_BITS) &&
           (uint64_t)s->n_events + (uint64_t)n + ROOM <= (uint64_t)1 << NARROW_NUMBER_BITS;
}

/* The first stage of a transfer, in ranks of either width. */
static int create(stages *s, uint32_t transfer, int32_t node, int priority)
{
    return (s->is_wide ? stages_create_wide : stages_create_narrow)(s, transfer, node, priority);
}

/* A transfer that starts later: its first stage is created when its time comes. */
static void create_later(stages *s, uint32_t transfer, int32_t node, int priority, int64_t time)
{
    (s->is_wide ? stages_create_later_wide : stages_create_later_narrow)(s, transfer, node, priority, time);
}

/* A batch without transfers is complete at once. */
static void announce(stages *s, uint32_t batch)
{
    (s->is_wide ? stages_announce_wide : stages_announce_narrow)(s, batch, s->now);
}

/* Run until `until`, a completion, a question or the end. Ranks that have become too narrow are widened in the
 * middle, and the run goes on where it stopped. */
int stages_advance(stages *s, int64_t until)
{
    int stop;
    if (s->status)
        return s->status;
    if (s->walk.wanted < 0)
        s->n_done = 0; /* after a question, completions of that instant are still to be reported */
    until -= until == INT64_MAX ? 0 : s->base;
    while ((stop = s->is_wide ? stages_run_wide(s, until)
                   : s->spans ? stages_run_recorded(s, until)
                              : stages_run_narrow(s, until)) == WIDEN) {
        if (s->is_wide)
            stages_fail(s, STAGES_BAD, "time beyond 2^61 ps");
        if (s->status)
            break;
        widen(s);
    }
    if (s->status)
        return s->status;
    if (stop == 1)
        return STAGES_QUESTION;
    if (stop == 3)
        return STAGES_STUCK;
    if (!s->n_done && until != INT64_MAX && until > s->now)
        s->now = until;
    return STAGES_OK;
}

/* ---- issue */

/* No amount of the program may leave 64 bits for these rows. */
static int check_amount(stages *s, const stages_amount *a, const int64_t *largest)
{
    __int128 sum = a->constant < 0 ? -(__int128)a->constant : a->constant;
    for (int32_t i = 0; i < a->n; i++) {
        __int128 part = (__int128)a->factor[i] * largest[a->operand[i]];
        sum += part < 0 ? -part : part;
        if (sum > INT64_MAX)
            return stages_fail(s, STAGES_BAD, "an amount does not fit 64 bits: operand %d is as large as %lld",
                               a->operand[i], (long long)largest[a->operand[i]]);
    }
    return 0;
}

/* Can the largest work and the slowest rate of a rule still be worked out in 128 bits? */
static int check_lasts(stages *s, const struct lasts_rule *rule, const int64_t *largest)
{
    for (int32_t i = 0; i < rule->n_picks; i++)
        if (check_lasts(s, s->lasts + rule->picks[i], largest))
            return -1;
    return check_amount(s, &rule->work, largest);
}

/* Operands within what nodes index by them, before anything is created: a fault leaves the engine as it was. */
static int check_rows(stages *s, int32_t number, int32_t n, const int64_t *rows, int64_t more, int32_t counted)
{
    const struct program *p = s->programs + number;
    int64_t largest[16] = {0};
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = 0; c < p->operands; c++) {
            int64_t value = rows[(size_t)i * (size_t)p->operands + (size_t)c];
            if (value == INT64_MIN)
                return stages_fail(s, STAGES_BAD, "operand %d of row %d is -2^63", c, i);
            if (c == p->priority && (value < 0 || value > TOP_PRIORITY))
                return stages_fail(s, STAGES_BAD, "priority %lld of row %d is not in 0..%d", (long long)value, i,
                                   TOP_PRIORITY);
            if (value < 0)
                value = -value;
            if (value > largest[c])
                largest[c] = value;
        }
    if (counted >= 0 && __builtin_add_overflow(largest[counted], more, largest + counted))
        return stages_fail(s, STAGES_BAD, "operand %d does not fit 64 bits", counted);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        const struct node *node = s->nodes + i;
        if (s->node_program[i] != number)
            continue;
        for (int32_t k = 0; k < node->n_counts; k++)
            if (check_amount(s, &node->counts[k].amount, largest))
                return -1;
        for (int32_t k = 0; k < node->n_takes; k++)
            if (check_amount(s, &node->takes[k].bytes, largest))
                return -1;
        if (node->lasts >= 0 && check_lasts(s, s->lasts + node->lasts, largest))
            return -1;
    }
    return 0;
}

/* Nothing is in flight: a new stretch of time and numbers begins here. */
static void barrier(stages *s)
{
    s->base += s->now;
    s->now = 0;
    for (size_t i = 0; s->spans && i < 2 * (size_t)s->n_events; i++)
        s->spans[i] = -1;
    s->n_events = s->n_transfers = s->queue_n = s->n_places = 0;
    memset(s->queue, 0xff, 4 * sizeof(uint64_t)); /* see sink */
    s->is_wide = s->hole = 0;
    s->pool_n = s->pool_fixed;
    s->first_batch += s->n_batches;
    s->n_batches = 0;
    for (int32_t r = 0; r < s->n_resources; r++) {
        s->waits[r].n = s->waits[r].live = 0;
        s->waits[r].head = UNKNOWN_HEAD;
        s->waits[r].free_at = 0;
    }
}

/* Room for the transfers, batches and events of an issue. */
static int make_room(stages *s, int32_t n)
{
    size_t rows = s->n_transfers + (size_t)n;
    uint32_t capacity = s->transfers_capacity;
    if (rows > UINT32_MAX)
        return stages_fail(s, STAGES_BAD, "too many transfers in flight");
    if (stages_reserve_events(s, (size_t)n + ROOM) ||
        reserve(s, &s->operands, &s->operands_capacity, rows * s->stride, sizeof(int64_t)) ||
        reserve32(s, &s->batches, &s->batches_capacity, s->n_batches + 1, sizeof *s->batches) ||
        reserve32(s, &s->batch_of, &capacity, rows, sizeof *s->batch_of) ||
        reserve32(s, &s->finish, &s->transfers_capacity, rows, sizeof *s->finish))
        return -1;
    return 0;
}

/* One transfer: its row is copied, with the counted operand raised, and its first stage is created. */
static inline int issue_one(stages *s, const struct program *p, const int64_t *row, int32_t counted, int32_t time,
                            uint32_t batch_number, int64_t start)
{
    uint32_t transfer = s->n_transfers++;
    int priority = p->priority < 0 ? 0 : (int)row[p->priority];
    int64_t *own = s->operands + (size_t)transfer * s->stride;
    for (int32_t c = 0; c < p->operands; c++)
        own[c] = row[c];
    if (counted >= 0)
        own[counted] += time;
    s->batch_of[transfer] = batch_number;
    s->finish[transfer] = 0;
    if (start <= 0)
        return create(s, transfer, p->start, priority);
    create_later(s, transfer, p->start, priority, s->now + start);
    return 0;
}

/* A batch of transfers. Where nothing is in flight it is a barrier: numbers and times begin anew, so that narrow
 * ranks last. */
int stages_issue(stages *s, int32_t number, int32_t n_rows, const int64_t *rows, const int64_t *starts, int32_t times,
                 int32_t counted)
{
    const struct program *p = s->programs + number;
    if (s->status)
        return -1;
    if (times < 1 || counted >= p->operands || (int64_t)n_rows * times > INT32_MAX)
        return stages_fail(s, STAGES_BAD, "%d rows cannot be issued %d times", n_rows, times);
    int32_t n = n_rows * times;
    if (s->n_linked != s->n_nodes && link_nodes(s))
        return -1;
    if (!s->in_flight)
        barrier(s);
    /* nothing has happened yet: the engine stays usable */
    if (check_rows(s, number, n_rows, rows, times - 1, counted)) {
        s->status = STAGES_OK;
        return -1;
    }
    for (int32_t i = 0; starts && i < n_rows; i++)
        if (starts[i] > LONGEST - s->now)
            return stages_fail(s, STAGES_BAD, "time beyond 2^61 ps");
    if (make_room(s, n))
        return -1;
    if (!s->is_wide && !fits_narrow(s, n, n_rows, starts))
        widen(s);
    uint32_t batch_number = s->n_batches++;
    s->batches[batch_number] = (struct batch){s->n_transfers, (uint32_t)n, (uint32_t)n, number, s->now};
    s->in_flight++;
    for (int32_t i = 0; i < n_rows; i++)
        for (int32_t time = 0; time < times; time++)
            if (issue_one(s, p, rows + (size_t)i * (size_t)p->operands, counted, time, batch_number,
                          starts ? starts[i] : 0))
                return -1;
    if (!n)
        announce(s, batch_number);
    return (int)(s->first_batch + batch_number);
}
