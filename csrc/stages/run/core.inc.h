/* One event after another. A template, like stages/run/queue.inc.h; the includer defines
 *
 *     rank_t, TIME_BITS, NUMBER_BITS, KIND_BITS     fields of ranks and queue entries
 *     NAMED(x)                                      names of what stages/stages.c calls
 *
 * When a time or number no longer fits, a function returns WIDEN with everything as it was before that event's work
 * was committed; stages/stages.c widens the ranks and goes on there. */
#ifndef STAGES_RUN_CORE_INC_H
#define STAGES_RUN_CORE_INC_H
#include "stages/run/grant.inc.h"
#include "stages/run/queue.inc.h"
#include "stages/run/walk.inc.h"
#include "stages/state.h"

/* The batch is complete at `time`: an event of its own says so. */
static void announce(stages *s, u32 batch_number, i64 time)
{
    s->flags[s->n_events] = 0;
    s->events[s->n_events].transfer = batch_number;
    queue_push(s, time, s->n_events++, AT_BATCH_END);
}

static inline void finish(stages *s, u32 transfer, u32 side, i64 time)
{
    u32 number = s->batch_of[transfer];
    batch *b = s->batches + number;
    s->n_started++; /* a completion is an event, too */
    if (time > b->last)
        b->last = time;
    if (!side)
        s->finish[transfer] = time;
    if (--b->outstanding == 0)
        announce(s, number, b->last);
}

/* Side chains, then the successor, all asking for `time`. */
static inline __attribute__((always_inline)) int go_on(stages *s, u32 e, const settled *w, i64 time)
{
    u32 transfer = s->events[e].transfer, side = s->flags[e] & SIDE;
    u16 priority = s->events[e].priority;
    for (u32 i = 0; i < w->n_sides; i++) {
        s->batches[s->batch_of[transfer]].outstanding++;
        if (create(s, transfer, w->sides[i], time, priority, SIDE))
            return -1;
    }
    if (w->then >= 0)
        return create(s, transfer, w->then, time, priority, side);
    finish(s, transfer, side, time);
    return 0;
}

/* Marks at the end of a booked hold are an event of their own. */
static void book_marks(stages *s, u32 e, const settled *w, i64 end)
{
    u32 late = s->n_events++;
    s->events[late] = s->events[e];
    s->events[late].n_resources = 0;
    s->events[late].mask = s->events[late].word = 0;
    s->flags[late] = s->flags[e];
    s->settled[late] = *w;
    queue_push(s, end, late, AT_MARKS);
}

/* The walk is settled: the hold of s->walk.event has started and its end is known. */
static inline int started(stages *s)
{
    u32 e = s->walk.event;
    const event *ev = s->events + e;
    const settled *w = &s->walk.s;
    i64 end = s->now + s->walk.lasts;
    if ((u64)end >> TIME_BITS)
        return WIDEN;
    if (s->nodes[ev->node].on_links)
        count_links(s, s->nodes + ev->node, ev, row_of(s, ev->transfer), end);
    if (!s->rules.booking) {
        s->settled[e] = *w;
        queue_push(s, end, e, AT_END);
        return 0;
    }
    if (w->n_late)
        book_marks(s, e, w, end);
    if (go_on(s, e, w, end))
        return -1;
    release(s, e, end);
    return 0;
}

/* Walk on from where s->walk stands. */
static inline int start_on(stages *s)
{
    const event *ev = s->events + s->walk.event;
    int stop = walk_on(s, row_of(s, ev->transfer));
    if (__builtin_expect(stop, 0))
        return stop;
    if (s->nodes[ev->node].kind == STAGE_SEND)
        return stages_send(s, s->walk.event);
    return started(s);
}

static inline int start(stages *s, u32 e)
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
    const i64 *operands = row_of(s, s->events[e].transfer);
    for (; w->node < s->settled[e].n_late; w->node++) {
        int stop = walk_marks(s, operands, s->nodes + s->settled[e].late[w->node], 1);
        if (stop)
            return stop;
        w->mark = 0;
    }
    if (w->at_end == 2)
        return 0; /* booked: successors were created at the start */
    if (go_on(s, e, &s->settled[e], s->now))
        return -1;
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
    return create(s, ev.transfer, ev.node, s->now, ev.priority, 0);
}

static __attribute__((noinline)) int run_other(stages *s, u32 e, int kind)
{
    switch (kind) {
    case AT_ARRIVE: return arrive(s, e);
    case AT_BATCH_END: return stages_complete(s, s->events[e].transfer);
    default: return end(s, e, kind);
    }
}

