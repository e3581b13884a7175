/* stages/fair/queues.c -- binary heaps of messages, lanes and arrivals. */
#include "stages/fair/queues.h"

#include <stdlib.h>

/* Room for one more; arrays double, and -1 is returned without memory. */
static int has_room(void *array, int32_t n, int32_t *room, size_t size)
{
    if (n < *room)
        return 0;
    void **p = array, *grown = realloc(*p, ((size_t)*room * 2 + 16) * size);
    if (!grown)
        return -1;
    *p = grown;
    *room = *room * 2 + 16;
    return 0;
}

/* Messages of a lane: first the one whose service ends it first. */
#define HEAP_QUEUE        fair_flows
#define HEAP_ITEM         fair_flow
#define HEAP_PUSH         fair_flows_push
#define HEAP_POP          fair_flows_pop
#define HEAP_BEFORE(a, b) ((a).target < (b).target)
#include "stages/fair/heap.inc.h"

/* Arrivals by time, then by number, so that ties do not depend on the heap. */
#define HEAP_QUEUE        fair_arrivals
#define HEAP_ITEM         fair_arrival
#define HEAP_PUSH         fair_arrivals_push
#define HEAP_POP          fair_arrivals_pop
#define HEAP_BEFORE(a, b) ((a).time < (b).time || ((a).time == (b).time && (a).message < (b).message))
#include "stages/fair/heap.inc.h"

/* An entry stands at place i, and its lane knows. */
static void put(struct fair_ends *q, int32_t i, struct fair_end end)
{
    q->at[i] = end;
    q->place[end.lane] = i;
}

/* Move an entry up or down from place i until the heap is in order. */
static void settle(struct fair_ends *q, int32_t i, struct fair_end end)
{
    for (; i && q->at[(i - 1) / 2].end > end.end; i = (i - 1) / 2)
        put(q, i, q->at[(i - 1) / 2]);
    for (int32_t c; (c = 2 * i + 1) < q->n; i = c) {
        if (c + 1 < q->n && q->at[c + 1].end < q->at[c].end)
            c++;
        if (q->at[c].end >= end.end)
            break;
        put(q, i, q->at[c]);
    }
    put(q, i, end);
}

/* A lane's next end has changed, or it has one for the first time. */
void fair_ends_set(struct fair_ends *q, int32_t lane, int64_t end)
{
    settle(q, q->place[lane] < 0 ? q->n++ : q->place[lane], (struct fair_end){end, lane});
}

/* A lane has nothing to send any more. */
void fair_ends_drop(struct fair_ends *q, int32_t lane)
{
    int32_t i = q->place[lane];
    if (i < 0)
        return;
    struct fair_end last = q->at[--q->n];
    q->place[lane] = -1;
    if (last.lane != lane)
        settle(q, i, last);
}
