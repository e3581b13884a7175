/* flit/router/general.c -- the general router: what arrives, what each step changes, and what leaves.
 *
 * Every option of BookSim 2's input-queued router, one router after another. A step has two halves, as there: first
 * every stage evaluates the state as it is (allocate.c), then every stage updates it. A stage with a delay works in
 * batches: what it has begun it finishes before it takes more.
 *
 *     receive --> accept --> RC --> VA --> SA --> crossbar --> output queue --> send
 *
 * Compare chipweave/plain/noc_router.py, the slow twin with the same rules, under the same tests. */
#include "flit/leaves.h"
#include "flit/router/general_state.h"
#include "flit/router/route.h"
#include "flit/router/router.h"

#define LOCAL(net, id)   ((id) & ((1u << ((net)->port_bits + (net)->vc_bits)) - 1))
#define VC_OF(net, id)   ((id) & ((1u << (net)->vc_bits) - 1))
#define PORT_OF(net, id) (((id) >> (net)->vc_bits) & ((1u << (net)->port_bits) - 1))

/* Routers with anything to do; 0 lets the clock jump. */
uint64_t noc_general_busy(const struct noc_state *net) { return net->general ? net->general->active_n : 0; }

/* A routed head waits for VC allocation; under speculation it waits for the switch as well, and with piggyback
 * allocation for that alone. */
static void wants_vc(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    net->general->vc[id].state = VC_WANTS_VC;
    if (net->c.speculative)
        rt->sa.waiting[rt->sa.nw++] = id;
    if (net->c.vc_allocator.matcher != NOC_PIGGYBACK)
        rt->va.waiting[rt->va.nw++] = id;
}

/* Where the head in front goes: its output port, VC 0. */
static void take_route(struct noc_state *net, uint32_t id)
{
    struct noc_input_vc *v = noc_input_vc(net, id);
    v->out = (uint16_t)(noc_route(net, noc_router_of(net, id), PORT_OF(net, id), &v->front, 1) << net->vc_bits);
}

/* A head flit has come to the front of `id`. */
static void new_head(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    if (net->c.routing_delay) {
        net->general->vc[id].state = VC_ROUTING;
        rt->rc.waiting[rt->rc.nw++] = id;
        return;
    }
    take_route(net, id);
    wants_vc(net, rt, id);
}

/* A flit has arrived: it queues, or it is in front and its VC wants something. */
static void accept(struct noc_state *net, struct noc_router *rt, const struct noc_event *e)
{
    const unsigned depth = (unsigned)net->c.vc_depth;
    struct noc_input_vc *v = noc_input_vc(net, e->vc);
    if (v->count) {
        const unsigned end = v->pos + v->count - 1u, at = end >= depth ? end - depth : end;
        net->ring[(size_t)e->vc * depth + at] = e->flit;
        net->stamp_ring[(size_t)e->vc * depth + at] = e->stamp;
        v->count++;
        return;
    }
    v->front = e->flit;
    net->stamp_front[e->vc] = e->stamp;
    v->count = 1;
    if (net->general->vc[e->vc].state == VC_IDLE) {
        new_head(net, rt, e->vc);
    } else {
        const int i = (int)PORT_OF(net, e->vc) * net->c.input_speedup + (int)VC_OF(net, e->vc) % net->c.input_speedup;
        struct noc_stage *s = rt->held_vc[i] == (int32_t)e->vc ? &rt->hold : &rt->sa;
        s->waiting[s->nw++] = e->vc;
    }
}

