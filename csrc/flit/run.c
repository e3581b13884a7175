/* flit/run.c -- the clock: one cycle after another, idle stretches at once, and the watchdog. */
#include "flit/state.h"

/* The shape of a port is a constant where the caller knows it. */
static inline void add_credits(struct noc_state *net, const uint32_t *vc, uint32_t n, const int vb,
                               const size_t port_size)
{
    char *const port = net->port;
    for (uint32_t i = 0; i < n; i++)
        ((struct noc_output_port *)(void *)(port + (vc[i] >> vb) * port_size))->vc[vc[i] & ((1u << vb) - 1)].credits++;
}

/* The same with VCs that are free only when their last credit is back. */
static void free_by_credits(struct noc_state *net, const uint32_t *vc, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct noc_output_port *p = noc_output_port(net, vc[i] >> net->vc_bits);
        uint32_t bit = 1u << (vc[i] & ((1u << net->vc_bits) - 1));
        if (++noc_output_vc(net, vc[i])->credits == net->c.vc_depth && (p->tail_sent & bit)) {
            p->free_mask |= bit;
            p->tail_sent &= ~bit;
        }
    }
}

static void credits(struct noc_state *net)
{
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask, n = net->credit_n[slot];
    const uint32_t *vc = net->credit_wheel + (size_t)slot * net->credit_room;
    if (net->c.wait_for_tail_credit)
        free_by_credits(net, vc, n);
    else if (net->vc_bits == 2)
        add_credits(net, vc, n, 2, NOC_OUTPUT_PORT_SIZE(2));
    else
        add_credits(net, vc, n, net->vc_bits, net->port_size);
    net->credit_n[slot] = 0;
}

void noc_one_cycle(struct noc_state *net)
{
    credits(net);
    if (net->traffic)
        noc_traffic_generate(net);
    noc_release_due(net);
    noc_inject(net);
    net->fast ? noc_fast_cycle(net) : noc_general_cycle(net);
    net->now++;
    if (!(++net->steps & 0x3ffffff)) /* a counter grows by at most 64 a cycle: before 32 bits are full */
        noc_flush(net);
}

/* Nothing moves by itself before this cycle. */
static uint64_t next_work(const struct noc_state *net)
{
    if (net->awake.n || net->va[0].n || net->va[1].n || net->va[2].n || net->sa[0].n || net->sa[1].n ||
        noc_general_busy(net))
        return net->now;
    uint64_t next = net->traffic ? noc_traffic_next(net) : UINT64_MAX;
    for (uint64_t t = net->now; t <= net->now + net->wheel_mask && t < next; t++)
        if (net->flit_n[t & net->wheel_mask] || net->credit_n[t & net->wheel_mask])
            next = t;
    if (net->later_n && net->later[0].ctime < next)
        next = net->later[0].ctime;
    if (net->skip && noc_skip_limit(net) < next)
        next = noc_skip_limit(net);
    return next < net->now ? net->now : next;
}

static int advance(struct noc_state *net, uint64_t until, int stop_on_arrival, int stop_when_empty)
{
    while (net->now < until) {
        uint64_t next = next_work(net);
        if (net->done_n && net->done[net->done_first].atime < next && stop_on_arrival)
            next = net->done[net->done_first].atime;
        if (next > net->now) {
            if (stop_when_empty && next == UINT64_MAX)
                break;
            next = next < until ? next : until;
            if (net->skip)
                noc_skip_idle(net, next - net->now);
            net->now = next;
            net->moved_at = net->now;
            if (net->now == until)
                break;
        }
        if (net->now >= net->bin_end)
            noc_links_next_bin(net);
        if (net->skip)
            noc_skip_look(net);
        uint64_t moved = net->moved;
        noc_one_cycle(net);
        if (net->moved != moved || (net->skip && noc_skip_limit(net) != UINT64_MAX))
            net->moved_at = net->now;
        else if (net->c.watchdog && net->pending && net->now - net->moved_at > (uint64_t)net->c.watchdog)
            return noc_fail(net, NOC_STUCK, "flits are in the network and none has moved");
        if (stop_on_arrival && net->done_n && net->done[net->done_first].atime < net->now)
            return 1;
    }
    return 0;
}

int noc_advance(struct noc_state *net, uint64_t until, int stop_on_arrival)
{
    return advance(net, until, stop_on_arrival, 0);
}

int noc_drain(struct noc_state *net, uint64_t until) { return advance(net, until, 0, 1); }

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

void noc_flush(struct noc_state *net)
{
    for (uint32_t gp = 0; gp < net->all_ports; gp++)
        noc_flush_port(net, gp);
}

void noc_count(struct noc_state *net, struct noc_counts *out)
{
    size_t n = 0;
    noc_settle(net);
    noc_flush(net);
    for (uint32_t p = 0; p < net->all_ports; p++) {
        if (p < net->router_ports && (p & ((1u << net->port_bits) - 1)) >= net->ports[p >> net->port_bits])
            continue;
        for (int vc = 0; vc < net->c.vcs; vc++)
            out[n++] = net->total[((size_t)p << net->vc_bits) + (unsigned)vc];
    }
}
