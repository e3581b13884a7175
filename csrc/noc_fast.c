/* noc_fast.c -- one cycle of separable-input-first round-robin routers with unit delays, as lists of events.
 *
 * There is no loop over routers: each stage walks one list of what is due or waiting. Within a cycle the order
 * credits, endpoints, arrivals, VC allocation, switch allocation is enough, because nothing a winner writes is read
 * by another in the same cycle: its flit arrives, and its credit is usable, cycles later, and the VCs that tails
 * free in switch allocation are asked for only by the next VC allocation.
 */
#include "noc_state.h"

#define INLINE static inline __attribute__((always_inline))
#define AHEAD 8   /* events to prefetch ahead */
#define FAR 512   /* routers from which on the state is larger than a second-level cache, and prefetching pays */

/* The arrays of the state as locals: stores of small integers alias everything, and members would be reloaded. */
struct view {
    struct noc_in *restrict in;
    struct noc_out *restrict out;
    struct noc_port *restrict port;
    struct noc_flit *restrict ring;
    struct noc_event *restrict flit_wheel;
    uint32_t *restrict credit_wheel, *restrict flit_n, *restrict credit_n, *restrict bid_vc;
    uint64_t *restrict bid_key;
    uint32_t *restrict sa_next;
    uint32_t sa_n;
    uint64_t now;
    uint32_t wheel_mask, flit_room, credit_room, vc_mask, port_mask, local, depth;
    int vb, both;
};

/* Route the head flit in front of `id` and let it wait for VC allocation. */
INLINE uint16_t route(struct noc_state *net, const struct view *w, uint32_t id, struct noc_flit *f, const int special)
{
    return (uint16_t)(noc_route(net, id >> w->both, (id >> w->vb) & w->port_mask, f, special) << w->vb);
}

INLINE void arrivals(struct noc_state *net, const struct view *w, const int R, const int special, const int far)
{
    const uint32_t slot = (uint32_t)w->now & w->wheel_mask, n = w->flit_n[slot];
    const struct noc_event *restrict event = w->flit_wheel + (size_t)slot * w->flit_room;
    struct noc_in *restrict const in = w->in;
    struct noc_list *const va = &net->va[(w->now + (R != 0)) % 3], *const sa = &net->sa[w->now & 1];
    uint32_t *restrict const va_at = va->at, *restrict const sa_at = sa->at, va_n = va->n, sa_n = sa->n;
    for (uint32_t i = 0; i < n; i++) {
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[event[i + AHEAD].vc], 1);
        const uint32_t id = event[i].vc;
        struct noc_in *v = &in[id];
        if (v->count) {
            const unsigned at = v->pos + v->count - 1u;
            w->ring[(size_t)id * w->depth + (at >= w->depth ? at - w->depth : at)] = event[i].flit;
            v->count++;
            continue;
        }
        struct noc_flit f = event[i].flit;
        v->count = 1;
        if (v->out & NOC_ACTIVE) {
            sa_at[sa_n++] = id;
        } else {
            v->out = route(net, w, id, &f, special);
            va_at[va_n++] = id;
        }
        v->front = f;
    }
    va->n = va_n;
    sa->n = sa_n;
    w->flit_n[slot] = 0;
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

/* Bring in the output port and VCs that an input VC wants; its own record must be there already. */
INLINE void fetch_output(const struct view *w, uint32_t id)
{
    const uint32_t o = (id & ~w->local) | (w->in[id].out & (NOC_ACTIVE - 1u));
    __builtin_prefetch(&w->out[o], 1);
    __builtin_prefetch(&w->port[o >> w->vb], 1);
}