/* The front flit of `id` leaves its buffer: a credit goes back, one is used, and the crossbar has it. Its bits. */
static unsigned move(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    struct noc_input_vc *v = noc_input_vc(net, id);
    const uint32_t o = id - LOCAL(net, id) + (v->out & (NOC_ACTIVE - 1u)), gp = o >> net->vc_bits;
    struct noc_flit f = v->front;
    const uint32_t stamp = net->stamp_front[id];
    const unsigned depth = (unsigned)net->c.vc_depth;
    if (--v->count) {
        v->front = net->ring[(size_t)id * depth + v->pos];
        net->stamp_front[id] = net->stamp_ring[(size_t)id * depth + v->pos];
        v->pos = (uint16_t)(v->pos + 1u == depth ? 0 : v->pos + 1u);
    }
    f.bits = (uint16_t)(f.bits + NOC_HOP);
    noc_output_vc(net, o)->credits--;
    noc_output_vc(net, o)->flits++;
    if (net->c.flows)
        noc_flow_passed(net, gp, f.msg);
    if (f.bits & NOC_TAIL) {
        if (net->c.wait_for_tail_credit)
            noc_output_port(net, gp)->tail_sent |= 1u << VC_OF(net, o);
        else
            noc_output_port(net, gp)->free_mask |= 1u << VC_OF(net, o);
    }
    if (noc_output_port(net, gp)->interval > 1 || (net->pace && net->pace[gp].rest))
        net->free_at[gp] = net->now + noc_grant_interval(net, gp);
    rt->xbar[0][rt->xbar_n[0]++] = (struct noc_leaving){f, o, stamp};
    rt->freed[PORT_OF(net, id)] |= 1u << VC_OF(net, id);
    net->moved++;
    return f.bits;
}

/* The tail has left: the VC is idle, or its next head is in front. */
static void next_packet(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    net->general->vc[id].state = VC_IDLE;
    noc_input_vc(net, id)->out = 0;
    if (noc_input_vc(net, id)->count)
        new_head(net, rt, id);
}

/* An input VC holds an output VC until its tail has left. */
static void take_vc(struct noc_state *net, uint32_t id, uint32_t local)
{
    const uint32_t o = id - LOCAL(net, id) + local;
    noc_output_port(net, o >> net->vc_bits)->free_mask &= ~(1u << VC_OF(net, o));
    noc_input_vc(net, id)->out = (uint16_t)(local | NOC_ACTIVE);
    net->general->vc[id].state = VC_MOVING;
}

/* A stage's batch if its delay is over; the stage is then free for the next. */
static int done(struct noc_stage *s, uint64_t now)
{
    int n = s->nb && now >= s->due ? s->nb : 0;
    if (n)
        s->nb = 0;
    return n;
}

/* The crossbar path of an input is given up. */
static void release(struct noc_router *rt, int i)
{
    rt->held_in[rt->held_out[i]] = -1;
    rt->held_out[i] = rt->held_vc[i] = -1;
}

/* VCs that held their path: each sends its flit, and keeps the path while it has more and is not at its tail. */
static void update_hold(struct noc_state *net, struct noc_router *rt)
{
    const int n = done(&rt->hold, net->now);
    for (int k = 0; k < n; k++) {
        const uint32_t id = rt->hold.batch[k];
        const int i = (int)PORT_OF(net, id) * net->c.input_speedup + (int)VC_OF(net, id) % net->c.input_speedup;
        const uint32_t gp = (id - LOCAL(net, id) + (noc_input_vc(net, id)->out & (NOC_ACTIVE - 1u))) >> net->vc_bits;
        if (!net->general->vc[id].held_ok || noc_queue_full(net, gp)) {
            release(rt, i);
            rt->sa.waiting[rt->sa.nw++] = id;
            continue;
        }
        const unsigned tail = move(net, rt, id) & NOC_TAIL;
        if (noc_input_vc(net, id)->count && !tail) {
            rt->hold.waiting[rt->hold.nw++] = id;
            continue;
        }
        release(rt, i);
        if (tail)
            next_packet(net, rt, id);
    }
}

/* Switch grants take effect: under speculation the VC is taken now, and a grant without one is lost. Then the flit
 * moves, and the VC holds the switch, asks again or turns to its next packet. */
