/* flit/router/arbiters/round_robin.c -- first at or after the pointer, which moves behind the winner. */
#include "flit/router/match.h"

/* Distance from the pointer. */
static uint64_t turn(const struct noc_matcher_state *m, int at_input, int arbiter, int index)
{
    const int size = at_input ? m->outputs : m->inputs;
    const int distance = index - (at_input ? m->in_ptr : m->out_ptr)[arbiter];
    return (uint64_t)(distance < 0 ? distance + size : distance);
}

/* The pointer. */
static size_t state(const struct noc_matcher_state *m, int at_input, int arbiter, uint64_t *out)
{
    out[0] = (uint64_t)(at_input ? m->in_ptr : m->out_ptr)[arbiter];
    return 1;
}

static const struct noc_arbiter_rule round_robin = {"round_robin", NULL, turn, NULL, state, 1};
NOC_ARBITER(round_robin)
