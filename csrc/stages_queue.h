/* The event queue, and the wait queues of resources, with their exact orders. Included by stages.c only.

   Event queue: 4-ary min-heap of (time, number, kind); never more entries than reserved resources plus a few.

   Wait queue, one of two:
     sorted          entries descending by (key, number): the head is the last one; the admitted leave at once
     artifact_heap   a binary heap with the sift rules of CPython's heapq, over live keys. An admitted event stays as a
                     dead entry with its now larger time and so disturbs the order; the dead go only from the top. */
#ifndef CHIPWEAVE_STAGES_QUEUE_H
#define CHIPWEAVE_STAGES_QUEUE_H
#include "stages_internal.h"

/* Two-word comparisons compile to compare-and-borrow without a branch. */
static inline u128 wide(u64 high, u64 low) { return (u128)high << 64 | low; }
static inline int sooner(timed a, timed b) { return wide(a.time, a.tag) < wide(b.time, b.tag); }

static inline void queue_push(stages *s, i64 time, u32 number, int kind)
{
    timed *q = s->queue, item = {(u64)time, (u64)number << 3 | (u64)kind};
    u32 at = s->queue_n++;
    while (at) {
        u32 parent = (at - 1) >> 2;
        if (!sooner(item, q[parent])) break;
        q[at] = q[parent];
        at = parent;
    }
    q[at] = item;
}

static inline timed queue_pop(stages *s)
{
    timed *q = s->queue, top = q[0], item = q[--s->queue_n];
    u32 n = s->queue_n, at = 0;
    for (;;) {
        u32 child = at * 4 + 1, best = child, end = child + 4;
        if (child >= n) break;
        if (end > n) end = n;
        for (u32 c = child + 1; c < end; c++) best = sooner(q[c], q[best]) ? c : best;
        if (!sooner(q[best], item)) break;
        q[at] = q[best];
        at = best;
    }
    q[at] = item;
    return top;
}

/* heapq._siftdown and heapq.heappop over events; `mask` takes the priority out of the order. */
static inline void heap_up(const u64 *key, u64 mask, u32 *heap, u32 at)
{
    u32 item = heap[at];
    u128 rank = wide(key[item] & mask, item);
    while (at) {
        u32 parent = (at - 1) >> 1, other = heap[parent];
        if (rank >= wide(key[other] & mask, other)) break;
        heap[at] = other;
        at = parent;
    }
    heap[at] = item;
}

static inline u32 heap_pop(const u64 *key, u64 mask, u32 *heap, u32 *size)
{
    u32 n = --*size, item = heap[n], top, at = 0, child = 1;
    if (!n) return item;
    top = heap[0];
    while (child + 1 < n) { /* down to a leaf, always to the smaller child; the left one only if strictly smaller */
        u32 left = heap[child], right = heap[child + 1];
        int go_right = wide(key[left] & mask, left) >= wide(key[right] & mask, right);
        heap[at] = go_right ? right : left;
        at = child + (u32)go_right;
        child = 2 * at + 1;
    }
    if (child < n) {
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
    heap_up(key, mask, heap, at);
    return top;
}

/* Where an event stands, or belongs, in a descending queue. */
static inline u32 sorted_place(const u64 *key, const wait_queue *q, u32 e)
{
    u128 rank = wide(key[e], e);
    u32 low = 0, high = q->n;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (wide(key[q->at[middle]], q->at[middle]) > rank) low = middle + 1;
        else high = middle;
    }
    return low;
}

static inline int wait_push(stages *s, wait_queue *q, u32 e)
{
    if (q->n == q->capacity && reserve32(s, &q->at, &q->capacity, q->n + 1, sizeof *q->at)) return -1;
    q->live++;
    if (s->rules.artifact_heap) {
        q->at[q->n] = e;
        heap_up(s->key, ~(u64)0, q->at, q->n++);
        return 0;
    }
    u32 place = sorted_place(s->key, q, e);
    memmove(q->at + place + 1, q->at + place, (q->n++ - place) * sizeof *q->at);
    q->at[place] = e;
    return 0;
}

/* Before the event's key changes. */
static inline void wait_leave(stages *s, wait_queue *q, u32 e)
{
    q->live--;
    if (s->rules.artifact_heap) return;
    u32 place = sorted_place(s->key, q, e);
    memmove(q->at + place, q->at + place + 1, (--q->n - place) * sizeof *q->at);
}

/* The head of a queue that has a waiter; the dead above it are dropped. */
static inline u32 wait_head(stages *s, wait_queue *q)
{
    if (!s->rules.artifact_heap) return q->at[q->n - 1];
    while (!(s->flags[q->at[0]] & WAITING)) heap_pop(s->key, ~(u64)0, q->at, &q->n);
    return q->at[0];
}
#endif
