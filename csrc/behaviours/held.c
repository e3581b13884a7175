/* behaviours/held.c -- see held.h: places for messages that leave later. */
#include "behaviours/held.h"
#include "behaviours/room.h"

/* A place for the message; the timer that was set for it takes it back. */
uint64_t cw_hold(struct held *h, const cw_message *m)
{
    if (!h->n)
        h->free = NONE;
    int32_t i;
    CW_TAKE_RECORD(i, h->place, h->n, h->free, 64);
    h->place[i].message = *m;
    return (uint64_t)i;
}

/* The message of a place, which is free again. */
cw_message cw_release(struct held *h, uint64_t place)
{
    h->place[place].next = h->free;
    h->free = (int32_t)place;
    return h->place[place].message;
}

/* Free all places. */
void cw_close_held(struct held *h) { free(h->place); }
