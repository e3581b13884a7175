/* flit/router/router.h -- the two routers, as a cycle uses them. */
#ifndef NOC_ROUTER_H
#define NOC_ROUTER_H
#include "flit/state.h"

/* flit/router/fast.c, flit/router/general.c: one cycle of all routers */
void noc_fast_cycle(struct noc_state *net);
void noc_general_cycle(struct noc_state *net);

int noc_general_open(struct noc_state *net);
void noc_general_close(struct noc_state *net);
uint64_t noc_general_busy(const struct noc_state *net); /* routers with something to do */
double noc_general_partial(struct noc_state *net);      /* part of a step left over by an internal speedup */
int noc_general_coupled(const struct noc_state *net);   /* flows of one router feel each other */
int noc_general_never_periodic(const struct noc_state *net);
#endif
