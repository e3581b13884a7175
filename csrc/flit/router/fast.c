/* flit/router/fast.c -- one cycle of separable-input-first round-robin routers with unit delays, as lists of events.
 *
 * There is no loop over routers: each stage walks one list of what is due or waiting. Within a cycle the order
 * credits, endpoints, arrivals, VC allocation, switch allocation is enough, because nothing a winner writes is read
 * by another in the same cycle: its flit arrives, and its credit is usable, cycles later, and the VCs that tails
 * free in switch allocation are requested only by the next VC allocation.
 *
 * A request that meets no other is granted where it stands. Each port counts the requests of a list that concern it,
 * from when they are put on the list; a request alone at its ports (output for a VC, input and output for the switch)
 * has no rival. The others are set aside and arbitrated when all have been seen. A count may be too large,
 * when some requester turns out to have no credit: then a request is arbitrated alone, and wins.
 */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("no-tree-slp-vectorize") /* pairs of numbers in registers would pass through a vector */
#endif
#include "flit/leaves.h"
#include "flit/router/fast_view.h"
#include "flit/router/router.h"

#define FAR 512 /* routers from which on the state is larger than a second-level cache, and prefetching pays */

/* Flits whose wire time is over. Behind others they queue in the ring; in front they request the switch, or as
 * heads a VC, in the list of the cycle in which routing is done. */
INLINE void arrivals(struct noc_state *net, const struct view *w, const int R, const int special, const int far,
                     const int plain)
{
    const uint32_t slot = (uint32_t)w->now & w->wheel_mask;
    struct noc_event *const first = noc_flits(net, slot);
    const struct noc_event *const end = w->flit_end[slot];
    const unsigned k = (unsigned)((w->now + (R != 0)) % 3);
    struct noc_list *const va = &net->va[k];
    struct noc_request *restrict const va_at = va->at;
    uint32_t va_n = va->n;
    for (const struct noc_event *restrict e = first; e < end; e++) {
        if (far)
            __builtin_prefetch(in_of(w, e[NOC_AHEAD].vc), 1);
        const uint32_t id = e->vc;
        struct noc_input_vc *v = in_of(w, id);
        if (v->count) {
            const unsigned at = v->pos + v->count - 1u;
            w->ring[(size_t)id * w->depth + (at >= w->depth ? at - w->depth : at)] = e->flit;
            v->count++;
            continue;
        }
        v->front = e->flit;
        v->count = 1;
        if (v->out & NOC_ACTIVE) {
            noc_request_switch(net, 0, id, output_of(w, id, v->out));
        } else {
            const uint32_t out = route(net, w, id, &v->front, special, plain), base = (id & ~w->local) | out;
            v->out = (uint16_t)out;
            va_at[va_n++] = (struct noc_request){id, base};
            port_of(w, base)->va_requests[k]++;
        }
    }
    va->n = va_n;
    w->flit_end[slot] = first;
}

/* VCs with room for what wants in: a credit (vc_busy_when_full), or a whole packet (cut-through). */
static uint32_t with_room(const struct noc_state *net, uint32_t port, uint32_t mask, uint32_t msg)
{
    uint32_t room = 0;
    unsigned need = (unsigned)net->c.vc_busy_when_full;
    if (net->c.cut_through && net->msg[msg].packet_flits > (int)need)
        need = (unsigned)net->msg[msg].packet_flits;
    for (int vc = 0; vc < net->c.vcs; vc++)
        if ((mask >> vc & 1) && noc_output_port(net, port)->vc[vc].credits >= need)
            room |= 1u << vc;
    return room;
}

/* Bring in what a request will touch. */
INLINE void fetch(const struct view *w, const struct noc_request *request)
{
    __builtin_prefetch(in_of(w, request->id), 1);
    __builtin_prefetch(port_of(w, request->out), 1);
}

/* VCs of output port `p` that the head of `id` may have now. */
INLINE uint32_t vcs_for(const struct noc_state *net, const struct view *w, const struct noc_output_port *p, uint32_t id,
                        uint32_t base, const int special, const int plain)
{
    if (plain)
        return p->free_mask;
    const struct noc_flit *f = &in_of(w, id)->front;
    const unsigned half = net->c.split && !p->terminal ? 1 + ((f->bits & NOC_HALF) != 0) : 0;
    const uint32_t mask = p->free_mask & net->range[half][id & w->vc_mask];
    return special && (net->c.vc_busy_when_full | net->c.cut_through) ? with_room(net, base >> w->vb, mask, f->msg)
                                                                      : mask;
}

