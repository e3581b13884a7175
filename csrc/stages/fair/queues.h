/* The three queues of `fair`, as binary heaps: messages of a lane by what must have been served, lanes by the end of their first
   message, arrivals by (time, message). */
#ifndef CHIPWEAVE_FAIR_QUEUES_H
#define CHIPWEAVE_FAIR_QUEUES_H
#include <stdint.h>

typedef struct { unsigned __int128 target; int64_t start, size; uint32_t message; } fair_flow;
typedef struct { fair_flow *at; int32_t n, room; } fair_flows;

typedef struct { int64_t time; uint32_t message; } fair_arrival;
typedef struct { fair_arrival *at; int32_t n, room; } fair_arrivals;

typedef struct { int64_t end; int32_t lane; } fair_end;
typedef struct { fair_end *at; int32_t *place, n; } fair_ends; /* place: of each lane, -1 if it is not in the heap */

#pragma GCC visibility push(hidden)
int fair_flows_push(fair_flows *q, fair_flow flow); /* -1: no memory */
fair_flow fair_flows_pop(fair_flows *q);
int fair_arrivals_push(fair_arrivals *q, fair_arrival arrival);
fair_arrival fair_arrivals_pop(fair_arrivals *q);
void fair_ends_set(fair_ends *q, int32_t lane, int64_t end); /* in place of its end before, if it had one */
void fair_ends_drop(fair_ends *q, int32_t lane);
#pragma GCC visibility pop
#endif
