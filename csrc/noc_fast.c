/* noc_fast.c -- one cycle of separable-input-first round-robin routers with unit delays, as lists of events.
 *
 * There is no loop over routers: each stage walks one list of what is due or waiting. Within a cycle the order
 * credits, endpoints, arrivals, VC allocation, switch allocation is enough, because nothing a winner writes is read
 * by another in the same cycle: its flit arrives, and its credit is usable, cycles later, and the VCs that tails
 * free in switch allocation are asked for only by the next VC allocation.
 */
#include "noc_state.h"

#define INLINE static inline __attribute__((always_inline))
#define AHEAD 8 /* events to prefetch ahead; worth it beyond the second-level cache only */

INLINE void arrivals(struct noc_state *net, const int R, const int special, const int far)
{
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask, n = net->flit_n[slot];
    const struct noc_event *event = net->flit_wheel + (size_t)slot * net->flit_room;
    struct noc_in *const in = net->in;
    const int vb = net->vc_bits;
    const unsigned port_mask = (1u << net->port_bits) - 1, depth = (unsigned)net->c.vc_depth;
    struct noc_list *const va = &net->va[(net->now + (R != 0)) % 3], *const sa = &net->sa[net->now & 1];
    for (uint32_t i = 0; i < n; i++) {
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[event[i + AHEAD].vc], 1);
        const uint32_t id = event[i].vc;
        struct noc_in *v = &in[id];
        if (v->count) {
            unsigned at = v->pos + v->count - 1u;
            net->ring[(size_t)id * depth + (at >= depth ? at - depth : at)] = event[i].flit;
            v->count++;
            continue;
        }
        v->front = event[i].flit;
        v->count = 1;
        if (v->out & NOC_ACTIVE) {
            sa->at[sa->n++] = id;
        } else {
            v->out = (uint16_t)(noc_route(net, noc_router_of(net, id), (id >> vb) & port_mask, &v->front, special) << vb);
            va->at[va->n++] = id;
        }
    }
    net->on_wire -= n;
    net->flit_n[slot] = 0;
}

/* VCs with room for what wants in: a credit (vc_busy_when_full), or a whole packet (cut-through). */
static uint32_t with_room(const struct noc_state *net, uint32_t port, uint32_t mask, uint32_t msg)
{
    uint32_t room = 0;
    unsigned need = net->c.vc_busy_when_full;
    if (net->c.cut_through && net->msg[msg].packet_flits > (int)need)
        need = (unsigned)net->msg[msg].packet_flits;
    for (int vc = 0; vc < net->c.vcs; vc++)
        if ((mask >> vc & 1) && net->out[((size_t)port << net->vc_bits) + (unsigned)vc].credits >= need)
            room |= 1u << vc;
    return room;
}

INLINE void vc_allocation(struct noc_state *net, const int special, const int far)
{
    struct noc_list *const list = &net->va[net->now % 3], *const next = &net->va[(net->now + 1) % 3];
    struct noc_list *const sa = &net->sa[(net->now + 1) & 1];
    struct noc_in *const in = net->in;
    struct noc_out *const out = net->out;
    struct noc_port *const port = net->port;
    uint64_t *const key = net->bid_key;
    uint32_t *const bid = net->bid_vc;
    const int vb = net->vc_bits, both = net->port_bits + vb;
    const uint32_t vc_mask = (1u << vb) - 1, local = (1u << both) - 1;
    const uint64_t tag = net->now << NOC_KEY_BITS;
    uint32_t bids = 0;
    for (uint32_t i = 0, n = list->n; i < n; i++) {
        const uint32_t id = list->at[i];
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[list->at[i + AHEAD]], 1);
        struct noc_in *v = &in[id];
        const uint32_t base = (id & ~local) | v->out, gp = base >> vb;
        const struct noc_port *p = &port[gp];
        const unsigned half = net->c.split && !p->seat ? 1 + ((v->front.bits & NOC_HALF) != 0) : 0;
        uint32_t mask = p->free_mask & net->range[half][id & vc_mask];
        if (special && (net->c.vc_busy_when_full | net->c.cut_through))
            mask = with_room(net, gp, mask, v->front.msg);
        if (!mask) {
            next->at[next->n++] = id;
            continue;
        }
        const unsigned first = (v->va_ptr & ~vc_mask) == v->out ? v->va_ptr & vc_mask : 0;
        const uint32_t after = mask & (~0u << first);
        const uint32_t o = base + (unsigned)__builtin_ctz(after ? after : mask);
        const uint64_t k = tag | (local - ((id - out[o].va_ptr) & local));
        if (out[o].cell < k)
            out[o].cell = k;
        key[bids] = k;
        bid[2 * bids] = id;
        bid[2 * bids++ + 1] = o;
    }
    list->n = 0;
    for (uint32_t i = 0; i < bids; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (out[o].cell != key[i]) {
            next->at[next->n++] = id;
            continue;
        }
        struct noc_in *v = &in[id];
        v->out = (uint16_t)((o & local) | NOC_ACTIVE);
        v->va_ptr = (uint16_t)((o & local) + 1); /* past the last VC it names another port: then the search starts low */
        if ((o & vc_mask) + 1 == (uint32_t)net->c.vcs)
            v->va_ptr = (uint16_t)(((o & local) | vc_mask) + 1);
        out[o].va_ptr = (uint16_t)(((id & local) + 1) & local);
        out[o].owner = id;
        port[o >> vb].free_mask &= ~(1u << (o & vc_mask));
        sa->at[sa->n++] = id;
    }
}

