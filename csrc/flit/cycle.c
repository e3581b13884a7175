/* flit/cycle.c -- one cycle of the whole network, in the order that every part relies on:
 *
 *     credits --> synthetic traffic, messages whose time has come --> injection --> routers --> departures
 *
 * Credits that are back and messages that are due count in the same cycle: injection and routers read them. What
 * routers and injection write, flits and credits on wires, is read in a later cycle. One list is not: departures, the
 * flits that routers sent out of the network in this cycle. They are delivered here, so that routers need not know
 * endpoints.
 */
#include "flit/cycle.h"
#include "flit/leaves.h"
#include "flit/router/router.h"
#include "flit/source.h"
#include "flit/traffic_state.h"
#include "flit/trail.h"

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

/* Credits that have come back in this cycle. They arrive before anything is decided, as in BookSim 2. */
static void credits(struct noc_state *net)
{
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask;
    uint32_t *const vc = noc_credits(net, slot);
    const uint32_t n = (uint32_t)(net->credit_end[slot] - vc);
    if (net->c.wait_for_tail_credit)
        free_by_credits(net, vc, n);
    else if (net->vc_bits == 2)
        add_credits(net, vc, n, 2, NOC_OUTPUT_PORT_SIZE(2));
    else
        add_credits(net, vc, n, net->vc_bits, net->port_size);
    net->credit_end[slot] = vc;
}

/* Flits that crossed to an endpoint: it takes them when they arrive, and their credits are known now. `left` cycles
 * have passed since the switch was granted. */
NOC_INLINE void departures(struct noc_state *net, uint32_t left, const int synthetic, const int uneven)
{
    const uint32_t list = net->wheel_mask + 1;
    struct noc_event *const event = noc_flits(net, list);
    const struct noc_event *const end = net->flit_end[list];
    const uint32_t delay = net->terminal_delay - left, credit = net->terminal_credit - left;
    const uint64_t now = net->now;
    for (const struct noc_event *e = event; e < end; e++) {
        const struct noc_flit f = e->flit;
        uint32_t more = 0; /* than the nearest terminal takes */
        if (uneven)
            more = noc_output_port(net, e->vc >> net->vc_bits)->flit_delay - net->terminal_delay;
        noc_put_credit(net, credit + 2 * more, e->vc);
        if (!(f.bits & NOC_TAIL))
            continue;
        if (synthetic)
            noc_traffic_arrived(net, f.msg, f.bits >> 2, now + delay + more);
        else
            noc_deliver(net, f.msg, f.bits >> 2, now + delay + more);
    }
    net->ejected += (uint64_t)(end - event);
    net->flit_end[list] = event;
}

/* The order is that of the head of this file; the counters are added up before 32 bits could overflow. */
void noc_one_cycle(struct noc_state *net)
{
    credits(net);
    if (net->traffic)
        noc_traffic_generate(net);
    noc_release_due(net);
    noc_inject(net);
    if (net->trail)
        noc_trail_arrivals(net);
    if (net->fast)
        noc_fast_cycle(net);
    else
        noc_general_cycle(net);
    const uint32_t left = net->fast ? 0 : (uint32_t)net->c.st_delay;
    if (net->uneven)
        departures(net, left, net->traffic != NULL, 1);
    else if (net->traffic)
        departures(net, left, 1, 0);
    else
        departures(net, left, 0, 0);
    net->now++;
    if (!(++net->steps & 0x3ffffff)) /* a counter grows by at most 64 a cycle: before 32 bits are full */
        noc_flush(net);
}