/* The first of them after the one given last, if that was of the same port; else the lowest. */
INLINE uint32_t choose(const struct view *w, const struct noc_input_vc *v, uint32_t base, uint32_t mask)
{
    const uint32_t next = (v->va_next - base) & w->local, first = next <= w->vc_mask ? next : 0;
    return base + (((unsigned)__builtin_ctz(noc_rotated(mask, first)) + first) & 31);
}

/* `id` holds output VC `o` of port `p` from now on, and requests for the switch in the next cycle. */
INLINE void take(const struct view *w, struct noc_output_port *p, uint32_t id, uint32_t o, struct noc_request *next,
                 const unsigned s1)
{
    const uint32_t vc = o & w->vc_mask;
    struct noc_input_port *input_port = input_port_of(w, id);
    struct noc_input_vc *v = &input_port->vc[id & w->vc_mask];
    v->out = (uint16_t)((o & w->local) | NOC_ACTIVE);
    v->va_next = (uint16_t)((o & w->local) + 1);
    p->vc[vc].va_last = (uint16_t)id;
    p->free_mask ^= 1u << vc;
    *next = (struct noc_request){id, o};
    input_port->sa_requests[s1]++;
    p->sa_requests[s1]++;
}

/* Heads that want a VC. No free one: again in the next cycle. Alone at its port: granted on the spot. Else by
 * round-robin priority: all put in their key, and whose key is left has won. */
INLINE void vc_allocation(struct noc_state *net, const struct view *w, const int special, const int far,
                          const int plain)
{
    const unsigned k = (unsigned)(w->now % 3), k1 = (unsigned)((w->now + 1) % 3), s1 = (unsigned)(w->now + 1) & 1;
    struct noc_list *const list = &net->va[k], *const next = &net->va[k1], *const sa = &net->sa[s1];
    struct noc_request *restrict const at = list->at, *restrict const next_at = next->at,
                                       *restrict const sa_at = sa->at;
    struct noc_request *restrict const contested = w->contested;
    uint64_t *restrict const arbiter = net->va_arbiter;
    const uint32_t local = w->local, n = list->n;
    const uint64_t tag = w->now << NOC_KEY_BITS;
    uint32_t next_n = next->n, sa_n = sa->n, requests = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (far)
            fetch(w, &at[i + NOC_AHEAD]);
        const uint32_t id = at[i].id, base = at[i].out;
        struct noc_output_port *p = port_of(w, base);
        const uint32_t mask = vcs_for(net, w, p, id, base, special, plain);
        if (!mask) {
            p->va_requests[k]--;
            p->va_requests[k1]++;
            next_at[next_n++] = at[i];
            continue;
        }
        if (p->va_requests[k] != 1) {
            contested[requests++] = at[i];
            continue;
        }
        p->va_requests[k] = 0;
        take(w, p, id, choose(w, in_of(w, id), base, mask), &sa_at[sa_n++], s1);
    }
    list->n = 0;
    for (uint32_t i = 0; i < requests; i++) {
        const uint32_t id = contested[i].id, base = contested[i].out;
        struct noc_output_port *p = port_of(w, base);
        const uint32_t o = choose(w, in_of(w, id), base, vcs_for(net, w, p, id, base, special, plain));
        const uint64_t key = tag | (local - ((id - p->vc[o & w->vc_mask].va_last - 1u) & local)), was = arbiter[o];
        arbiter[o] = was < key ? key : was;
        w->key[i] = key;
        contested[i].out = o;
    }
    for (uint32_t i = 0; i < requests; i++) {
        const uint32_t id = contested[i].id, o = contested[i].out;
        struct noc_output_port *p = port_of(w, o);
        p->va_requests[k] = 0;
        if (arbiter[o] == w->key[i]) {
            take(w, p, id, o, &sa_at[sa_n++], s1);
        } else {
            p->va_requests[k1]++;
            next_at[next_n++] = (struct noc_request){id, o & ~w->vc_mask};
        }
    }
    next->n = next_n;
    sa->n = sa_n;
}

/* A buffer entry is free: the sender upstream learns of it `delay` cycles from now. */
INLINE void put_credit(const struct view *w, uint32_t delay, uint32_t vc)
{
    const uint32_t slot = ((uint32_t)w->now + delay) & w->wheel_mask;
    *w->credit_end[slot]++ = vc;
}

/* Whom a request for the switch is given to, and where those request who want it again. */
struct crossing {
    struct noc_request *restrict next, *restrict va;
    uint32_t n, va_n;
    unsigned s1, k; /* lists they are, by number */
};

