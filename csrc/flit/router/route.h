/* flit/router/route.h -- where a packet goes next, read from the routing table as it was folded. */
#ifndef NOC_ROUTE_H
#define NOC_ROUTE_H
#include "flit/state.h"

/* flit/router/route.c: 0, or NOC_NO_MEMORY */
int noc_fold_table(struct noc_state *net);
int noc_take_turns(struct noc_state *net, const uint8_t *turns);

/* Entry of the routing table, see NOC_ENTRY_PORT. */
static inline unsigned noc_entry(const struct noc_state *net, uint32_t router, uint32_t dst)
{
    if (!net->dimensions)
        return net->table[(size_t)router * net->columns + dst];
    for (int d = 0;; d++) {
        const unsigned entry = net->turn[d][(unsigned)(net->at[d][router] * net->radix[d]) + net->at[d][dst]];
        if (entry != NOC_ENTRY_HERE || d + 1 == net->dimensions)
            return entry == NOC_ENTRY_HERE ? net->here : entry;
    }
}

/* The same of one or two dimensions without datelines: VC 0 of the output port, of local numbering. */
static inline uint32_t noc_grid_route(const struct noc_state *net, uint32_t router, uint32_t dst)
{
    const uint32_t at = net->grid_from[router] + net->grid_to[dst], second = net->grid_route[at >> 16],
                   first = net->grid_route[at & 0xffff];
    return (first > second ? first : second) & ~NOC_FIRST_DIMENSION; /* no branch: it could not be predicted */
}

/* A random bit drawn from port, message and cycle, so the order of calls does not matter. */
static inline int noc_tie_break(const struct noc_state *net, uint32_t in_port, const struct noc_flit *f)
{
    uint64_t state = net->c.seed ^ net->now * 0xd1342543de82ef95u ^ (uint64_t)in_port << 40 ^ net->msg[f->msg].tag;
    return (int)(noc_random(&state) >> 63);
}

/* Is the direction in which a packet to `dst` enters a dimension chosen at random? */
static inline int noc_tie_is_random(const struct noc_state *net, uint32_t router, unsigned in_port, uint32_t dst)
{
    const unsigned entry = noc_entry(net, router, dst);
    const struct noc_output_port *out = noc_output_port(net, (router << net->port_bits) + (entry & NOC_ENTRY_PORT));
    return net->c.split && net->c.seed && (entry & NOC_ENTRY_TIE) && !out->terminal &&
           noc_output_port(net, (router << net->port_bits) + in_port)->dim != out->dim;
}

/* Output port of a head flit at input port `port` (local), its dateline half noted in the flit. */
static inline unsigned noc_route(struct noc_state *net, uint32_t router, unsigned in_port, struct noc_flit *f,
                                 int break_ties)
{
    unsigned entry = noc_entry(net, router, f->dst), port = entry & NOC_ENTRY_PORT;
    if (!net->c.split)
        return port;
    const struct noc_output_port *out = noc_output_port(net, (router << net->port_bits) + port);
    if (out->terminal)
        return port;
    if (noc_output_port(net, (router << net->port_bits) + in_port)->dim == out->dim)
        return in_port ^ 1;
    if (break_ties && (entry & NOC_ENTRY_TIE) && net->c.seed &&
        noc_tie_break(net, (router << net->port_bits) + in_port, f))
        port ^= 1;
    f->bits = (uint16_t)((f->bits & ~NOC_HALF) | (entry & NOC_ENTRY_HALF ? NOC_HALF : 0));
    return port;
}
#endif
