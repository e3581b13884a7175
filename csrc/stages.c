#include "stages.h"

#include "stages_grant.h"

enum { ROOM = 16 }; /* more events than one event can create */

static i64 end_of(stages *s, i64 lasts)
{
    i64 end = s->now + lasts;
    return end >= 0 && end <= (i64)TIME_MASK ? end : stages_fail(s, STAGES_BAD, "time beyond 2^61 ps");
}

/* ---- one event */

/* The batch is complete at `time`: an event of its own says so. */
static void announce(stages *s, u32 batch_number, i64 time)
{
    s->flags[s->n_events] = 0;
    s->events[s->n_events].transfer = batch_number;
    queue_push(s, time, s->n_events++, AT_BATCH_END);
}

static void finish(stages *s, u32 transfer, u8 side, i64 time)
{
    u32 number = s->batch_of[transfer];
    batch *b = s->batches + number;
    s->n_started++; /* a completion is an event, too */
    if (time > b->last) b->last = time;
    if (!side) s->finish[transfer] = time;
    if (--b->outstanding == 0) announce(s, number, b->last);
}

/* Side chains, then the successor, all asking for `time`. */
static int go_on(stages *s, u32 e, const settled *w, i64 time)
{
    event ev = s->events[e];
    u64 rank = s->key[e] & ~TIME_MASK;
    for (u32 i = 0; i < w->n_sides; i++) {
        s->batches[s->batch_of[ev.transfer]].outstanding++;
        if (create(s, ev.transfer, ev.operands, w->sides[i], time, rank, SIDE)) return -1;
    }
    u8 side = s->flags[e] & SIDE;
    if (w->then >= 0) return create(s, ev.transfer, ev.operands, w->then, time, rank, side);
    finish(s, ev.transfer, side, time);
    return 0;
}

static int send_message(stages *s, u32 e, const stages_node *node, const i64 *operands)
{
    const stages_take *take = node->takes;
    const open_network *net = s->networks + take->network;
    s->settled[e] = s->walk.s;
    if (net->operations->send(net->self, s->base + s->now, e, (int32_t)operands[take->source], (int32_t)operands[take->target],
                              amount_of(&take->bytes, operands)) < 0)
        return stages_fail(s, STAGES_BAD, "network %d does not take a message from %lld to %lld", take->network,
                           (long long)operands[take->source], (long long)operands[take->target]);
    return 0;
}

/* Walk on from where s->walk stands; when settled, the hold of s->walk.event has started. */
static int start_on(stages *s)
{
    u32 e = s->walk.event;
    const stages_node *node = s->nodes + s->events[e].node;
    const i64 *operands = s->operands + s->events[e].operands;
    int stop = walk_on(s, operands);
    if (stop) return stop;
    if (node->kind == STAGE_SEND) return send_message(s, e, node, operands);
    const settled *w = &s->walk.s;
    i64 end = end_of(s, s->walk.lasts);
    if (end < 0) return -1;
    if (s->n_circuits) count_links(s, node, s->events + e, operands, end);
    if (!s->rules.booking) {
        s->settled[e] = *w;
        queue_push(s, end, e, AT_END);
        return 0;
    }
    if (w->n_late) {
        u32 late = s->n_events++;
        s->events[late] = s->events[e];
        s->events[late].n_resources = 0;
        s->flags[late] = s->flags[e];
        s->settled[late] = *w;
        queue_push(s, end, late, AT_MARKS);
    }
    if (go_on(s, e, w, end)) return -1;
    release(s, e, end);
    return 0;
}

static int start(stages *s, u32 e)
{
    walk *w = &s->walk;
    s->n_started++;
    w->event = e;
    w->node = s->events[e].node;
    w->wanted = -1;
    w->at_end = 0;
    w->s.n_sides = w->s.n_late = 0;
    return start_on(s);
}

/* Marks at the end of a hold, from s->walk on; then, without booking, the end itself. */
static int end_on(stages *s)
{
    walk *w = &s->walk;
    u32 e = w->event;
    const i64 *operands = s->operands + s->events[e].operands;
    for (; w->node < s->settled[e].n_late; w->node++) {
        int stop = walk_marks(s, operands, s->nodes + s->settled[e].late[w->node], 1);
        if (stop) return stop;
        w->mark = 0;
    }
    if (w->at_end == 2) return 0; /* booked: successors were created at the start */
    if (go_on(s, e, &s->settled[e], s->now)) return -1;
    release(s, e, s->now);
    return 0;
}

