/* flit/cycle.c -- one cycle of the whole network, in the order that every part relies on:
 *
 *     credits --> synthetic traffic, messages whose time has come --> injection --> routers --> departures
 *
 * Nothing that one of them writes is read by another in the same cycle, but for the list of departures: flits that the
 * routers sent out of the network in this cycle. They are delivered here, so that routers need not know endpoints.
 */
#include "flit/cycle.h"
#include "flit/leaves.h"
#include "flit/router/router.h"
#include "flit/source.h"
#include "flit/traffic_state.h"

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

/* Flits that crossed to an endpoint: it takes them when they arrive, and their credits are known now. `left` cycles
 * have passed since the switch was granted. */
static void departures(struct noc_state *net, uint32_t left)
{
    const uint32_t list = net->wheel_mask + 1, n = net->flit_n[list];
    const struct noc_event *event = net->flit_wheel + (size_t)list * net->flit_room;
    for (uint32_t i = 0; i < n; i++) {
        const struct noc_flit f = event[i].flit;
        uint32_t more = 0; /* than the nearest terminal takes */
        if (net->uneven)
            more = noc_output_port(net, event[i].vc >> net->vc_bits)->flit_delay - net->terminal_delay;
        const uint64_t arrival = net->now + net->terminal_delay + more - left;
        noc_put_credit(net, net->terminal_credit + 2 * more - left, event[i].vc);
        if (!(f.bits & NOC_TAIL))
            continue;
        if (net->traffic)
            noc_traffic_arrived(net, f.msg, f.bits >> 2, arrival);
        else
            noc_deliver(net, f.msg, f.bits >> 2, arrival);
    }
    net->ejected += n;
    net->flit_n[list] = 0;
}

/* The order is that of the head of this file; the counters are added up before 32 bits could overflow. */
void noc_one_cycle(struct noc_state *net)
{
    credits(net);
    if (net->traffic)
        noc_traffic_generate(net);
    noc_release_due(net);
    noc_inject(net);
    if (net->fast)
        noc_fast_cycle(net);
    else
        noc_general_cycle(net);
    departures(net, net->fast ? 0 : (uint32_t)net->c.st_delay);
    net->now++;
    if (!(++net->steps & 0x3ffffff)) /* a counter grows by at most 64 a cycle: before 32 bits are full */
        noc_flush(net);
}
