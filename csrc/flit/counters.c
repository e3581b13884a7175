/* flit/counters.c -- what passed each link over time, and whose flits they were.
 *
 * Bins.  NOC_BINS a link at most: when they are full, neighbours are added and their width doubles. Counters are only
 *        read when a bin ends, so a flit pays nothing. Where cycles are skipped, one period is read at the places
 *        where bins end in it, and added once per repetition: the bins are those of stepping.
 * Flows. `flows` counters a link (Space-Saving): a new flow takes the place of the least and inherits its count as
 *        `over`. A flow with more than 1/flows of the flits is always there; flits - over <= true <= flits.
 */
#include "flit/leaves.h"

#include <string.h>

#define FIRST_WIDTH 256

struct noc_links {
    struct noc_counts *bin;  /* [NOC_BINS][all_ports] */
    struct noc_counts *seen; /* [all_ports]: counters when they were last read */
    struct noc_flow *flow;   /* [all_ports][flows] */
    uint32_t *used, n_used;  /* ports with something behind them */
    uint64_t width;
};

/* Bin k of a link. */
struct noc_counts *noc_links_bin(const struct noc_state *net, uint32_t gp, size_t k)
{
    return &net->links->bin[k * net->all_ports + gp];
}

/* Width of a bin in cycles. */
uint64_t noc_links_width(const struct noc_state *net) { return net->links->width; }

/* Bins, counters when last read, and flows for every port with something behind it. */
int noc_links_open(struct noc_state *net)
{
    struct noc_links *l = net->links = noc_keep(net, 1, sizeof *l);
    if (!l)
        return NOC_NO_MEMORY;
    const size_t flows = (size_t)net->all_ports * (size_t)net->c.flows;
    l->bin = noc_keep(net, (size_t)net->all_ports * NOC_BINS, sizeof *l->bin);
    l->seen = noc_keep(net, net->all_ports, sizeof *l->seen);
    l->flow = noc_keep(net, flows, sizeof *l->flow);
    l->used = noc_keep(net, net->all_ports, sizeof *l->used);
    l->width = net->bin_end = FIRST_WIDTH;
    for (uint32_t gp = 0; l->used && gp < net->all_ports; gp++)
        if (noc_output_port(net, gp)->used)
            l->used[l->n_used++] = gp;
    for (size_t i = 0; l->flow && i < flows; i++)
        l->flow[i].src = l->flow[i].dst = -1;
    return l->bin && l->seen && l->flow && l->used ? 0 : NOC_NO_MEMORY;
}

/* By counter. */
static struct noc_counts minus(const struct noc_counts *a, const struct noc_counts *b)
{
    return (struct noc_counts){a->flits - b->flits, a->stalled_credit - b->stalled_credit,
                               a->stalled_arbitration - b->stalled_arbitration};
}

/* Counters of a port, all VCs together. */
static struct noc_counts counted(const struct noc_state *net, uint32_t gp)
{
    const struct noc_output_vc *out = noc_output_port(net, gp)->vc;
    const struct noc_counts *total = &net->total[(size_t)gp << net->vc_bits];
    const struct noc_stalls *stalls = &net->stalls[(size_t)gp << net->vc_bits];
    struct noc_counts sum = {0, 0, 0};
    for (int vc = 0; vc < net->c.vcs; vc++) {
        sum.flits += total[vc].flits + out[vc].flits;
        sum.stalled_credit += total[vc].stalled_credit + stalls[vc].credit;
        sum.stalled_arbitration += total[vc].stalled_arbitration + stalls[vc].arbitration;
    }
    return sum;
}

/* What they have grown by since they were last read. */
static struct noc_counts growth(const struct noc_state *net, uint32_t gp)
{
    const struct noc_counts sum = counted(net, gp), grown = minus(&sum, &net->links->seen[gp]);
    net->links->seen[gp] = sum;
    return grown;
}

/* By counter. */
static void add(struct noc_counts *to, const struct noc_counts *from)
{
    to->flits += from->flits;
    to->stalled_credit += from->stalled_credit;
    to->stalled_arbitration += from->stalled_arbitration;
}

/* Counters since the last reading belong to the bin that ends at bin_end. */
void noc_links_read(struct noc_state *net)
{
    struct noc_links *l = net->links;
    const size_t k = net->bin_end / l->width - 1;
    for (uint32_t i = 0; i < l->n_used; i++) {
        const struct noc_counts grown = growth(net, l->used[i]);
        add(noc_links_bin(net, l->used[i], k), &grown);
    }
}

/* All bins are full: neighbours are added, and each is twice as wide. */
static void widen(struct noc_state *net)
{
    struct noc_links *l = net->links;
    const size_t row = (size_t)net->all_ports;
    for (uint32_t k = 0; k < NOC_BINS / 2; k++)
        for (uint32_t i = 0; i < l->n_used; i++) {
            *noc_links_bin(net, l->used[i], k) = *noc_links_bin(net, l->used[i], 2 * k);
            add(noc_links_bin(net, l->used[i], k), noc_links_bin(net, l->used[i], 2 * k + 1));
        }
    memset(l->bin + NOC_BINS / 2 * row, 0, NOC_BINS / 2 * row * sizeof *l->bin);
    l->width *= 2;
}

