/* One event after another. A template, like stages/run/queue.inc.h; the includer defines
 *
 *     rank_t, TIME_BITS, NUMBER_BITS, KIND_BITS     fields of ranks and queue entries
 *     NAMED(x)                                      names of what stages/stages.c calls
 *     RECORD(s, e, which, time)                     keeps the start (0) or end (1) of event e, if it is to be kept
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
static void announce(stages *s, uint32_t batch_number, int64_t time)
{
    s->flags[s->n_events] = 0;
    s->events[s->n_events].transfer = batch_number;
    queue_push(s, time, s->n_events++, AT_BATCH_END);
}

/* A chain has come to its end; the last one of a batch completes it. */
static inline void finish(stages *s, uint32_t transfer, uint32_t side, int64_t time)
{
    uint32_t number = s->batch_of[transfer];
    struct batch *b = s->batches + number;
    s->n_started++; /* a completion is an event, too */
    if (time > b->last)
        b->last = time;
    if (!side)
        s->finish[transfer] = time;
    if (--b->outstanding == 0)
        announce(s, number, b->last);
}

/* Side chains, then the successor, all asking for `time`. */
static inline __attribute__((always_inline)) int go_on(stages *s, uint32_t e, const struct settled *w, int64_t time)
{
    uint32_t transfer = s->events[e].transfer, side = s->flags[e] & SIDE;
    uint16_t priority = s->events[e].priority;
    for (uint32_t i = 0; i < w->n_sides; i++) {
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
static void book_marks(stages *s, uint32_t e, const struct settled *w, int64_t end)
{
    uint32_t late = s->n_events++;
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
    uint32_t e = s->walk.event;
    const struct event *ev = s->events + e;
    const struct settled *w = &s->walk.s;
    int64_t end = s->now + s->walk.lasts;
    if ((uint64_t)end >> TIME_BITS)
        return WIDEN;
    RECORD(s, e, 1, end);
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
    const struct event *ev = s->events + s->walk.event;
    int stop = walk_on(s, row_of(s, ev->transfer));
    if (__builtin_expect(stop, 0))
        return stop;
    if (s->nodes[ev->node].kind == STAGE_SEND)
        return stages_send(s, s->walk.event);
    return started(s);
}

/* An event's time has come: the instants of its hold are walked, which settle when it ends. */
static inline int start(stages *s, uint32_t e)
{
    struct walk *w = &s->walk;
    s->n_started++;
    RECORD(s, e, 0, s->now);
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
    struct walk *w = &s->walk;
    uint32_t e = w->event;
    const int64_t *operands = row_of(s, s->events[e].transfer);
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

/* A hold is over: its marks, then what comes after it. */
static int end(stages *s, uint32_t e, int kind)
{
    struct walk *w = &s->walk;
    if (kind == AT_END)
        RECORD(s, e, 1, s->now);
    w->event = e;
    w->node = w->mark = 0;
    w->wanted = -1;
    w->at_end = kind == AT_MARKS ? 2 : 1;
    return end_on(s);
}

/* A message has arrived: the send stage ends. */
static int arrive(stages *s, uint32_t e)
{
    struct event ev = s->events[e];
    return create(s, ev.transfer, ev.node, s->now, ev.priority, 0);
}

/* What is not a start, kept out of line. */
static __attribute__((noinline)) int run_other(stages *s, uint32_t e, int kind)
{
    switch (kind) {
    case AT_ARRIVE: return arrive(s, e);
    case AT_BATCH_END: return stages_complete(s, s->events[e].transfer);
    default: return end(s, e, kind);
    }
}

/* The next event of the queue. */
static inline __attribute__((always_inline)) int run_one(stages *s)
{
    rank_t top = queue_pop(s);
    uint32_t e = (uint32_t)(top >> KIND_BITS) & (uint32_t)(((uint64_t)1 << NUMBER_BITS) - 1);
    int kind = (int)top & ((1 << KIND_BITS) - 1);
    s->now = (int64_t)(top >> (NUMBER_BITS + KIND_BITS));
    return __builtin_expect(kind == AT_START, 1) ? start(s, e) : run_other(s, e, kind);
}

/* Networks move on to `time`; what arrives becomes events of that instant. */
static int run_networks(stages *s, int64_t time)
{
    uint32_t arrived[64];
    for (int32_t i = 0; i < s->n_networks; i++) {
        const struct open_network *net = s->networks + i;
        int n;
        do {
            n = net->does.advance(net->self, s->base + time, arrived, 64);
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

/* Time of the next event of the queue. */
static inline int64_t next_time(const stages *s)
{
    return s->queue_n ? (int64_t)(QUEUE[0] >> (NUMBER_BITS + KIND_BITS)) : NETWORK_NEVER;
}

/* Before the next event: networks, completions, the limit, room. 0 go on, 1 leave with *stop. */
static __attribute__((noinline)) int consider(stages *s, int64_t until, int *stop)
{
    for (;;) {
        int64_t next = next_time(s);
        if (next >= s->quiet) {
            int64_t limit = s->n_done ? s->now : next < until ? next : until;
            s->quiet = stages_next_arrival(s, limit);
            if (s->quiet < next)
                next = s->quiet;
        }
        *stop = next == NETWORK_NEVER && s->in_flight && !s->n_done ? 3 : 0;
        if (next > until || next == NETWORK_NEVER || (s->n_done && next > s->now))
            return 1;
        if ((uint64_t)next >> TIME_BITS || (uint64_t)s->n_events + ROOM > (uint64_t)1 << NUMBER_BITS)
            *stop = WIDEN;
        else if (s->n_events + ROOM > s->event_capacity && stages_reserve_events(s, ROOM))
            *stop = -1;
        if (*stop)
            return 1;
        uint64_t most = ((uint64_t)1 << NUMBER_BITS) - ROOM, room = (uint64_t)s->event_capacity - ROOM;
        s->roomy = (uint32_t)(room < most ? room : most);
        s->special = s->n_done != 0;
        if (next < s->quiet)
            return 0;
        if (run_networks(s, next))
            return *stop = -1;
        s->quiet = next + 1; /* what arrives at this instant has arrived */
        if (next_time(s) == next)
            return 0;
        s->now = next;
    }
}

/* Events before it need no consideration as long as nothing special happens. */
static inline rank_t horizon(const stages *s, int64_t until)
{
    const int64_t last = ((int64_t)1 << TIME_BITS) - 1, time = until < s->quiet ? until + 1 : s->quiet;
    return time <= last ? (rank_t)time << (NUMBER_BITS + KIND_BITS) : ~(rank_t)0;
}

/* 0 done, 1 a question, 2 WIDEN, 3 nothing happens any more though something is in flight, -1 failure */
int NAMED(stages_run)(stages *s, int64_t until)
{
    int stop = 0;
    rank_t free_before = 0;
    s->quiet = s->n_networks ? s->now : NETWORK_NEVER;
    if (s->resume == RESUME_STARTED) {
        s->resume = 0;
        stop = started(s);
    } else if (s->walk.wanted >= 0)
        stop = s->walk.at_end ? end_on(s) : start_on(s);
    while (!stop) {
        queue_settle(s);
        /* nothing to consider: the usual case */
        int plain = QUEUE[0] < free_before && !s->special && s->n_events <= s->roomy;
        if (!__builtin_expect(plain, 1)) {
            if (consider(s, until, &stop))
                return stop;
            free_before = horizon(s, until);
        }
        stop = run_one(s);
    }
    if (stop == WIDEN)
        s->resume = RESUME_STARTED;
    return stop;
}

/* For an issue: the first stage of a transfer that starts now. */
int NAMED(stages_create)(stages *s, uint32_t transfer, int32_t node, int priority)
{
    return create(s, transfer, node, s->now, (uint16_t)(TOP_PRIORITY - priority), 0);
}

/* For an issue: an event of its own starts the transfer at its time. */
void NAMED(stages_create_later)(stages *s, uint32_t transfer, int32_t node, int priority, int64_t time)
{
    s->events[s->n_events] = (struct event){.requested = time,
                                            .transfer = transfer,
                                            .node = (uint16_t)node,
                                            .priority = (uint16_t)(TOP_PRIORITY - priority)};
    s->flags[s->n_events] = 0;
    queue_push(s, time, s->n_events++, AT_ARRIVE);
}

/* For an issue: a batch that has nothing to do. */
void NAMED(stages_announce)(stages *s, uint32_t batch_number, int64_t time) { announce(s, batch_number, time); }
#endif