static inline __attribute__((always_inline)) int run_one(stages *s)
{
    rank_t top = queue_pop(s);
    u32 e = (u32)(top >> KIND_BITS) & (u32)(((u64)1 << NUMBER_BITS) - 1);
    int kind = (int)top & ((1 << KIND_BITS) - 1);
    s->now = (i64)(top >> (NUMBER_BITS + KIND_BITS));
    return __builtin_expect(kind == AT_START, 1) ? start(s, e) : run_other(s, e, kind);
}

static int run_networks(stages *s, i64 time)
{
    u32 arrived[64];
    for (int32_t i = 0; i < s->n_networks; i++) {
        const open_network *net = s->networks + i;
        int n;
        do {
            n = net->operations->advance(net->self, s->base + time, arrived, 64);
            if (n < 0)
                return stages_fail(s, STAGES_BAD, "network %d cannot go on", i);
            if (stages_reserve_events(s, 64))
                return -1;
            for (int m = 0; m < n; m++)
                queue_push(s, time, arrived[m], AT_END);
        } while (n == 64);
    }
    return 0;
}

static inline i64 next_time(const stages *s)
{
    return s->queue_n ? (i64)(QUEUE[0] >> (NUMBER_BITS + KIND_BITS)) : NETWORK_NEVER;
}

/* Before the next event: networks, completions, the limit, room. 0 go on, 1 leave with *stop. */
static __attribute__((noinline)) int consider(stages *s, i64 until, int *stop)
{
    for (;;) {
        i64 next = next_time(s);
        if (s->n_networks) {
            i64 limit = s->n_done ? s->now : next < until ? next : until;
            i64 arrival = stages_next_arrival(s, limit);
            if (arrival < next)
                next = arrival;
        }
        *stop = next == NETWORK_NEVER && s->in_flight && !s->n_done ? 3 : 0;
        if (next > until || next == NETWORK_NEVER || (s->n_done && next > s->now))
            return 1;
        if ((u64)next >> TIME_BITS || (u64)s->n_events + ROOM > (u64)1 << NUMBER_BITS)
            *stop = WIDEN;
        else if (s->n_events + ROOM > s->event_capacity && stages_reserve_events(s, ROOM))
            *stop = -1;
        if (*stop)
            return 1;
        u64 most = ((u64)1 << NUMBER_BITS) - ROOM, room = (u64)s->event_capacity - ROOM;
        s->roomy = (u32)(room < most ? room : most);
        s->special = s->n_networks || s->n_done;
        if (!s->n_networks)
            return 0;
        if (run_networks(s, next))
            return *stop = -1;
        if (next_time(s) == next)
            return 0;
        s->now = next;
    }
}

/* 0 done, 1 a question, 2 WIDEN, 3 nothing happens any more though something is in flight, -1 failure */
int NAMED(stages_run)(stages *s, i64 until)
{
    int stop = 0;
    if (s->resume == RESUME_STARTED) {
        s->resume = 0;
        stop = started(s);
    } else if (s->walk.wanted >= 0)
        stop = s->walk.at_end ? end_on(s) : start_on(s);
    s->special = 1; /* until the room is known */
    i64 last = ((i64)1 << TIME_BITS) - 1;
    rank_t beyond = until < last ? (rank_t)(until + 1) << (NUMBER_BITS + KIND_BITS) : ~(rank_t)0;
    while (!stop) {
        queue_settle(s);
        /* nothing to consider: the usual case */
        int plain = QUEUE[0] < beyond && !s->special && s->n_events <= s->roomy;
        if (!__builtin_expect(plain, 1) && consider(s, until, &stop))
            return stop;
        stop = run_one(s);
    }
    if (stop == WIDEN)
        s->resume = RESUME_STARTED;
    return stop;
}

int NAMED(stages_create)(stages *s, u32 transfer, int32_t node, int priority)
{
    return create(s, transfer, node, s->now, (u16)(TOP_PRIORITY - priority), 0);
}

void NAMED(stages_create_later)(stages *s, u32 transfer, int32_t node, int priority, i64 time)
{
    s->events[s->n_events] =
        (event){.requested = time, .transfer = transfer, .node = (u16)node, .priority = (u16)(TOP_PRIORITY - priority)};
    s->flags[s->n_events] = 0;
    queue_push(s, time, s->n_events++, AT_ARRIVE);
}

void NAMED(stages_announce)(stages *s, u32 batch_number, i64 time) { announce(s, batch_number, time); }
#endif
