/* flit/traffic_run.c -- a whole run of synthetic traffic: warm-up, measurement, drain, and what is counted of it. */
#include "flit/leaves.h"
#include "flit/skip/skip.h"
#include "flit/traffic_state.h"

/* Sizes, weights, targets and load that no run can have. */
static int bad_config(const struct noc_state *net, const struct noc_traffic *c)
{
    for (int i = 0; i < c->sizes; i++)
        if (c->size[i] < 1 || !(c->size_weight[i] >= 0) || (net->c.cut_through && c->size[i] > net->c.vc_depth))
            return 1;
    for (int i = 0; i < c->targets; i++)
        if (c->target[i] < 0 || c->target[i] >= net->c.endpoints)
            return 1;
    return c->sizes < 1 || !(c->load >= 0 && c->load <= 1e6) ||
           (c->pattern == NOC_TARGETS && c->targets != net->c.endpoints) ||
           (c->pattern == NOC_HOT_SPOT && c->targets < 1) || (c->pattern == NOC_ASYMMETRIC && net->c.endpoints < 2);
}

/* Flits that have left routers, of all ports and VCs. */
static uint64_t router_flits(struct noc_state *net)
{
    uint64_t sum = 0;
    noc_flush(net);
    for (size_t o = 0; o < (size_t)net->router_ports << net->vc_bits; o++)
        sum += net->total[o].flits;
    return sum;
}

/* Flits that an endpoint has taken. */
static uint64_t ejected_by(const struct noc_state *net, int e)
{
    uint64_t sum = 0;
    const uint32_t at = noc_output_port(net, net->router_ports + (uint32_t)e)->dst;
    for (int vc = 0; vc < net->c.vcs; vc++)
        sum += net->total[at + (unsigned)vc].flits + noc_output_vc(net, at + (unsigned)vc)->flits;
    return sum;
}

/* Drain: sources go on until every measured packet is there, or the limit says the network is saturated. */
static int drain(struct noc_state *net, struct noc_traffic_state *t)
{
    const uint64_t end = t->c.warmup + t->c.cycles, limit = end + t->c.drain_limit;
    int status = 0;
    while (t->outstanding && net->now < limit && !status && !t->failed)
        status = noc_advance(net, net->now + 64 < limit ? net->now + 64 : limit, 0);
    t->r.saturated = t->outstanding != 0;
    t->stopped = 1;
    if (!t->r.saturated && !status && t->c.empty)
        status = noc_drain(net, limit);
    return status;
}

/* Skipping is off meanwhile, as random traffic has no period. Counters are read at the borders of the phases. */
int noc_run_traffic(struct noc_state *net, const struct noc_traffic *c, struct noc_traffic_result *result,
                    uint64_t *bins, uint64_t *ejected)
{
    if (net->traffic || bad_config(net, c))
        return noc_fail(net, NOC_BAD_CONFIG, "traffic: a size, weight, load or destination is out of range");
    struct noc_traffic_state *t = noc_traffic_open(net, c, bins);
    if (!t)
        return noc_fail(net, NOC_NO_MEMORY, "no memory for traffic");
    const int skips = net->skip != NULL; /* random traffic has no period */
    noc_unpark_all(net);
    noc_skip_close(net);
    const uint64_t flits_before = router_flits(net), begin = net->now;
    t->c.warmup += begin;
    int status = noc_advance(net, t->c.warmup, 0);
    for (int e = 0; e < t->endpoints; e++)
        ejected[e] = ejected_by(net, e);
    const uint64_t accepted = net->ejected, injected = net->injected;
    if (!status)
        status = noc_advance(net, t->c.warmup + t->c.cycles, 0);
    t->r.accepted_flits = net->ejected - accepted;
    t->r.injected_flits = net->injected - injected;
    for (int e = 0; e < t->endpoints; e++)
        ejected[e] = ejected_by(net, e) - ejected[e];
    if (!status)
        status = drain(net, t);
    if (t->failed)
        status = noc_fail(net, NOC_NO_MEMORY, "no memory for the packets of the traffic");
    t->r.cycles = net->now - begin;
    t->r.flit_hops = router_flits(net) - flits_before;
    t->r.all_packets = t->arrived;
    *result = t->r;
    noc_traffic_close(net);
    if (skips && !net->pending && noc_skip_open(net))
        noc_skip_close(net);
    return status;
}
