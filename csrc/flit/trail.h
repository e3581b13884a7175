/* flit/trail.h -- what the cycle and the endpoints tell of messages where trails are kept (net->trail). */
#ifndef NOC_TRAIL_H
#define NOC_TRAIL_H
#include "flit/leaves.h"

void noc_trail_arrivals(struct noc_state *net);
void noc_trail_ended(struct noc_state *net, uint32_t id);
void noc_trail_close(struct noc_state *net);
#endif
