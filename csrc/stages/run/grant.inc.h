/* Granting resources: who may take what when it asks, and who is tried when something is released. A template, like
 * stages/run/queue.inc.h.
 *
 * barging   a newcomer may take resources that are all clear although others wait for some of them
 * wake      head: only the heads of the released resources' queues are tried; all: every waiter, in order
 *
 * Busy resources are bits. An event whose resources stand in one 64-bit word, or in two neighbours, has a mask of
 * them; none means: go by the list. Functions with a constant `two` are compiled for either. */
#ifndef STAGES_RUN_GRANT_INC_H
#define STAGES_RUN_GRANT_INC_H
#include "stages/run/queue.inc.h"

/* Is every resource of an event free? By mask where there is one. */
static inline int all_clear(const stages *s, const struct event *ev)
{
    if (__builtin_expect(ev->word & TWO, 0))
        return !((s->busy[ev->word & ~TWO] & ev->mask) | (s->busy[(ev->word & ~TWO) + 1] & high_of(s, ev)));
    if (ev->mask)
        return !(s->busy[ev->word] & ev->mask);
    const uint32_t *resources = s->pool + ev->resources;
    for (uint32_t i = 0; i < ev->n_resources; i++)
        if (s->busy[resources[i] >> 6] >> (resources[i] & 63) & 1)
            return 0;
    return 1;
}

/* Take or free all resources of an event. */
static inline void set_busy(stages *s, const struct event *ev, int busy)
{
    if (__builtin_expect(ev->word & TWO, 0)) {
        uint64_t *words = s->busy + (ev->word & ~TWO), high = high_of(s, ev);
        words[0] = busy ? words[0] | ev->mask : words[0] & ~ev->mask;
        words[1] = busy ? words[1] | high : words[1] & ~high;
        return;
    }
    if (ev->mask) {
        s->busy[ev->word] = busy ? s->busy[ev->word] | ev->mask : s->busy[ev->word] & ~ev->mask;
        return;
    }
    const uint32_t *resources = s->pool + ev->resources;
    for (uint32_t i = 0; i < ev->n_resources; i++) {
        uint64_t bit = (uint64_t)1 << (resources[i] & 63), *word = s->busy + (resources[i] >> 6);
        *word = busy ? *word | bit : *word & ~bit;
    }
}

/* Would a newcomer overtake no one? */
static inline int nobody_waits(const stages *s, const struct event *ev)
{
    const uint32_t *resources = s->pool + ev->resources;
    for (uint32_t i = 0; i < ev->n_resources; i++)
        if (s->waits[resources[i]].live)
            return 0;
    return 1;
}

/* The later of two times. */
static inline int64_t latest(int64_t a, int64_t b) { return a > b ? a : b; }

/* Reserve all resources for an event that never waited. */
static inline void admit_new(stages *s, uint32_t e)
{
    const struct event *ev = s->events + e;
    const uint32_t *resources = s->pool + ev->resources, *past = resources + ev->n_resources;
    int64_t start = ev->requested;
    set_busy(s, ev, 1);
    for (; resources < past; resources++)
        start = latest(start, s->waits[*resources].free_at);
    queue_push(s, start, e, AT_START);
}

/* Reserve all resources for an event that waits. Its start overwrites the time of its rank. */
static __attribute__((noinline)) void admit(stages *s, uint32_t e)
{
    const struct event *ev = s->events + e;
    int64_t start = ev->requested;
    set_busy(s, ev, 1);
    const uint32_t *resources = s->pool + ev->resources, *past = resources + ev->n_resources;
    for (; resources < past; resources++) {
        struct wait_queue *q = s->waits + *resources;
        start = latest(start, q->free_at);
        wait_leave(s, q, e);
    }
    if (s->rules.artifact_heap) {
        rank_t dead = rank_of(ev, e, start) | DEAD;
        const struct wait_queue *q = s->waits + s->pool[ev->resources];
        if (q->shared)
            RANKS[s->flags[e] >> FLAG_BITS] = dead;
        else
            *(rank_t *)q->at = dead; /* only a head is admitted */
    }
    s->flags[e] &= ~(uint32_t)WAITING;
    s->waiting--;
    queue_push(s, start, e, AT_START);
}

