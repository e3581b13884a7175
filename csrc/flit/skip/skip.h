/* flit/skip/skip.h -- skipping, as the clock and the readers of counters use it. Without `skip` all do nothing. */
#ifndef NOC_SKIPPING_H
#define NOC_SKIPPING_H
#include "flit/state.h"

int noc_skip_open(struct noc_state *net);
void noc_skip_close(struct noc_state *net);
void noc_skip_look(struct noc_state *net); /* at the start of every stepped cycle */
void noc_settle(struct noc_state *net);    /* counters of all groups as of now */
void noc_unpark_all(struct noc_state *net);
uint64_t noc_skip_limit(const struct noc_state *net);
void noc_skip_idle(struct noc_state *net, uint64_t cycles);
#endif