/* The bin of the cycle that comes next. */
static void next_bin(struct noc_state *net)
{
    while (net->now / net->links->width >= NOC_BINS)
        widen(net);
    net->bin_end = (net->now / net->links->width + 1) * net->links->width;
}

/* Close the bin that has ended and stand at that of `now`, however long ago the last one ended. */
void noc_links_next_bin(struct noc_state *net)
{
    noc_links_read(net);
    next_bin(net);
}

/* ---- for groups that leave the clock (flit/skip/park.c) */

/* Cycles at which a bin ends, in (from, to]; at most NOC_BINS. */
uint32_t noc_links_ends(const struct noc_state *net, uint64_t from, uint64_t to, uint64_t *ends)
{
    const uint64_t width = net->links->width;
    uint32_t n = 0;
    for (uint64_t end = (from / width + 1) * width; end <= to && n < NOC_BINS; end += width)
        ends[n++] = end;
    return n;
}

/* Counters of some links, all VCs together. */
void noc_links_sum(const struct noc_state *net, const uint32_t *keys, uint32_t n, struct noc_counts *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = counted(net, keys[i]);
}

/* What some ports' counters have grown by since they were last read belongs to the bin of `cycle`. */
void noc_links_read_some(struct noc_state *net, const uint32_t *keys, uint32_t n, uint64_t cycle)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct noc_counts grown = growth(net, keys[i]);
        add(noc_links_bin(net, keys[i], cycle / net->links->width), &grown);
    }
}

/* Periods from cycle `from` on, added to the bins that end in them. growth: [VCs], of one period; snap: [NOC_BINS +
 * 1][n], counters at each of the ends, within one period, and (last) at its beginning. */
void noc_links_repeat(struct noc_state *net, const uint32_t *keys, uint32_t n, const uint64_t *ends, uint32_t n_ends,
                      uint64_t from, uint64_t period, const struct noc_counts *growth, const struct noc_counts *snap)
{
    struct noc_links *l = net->links;
    for (uint32_t i = 0; i < n; i++) {
        struct noc_counts whole = {0, 0, 0}, before = {0, 0, 0};
        for (int vc = 0; vc < net->c.vcs; vc++)
            add(&whole, &growth[((size_t)keys[i] << net->vc_bits) + (unsigned)vc]);
        for (uint32_t k = 0; k < n_ends; k++) {
            const uint64_t times = (ends[k] - from) / period;
            struct noc_counts upto = minus(&snap[(size_t)k * n + i], &snap[(size_t)NOC_BINS * n + i]);
            upto.flits += times * whole.flits;
            upto.stalled_credit += times * whole.stalled_credit;
            upto.stalled_arbitration += times * whole.stalled_arbitration;
            const struct noc_counts own = minus(&upto, &before);
            add(noc_links_bin(net, keys[i], ends[k] / l->width - 1), &own);
            before = upto;
        }
        add(&l->seen[keys[i]], &before);
    }
}

/* One flit of a message has left by a port: counted for its pair of endpoints (Space-Saving, see the head of this
 * file). */
void noc_flow_passed(struct noc_state *net, uint32_t gp, uint32_t msg)
{
    struct noc_flow *flow = noc_flows_of(net, gp), *least = flow;
    const int32_t src = net->msg[msg].src, dst = net->msg[msg].dst;
    for (int k = 0; k < net->c.flows; k++) {
        if (flow[k].src == src && flow[k].dst == dst) {
            flow[k].flits++;
            return;
        }
        least = flow[k].flits < least->flits ? &flow[k] : least;
    }
    *least = (struct noc_flow){src, dst, least->flits + 1, least->flits};
}

/* The flows kept for a link. */
struct noc_flow *noc_flows_of(const struct noc_state *net, uint32_t gp)
{
    return &net->links->flow[(size_t)gp * (size_t)net->c.flows];
}

/* Counters of 32 bits are added up in time. */
void noc_flush_port(struct noc_state *net, uint32_t gp)
{
    for (size_t o = (size_t)gp << net->vc_bits; o < ((size_t)gp + 1) << net->vc_bits; o++) {
        net->total[o].flits += noc_output_vc(net, o)->flits;
        net->total[o].stalled_credit += net->stalls[o].credit;
        net->total[o].stalled_arbitration += net->stalls[o].arbitration;
        noc_output_vc(net, o)->flits = 0;
        net->stalls[o] = (struct noc_stalls){0, 0};
    }
}

/* All ports: see noc_flush_port(). */
void noc_flush(struct noc_state *net)
{
    for (uint32_t gp = 0; gp < net->all_ports; gp++)
        noc_flush_port(net, gp);
}