/* `priority` is that of an event. Room for the event is there (stages_reserve_events). */
static inline int create(stages *s, uint32_t transfer, int32_t number, int64_t time, uint16_t priority, uint32_t side)
{
    uint32_t e = s->n_events++, place = 0;
    struct event *ev = s->events + e;
    ev->requested = time;
    ev->transfer = transfer;
    ev->priority = priority;
    ev->node = (uint16_t)number;
    if (find_resources(s, ev, s->nodes + number, row_of(s, transfer)))
        return -1;
    if (all_clear(s, ev) && (s->rules.barging || nobody_waits(s, ev))) {
        s->flags[e] = side;
        admit_new(s, e);
        return 0;
    }
    rank_t rank = rank_of(ev, e, time);
    const uint32_t *resources = s->pool + ev->resources;
    if (s->rules.artifact_heap && s->waits[*resources].shared)
        RANKS[place = s->n_places++] = rank;
    s->flags[e] = place << FLAG_BITS | side | WAITING;
    s->waiting++;
    for (uint32_t i = 0, n = ev->n_resources; i < n; i++)
        if (wait_push(s, s->waits + resources[i], e, rank, place))
            return -1;
    return 0;
}

/* Admit an event that waits, if it can be. */
static inline void try_head(stages *s, uint32_t e)
{
    if ((s->flags[e] & WAITING) && all_clear(s, s->events + e))
        admit(s, e);
}

/* The heads of all queues of an event's resources in order of (time, number). */
static __attribute__((noinline)) void wake_sorted(stages *s, const struct event *of)
{
    const uint32_t *resources = s->pool + of->resources;
    rank_t *heads = s->candidates;
    uint32_t n = 0;
    for (uint32_t i = 0; i < of->n_resources; i++) {
        struct wait_queue *q = s->waits + resources[i];
        if (q->live)
            ranks_up(heads, n++, ((const rank_t *)q->at)[q->n - 1] & NO_PRIORITY);
    }
    while (n) {
        uint32_t e = number_in(heads[0]);
        ranks_pop(heads, &n);
        try_head(s, e);
    }
}

/* The same in the order of live ranks, which an admission disturbs as it moves the time of all entries of an event. A
 * head of several resources is tried several times. */
static __attribute__((noinline)) void wake_in_order(stages *s, const struct event *of)
{
    const uint32_t *resources = s->pool + of->resources;
    uint32_t *heads = s->candidates, n = 0;
    if (!s->rules.artifact_heap) {
        wake_sorted(s, of);
        return;
    }
    for (uint32_t i = 0; i < of->n_resources; i++) {
        struct wait_queue *q = s->waits + resources[i];
        if (q->live)
            heap_up(RANKS, NO_PRIORITY, heads, n++, s->flags[wait_head(s, q)] >> FLAG_BITS);
    }
    while (n)
        try_head(s, number_in(RANKS[heap_pop(RANKS, NO_PRIORITY, heads, &n)]));
}

/* Resources of an event as bits of one or two words. */
static inline u128 wants(const stages *s, const struct event *ev, int two)
{
    return two ? (u128)high_of(s, ev) << 64 | ev->mask : ev->mask;
}

/* Clear heads, some of them listed twice or wanting some of the same: the first in order goes, and if the others that
 * are still clear want nothing of each other, so do they. 0: they do, so only the exact order tells. */
static inline __attribute__((always_inline)) int wake_first(stages *s, const uint32_t *clear, uint32_t n, int two)
{
    const struct event *events = s->events;
    uint32_t first = clear[0], left[MAX_CLEAR], n_left = 0;
    rank_t least = rank_of(events + first, first, events[first].requested) & NO_PRIORITY;
    for (uint32_t i = 1; i < n; i++) {
        rank_t other = rank_of(events + clear[i], clear[i], events[clear[i]].requested) & NO_PRIORITY;
        first = other < least ? clear[i] : first;
        least = other < least ? other : least;
    }
    u128 taken = wants(s, events + first, two), wanted = 0;
    for (uint32_t i = 0; i < n; i++) {
        u128 mask = wants(s, events + clear[i], two);
        if (mask & taken)
            continue;
        if (mask & wanted) {
            if (clear[i] == left[n_left - 1])
                continue;
            return 0;
        }
        wanted |= mask;
        left[n_left++] = clear[i];
    }
    admit(s, first);
    for (uint32_t i = 0; i < n_left; i++)
        admit(s, left[i]);
    return 1;
}

/* wake_first() for masks of one word. */
static __attribute__((noinline)) int wake_first_of_one(stages *s, const uint32_t *clear, uint32_t n)
{
    return wake_first(s, clear, n, 0);
}

/* wake_first() for masks of two words. */
static __attribute__((noinline)) int wake_first_of_two(stages *s, const uint32_t *clear, uint32_t n)
{
    return wake_first(s, clear, n, 1);
}

/* Several resources of one word, or of two, are free again: the heads of all their queues are found before any is
 * admitted. Those that are not clear now will not be at the end, as admissions only take. Where the clear ones want
 * nothing of each other, their order makes no difference. */