INLINE void vc_allocation(struct noc_state *net, const struct view *w, const int special, const int far)
{
    struct noc_list *const list = &net->va[w->now % 3], *const next = &net->va[(w->now + 1) % 3];
    struct noc_list *const sa = &net->sa[(w->now + 1) & 1];
    struct noc_in *restrict const in = w->in;
    struct noc_out *restrict const out = w->out;
    struct noc_port *restrict const port = w->port;
    uint64_t *restrict const key = w->bid_key;
    uint32_t *restrict const bid = w->bid_vc, *restrict const at = list->at, *restrict const next_at = next->at;
    uint32_t *restrict const sa_at = sa->at, next_n = next->n, sa_n = sa->n;
    const int vb = w->vb, split = net->c.split;
    const uint32_t vc_mask = w->vc_mask, local = w->local, last_vc = (uint32_t)net->c.vcs - 1, n = list->n;
    const uint64_t tag = w->now << NOC_KEY_BITS;
    uint32_t bids = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t id = at[i];
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[at[i + AHEAD]], 1);
        if (far && i + AHEAD / 2 < n)
            fetch_output(w, at[i + AHEAD / 2]);
        const struct noc_in *v = &in[id];
        const uint32_t base = (id & ~local) | v->out, gp = base >> vb;
        const struct noc_port *p = &port[gp];
        const unsigned half = split && !p->seat ? 1 + ((v->front.bits & NOC_HALF) != 0) : 0;
        uint32_t mask = p->free_mask & net->range[half][id & vc_mask];
        if (special && (net->c.vc_busy_when_full | net->c.cut_through))
            mask = with_room(net, gp, mask, v->front.msg);
        if (!mask) {
            next_at[next_n++] = id;
            continue;
        }
        const unsigned first = (v->va_ptr & ~vc_mask) == v->out ? v->va_ptr & vc_mask : 0;
        const uint32_t after = mask & (~0u << first);
        const uint32_t o = base + (unsigned)__builtin_ctz(after ? after : mask);
        const uint64_t k = tag | (local - ((id - out[o].va_ptr) & local)), was = out[o].cell;
        out[o].cell = was < k ? k : was;
        key[bids] = k;
        bid[2 * bids] = id;
        bid[2 * bids++ + 1] = o;
    }
    list->n = 0;
    for (uint32_t i = 0; i < bids; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (out[o].cell != key[i]) {
            next_at[next_n++] = id;
            continue;
        }
        struct noc_in *v = &in[id];
        v->out = (uint16_t)((o & local) | NOC_ACTIVE);
        /* past the last VC the pointer names the next port: then the search starts low */
        v->va_ptr = (uint16_t)((o & vc_mask) == last_vc ? ((o & local) | vc_mask) + 1 : (o & local) + 1);
        out[o].va_ptr = (uint16_t)((id + 1) & local);
        port[o >> vb].free_mask &= ~(1u << (o & vc_mask));
        sa_at[sa_n++] = id;
    }
    next->n = next_n;
    sa->n = sa_n;
}

INLINE void put_credit(const struct view *w, uint32_t delay, uint32_t vc)
{
    const uint32_t slot = ((uint32_t)w->now + delay) & w->wheel_mask;
    w->credit_wheel[(size_t)slot * w->credit_room + w->credit_n[slot]++] = vc;
}

INLINE void put_flit(const struct view *w, uint32_t delay, uint32_t vc, struct noc_flit f)
{
    const uint32_t slot = ((uint32_t)w->now + delay) & w->wheel_mask;
    struct noc_event *e = &w->flit_wheel[(size_t)slot * w->flit_room + w->flit_n[slot]++];
    e->vc = vc;
    e->flit = f;
}

/* The front flit of `id` won the switch: it leaves its buffer and is on the wire. */
INLINE void traverse(struct noc_state *net, struct view *w, uint32_t id, uint32_t o, struct noc_list *va, const int special)
{
    struct noc_in *v = &w->in[id];
    const uint32_t vc_mask = w->vc_mask, port_mask = w->port_mask;
    struct noc_port *pi = &w->port[id >> w->vb], *po = &w->port[o >> w->vb];
    struct noc_out *out = &w->out[o];
    struct noc_flit f = v->front;
    const unsigned tail = f.bits & NOC_TAIL, left = v->count - 1u;
    out->credits--;
    out->flits++;
    if (special && net->c.flows)
        noc_flow_passed(net, o >> w->vb, f.msg);
    pi->in_ptr = (uint8_t)((((o >> w->vb) & port_mask) + 1) & port_mask);
    pi->offset = (uint8_t)(((id & vc_mask) + 1) & vc_mask);
    po->out_ptr = (uint8_t)((((id >> w->vb) & port_mask) + 1) & port_mask);
    if (special)
        po->free_at = w->now + po->interval;
    v->count = (uint16_t)left;
    put_credit(w, pi->credit_delay, pi->up + (id & vc_mask));
    f.bits = (uint16_t)(f.bits + NOC_HOP);
    if (!po->seat) {
        put_flit(w, po->flit_delay, po->dst + (o & vc_mask), f);
    } else {
        put_credit(w, po->seat_credit, o);
        net->ejected++;
        if (tail)
            noc_deliver(net, f.msg, f.bits >> 2, w->now + po->flit_delay);
    }
    if (left) {
        const unsigned pos = v->pos;
        v->front = w->ring[(size_t)id * w->depth + pos];
        v->pos = (uint16_t)(pos + 1 == w->depth ? 0 : pos + 1);
    }
    if (!tail) {
        w->sa_next[w->sa_n] = id;
        w->sa_n += left != 0;
        return;
    }
    if (special && net->c.wait_for_tail_credit)
        po->tail_sent |= 1u << (o & vc_mask);
    else
        po->free_mask |= 1u << (o & vc_mask);
    v->out = 0;
    if (left) {
        v->out = route(net, w, id, &v->front, special);
        va->at[va->n++] = id;
    }
}

