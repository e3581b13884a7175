/* flit/read.c -- counters, bins and flows as of now: parked groups are settled first, then the counters are read. */
#include "flit/leaves.h"
#include "flit/skip/skip.h"
#include "flit/skip/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Is there such a port? Numbers are padded to a power of two a router. */
static int is_port(const struct noc_state *net, uint32_t gp)
{
    return gp >= net->router_ports || (gp & ((1u << net->port_bits) - 1)) < net->ports[gp >> net->port_bits];
}

/* Settled, then flushed: totals of all VCs in the order that flit.h says. */
void noc_count(struct noc_state *net, struct noc_counts *out)
{
    size_t n = 0;
    noc_settle(net);
    noc_flush(net);
    for (uint32_t p = 0; p < net->all_ports; p++) {
        for (int vc = 0; is_port(net, p) && vc < net->c.vcs; vc++)
            out[n++] = net->total[((size_t)p << net->vc_bits) + (unsigned)vc];
    }
}

/* The open bin is closed first, so that all flits so far are in one. */
uint64_t noc_bins(struct noc_state *net, struct noc_counts *out)
{
    noc_settle(net);
    noc_links_next_bin(net);
    for (uint32_t gp = 0; gp < net->all_ports; gp++)
        for (size_t k = 0; is_port(net, gp) && k < NOC_BINS; k++)
            *out++ = noc_links_bin(net, gp, k);
    return noc_links_width(net);
}

/* Flows of every port, as they are kept. */
void noc_flows(struct noc_state *net, struct noc_flow *out)
{
    noc_settle(net);
    const size_t flows = (size_t)net->c.flows;
    for (uint32_t gp = 0; gp < net->all_ports; gp++)
        if (is_port(net, gp)) {
            memcpy(out, noc_flows_of(net, gp), flows * sizeof *out);
            out += flows;
        }
}

/* FNV-1a over a snapshot of everything: the same digest, the same future. 0 without memory. */
uint64_t noc_digest(struct noc_state *net)
{
    noc_unpark_all(net);
    uint64_t *scratch = calloc(noc_longest_list(net), sizeof *scratch), hash = 1469598103934665603u, none;
    const size_t n = scratch ? noc_snapshot_all(net, &none, 0, scratch) : 0;
    uint64_t *state = n ? malloc(n * sizeof *state) : NULL;
    if (state)
        noc_snapshot_all(net, state, n, scratch);
    for (size_t i = 0; state && i < n; i++)
        hash = (hash ^ state[i]) * 1099511628211u;
    free(state);
    free(scratch);
    return state ? hash : 0;
}