static void update_switch(struct noc_state *net, struct noc_router *rt)
{
    const int n = done(&rt->sa, net->now);
    for (int k = 0; k < n; k++) {
        const uint32_t id = rt->sa.batch[k];
        struct noc_vc *v = &net->general->vc[id];
        if (v->grant >= 0 && v->state == VC_WANTS_VC) {
            const int port = v->grant / net->c.output_speedup, vc = noc_piggyback_vc(net, id, (uint32_t)port);
            const int turn_class = net->msg[noc_input_vc(net, id)->front.msg].vc_class;
            if (vc < 0) { /* another winner of this cycle took the last one (output speedup) */
                v->grant = -1;
            } else {
                take_vc(net, id, ((uint32_t)port << net->vc_bits) + (uint32_t)vc);
                rt->next_vc[turn_class * net->max_ports + port] = (int8_t)((vc + 1) % net->c.vcs);
            }
        }
        if (v->grant < 0) {
            if (v->state == VC_MOVING)
                net->stalls[id - LOCAL(net, id) + (noc_input_vc(net, id)->out & (NOC_ACTIVE - 1u))].arbitration++;
            rt->sa.waiting[rt->sa.nw++] = id;
            continue;
        }
        const int i = (int)PORT_OF(net, id) * net->c.input_speedup + (int)VC_OF(net, id) % net->c.input_speedup;
        if (move(net, rt, id) & NOC_TAIL) {
            next_packet(net, rt, id);
        } else if (noc_input_vc(net, id)->count && net->c.hold_switch_for_packet) {
            rt->held_out[i] = v->grant;
            rt->held_in[v->grant] = i;
            rt->held_vc[i] = (int32_t)id;
            rt->hold.waiting[rt->hold.nw++] = id;
        } else if (noc_input_vc(net, id)->count) {
            rt->sa.waiting[rt->sa.nw++] = id;
        }
    }
}

/* VC grants take effect; who got none waits for the next batch. */
static void update_vcs(struct noc_state *net, struct noc_router *rt)
{
    const int n = done(&rt->va, net->now);
    for (int k = 0; k < n; k++) {
        const uint32_t id = rt->va.batch[k];
        if (net->general->vc[id].vc_grant < 0) {
            rt->va.waiting[rt->va.nw++] = id;
            continue;
        }
        take_vc(net, id, (uint32_t)net->general->vc[id].vc_grant);
        if (!net->c.speculative)
            rt->sa.waiting[rt->sa.nw++] = id;
    }
}

/* Flits that have crossed join the queues of their outputs. */
static void update_crossbar(struct noc_state *net, uint32_t router, struct noc_router *rt)
{
    struct noc_general *g = net->general;
    if (!rt->xbar_n[1] || net->now < rt->xbar_due)
        return;
    for (int k = 0; k < rt->xbar_n[1]; k++) {
        const uint32_t port = PORT_OF(net, rt->xbar[1][k].out), gp = (router << net->port_bits) + port;
        struct noc_fifo *q = &rt->queue[port];
        g->queue[(size_t)gp * g->queue_room + (q->first + q->n++) % g->queue_room] = rt->xbar[1][k];
    }
    rt->xbar_n[1] = 0;
}

/* What won goes through the crossbar together, one batch at a time. */
static void start_crossbar(struct noc_state *net, struct noc_router *rt)
{
    if (rt->xbar_n[1] || !rt->xbar_n[0])
        return;
    struct noc_leaving *list = rt->xbar[1];
    rt->xbar[1] = rt->xbar[0];
    rt->xbar[0] = list;
    rt->xbar_n[1] = rt->xbar_n[0];
    rt->xbar_n[0] = 0;
    rt->xbar_due = net->now + (uint64_t)net->c.st_delay - 1;
}

/* One step of a router: with an internal speedup there may be none or several a cycle. First everything is
 * evaluated on the state as it is, then everything is updated, as BookSim 2 does. */
static void step(struct noc_state *net, uint32_t router)
{
    struct noc_general *g = net->general;
    struct noc_router *rt = &g->router[router];
    const uint32_t base = router << net->port_bits;
    const int ports = net->ports[router];
    for (int p = 0; p < ports; p++)
        if (rt->arrived[p]) {
            rt->arrived[p] = 0;
            accept(net, rt, &g->arrival[base + (uint32_t)p]);
        }
    noc_stage_start(&rt->rc, net->now);
    if (net->c.vc_allocator.matcher != NOC_PIGGYBACK)
        noc_evaluate_vcs(net, router);
    noc_evaluate_hold(net, router);
    noc_evaluate_switch(net, router);
    start_crossbar(net, rt);
    const int routed = done(&rt->rc, net->now);
    for (int k = 0; k < routed; k++) {
        take_route(net, rt->rc.batch[k]);
        wants_vc(net, rt, rt->rc.batch[k]);
    }
    update_vcs(net, rt);
    update_hold(net, rt);
    update_switch(net, rt);
    update_crossbar(net, router, rt);
    for (int p = 0; p < ports; p++)
        if (rt->freed[p]) {
            struct noc_fifo *q = &rt->credit_queue[p];
            g->credit_queue[(size_t)(base + (uint32_t)p) * g->queue_room + (q->first + q->n++) % g->queue_room] =
                rt->freed[p];
            rt->freed[p] = 0;
        }
}