INLINE void switch_allocation(struct noc_state *net, struct view *w, const int R, const int special, const int far)
{
    struct noc_list *const list = &net->sa[w->now & 1], *const next = &net->sa[(w->now + 1) & 1];
    struct noc_list *const va = &net->va[(w->now + 1 + (R != 0)) % 3];
    struct noc_in *restrict const in = w->in;
    struct noc_out *restrict const out = w->out;
    struct noc_port *restrict const port = w->port;
    uint64_t *restrict const key = w->bid_key;
    uint32_t *restrict const bid = w->bid_vc, *restrict const at = list->at, *restrict const next_at = next->at;
    const int vb = w->vb;
    const uint32_t vc_mask = w->vc_mask, local = w->local, port_mask = w->port_mask, n = list->n;
    const uint64_t tag = w->now << NOC_KEY_BITS;
    uint32_t bids = 0, wins = 0, next_n = next->n;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t id = at[i];
        if (far && i + AHEAD < n)
            __builtin_prefetch(&in[at[i + AHEAD]], 1);
        if (far && i + AHEAD / 2 < n) {
            fetch_output(w, at[i + AHEAD / 2]);
            __builtin_prefetch(&port[at[i + AHEAD / 2] >> vb], 1);
        }
        const uint32_t o = (id & ~local) | (in[id].out & (NOC_ACTIVE - 1));
        if (!out[o].credits || (special && port[o >> vb].free_at > w->now)) {
            net->stalls[o].credit++;
            next_at[next_n++] = id;
            continue;
        }
        struct noc_port *p = &port[id >> vb];
        const uint32_t to_port = ((o >> vb) - p->in_ptr) & port_mask, to_vc = (id - p->offset) & vc_mask;
        const uint64_t k = tag | (local - (to_port << vb | to_vc)), was = p->in_cell;
        p->in_cell = was < k ? k : was;
        key[bids] = k;
        bid[2 * bids] = id;
        bid[2 * bids++ + 1] = o;
    }
    list->n = 0;
    for (uint32_t i = 0; i < bids; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (port[id >> vb].in_cell != key[i]) {
            net->stalls[o].arbitration++;
            next_at[next_n++] = id;
            continue;
        }
        struct noc_port *p = &port[o >> vb];
        const uint64_t k = tag | (port_mask - (((id >> vb) - p->out_ptr) & port_mask)), was = p->out_cell;
        p->out_cell = was < k ? k : was;
        key[wins] = k;
        bid[2 * wins] = id;
        bid[2 * wins++ + 1] = o;
    }
    w->sa_next = next_at;
    w->sa_n = next_n;
    for (uint32_t i = 0; i < wins; i++) {
        const uint32_t id = bid[2 * i], o = bid[2 * i + 1];
        if (port[o >> vb].out_cell == key[i]) {
            traverse(net, w, id, o, va, special);
        } else {
            net->stalls[o].arbitration++;
            w->sa_next[w->sa_n++] = id;
        }
    }
    net->moved += wins;
    next->n = w->sa_n;
}

/* pb, vb: bits of port and VC numbers, constants where the caller knows them: shifts and masks then need no registers. */
INLINE void cycle(struct noc_state *net, const int R, const int special, const int far, const int pb, const int vb)
{
    struct view w = {
        .in = net->in, .out = net->out, .port = net->port, .ring = net->ring, .flit_wheel = net->flit_wheel,
        .credit_wheel = net->credit_wheel, .flit_n = net->flit_n, .credit_n = net->credit_n, .bid_vc = net->bid_vc,
        .bid_key = net->bid_key, .now = net->now, .wheel_mask = net->wheel_mask,
        .flit_room = net->flit_room, .credit_room = net->credit_room, .vc_mask = (1u << vb) - 1, .port_mask = (1u << pb) - 1,
        .local = (1u << (pb + vb)) - 1, .depth = (unsigned)net->c.vc_depth, .vb = vb, .both = pb + vb};
    arrivals(net, &w, R, special, far);
    vc_allocation(net, &w, special, far);
    switch_allocation(net, &w, R, special, far);
}

void noc_fast_cycle(struct noc_state *net)
{
    const int far = net->c.routers >= FAR;
    const int pb = net->port_bits, vb = net->vc_bits;
    if (net->special)
        cycle(net, net->c.routing_delay, 1, 0, pb, vb);
    else if (net->c.routing_delay && pb == 3 && vb == 2 && !net->c.split) /* a mesh of 5 ports with 3 or 4 VCs */
        far ? cycle(net, 1, 0, 1, 3, 2) : cycle(net, 1, 0, 0, 3, 2);
    else
        cycle(net, net->c.routing_delay, 0, far, pb, vb);
}