static int end(stages *s, u32 e, int kind)
{
    walk *w = &s->walk;
    w->event = e;
    w->node = w->mark = 0;
    w->wanted = -1;
    w->at_end = kind == AT_MARKS ? 2 : 1;
    return end_on(s);
}

static int arrive(stages *s, u32 e)
{
    event ev = s->events[e];
    return create(s, ev.transfer, ev.operands, ev.node, s->now, s->key[e] & ~TIME_MASK, 0);
}

static int complete(stages *s, u32 e)
{
    if (reserve32(s, &s->done_batch, &s->done_capacity, s->n_done + 1, sizeof *s->done_batch)) return -1;
    i64 *times = realloc(s->done_time, s->done_capacity * sizeof *times);
    if (!times) return stages_fail(s, STAGES_NO_MEMORY, "no memory for completions");
    s->done_time = times;
    s->done_batch[s->n_done] = (int32_t)(s->first_batch + s->events[e].transfer);
    s->done_time[s->n_done++] = s->base + s->now;
    s->in_flight--;
    return 0;
}

static int run_one(stages *s)
{
    timed top = queue_pop(s);
    u32 e = (u32)(top.tag >> 3);
    int kind = top.tag & 7;
    s->now = (i64)top.time;
    if (s->n_events + ROOM > s->event_capacity && stages_reserve_events(s, ROOM)) return -1;
    switch (kind) {
    case AT_START: return start(s, e);
    case AT_ARRIVE: return arrive(s, e);
    case AT_BATCH_END: return complete(s, e);
    default: return end(s, e, kind);
    }
}

/* ---- networks with clocks of their own */

static i64 next_arrival(const stages *s)
{
    i64 first = NETWORK_NEVER;
    for (int32_t i = 0; i < s->n_networks; i++) {
        i64 time = s->networks[i].operations->next_time(s->networks[i].self);
        if (time < first) first = time;
    }
    return first == NETWORK_NEVER ? first : first - s->base;
}

static int run_networks(stages *s, i64 time)
{
    u32 arrived[64];
    for (int32_t i = 0; i < s->n_networks; i++) {
        const open_network *net = s->networks + i;
        int n;
        do {
            n = net->operations->advance(net->self, s->base + time, arrived, 64);
            if (n < 0) return stages_fail(s, STAGES_BAD, "network %d cannot go on", i);
            if (stages_reserve_events(s, 64)) return -1;
            for (int m = 0; m < n; m++) queue_push(s, time, arrived[m], AT_END);
        } while (n == 64);
    }
    return 0;
}

int stages_advance(stages *s, int64_t until)
{
    int stop = 0;
    if (s->status) return s->status;
    s->n_done = 0;
    if (s->walk.wanted >= 0) stop = s->walk.at_end ? end_on(s) : start_on(s);
    while (!stop) {
        i64 next = s->queue_n ? (i64)s->queue->time : NETWORK_NEVER, arrival = s->n_networks ? next_arrival(s) : NETWORK_NEVER;
        if (arrival < next) next = arrival;
        if (next == NETWORK_NEVER && s->in_flight) return s->n_done ? STAGES_OK : STAGES_STUCK;
        if (next == NETWORK_NEVER || next > until - s->base || (s->n_done && next > s->now)) break;
        if (s->n_networks && run_networks(s, next)) break;
        if (s->queue_n && (i64)s->queue->time == next) stop = run_one(s);
        else s->now = next;
    }
    if (s->status) return s->status;
    if (stop) return STAGES_QUESTION;
    if (!s->n_done && until != INT64_MAX && until - s->base > s->now) s->now = until - s->base;
    return STAGES_OK;
}

/* ---- issue */

/* No amount of the program may leave 64 bits for these rows. */
static int check_amount(stages *s, const stages_amount *a, const i64 *largest)
{
    __int128 sum = a->constant < 0 ? -(__int128)a->constant : a->constant;
    for (int32_t i = 0; i < a->n; i++) {
        __int128 part = (__int128)a->factor[i] * largest[a->operand[i]];
        sum += part < 0 ? -part : part;
        if (sum > INT64_MAX) return stages_fail(s, STAGES_BAD, "an amount does not fit 64 bits: operand %d is as large as %lld", a->operand[i],
                                                (long long)largest[a->operand[i]]);
    }
    return 0;
}

