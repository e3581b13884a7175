/* held.h: messages that leave later. The engine grants a port in the order of sending, so a message that is sent long
 * before it leaves would hold back others that leave sooner; one that is held until its time does not. */
#ifndef CHIPWEAVE_HELD_H
#define CHIPWEAVE_HELD_H
#include "behaviour.h"
#include "behaviours/room.h"

struct held {
    cw_message *message;
    int32_t *next, n, free; /* free: 1 + the first free place, 0: none */
};

/* A place for the message; the timer that was set for it takes it back. */
static uint64_t hold(struct held *h, const cw_message *m)
{
    if (!h->free) {
        int32_t more = cw_more(h->n, 64);
        h->message = cw_room(h->message, more, sizeof *h->message);
        h->next = cw_room(h->next, more, sizeof *h->next);
        for (int32_t i = more - 1; i >= h->n; i--) {
            h->next[i] = h->free;
            h->free = i + 1;
        }
        h->n = more;
    }
    int32_t i = h->free - 1;
    h->free = h->next[i];
    h->message[i] = *m;
    return (uint64_t)i;
}

/* The message of a place, which is free again. */
static cw_message release(struct held *h, uint64_t place)
{
    h->next[place] = h->free;
    h->free = (int32_t)place + 1;
    return h->message[place];
}

/* Free both arrays. */
static void close_held(struct held *h)
{
    free(h->message);
    free(h->next);
}

#endif
