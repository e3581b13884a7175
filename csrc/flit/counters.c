/* flit/counters.c -- what passed each link over time, and whose flits they were.
 *
 * Bins.  NOC_BINS a link at most: when they are full, neighbours are added and their width doubles. Counters are only
 *        read when a bin ends, so a flit pays nothing. Where cycles are skipped, one period is read at the places
 *        where bins end in it, and added once per repetition: the bins are those of stepping. Only ports with
 *        something behind them have bins, of 32 bits a counter until bins are so wide that these could overflow.
 * Flows. `flows` counters a link (Space-Saving): a new flow takes the place of the least and inherits its count as
 *        `over`. A flow with more than 1/flows of the flits is always there; flits - over <= true <= flits.
 */
#include "flit/image.h"
#include "flit/leaves.h"

#define FIRST_WIDTH 256
#define LAST_NARROW (1u << 23) /* cycles: a counter of a port grows by at most 32 VCs x 8 steps in each */
#define NO_ROW      UINT32_MAX

struct narrow { /* struct noc_counts */
    uint32_t flits, stalled_credit, stalled_arbitration;
};

struct noc_links {
    struct narrow *narrow;   /* [NOC_BINS][n_used], or NULL: then they are wide */
    struct noc_counts *wide; /* [NOC_BINS][n_used] */
    struct noc_counts *seen; /* [n_used]: counters when they were last read */
    struct noc_flow *flow;   /* [all_ports][flows] */
    uint32_t *used, n_used;  /* ports with something behind them: a row each */
    uint32_t *row;           /* [all_ports], or NO_ROW */
    uint64_t width;
};

/* By counter. */
static void add(struct noc_counts *to, const struct noc_counts *from)
{
    to->flits += from->flits;
    to->stalled_credit += from->stalled_credit;
    to->stalled_arbitration += from->stalled_arbitration;
}

/* Bin k of a row. */
static struct noc_counts bin(const struct noc_links *l, uint32_t row, size_t k)
{
    const size_t at = k * l->n_used + row;
    if (!l->narrow)
        return l->wide[at];
    const struct narrow n = l->narrow[at];
    return (struct noc_counts){n.flits, n.stalled_credit, n.stalled_arbitration};
}

/* The same, from now on. */
static void set_bin(struct noc_links *l, uint32_t row, size_t k, const struct noc_counts *c)
{
    const size_t at = k * l->n_used + row;
    if (l->narrow)
        l->narrow[at] =
            (struct narrow){(uint32_t)c->flits, (uint32_t)c->stalled_credit, (uint32_t)c->stalled_arbitration};
    else
        l->wide[at] = *c;
}

/* Counters that belong to bin k of a row. */
static void add_to_bin(struct noc_links *l, uint32_t row, size_t k, const struct noc_counts *c)
{
    struct noc_counts sum = bin(l, row, k);
    add(&sum, c);
    set_bin(l, row, k, &sum);
}

/* Bin k of a link; zeros where nothing is behind the port. */
struct noc_counts noc_links_bin(const struct noc_state *net, uint32_t gp, size_t k)
{
    const uint32_t row = net->links->row[gp];
    return row == NO_ROW ? (struct noc_counts){0, 0, 0} : bin(net->links, row, k);
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
    l->row = noc_keep(net, net->all_ports, sizeof *l->row);
    l->flow = noc_keep(net, flows, sizeof *l->flow);
    l->width = net->bin_end = FIRST_WIDTH;
    for (uint32_t gp = 0; l->row && gp < net->all_ports; gp++)
        l->row[gp] = noc_output_port(net, gp)->used ? l->n_used++ : NO_ROW;
    l->used = noc_keep(net, l->n_used, sizeof *l->used);
    l->seen = noc_keep(net, l->n_used, sizeof *l->seen);
    l->narrow = noc_keep(net, (size_t)l->n_used * NOC_BINS, sizeof *l->narrow);
    if (!l->row || !l->flow || !l->used || !l->seen || !l->narrow)
        return NOC_NO_MEMORY;
    for (uint32_t gp = 0; gp < net->all_ports; gp++)
        if (l->row[gp] != NO_ROW)
            l->used[l->row[gp]] = gp;
    for (size_t i = 0; i < flows; i++)
        l->flow[i].src = l->flow[i].dst = -1;
    return 0;
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
    struct noc_counts *const seen = &net->links->seen[net->links->row[gp]];
    const struct noc_counts sum = counted(net, gp), grown = minus(&sum, seen);
    *seen = sum;
    return grown;
}