/* A flit is on its wire; one for an endpoint goes to the list of departures. */
static void leave(struct noc_state *net, uint32_t gp, const struct noc_leaving *l)
{
    const struct noc_output_port *p = noc_output_port(net, gp);
    const uint32_t st = (uint32_t)net->c.st_delay;
    if (!p->terminal) {
        noc_put_flit(net, p->flit_delay - st, p->dst + VC_OF(net, l->out), l->flit, l->stamp);
        return;
    }
    *net->flit_end[p->exit_list]++ = (struct noc_event){l->out, l->flit, l->stamp};
}

/* One flit and one credit message per port; 1 while the router has anything left to do. */
static int send(struct noc_state *net, uint32_t router)
{
    struct noc_general *g = net->general;
    struct noc_router *rt = &g->router[router];
    int busy = rt->rc.nw + rt->rc.nb + rt->va.nw + rt->va.nb + rt->hold.nw + rt->hold.nb + rt->sa.nw + rt->sa.nb +
               rt->xbar_n[0] + rt->xbar_n[1];
    for (int p = 0; p < net->ports[router]; p++) {
        const uint32_t gp = (router << net->port_bits) + (uint32_t)p;
        struct noc_fifo *q = &rt->queue[p], *c = &rt->credit_queue[p];
        if (q->n && net->now >= rt->wire_free[p]) {
            const uint32_t whole = noc_output_port(net, gp)->interval;
            rt->wire_free[p] =
                net->now + (net->pace ? noc_interval(&net->pace[gp], whole, &net->pace[gp].on_wire) : whole);
            leave(net, gp, &g->queue[(size_t)gp * g->queue_room + q->first]);
            q->first = (q->first + 1) % g->queue_room;
            q->n--;
        }
        if (c->n) {
            for (uint32_t m = g->credit_queue[(size_t)gp * g->queue_room + c->first]; m; m &= m - 1)
                noc_put_credit(net, noc_input_port(net, gp)->credit_delay,
                               noc_input_port(net, gp)->up + (uint32_t)__builtin_ctz(m));
            c->first = (c->first + 1) % g->queue_room;
            c->n--;
        }
        busy += (int)(q->n + c->n);
    }
    return busy != 0;
}

/* Flits whose wire time is over are handed to their routers, which are then busy. */
static void receive(struct noc_state *net)
{
    struct noc_general *g = net->general;
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask;
    for (struct noc_event *e = noc_flits(net, slot); e < net->flit_end[slot]; e++) {
        const uint32_t gp = e->vc >> net->vc_bits, router = gp >> net->port_bits;
        if (net->c.priority == NOC_LOCAL_AGE)
            e->stamp = (uint32_t)net->now;
        g->arrival[gp] = *e;
        g->router[router].arrived[gp & ((1u << net->port_bits) - 1)] = 1;
        if (!g->listed[router]) {
            g->listed[router] = 1;
            g->active[g->active_n++] = router;
        }
    }
    net->flit_end[slot] = noc_flits(net, slot);
}

/* How many steps this cycle has: speedups add up exactly, without drift. */
static int steps(struct noc_state *net)
{
    if (net->c.internal_speedup == 1.0)
        return 1;
    double part = noc_general_partial(net);
    int n = 0;
    for (part += net->c.internal_speedup; part >= 1.0; n++)
        part -= 1.0;
    net->general->partial = part;
    net->general->clock = net->now + 1;
    return n;
}

/* All busy routers step, then all send; idle ones are taken off the list. */
void noc_general_cycle(struct noc_state *net)
{
    struct noc_general *g = net->general;
    receive(net);
    const int n = steps(net);
    uint32_t kept = 0;
    for (uint32_t k = 0; k < g->active_n; k++)
        for (int i = 0; i < n; i++)
            step(net, g->active[k]);
    for (uint32_t k = 0; k < g->active_n; k++) {
        const uint32_t router = g->active[k];
        if (send(net, router))
            g->active[kept++] = router;
        else
            g->listed[router] = 0;
    }
    g->active_n = kept;
}
