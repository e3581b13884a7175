/* flit/cycle.h -- one cycle of the whole network. */
#ifndef NOC_CYCLE_H
#define NOC_CYCLE_H
#include "flit/state.h"

void noc_one_cycle(struct noc_state *net);
#endif
