/* wheel.h: the events of csrc/endpoints/endpoints.c, in order of (time, order).
 *
 * A wheel of buckets, each a sorted list; a bitmap finds the next one that is not empty. What is due beyond the wheel
 * waits in a heap and is moved in as the wheel turns. What is inline is one expression, on the way of every event. */
#ifndef CHIPWEAVE_WHEEL_H
#define CHIPWEAVE_WHEEL_H

#include "behaviour.h"

#define SHIFT   7     /* a bucket is 128 ps wide */
#define BUCKETS 32768 /* the wheel spans 4.2 us */
#define NONE    (-1)

struct event {
    int64_t time;
    uint64_t order; /* priority (8 bits), sending part (20), count of events (36) */
    uint64_t data;
    int32_t part, code, next, is_message;
    cw_message message;
};

struct wheel {
    struct event *events;
    int32_t n_events, free_event;
    int32_t bucket[BUCKETS], last[BUCKETS];
    uint64_t full[BUCKETS / 64];
    int64_t base; /* bucket number the wheel stands at */
    int32_t *heap;
    int32_t n_heap, room_heap;
    int64_t waiting;
    uint64_t count;
};

/* What breaks ties of one instant: priority, then the part that sends, then the order of sending. The counter makes
 * it unique. */
static inline uint64_t wheel_order(struct wheel *e, int32_t priority, int32_t sender)
{
    return (uint64_t)(priority & 255) << 56 | (uint64_t)(sender & 0xfffff) << 36 | (e->count++ & 0xfffffffffull);
}

int32_t wheel_new(struct wheel *e);
void wheel_add(struct wheel *e, int32_t i);
int32_t wheel_next(const struct wheel *e);
void wheel_open(struct wheel *e);
void wheel_close(struct wheel *e);
struct event wheel_take(struct wheel *e, int32_t i);
#endif