static int check_rows(stages *s, int32_t number, int32_t n, const i64 *rows)
{
    const program *p = s->programs + number;
    i64 largest[16] = {0};
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = 0; c < p->operands; c++) {
            i64 value = rows[(size_t)i * (size_t)p->operands + (size_t)c];
            if (value == INT64_MIN) return stages_fail(s, STAGES_BAD, "operand %d of row %d is -2^63", c, i);
            if (c == p->priority && (value < 0 || value > TOP_PRIORITY))
                return stages_fail(s, STAGES_BAD, "priority %lld of row %d is not in 0..%d", (long long)value, i, TOP_PRIORITY);
            if (value < 0) value = -value;
            if (value > largest[c]) largest[c] = value;
        }
    for (int32_t i = 0; i < s->n_nodes; i++) {
        const stages_node *node = s->nodes + i;
        if (s->node_program[i] != number) continue;
        for (int32_t k = 0; k < node->n_counts; k++) if (check_amount(s, &node->counts[k].amount, largest)) return -1;
        for (int32_t k = 0; k < node->n_takes; k++) if (check_amount(s, &node->takes[k].bytes, largest)) return -1;
        if (node->lasts >= 0 && check_amount(s, &s->lasts[node->lasts].work, largest)) return -1;
    }
    return 0;
}

/* Nothing is in flight: a new stretch of time and numbers begins here. */
static void barrier(stages *s)
{
    s->base += s->now;
    s->now = 0;
    s->n_events = s->n_transfers = s->queue_n = 0;
    s->operands_n = 0;
    s->pool_n = s->pool_fixed;
    s->first_batch += s->n_batches;
    s->n_batches = 0;
    memset(s->free_at, 0, (size_t)s->n_resources * sizeof *s->free_at);
    for (int32_t r = 0; r < s->n_resources; r++) s->waits[r].n = s->waits[r].live = 0;
}

static int make_room(stages *s, const program *p, int32_t n)
{
    size_t cells = (size_t)n * (size_t)p->operands;
    u32 capacity = s->transfers_capacity;
    if (s->operands_n + cells > UINT32_MAX) return stages_fail(s, STAGES_BAD, "too many transfers in flight");
    if (stages_reserve_events(s, (size_t)n + ROOM) || reserve(s, &s->operands, &s->operands_capacity, s->operands_n + cells, sizeof(i64)) ||
        reserve32(s, &s->batches, &s->batches_capacity, s->n_batches + 1, sizeof *s->batches) ||
        reserve32(s, &s->batch_of, &capacity, s->n_transfers + (size_t)n, sizeof *s->batch_of) ||
        reserve32(s, &s->finish, &s->transfers_capacity, s->n_transfers + (size_t)n, sizeof *s->finish)) return -1;
    return 0;
}

int stages_issue(stages *s, int32_t number, int32_t n, const int64_t *rows, const int64_t *starts)
{
    const program *p = s->programs + number;
    if (s->status) return -1;
    if (!s->in_flight) barrier(s);
    if (check_rows(s, number, n, rows)) { /* nothing has happened yet: the engine stays usable */
        s->status = STAGES_OK;
        return -1;
    }
    if (make_room(s, p, n)) return -1;
    u32 batch_number = s->n_batches++;
    s->batches[batch_number] = (batch){s->n_transfers, (u32)n, (u32)n, number, s->now};
    s->in_flight++;
    for (int32_t i = 0; i < n; i++) {
        u32 transfer = s->n_transfers++, at = (u32)s->operands_n;
        const i64 *row = rows + (size_t)i * (size_t)p->operands;
        u64 rank = (u64)(TOP_PRIORITY - (p->priority < 0 ? 0 : row[p->priority])) << TIME_BITS;
        memcpy(s->operands + at, row, (size_t)p->operands * sizeof(i64));
        s->operands_n += (size_t)p->operands;
        s->batch_of[transfer] = batch_number;
        s->finish[transfer] = 0;
        if (starts && starts[i] > 0) {
            i64 time = end_of(s, starts[i]);
            if (time < 0) return -1;
            s->events[s->n_events] = (event){time, at, transfer, 0, 0, (u16)p->start};
            s->key[s->n_events] = rank;
            s->flags[s->n_events] = 0;
            queue_push(s, time, s->n_events++, AT_ARRIVE);
        } else if (create(s, transfer, at, p->start, s->now, rank, 0)) return -1;
    }
    if (!n) announce(s, batch_number, s->now);
    return (int)(s->first_batch + batch_number);
}
