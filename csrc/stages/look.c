/* stages/look.c -- what Python reads and answers, and the check of every invariant.
 *
 * Nothing here changes what the engine will do, but for answers, pins and a journal that is taken out. Arrays are
 * handed out in place, for numpy to look at; they are valid until the next issue. */
#include "stages/state.h"

/* Time in ps since the engine was made. */
int64_t stages_now(const stages *s) { return s->base + s->now; }

/* Batches that are not complete. */
int stages_in_flight(const stages *s) { return (int)s->in_flight; }

/* Stages started and chains completed: what speed is measured in. */
int64_t stages_events(const stages *s) { return s->n_started; }

/* A counter's slots, to be read in place. */
int64_t *stages_counter(stages *s, int32_t counter) { return s->counters[counter].slots; }

/* The sum of each counter over its slots. */
void stages_totals(const stages *s, int64_t *sums)
{
    for (int32_t c = 0; c < s->n_counters; c++) {
        sums[c] = 0;
        for (int32_t i = 0; i < s->counters[c].count; i++)
            sums[c] += s->counters[c].slots[i];
    }
}

/* Values of a table of bits, to be read and written in place. */
uint8_t *stages_bits(stages *s, int32_t table) { return s->bits[table].values; }

/* Which keys a store holds: 0 not, 1 held, 2 pinned. */
uint8_t *stages_keyed(stages *s, int32_t table) { return s->keyed[table].present; }

/* Complements of the keys of a table of tags, most recent first in each set; 0 where empty. */
const int64_t *stages_tags(stages *s, int32_t table) { return s->tags[table].keys; }

/* Pin a key from outside; -1 where the instance or key is not there. */
int stages_pin(stages *s, int32_t table, int32_t at, int32_t key)
{
    struct keyed_table *t = s->keyed + table;
    if (at < 0 || at >= t->instances || key < 0 || key >= t->keys)
        return -1;
    keyed_pin(t, at, key);
    return 0;
}

/* Batches completed since the run was last entered, and when; how many there are, however few were asked for. */
int stages_completed(const stages *s, int32_t *batches, int64_t *times, int capacity)
{
    for (uint32_t i = 0; i < s->n_done && i < (uint32_t)capacity; i++) {
        batches[i] = s->done_batch[i];
        times[i] = s->done_time[i];
    }
    return (int)s->n_done;
}

/* When each transfer of a batch ended; its number of transfers, -1 where the batch is of an earlier stretch. */
int stages_finish(const stages *s, int32_t number, int64_t *times)
{
    if (number < (int32_t)s->first_batch || number >= (int32_t)(s->first_batch + s->n_batches))
        return -1;
    const struct batch *b = s->batches + (number - (int32_t)s->first_batch);
    for (uint32_t i = 0; times && i < b->n; i++)
        times[i] = s->base + s->finish[b->first + i];
    return (int)b->n;
}

/* What tables journalled, in rows of 5; taken out only where there is room for all of it. */
int64_t stages_journal(stages *s, int64_t *rows, int64_t capacity)
{
    int64_t n = (int64_t)(s->journal_n / 5);
    if (rows && capacity >= n) {
        if (n)
            memcpy(rows, s->journal, s->journal_n * sizeof *rows);
        s->journal_n = 0;
    }
    return n;
}

/* Number of a circuit's first lock among all resources. */
int stages_circuit_first(const stages *s, int32_t number) { return s->circuits[number].first; }

/* Statistics of a circuit's links, in place: bytes, busy ps and stalled ps by bin. */
const int64_t *stages_link_bins(const stages *s, int32_t number, int64_t *bin_ps, int32_t *bins)
{
    const struct circuit *c = s->circuits + number;
    *bin_ps = c->bins.bin_ps;
    *bins = c->bins.max_bins;
    return c->bins.cells;
}

/* Python's answer to the question that stopped the run. */
void stages_answer(stages *s, int64_t answer) { s->walk.answer = answer; }

/* Where the run stopped to ask Python: everything that names the place, in the numbers of its own program; -1: it
 * has not. */
int stages_question(const stages *s, int32_t *kind, int32_t *program, int32_t *node, int32_t *mark,
                    int32_t *batch_number, int32_t *transfer, int64_t *operands)
{
    const struct walk *w = &s->walk;
    const struct event *e = s->events + w->event;
    const struct batch *b = s->batches + s->batch_of[e->transfer];
    int32_t global = w->at_end ? s->settled[w->event].late[w->node] : w->node;
    *kind = w->wanted;
    *program = b->program;
    *node = global - s->programs[b->program].first_node;
    *mark = w->mark;
    *batch_number = (int32_t)(s->first_batch + s->batch_of[e->transfer]);
    *transfer = (int32_t)(e->transfer - b->first);
    memcpy(operands, row_of(s, e->transfer), (size_t)s->programs[b->program].operands * sizeof *operands);
    return w->wanted < 0 ? -1 : 0;
}

/* Is a resource taken? */
static int is_busy(const stages *s, uint32_t r) { return (int)(s->busy[r >> 6] >> (r & 63) & 1); }

/* Ranks and queue entries of either width. */
static u128 rank_at(const stages *s, const void *ranks, uint32_t i)
{
    return s->is_wide ? ((const u128 *)ranks)[i] : ((const uint64_t *)ranks)[i];
}