/* The front flit of `id` won the switch: it leaves its buffer and is on the wire. */
INLINE void traverse(struct noc_state *net, uint32_t id, uint32_t o, const int R, const int special)
{
    struct noc_in *v = &net->in[id];
    const int vb = net->vc_bits;
    const uint32_t vc_mask = (1u << vb) - 1, port_mask = (1u << net->port_bits) - 1;
    struct noc_port *pi = &net->port[id >> vb], *po = &net->port[o >> vb];
    struct noc_out *out = &net->out[o];
    struct noc_flit f = v->front;
    out->credits--;
    out->flits++;
    pi->in_ptr = (uint8_t)((((o >> vb) & port_mask) + 1) & port_mask);
    pi->offset = (uint8_t)(((id & vc_mask) + 1) & vc_mask);
    po->out_ptr = (uint8_t)((((id >> vb) & port_mask) + 1) & port_mask);
    if (special)
        po->free_at = net->now + po->interval;
    noc_put_credit(net, pi->credit_delay, pi->up + (id & vc_mask));
    f.bits = (uint16_t)(f.bits + NOC_HOP);
    if (!po->seat) {
        noc_put_flit(net, po->flit_delay, po->dst + (o & vc_mask), f, 0);
    } else {
        noc_put_credit(net, po->seat_credit, o);
        net->ejected++;
        if (f.bits & NOC_TAIL)
            noc_deliver(net, f.msg, f.bits >> 2, net->now + po->flit_delay);
    }
    if (--v->count) {
        const unsigned depth = (unsigned)net->c.vc_depth, pos = v->pos;
        v->front = net->ring[(size_t)id * depth + pos];
        v->pos = (uint16_t)(pos + 1 == depth ? 0 : pos + 1);
    }
    if (!(f.bits & NOC_TAIL)) {
        if (v->count) {
            struct noc_list *sa = &net->sa[(net->now + 1) & 1];
            sa->at[sa->n++] = id;
        }
        return;
    }
    if (special && net->c.wait_for_tail_credit)
        po->tail_sent |= 1u << (o & vc_mask);
    else
        po->free_mask |= 1u << (o & vc_mask);
    v->out = 0;
    if (v->count) {
        struct noc_list *va = &net->va[(net->now + 1 + (R != 0)) % 3];
        v->out = (uint16_t)(noc_route(net, noc_router_of(net, id), (id >> vb) & port_mask, &v->front, special) << vb);
        va->at[va->n++] = id;
    }
}

INLINE void switch_allocation(struct noc_state *net, const int R, const int special, const int far)
{
    struct noc_list *const list = &net->sa[net->now & 1], *const next = &net->sa[(net->now + 1) & 1];
    struct noc_in *const in = net->in;
    struct noc_out *const out = net->out;
    struct noc_port *const port = net->port;
    uint64_t *const key = net->bid_key;
    uint32_t *const bid = net->bid_vc;
    const int vb = net->vc_bits, both = net->port_bits + vb;
    const uint32_t vc_mask = (1u << vb) - 1, local = (1u << both) - 1, port_mask = (1u << net->port_bits) - 1;
    const uint64_t tag = net->now << NOC_KEY_BITS;
    uint32_t bids = 0, wins = 0;
    for (uint32_t i = 0, n = list->n; i < n; i++) {
        const uint32_t id = list->at[i];
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[list->at[i + AHEAD]], 1);
        const uint32_t o = (id & ~local) | (in[id].out & (NOC_ACTIVE - 1));
        if (!out[o].credits || (special && port[o >> vb].free_at > net->now)) {
            out[o].stalled_credit++;
            next->at[next->n++] = id;
            continue;
        }
        struct noc_port *p = &port[id >> vb];
        const uint32_t to_port = ((o >> vb) - p->in_ptr) & port_mask, to_vc = (id - p->offset) & vc_mask;
        const uint64_t k = tag | (local - (to_port << vb | to_vc));
        if (p->in_cell < k)
            p->in_cell = k;
        key[bids] = k;
        bid[2 * bids] = id;
        bid[2 * bids++ + 1] = o;
    }
    list->n = 0;
    for (uint32_t i = 0; i < bids; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (port[id >> vb].in_cell != key[i]) {
            out[o].stalled_arbitration++;
            next->at[next->n++] = id;
            continue;
        }
        struct noc_port *p = &port[o >> vb];
        const uint64_t k = tag | (port_mask - (((id >> vb) - p->out_ptr) & port_mask));
        if (p->out_cell < k)
            p->out_cell = k;
        key[wins] = k;
        bid[2 * wins] = id;
        bid[2 * wins++ + 1] = o;
    }
    for (uint32_t i = 0; i < wins; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (port[o >> vb].out_cell == key[i]) {
            traverse(net, id, o, R, special);
            net->moved++;
        } else {
            out[o].stalled_arbitration++;
            next->at[next->n++] = id;
        }
    }
}

INLINE void cycle(struct noc_state *net, const int R, const int special, const int far)
{
    arrivals(net, R, special, far);
    vc_allocation(net, special, far);
    switch_allocation(net, R, special, far);
}

void noc_fast_cycle(struct noc_state *net)
{
    const int far = net->c.routers > 1024;
    if (net->special)
        cycle(net, net->c.routing_delay, 1, 0);
    else if (net->c.routing_delay)
        far ? cycle(net, 1, 0, 1) : cycle(net, 1, 0, 0);
    else
        cycle(net, 0, 0, far);
}