/* The same request in the list of the next cycle, and counted at both ports. */
INLINE void request_again(struct crossing *x, struct noc_input_port *input_port, struct noc_output_port *p, uint32_t id,
                          uint32_t o)
{
    x->next[x->n++] = (struct noc_request){id, o};
    input_port->sa_requests[x->s1]++;
    p->sa_requests[x->s1]++;
}

/* What follows the flit that has left comes to the front of `id`. */
INLINE void advance(const struct view *w, struct noc_input_vc *v, uint32_t id)
{
    const unsigned pos = v->pos;
    v->front = w->ring[(size_t)id * w->depth + pos];
    v->pos = (uint16_t)(pos + 1 == w->depth ? 0 : pos + 1);
}

/* The front flit of `id` won the switch: it leaves its buffer and is on the wire. */
INLINE void traverse(struct noc_state *net, const struct view *w, struct crossing *x, struct noc_input_port *input_port,
                     struct noc_output_port *p, uint32_t id, uint32_t o, const int special, const int plain)
{
    const uint32_t in_vc = id & w->vc_mask, vc = o & w->vc_mask;
    struct noc_input_vc *v = &input_port->vc[in_vc];
    const unsigned tail = v->front.bits & NOC_TAIL;
    p->vc[vc].credits--;
    p->vc[vc].flits++;
    if (special && net->c.flows)
        noc_flow_passed(net, o >> w->vb, v->front.msg);
    input_port->out_last = (uint8_t)(o >> w->vb);
    input_port->vc_last = (uint8_t)id;
    p->in_last = (uint8_t)(id >> w->vb);
    if (special)
        net->free_at[o >> w->vb] = w->now + noc_grant_interval(net, o >> w->vb);
    put_credit(w, input_port->credit_delay, input_port->up + in_vc);
    const uint32_t on_wire = ((uint32_t)w->now + p->flit_delay) & w->wheel_mask;
    const uint32_t slot = on_wire > p->exit_list ? on_wire : p->exit_list; /* no branch: it could not be predicted */
    struct noc_event *e = w->flit_end[slot]++;
    e->vc = p->dst + vc;
    e->flit = v->front;
    e->flit.bits = (uint16_t)(e->flit.bits + NOC_HOP);
    v->count--;
    if (!tail) {
        if (v->count) {
            advance(w, v, id);
            request_again(x, input_port, p, id, o);
        }
        return;
    }
    if (special && net->c.wait_for_tail_credit)
        p->tail_sent |= 1u << vc;
    else
        p->free_mask |= 1u << vc;
    v->out = 0;
    if (v->count) {
        advance(w, v, id);
        const uint32_t to = route(net, w, id, &v->front, special, plain), base = (id & ~w->local) | to;
        v->out = (uint16_t)to;
        x->va[x->va_n++] = (struct noc_request){id, base};
        port_of(w, base)->va_requests[x->k]++;
    }
}

/* The requests set aside: each input takes one, each output one of those. How many had an input. */
INLINE uint32_t arbitrate(struct noc_state *net, const struct view *w, struct crossing *x, uint32_t requests,
                          const int special, const int plain)
{
    struct noc_request *restrict const request = w->contested;
    uint64_t *restrict const in_arbiter = net->in_arbiter, *restrict const out_arbiter = net->out_arbiter;
    const uint32_t vc_mask = w->vc_mask, port_mask = w->port_mask;
    const uint64_t tag = w->now << NOC_KEY_BITS;
    const int vb = w->vb;
    uint32_t wins = 0;
    for (uint32_t i = 0; i < requests; i++) {
        const uint32_t id = request[i].id, o = request[i].out;
        const struct noc_input_port *input_port = input_port_of(w, id);
        const uint32_t to_port = ((o >> vb) - input_port->out_last - 1u) & port_mask,
                       to_vc = (id - input_port->vc_last - 1u) & vc_mask;
        const uint64_t key = tag | (w->local - (to_port << vb | to_vc)), was = in_arbiter[id >> vb];
        in_arbiter[id >> vb] = was < key ? key : was;
        w->key[i] = key;
    }
    for (uint32_t i = 0; i < requests; i++) {
        const uint32_t id = request[i].id, o = request[i].out;
        struct noc_input_port *input_port = input_port_of(w, id);
        struct noc_output_port *p = port_of(w, o);
        input_port->sa_requests[x->s1 ^ 1] = p->sa_requests[x->s1 ^ 1] = 0;
        if (in_arbiter[id >> vb] != w->key[i]) {
            net->stalls[o].arbitration++;
            request_again(x, input_port, p, id, o);
            continue;
        }
        const uint64_t key = tag | (port_mask - (((id >> vb) - p->in_last - 1u) & port_mask)),
                       was = out_arbiter[o >> vb];
        out_arbiter[o >> vb] = was < key ? key : was;
        w->key[wins] = key;
        request[wins++] = (struct noc_request){id, o};
    }
    for (uint32_t i = 0; i < wins; i++) {
        const uint32_t id = request[i].id, o = request[i].out;
        if (out_arbiter[o >> vb] == w->key[i]) {
            traverse(net, w, x, input_port_of(w, id), port_of(w, o), id, o, special, plain);
        } else {
            net->stalls[o].arbitration++;
            request_again(x, input_port_of(w, id), port_of(w, o), id, o);
        }
    }
    return wins;
}

