/* Messages beside the routers: of a network of coarse grain, those of one fine flit arrive by a formula, in the order
 * of their times, at equal times in that of their sending. A heap. */
#ifndef CHIPWEAVE_ALONE_H
#define CHIPWEAVE_ALONE_H
#include <stdint.h>

struct alone_arrival {
    int64_t time;
    uint64_t order;
    uint32_t message;
};

struct alone {
    struct alone_arrival *heap;
    int64_t n, room;
    uint64_t sent;
};

int alone_add(struct alone *a, int64_t time, uint32_t message); /* -1: no memory */
uint32_t alone_take(struct alone *a);                           /* the first one; there must be one */
void alone_free(struct alone *a);
#endif
