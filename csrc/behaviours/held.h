/* held.h: messages that leave later. The engine grants a port in the order of sending, so a message that is sent long
 * before it leaves would hold back others that leave sooner; one that is held until its time does not. */
#ifndef CHIPWEAVE_HELD_H
#define CHIPWEAVE_HELD_H
#include "behaviour.h"

struct held { /* all zero at first */
    struct held_place {
        cw_message message;
        int32_t next;
    } *place;
    int32_t n, free;
};

uint64_t cw_hold(struct held *h, const cw_message *m);
cw_message cw_release(struct held *h, uint64_t place);
void cw_close_held(struct held *h);
#endif
