/* endpoints/wheel.c -- see wheel.h: events in order of (time, order). */
#include "endpoints/wheel.h"

#include <stdlib.h>
#include <string.h>

/* Order of events: by time, then by `order`, which no two events share. Everything that decides what runs next asks
 * this. */
static int before(const struct event *a, const struct event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

/* A free record. Records are named by number, not by address, because the array moves when it grows. */
int32_t wheel_new(struct wheel *e)
{
    if (e->free_event == NONE) {
        int32_t more = e->n_events ? e->n_events * 2 : 1024;
        struct event *grown = realloc(e->events, sizeof(struct event) * (size_t)more);
        if (!grown)
            abort(); /* out of memory in the middle of an event: no state to return to */
        e->events = grown;
        for (int32_t i = more - 1; i >= e->n_events; i--) {
            e->events[i].next = e->free_event;
            e->free_event = i;
        }
        e->n_events = more;
    }
    int32_t i = e->free_event;
    e->free_event = e->events[i].next;
    return i;
}

/* Put event i in its place in the sorted list of its bucket. Most events are the last of their bucket, so that end
 * is tried before the list is walked. */
static void into_bucket(struct wheel *e, int32_t i)
{
    struct event *all = e->events;
    int32_t b = (int32_t)((all[i].time >> SHIFT) & (BUCKETS - 1)), at = e->bucket[b];
    if (at == NONE || before(&all[i], &all[at])) {
        all[i].next = at;
        e->bucket[b] = i;
        if (at == NONE)
            e->last[b] = i;
        e->full[b >> 6] |= 1ull << (b & 63);
        return;
    }
    if (before(&all[e->last[b]], &all[i])) {
        at = e->last[b];
        e->last[b] = i;
    } else {
        while (all[at].next != NONE && before(&all[all[at].next], &all[i]))
            at = all[at].next;
    }
    all[i].next = all[at].next;
    all[at].next = i;
}

/* An event too far ahead for the wheel goes to a binary heap, ordered by the same rule. */
static void heap_push(struct wheel *e, int32_t i)
{
    if (e->n_heap == e->room_heap) {
        e->room_heap = e->room_heap ? e->room_heap * 2 : 256;
        e->heap = realloc(e->heap, sizeof(int32_t) * (size_t)e->room_heap);
        if (!e->heap)
            abort();
    }
    int32_t at = e->n_heap++;
    while (at && before(&e->events[i], &e->events[e->heap[(at - 1) / 2]])) {
        e->heap[at] = e->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    e->heap[at] = i;
}

/* The earliest event of the heap, taken out. */
static int32_t heap_pop(struct wheel *e)
{
    int32_t top = e->heap[0], i = e->heap[--e->n_heap], at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= e->n_heap)
            break;
        if (child + 1 < e->n_heap && before(&e->events[e->heap[child + 1]], &e->events[e->heap[child]]))
            child++;
        if (!before(&e->events[e->heap[child]], &e->events[i]))
            break;
        e->heap[at] = e->heap[child];
        at = child;
    }
    e->heap[at] = i;
    return top;
}

/* Event i waits: in the wheel if its bucket is within one turn, else in the heap. */
void wheel_add(struct wheel *e, int32_t i)
{
    e->waiting++;
    if ((e->events[i].time >> SHIFT) - e->base < BUCKETS)
        into_bucket(e, i);
    else
        heap_push(e, i);
}

/* The first bucket with an event in it, from where the wheel stands and once round; NONE where all are empty. The
 * bitmap is scanned a word at a time, the word the wheel stands in twice: its later half first, its earlier half
 * last. */
static int32_t first_full(const struct wheel *e)
{
    int32_t start = (int32_t)(e->base & (BUCKETS - 1));
    for (int32_t step = 0; step <= BUCKETS / 64; step++) {
        int32_t word = ((start >> 6) + step) & (BUCKETS / 64 - 1);
        uint64_t bits = e->full[word];
        if (step == 0)
            bits &= ~0ull << (start & 63);
        if (step == BUCKETS / 64)
            bits &= ~(~0ull << (start & 63));
        if (bits)
            return (word << 6) + __builtin_ctzll(bits);
    }
    return NONE;
}

/* The next event, NONE where nothing waits. What the wheel holds is earlier than what the heap holds. */
int32_t wheel_next(const struct wheel *e)
{
    if (!e->waiting)
        return NONE;
    int32_t b = first_full(e);
    return b == NONE ? e->heap[0] : e->bucket[b];
}

/* Turn the wheel to the bucket of event i, and bring in what that brings within reach. */
static void turn_to(struct wheel *e, int32_t i)
{
    e->base = e->events[i].time >> SHIFT;
    while (e->n_heap && (e->events[e->heap[0]].time >> SHIFT) - e->base < BUCKETS)
        into_bucket(e, heap_pop(e));
}

/* An empty wheel at time 0: bytes of ones are NONE in every bucket. */
void wheel_open(struct wheel *e)
{
    e->free_event = NONE;
    memset(e->bucket, 0xff, sizeof e->bucket);
}

/* Free what the wheel holds; events that still wait are forgotten. */
void wheel_close(struct wheel *e)
{
    free(e->events);
    free(e->heap);
}

/* Take event i, the next one, out. */
struct event wheel_take(struct wheel *e, int32_t i)
{
    if (e->events[i].time >> SHIFT != e->base)
        turn_to(e, i);
    int32_t b = (int32_t)(e->base & (BUCKETS - 1));
    struct event now = e->events[i];
    e->bucket[b] = now.next;
    if (now.next == NONE)
        e->full[b >> 6] &= ~(1ull << (b & 63));
    e->events[i].next = e->free_event;
    e->free_event = i;
    e->waiting--;
    return now;
}
