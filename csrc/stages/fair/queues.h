/* The three queues of `fair`, as binary heaps: messages of a lane by what must have been served, lanes by the end of
 * their first message, arrivals by (time, message). */
#ifndef CHIPWEAVE_FAIR_QUEUES_H
#define CHIPWEAVE_FAIR_QUEUES_H
#include <stdint.h>

struct fair_flow {
    unsigned __int128 target;
    int64_t start, size;
    uint32_t message;
};
struct fair_flows {
    struct fair_flow *at;
    int32_t n, room;
};

struct fair_arrival {
    int64_t time;
    uint32_t message;
};
struct fair_arrivals {
    struct fair_arrival *at;
    int32_t n, room;
};

struct fair_end {
    int64_t end;
    int32_t lane;
};
struct fair_ends {
    struct fair_end *at;
    int32_t *place, n; /* place: of each lane, -1 if it is not in the heap */
};

#pragma GCC visibility push(hidden)
int fair_flows_push(struct fair_flows *q, struct fair_flow flow); /* -1: no memory */
struct fair_flow fair_flows_pop(struct fair_flows *q);
int fair_arrivals_push(struct fair_arrivals *q, struct fair_arrival arrival);
struct fair_arrival fair_arrivals_pop(struct fair_arrivals *q);
void fair_ends_set(struct fair_ends *q, int32_t lane, int64_t end); /* in place of its end before, if it had one */
void fair_ends_drop(struct fair_ends *q, int32_t lane);
#pragma GCC visibility pop
#endif
