/* Granting resources: who may take what when it asks, and who is tried when something is released. Included by stages.c only.

   barging   a newcomer may take resources that are all clear although others wait for some of them
   wake      head: only the heads of the released resources' queues are tried; all: every waiter, in order */
#ifndef CHIPWEAVE_STAGES_GRANT_H
#define CHIPWEAVE_STAGES_GRANT_H
#include "stages_queue.h"

static inline int all_clear(const stages *s, const u32 *resources, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (s->busy[resources[i]]) return 0;
    return 1;
}

static inline int nobody_waits(const stages *s, const u32 *resources, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (s->waits[resources[i]].live) return 0;
    return 1;
}

/* Reserve all resources; the start follows, and overwrites the key. */
static inline void admit(stages *s, u32 e)
{
    event *ev = s->events + e;
    const u32 *resources = s->pool + ev->resources;
    i64 start = ev->asked;
    if (s->flags[e] & WAITING) {
        for (u32 i = 0; i < ev->n_resources; i++) wait_leave(s, s->waits + resources[i], e);
        s->flags[e] &= (u8)~WAITING;
        s->waiting--;
    }
    for (u32 i = 0; i < ev->n_resources; i++) {
        u32 r = resources[i];
        s->busy[r] = 1;
        if (s->free_at[r] > start) start = s->free_at[r];
    }
    s->key[e] = (s->key[e] & ~TIME_MASK) | (u64)start;
    queue_push(s, start, e, AT_START);
}

/* Several takes: their resources, each once, put together at the end of the pool. */
static inline int gather(stages *s, event *ev, const stages_node *node, const i64 *operands);

static inline int find_resources(stages *s, event *ev, const stages_node *node, const i64 *operands)
{
    if (node->n_takes == 0 || node->kind == STAGE_SEND) {
        ev->resources = 0;
        ev->n_resources = 0;
        return 0;
    }
    if (node->n_takes > 1) return gather(s, ev, node, operands);
    const stages_take *take = node->takes;
    if (take->network < 0) {
        i64 at = operands[take->operand];
        if (at < 0 || at >= take->count)
            return stages_fail(s, STAGES_BAD, "resource %lld of an array of %d", (long long)at, take->count);
        ev->resources = (u32)(take->first + at);
        ev->n_resources = 1;
        return 0;
    }
    const circuit *c = s->circuits + take->network;
    i64 n = c->endpoints, from = operands[take->source], to = operands[take->target];
    if (from < 0 || from >= n || to < 0 || to >= n)
        return stages_fail(s, STAGES_BAD, "a route from endpoint %lld to %lld of %lld", (long long)from, (long long)to, (long long)n);
    ev->resources = c->route_locks[from * n + to];
    ev->n_resources = (u16)(c->route_start[from * n + to + 1] - c->route_start[from * n + to]);
    return 0;
}

static inline int gather(stages *s, event *ev, const stages_node *node, const i64 *operands)
{
    size_t first = s->pool_n;
    for (int32_t t = 0; t < node->n_takes; t++) {
        stages_node one = *node;
        one.n_takes = 1;
        one.takes = node->takes + t;
        if (find_resources(s, ev, &one, operands)) return -1;
        if (reserve(s, &s->pool, &s->pool_capacity, s->pool_n + ev->n_resources, sizeof *s->pool)) return -1;
        for (u32 i = 0; i < ev->n_resources; i++) {
            u32 r = s->pool[ev->resources + i];
            size_t at = first;
            while (at < s->pool_n && s->pool[at] != r) at++;
            if (at == s->pool_n) s->pool[s->pool_n++] = r;
        }
    }
    ev->resources = (u32)first;
    ev->n_resources = (u16)(s->pool_n - first);
    return 0;
}

/* `rank` is the priority part of a key. Room for the event is there (stages_reserve_events). */
static inline int create(stages *s, u32 transfer, u32 operands, int32_t node, i64 time, u64 rank, u8 side)
{
    u32 e = s->n_events++;
    event *ev = s->events + e;
    *ev = (event){time, operands, transfer, 0, 0, (u16)node};
    s->flags[e] = side;
    s->key[e] = rank | (u64)time;
    if (find_resources(s, ev, s->nodes + node, s->operands + operands)) return -1;
    const u32 *resources = s->pool + ev->resources;
    if (all_clear(s, resources, ev->n_resources) && (s->rules.barging || nobody_waits(s, resources, ev->n_resources))) {
        admit(s, e);
        return 0;
    }
    s->flags[e] |= WAITING;
    s->waiting++;
    for (u32 i = 0; i < ev->n_resources; i++)
        if (wait_push(s, s->waits + resources[i], e)) return -1;
    return 0;
}

/* ---- release and wake-up */

/* The heads of all the resources first go on one more heap, ordered by live (time, number); a head of several is in it several
   times, and its admission disturbs the order of the rest. (Sorted queues: the same, undisturbed in effect.) */
static inline void wake_heads(stages *s, const u32 *resources, u32 n)
{
    u32 m = 0;
    for (u32 i = 0; i < n; i++) {
        wait_queue *q = s->waits + resources[i];
        if (!q->live) continue;
        s->candidates[m] = wait_head(s, q);
        heap_up(s->key, TIME_MASK, s->candidates, m++);
    }
    while (m) {
        u32 e = heap_pop(s->key, TIME_MASK, s->candidates, &m);
        const event *ev = s->events + e;
        if ((s->flags[e] & WAITING) && all_clear(s, s->pool + ev->resources, ev->n_resources)) admit(s, e);
    }
}

/* All waiters of the resources in order of (key, number): a merge of descending queues from their ends. A resource taken
   again has nobody left who could go. */
static inline void wake_all(stages *s, const u32 *resources, u32 n)
{
    u32 *left = s->candidates;
    for (u32 i = 0; i < n; i++) left[i] = s->waits[resources[i]].n;
    for (;;) {
        i64 best = -1;
        for (u32 i = 0; i < n; i++) {
            if (!left[i] || s->busy[resources[i]]) continue;
            u32 e = s->waits[resources[i]].at[left[i] - 1];
            if (best < 0 || wide(s->key[e], e) < wide(s->key[best], (u64)best)) best = e;
        }
        if (best < 0) return;
        for (u32 i = 0; i < n; i++)
            if (left[i] && s->waits[resources[i]].at[left[i] - 1] == (u32)best) left[i]--;
        const event *ev = s->events + best;
        if (all_clear(s, s->pool + ev->resources, ev->n_resources)) admit(s, (u32)best);
    }
}

static inline void release(stages *s, u32 e, i64 free_at)
{
    u32 n = s->events[e].n_resources, live = 0;
    const u32 *resources = s->pool + s->events[e].resources;
    for (u32 i = 0; i < n; i++) {
        s->busy[resources[i]] = 0;
        s->free_at[resources[i]] = free_at;
        if (s->waits[resources[i]].live) live = 1;
        else s->waits[resources[i]].n = 0; /* only dead entries: all of them would be dropped now */
    }
    if (!live) return;
    if (s->rules.wake_all) wake_all(s, resources, n);
    else wake_heads(s, resources, n);
}
#endif
