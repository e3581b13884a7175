/* flit/router/general_period.c -- what skipping has to know of a general router: whether flows of one router feel each
 * other, whether its state can recur at all, and which part of a step is left over. */
#include "flit/router/general_state.h"
#include "flit/router/router.h"

/* Does its rule carry anything from one match to the next, whoever requests? */
static int coupled(const struct noc_allocator *a) { return a->matcher >= 0 && noc_allocator_rule(a->matcher)->coupled; }

/* Flows of one router feel each other without a port in common: a batch waits for the last one, a diagonal moves
 * on. */
int noc_general_coupled(const struct noc_state *net)
{
    const struct noc_config *c = &net->c;
    return net->general &&
           (c->routing_delay > 1 || c->vc_alloc_delay > 1 || c->sw_alloc_delay > 1 || c->st_delay > 1 ||
            coupled(&c->vc_allocator) || coupled(&c->sw_allocator) || (c->speculative && coupled(&c->spec_allocator)));
}

/* A speedup of more binary places than this does not come to the same part of a step again. */
#define PLACES (1u << 20)

/* A speedup with too many binary places never comes to the same part of a step again. */
int noc_general_never_periodic(const struct noc_state *net)
{
    const double places = net->c.internal_speedup * PLACES;
    return net->general && places != (double)(uint64_t)places;
}

/* The part of a step left over when this cycle begins: speedup adds up from cycle 0 on, over idle cycles too. */
double noc_general_partial(struct noc_state *net)
{
    struct noc_general *g = net->general;
    if (!noc_general_never_periodic(net))
        return (double)(net->now % PLACES * (uint64_t)(net->c.internal_speedup * PLACES) % PLACES) / PLACES;
    for (; g->clock < net->now; g->clock++)
        for (g->partial += net->c.internal_speedup; g->partial >= 1.0;)
            g->partial -= 1.0;
    return g->partial;
}