static inline __attribute__((always_inline)) void wake_heads(stages *s, const struct event *of, int64_t free_at,
                                                             int two)
{
    const uint32_t *resources = s->pool + of->resources, *past = resources + of->n_resources;
    struct wait_queue *waits = s->waits;
    uint32_t clear[MAX_CLEAR], n_clear = 0;
    u128 wanted = 0, several = 0, busy = s->busy[of->word & ~TWO];
    if (two)
        busy |= (u128)s->busy[(of->word & ~TWO) + 1] << 64;
    int by_list = 0;
    for (; resources < past; resources++) {
        struct wait_queue *q = waits + *resources;
        q->free_at = free_at;
        if (!q->live) {
            q->n = 0; /* only dead entries: all of them would be dropped now */
            continue;
        }
        uint32_t e = wait_head(s, q);
        u128 mask = two ? (u128)q->high << 64 | q->mask : q->mask;
        if (mask & busy)
            continue;
        by_list |= !mask;
        several |= mask & wanted;
        wanted |= mask;
        clear[n_clear++] = e;
    }
    if (__builtin_expect(by_list, 0) || (several && !(two ? wake_first_of_two : wake_first_of_one)(s, clear, n_clear)))
        wake_in_order(s, of);
    else if (!several)
        for (uint32_t i = 0; i < n_clear; i++)
            admit(s, clear[i]);
}

/* Likewise where the resources do not stand in neighbouring words. */
static __attribute__((noinline)) void wake_list(stages *s, const struct event *of, int64_t free_at)
{
    const uint32_t *resources = s->pool + of->resources;
    for (uint32_t i = 0; i < of->n_resources; i++) {
        struct wait_queue *q = s->waits + resources[i];
        q->free_at = free_at;
        if (!q->live)
            q->n = 0;
    }
    wake_in_order(s, of);
}

/* All waiters of the resources in order of rank: a merge of descending queues from their ends. A resource taken again
 * has no transfer left that could start. */
static __attribute__((noinline)) void wake_all(stages *s, const struct event *of, int64_t free_at)
{
    const uint32_t *resources = s->pool + of->resources, n = of->n_resources;
    uint32_t *left = s->candidates;
    for (uint32_t i = 0; i < n; i++) {
        s->waits[resources[i]].free_at = free_at;
        left[i] = s->waits[resources[i]].n;
    }
    if (n == 1) { /* no merge needed */
        const struct wait_queue *q = s->waits + resources[0];
        for (uint32_t at = q->n; at-- > 0;) {
            uint32_t e = number_in(((const rank_t *)q->at)[at]);
            if (!all_clear(s, s->events + e))
                continue;
            admit(s, e);
            return;
        }
        return;
    }
    for (;;) {
        rank_t best = ~(rank_t)0;
        for (uint32_t i = 0; i < n; i++) {
            if (!left[i] || s->busy[resources[i] >> 6] >> (resources[i] & 63) & 1)
                continue;
            rank_t rank = ((const rank_t *)s->waits[resources[i]].at)[left[i] - 1];
            if (rank < best)
                best = rank;
        }
        if (best == ~(rank_t)0)
            return;
        for (uint32_t i = 0; i < n; i++)
            if (left[i] && ((const rank_t *)s->waits[resources[i]].at)[left[i] - 1] == best)
                left[i]--;
        if (all_clear(s, s->events + number_in(best)))
            admit(s, number_in(best));
    }
}

/* After an event has been admitted: whoever waited behind it may be next. */
static __attribute__((noinline)) void wake_others(stages *s, const struct event *ev, int64_t free_at)
{
    if (s->rules.wake_all)
        wake_all(s, ev, free_at);
    else if (ev->word & TWO)
        wake_heads(s, ev, free_at, 1);
    else
        wake_list(s, ev, free_at);
}

/* The resources of an event are free from `free_at` on: who waits for them is tried. */
static inline __attribute__((always_inline)) void release(stages *s, uint32_t e, int64_t free_at)
{
    const struct event *ev = s->events + e;
    set_busy(s, ev, 0);
    if (s->rules.wake_all || (ev->n_resources != 1 && (!ev->mask || ev->word & TWO)))
        wake_others(s, ev, free_at);
    else if (ev->n_resources != 1)
        wake_heads(s, ev, free_at, 0);
    else {
        struct wait_queue *q = s->waits + s->pool[ev->resources];
        q->free_at = free_at;
        if (!q->live)
            q->n = 0; /* as in wake_heads */
        else {
            uint32_t head = wait_head(s, q);
            if (all_clear(s, s->events + head))
                admit(s, head);
        }
    }
}
#endif