/* Counters since the last reading belong to the bin that ends at bin_end. */
void noc_links_read(struct noc_state *net)
{
    struct noc_links *l = net->links;
    const size_t k = net->bin_end / l->width - 1;
    for (uint32_t i = 0; i < l->n_used; i++) {
        const struct noc_counts grown = growth(net, l->used[i]);
        add_to_bin(l, i, k, &grown);
    }
}

/* Bins are about to be wider than 32 bits can count; what they held stays where it is until the network is closed. */
static int to_wide(struct noc_state *net)
{
    struct noc_links *l = net->links;
    struct noc_counts *const wide = noc_keep(net, (size_t)l->n_used * NOC_BINS, sizeof *wide);
    if (!wide)
        return NOC_NO_MEMORY;
    for (uint32_t k = 0; k < NOC_BINS; k++)
        for (uint32_t i = 0; i < l->n_used; i++)
            wide[(size_t)k * l->n_used + i] = bin(l, i, k);
    l->wide = wide;
    l->narrow = NULL;
    return 0;
}

/* All bins are full: neighbours are added, and each is twice as wide. */
static int widen(struct noc_state *net)
{
    struct noc_links *l = net->links;
    const struct noc_counts none = {0, 0, 0};
    if (l->narrow && l->width >= LAST_NARROW && to_wide(net))
        return noc_fail(net, NOC_NO_MEMORY, "no memory for wide bins");
    for (uint32_t k = 0; k < NOC_BINS; k++)
        for (uint32_t i = 0; i < l->n_used; i++) {
            struct noc_counts both = none;
            if (k < NOC_BINS / 2) {
                const struct noc_counts second = bin(l, i, 2 * k + 1);
                both = bin(l, i, 2 * k);
                add(&both, &second);
            }
            set_bin(l, i, k, &both);
        }
    l->width *= 2;
    return 0;
}

/* Close the bin that has ended and stand at that of `now`, however long ago the last one ended. */
int noc_links_next_bin(struct noc_state *net)
{
    noc_links_read(net);
    int status = 0;
    while (!status && net->now / net->links->width >= NOC_BINS)
        status = widen(net);
    const uint64_t open = net->now / net->links->width; /* beyond the last one where they could not be widened */
    net->bin_end = (open < NOC_BINS ? open + 1 : NOC_BINS) * net->links->width;
    return status;
}

/* Bins with their width, counters when last read, and flows; see stages/image.h. */
void noc_links_image(struct noc_state *net, struct image *m)
{
    struct noc_links *l = net->links;
    uint64_t is_wide = !l->narrow;
    image_same(m, l->n_used);
    IMAGE_ONE(m, is_wide);
    if (is_wide && l->narrow && to_wide(net))
        m->bad = 1;
    image_need(m, is_wide == !l->narrow);
    IMAGE_ONE(m, l->width);
    image_need(m, l->width >= FIRST_WIDTH);
    if (l->narrow)
        IMAGE_ARRAY(m, l->narrow, (size_t)l->n_used * NOC_BINS);
    else
        IMAGE_ARRAY(m, l->wide, (size_t)l->n_used * NOC_BINS);
    IMAGE_ARRAY(m, l->seen, l->n_used);
    IMAGE_ARRAY(m, l->flow, (size_t)net->all_ports * (size_t)net->c.flows);
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
        add_to_bin(net->links, net->links->row[keys[i]], cycle / net->links->width, &grown);
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
            add_to_bin(l, l->row[keys[i]], ends[k] / l->width - 1, &own);
            before = upto;
        }
        add(&l->seen[l->row[keys[i]]], &before);
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
