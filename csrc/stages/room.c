/* stages/room.c -- memory of an engine: copies, arrays that grow, room for events before they are made. */
#include "stages/state.h"

/* Like realloc, with elements that do not cross cache lines. */
void *stages_regrown(void *old, size_t kept, size_t n, size_t size)
{
    void *grown = aligned_alloc(64, (n * size + 63) / 64 * 64);
    if (!grown)
        return NULL;
    if (old)
        memcpy(grown, old, kept * size);
    free(old);
    return grown;
}

/* Starts and ends of as many events as there is room for; those not yet known are -1. */
int reserve_spans(stages *s)
{
    size_t before = s->spans_capacity, n = 2 * ((size_t)s->event_capacity + ROOM);
    if (reserve(s, &s->spans, &s->spans_capacity, n, sizeof *s->spans))
        return -1;
    for (; before < s->spans_capacity; before++)
        s->spans[before] = -1;
    return 0;
}

/* Room for `more` events: their records, flags and ranks, and the queue with a few entries beyond its end (see
 * sink() in queue.inc.h). */
int stages_reserve_events(stages *s, size_t more)
{
    size_t n = s->n_events + more;
    uint32_t keys = s->event_capacity, flags = keys, settled_n = keys;
    if (n > (size_t)1 << 30)
        return stages_fail(s, STAGES_BAD, "more than 2^30 stages between two barriers");
    if (n + 64 > s->queue_capacity && reserve32(s, &s->queue, &s->queue_capacity, n + 64, RANK_BYTES))
        return -1;
    if (n <= keys)
        return 0;
    if (reserve32(s, &s->ranks, &keys, n, RANK_BYTES) || reserve32(s, &s->flags, &flags, n, sizeof *s->flags) ||
        reserve32(s, &s->settled, &settled_n, n, sizeof *s->settled))
        return -1;
    struct event *events = stages_regrown(s->events, s->n_events, keys, sizeof *events);
    if (!events)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for %u stages", keys);
    s->events = events;
    s->event_capacity = keys;
    return s->spans ? reserve_spans(s) : 0;
}

/* A copy that the engine owns; NULL, and a failure, without memory. */
void *stages_copied(stages *s, const void *from, size_t n, size_t size)
{
    void *p = malloc(n * size + 1);
    if (!p)
        stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
    else if (n)
        memcpy(p, from, n * size);
    return p;
}

/* One more element at the end of an array, zeroed. */
void *stages_append(stages *s, void *array, int32_t *n, size_t size)
{
    void **p = array;
    char *grown = realloc(*p, ((size_t)*n + 1) * size);
    if (!grown) {
        stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
        return NULL;
    }
    *p = grown;
    return memset(grown + (size_t)(*n)++ * size, 0, size);
}
