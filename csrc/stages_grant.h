/* Granting resources: who may take what when it asks, and who is tried when something is released. A template, like
   stages_queue.h.

   barging   a newcomer may take resources that are all clear although others wait for some of them
   wake      head: only the heads of the released resources' queues are tried; all: every waiter, in order

   Busy resources are bits. An event whose resources stand in one 64-bit word has a mask of them; mask 0 means: go by the list. */
#ifdef STAGES_TEMPLATE

static inline int all_clear(const stages *s, const event *ev)
{
    if (ev->mask) return !(s->busy[ev->word] & ev->mask);
    const u32 *resources = s->pool + ev->resources;
    for (u32 i = 0; i < ev->n_resources; i++)
        if (s->busy[resources[i] >> 6] >> (resources[i] & 63) & 1) return 0;
    return 1;
}

static inline void set_busy(stages *s, const event *ev, int busy)
{
    if (ev->mask) {
        s->busy[ev->word] = busy ? s->busy[ev->word] | ev->mask : s->busy[ev->word] & ~ev->mask;
        return;
    }
    const u32 *resources = s->pool + ev->resources;
    for (u32 i = 0; i < ev->n_resources; i++) {
        u64 bit = (u64)1 << (resources[i] & 63), *word = s->busy + (resources[i] >> 6);
        *word = busy ? *word | bit : *word & ~bit;
    }
}

static inline int nobody_waits(const stages *s, const event *ev)
{
    const u32 *resources = s->pool + ev->resources;
    for (u32 i = 0; i < ev->n_resources; i++)
        if (s->waits[resources[i]].live) return 0;
    return 1;
}

/* Reserve all resources; the start follows, and overwrites the time of the rank. */
static inline void admit(stages *s, u32 e)
{
    const event *ev = s->events + e;
    const u32 *resources = s->pool + ev->resources, n = ev->n_resources;
    i64 start = ev->asked;
    set_busy(s, ev, 1);
    for (u32 i = 0; i < n; i++) start = s->free_at[resources[i]] > start ? s->free_at[resources[i]] : start;
    if (s->flags[e] & WAITING) {
        for (u32 i = 0; i < n; i++) wait_leave(s, s->waits + resources[i], e);
        s->flags[e] &= (u16)~WAITING;
        s->waiting--;
    }
    RANKS[e] = (RANKS[e] & ~TIME_FIELD) | (rank_t)start << TIME_SHIFT;
    queue_push(s, start, e, AT_START);
}

/* `priority` is that field of a rank. Room for the event is there (stages_reserve_events). */
static inline int create(stages *s, u32 transfer, u32 operands, int32_t node, i64 time, rank_t priority, u16 side)
{
    u32 e = s->n_events++;
    event *ev = s->events + e;
    ev->asked = time;
    ev->operands = operands;
    ev->transfer = transfer;
    ev->node = (u16)node;
    s->flags[e] = side;
    RANKS[e] = priority | (rank_t)time << TIME_SHIFT | e;
    if (find_resources(s, ev, s->nodes + node, s->operands + operands)) return -1;
    if (all_clear(s, ev) && (s->rules.barging || nobody_waits(s, ev))) {
        admit(s, e);
        return 0;
    }
    s->flags[e] = side | WAITING;
    s->waiting++;
    const u32 *resources = s->pool + ev->resources;
    for (u32 i = 0, n = ev->n_resources; i < n; i++)
        if (wait_push(s, s->waits + resources[i], e)) return -1;
    return 0;
}

/* The heads of all the resources first go on one more heap, ordered by live (time, number); a head of several is in it several
   times, and its admission disturbs the order of the rest. (Sorted queues: the same, undisturbed in effect.) */
static inline void wake_heads(stages *s, const u32 *resources, u32 n)
{
    u32 m = 0, *candidates = s->candidates;
    if (n == 1) {
        u32 e = wait_head(s, s->waits + resources[0]);
        if (all_clear(s, s->events + e)) admit(s, e);
        return;
    }
    for (u32 i = 0; i < n; i++) {
        wait_queue *q = s->waits + resources[i];
        if (!q->live) continue;
        heap_up(RANKS, NO_PRIORITY, candidates, m++, wait_head(s, q));
    }
    while (m) {
        u32 e = heap_pop(RANKS, NO_PRIORITY, candidates, &m);
        if ((s->flags[e] & WAITING) && all_clear(s, s->events + e)) admit(s, e);
    }
}

/* All waiters of the resources in order of rank: a merge of descending queues from their ends. A resource taken again has
   nobody left who could go. */
static __attribute__((noinline)) void wake_all(stages *s, const u32 *resources, u32 n)
{
    const rank_t *rank = RANKS;
    u32 *left = s->candidates;
    for (u32 i = 0; i < n; i++) left[i] = s->waits[resources[i]].n;
    if (n == 1) { /* no merge needed */
        const wait_queue *q = s->waits + resources[0];
        for (u32 at = q->n; at-- > 0;)
            if (all_clear(s, s->events + q->at[at])) {
                admit(s, q->at[at]);
                return;
            }
        return;
    }
    for (;;) {
        i64 best = -1;
        for (u32 i = 0; i < n; i++) {
            if (!left[i] || s->busy[resources[i] >> 6] >> (resources[i] & 63) & 1) continue;
            u32 e = s->waits[resources[i]].at[left[i] - 1];
            if (best < 0 || rank[e] < rank[best]) best = e;
        }
        if (best < 0) return;
        for (u32 i = 0; i < n; i++)
            if (left[i] && s->waits[resources[i]].at[left[i] - 1] == (u32)best) left[i]--;
        if (all_clear(s, s->events + best)) admit(s, (u32)best);
    }
}

static inline void release(stages *s, u32 e, i64 free_at)
{
    const event *ev = s->events + e;
    const u32 *resources = s->pool + ev->resources, n = ev->n_resources;
    u32 live = 0;
    set_busy(s, ev, 0);
    for (u32 i = 0; i < n; i++) {
        wait_queue *q = s->waits + resources[i];
        s->free_at[resources[i]] = free_at;
        live |= q->live;
        if (!q->live) q->n = 0; /* only dead entries: all of them would be dropped now */
    }
    if (!live) return;
    if (s->rules.wake_all) wake_all(s, resources, n);
    else wake_heads(s, resources, n);
}
#endif