/* VCs that hold an output VC and have a flit. Without a credit: again. Alone at both ports: across. Else arbitrated
 * below. */
INLINE void switch_allocation(struct noc_state *net, const struct view *w, const int R, const int special,
                              const int far, const int plain)
{
    const unsigned s = (unsigned)w->now & 1, k = (unsigned)((w->now + 1 + (R != 0)) % 3);
    struct noc_list *const list = &net->sa[s], *const next = &net->sa[s ^ 1], *const va = &net->va[k];
    struct noc_request *restrict const at = list->at;
    struct crossing x = {next->at, va->at, next->n, va->n, s ^ 1, k};
    const uint32_t n = list->n;
    uint32_t requests = 0, stalled = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (far)
            fetch(w, &at[i + NOC_AHEAD]);
        const uint32_t id = at[i].id, o = at[i].out;
        struct noc_input_port *input_port = input_port_of(w, id);
        struct noc_output_port *p = port_of(w, o);
        if (!p->vc[o & w->vc_mask].credits || (special && net->free_at[o >> w->vb] > w->now)) {
            net->stalls[o].credit++;
            stalled++;
            input_port->sa_requests[s]--;
            p->sa_requests[s]--;
            request_again(&x, input_port, p, id, o);
        } else if (input_port->sa_requests[s] + p->sa_requests[s] != 2) {
            w->contested[requests++] = at[i];
        } else {
            input_port->sa_requests[s] = p->sa_requests[s] = 0;
            traverse(net, w, &x, input_port, p, id, o, special, plain);
        }
    }
    list->n = 0;
    net->moved += n - stalled - requests;
    net->moved += arbitrate(net, w, &x, requests, special, plain);
    next->n = x.n;
    va->n = x.va_n;
}

/* pb, vb: bits of port and VC numbers, constants where the caller knows them: shifts and masks then need no registers.
 * plain: one class, no datelines, dimension order in one or two dimensions. */
INLINE void cycle(struct noc_state *net, const int R, const int special, const int far, const int plain, const int pb,
                  const int vb, const size_t input_port_size, const size_t port_size)
{
    const struct view w = {.input_port = net->input_port,
                           .port = net->port,
                           .input_port_size = input_port_size,
                           .port_size = port_size,
                           .ring = net->ring,
                           .flit_end = net->flit_end,
                           .credit_end = net->credit_end,
                           .contested = net->contested,
                           .key = net->request_key,
                           .now = net->now,
                           .wheel_mask = net->wheel_mask,
                           .vc_mask = (1u << vb) - 1,
                           .port_mask = (1u << pb) - 1,
                           .local = (1u << (pb + vb)) - 1,
                           .depth = (unsigned)net->c.vc_depth,
                           .vb = vb,
                           .both = pb + vb};
    arrivals(net, &w, R, special, far, plain);
    vc_allocation(net, &w, special, far, plain);
    switch_allocation(net, &w, R, special, far, plain);
}

/* One body compiled for the few shapes that matter: what is constant in a shape needs no register and no branch. */
void noc_fast_cycle(struct noc_state *net)
{
    const int far = net->c.routers >= FAR, R = net->c.routing_delay;
    const int pb = net->port_bits, vb = net->vc_bits;
    const size_t input_port = net->input_port_size, port = net->port_size;
    if (net->special)
        cycle(net, R, 1, 0, 0, pb, vb, input_port, port);
    else if (!net->plain)
        cycle(net, R, 0, far, 0, pb, vb, input_port, port);
    else if (R != 1 || pb != 3 || vb != 2)
        cycle(net, R, 0, far, 1, pb, vb, input_port, port);
    else if (far) /* a mesh of 5 ports with 3 or 4 VCs */
        cycle(net, 1, 0, 1, 1, 3, 2, NOC_INPUT_PORT_SIZE(2), NOC_OUTPUT_PORT_SIZE(2));
    else
        cycle(net, 1, 0, 0, 1, 3, 2, NOC_INPUT_PORT_SIZE(2), NOC_OUTPUT_PORT_SIZE(2));
}