/* Entry i of the event queue. */
static u128 entry(const stages *s, uint32_t i)
{
    return s->is_wide ? ((u128 *)s->queue)[i] : ((uint64_t *)s->queue)[i];
}

/* Waiting stages with the first busy resource each waits for (-1: it waits behind another waiter). */
int stages_waiting(const stages *s, int32_t *node, int32_t *batch_number, int32_t *transfer, int32_t *resource,
                   int capacity)
{
    int n = 0;
    for (uint32_t e = 0; e < s->n_events && n < capacity; e++) {
        if (!(s->flags[e] & WAITING))
            continue;
        const struct event *ev = s->events + e;
        const struct batch *b = s->batches + s->batch_of[ev->transfer];
        node[n] = ev->node - s->programs[b->program].first_node;
        batch_number[n] = b->program;
        transfer[n] = (int32_t)(ev->transfer - b->first);
        resource[n] = -1;
        for (uint32_t i = 0; i < ev->n_resources && resource[n] < 0; i++)
            if (is_busy(s, s->pool[ev->resources + i]))
                resource[n] = (int32_t)s->pool[ev->resources + i];
        n++;
    }
    return n;
}

/* The rank of an entry of a wait queue. */
static u128 waiter(const stages *s, const struct wait_queue *q, uint32_t i)
{
    return s->rules.artifact_heap && q->shared ? rank_at(s, s->ranks, ((const uint32_t *)q->at)[i])
                                               : rank_at(s, q->at, i);
}

/* The number of the event that a rank belongs to. */
static uint32_t event_in(const stages *s, u128 rank)
{
    return (uint32_t)(rank >> 1) & (s->is_wide ? UINT32_MAX : ((uint32_t)1 << NARROW_NUMBER_BITS) - 1);
}

/* A wait queue: its entries wait, its order holds, its head and its count of waiters are right. */
static int check_queue(stages *s, int32_t r)
{
    const struct wait_queue *q = s->waits + r;
    uint32_t live = 0;
    for (uint32_t i = 0; i < q->n; i++) {
        u128 rank = waiter(s, q, i);
        live += !(rank & 1);
        if ((s->flags[event_in(s, rank)] & WAITING) != !(rank & 1))
            return stages_fail(s, STAGES_BAD, "queue %d has a rank that does not know whether it waits", r);
        if (i && !s->rules.artifact_heap && waiter(s, q, i - 1) <= rank)
            return stages_fail(s, STAGES_BAD, "queue %d is not sorted", r);
    }
    if (q->head != UNKNOWN_HEAD) {
        u128 head = q->n ? waiter(s, q, s->rules.artifact_heap ? 0 : q->n - 1) : 1;
        if (head & 1 || q->head != event_in(s, head) || q->mask != s->events[q->head].mask ||
            q->high != high_of(s, s->events + q->head))
            return stages_fail(s, STAGES_BAD, "queue %d does not know its head", r);
    }
    if (live != q->live)
        return stages_fail(s, STAGES_BAD, "queue %d counts %u waiters and has %u", r, q->live, live);
    if (!s->rules.artifact_heap && live != q->n)
        return stages_fail(s, STAGES_BAD, "sorted queue %d holds admitted events", r);
    return 0;
}

/* All wait queues. */
static int check_waits(stages *s)
{
    for (int32_t r = 0; r < s->n_resources; r++)
        if (check_queue(s, r))
            return -1;
    return 0;
}

/* Every busy resource has one owner that will start or end, and no more. */
static int check_owners(stages *s)
{
    int64_t busy = 0, owned = 0;
    uint8_t *seen = calloc((size_t)s->n_resources + 1, 1);
    if (!seen)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory to check");
    for (uint32_t r = 0; r < (uint32_t)s->n_resources; r++)
        busy += is_busy(s, r);
    for (uint32_t i = (uint32_t)s->hole; i < s->queue_n; i++) {
        int kind = (int)entry(s, i) & 7;
        const struct event *ev = s->events + ((uint32_t)(entry(s, i) >> 3) &
                                              (s->is_wide ? UINT32_MAX : ((uint32_t)1 << NARROW_NUMBER_BITS) - 1));
        if (kind != AT_START && kind != AT_END)
            continue;
        for (uint32_t k = 0; k < ev->n_resources; k++, owned++)
            if (seen[s->pool[ev->resources + k]]++)
                owned = -busy - s->n_resources - 1;
    }
    free(seen);
    return owned == busy ? 0 : stages_fail(s, STAGES_BAD, "busy resources and their owners do not agree");
}

/* Every invariant, the cheap ones first; while Python is asked, queues are in the middle of a change and are left
 * out. */
int stages_check(stages *s)
{
    for (uint32_t i = 1; i < s->queue_n; i++)
        if (entry(s, i) < entry(s, (i - 1) / 4))
            return stages_fail(s, STAGES_BAD, "the event queue is out of order");
    for (int32_t i = 0; i < s->n_tags; i++)
        if (tags_check(s->tags + i))
            return stages_fail(s, STAGES_BAD, "tags %d are broken", i);
    for (int32_t i = 0; i < s->n_keyed; i++)
        if (keyed_check(s->keyed + i))
            return stages_fail(s, STAGES_BAD, "keyed store %d is broken", i);
    if (s->walk.wanted < 0 && (check_waits(s) || check_owners(s)))
        return -1;
    return !s->in_flight && s->waiting ? stages_fail(s, STAGES_BAD, "somebody waits though nothing is in flight") : 0;
}
