/* flit/router/general_open.c -- the general router's arrays: opened for the ports and options of each router, and
 * closed. */
#include "flit/leaves.h"
#include "flit/router/general_state.h"
#include "flit/router/router.h"

#include <stdlib.h>

/* An array that noc_general_close() frees; NULL without memory. */
static void *keep(struct noc_state *net, size_t count, size_t size)
{
    struct noc_general *g = net->general;
    if (g->held_n == g->held_room) {
        size_t room = g->held_room ? 2 * g->held_room : 64;
        void **grown = realloc(g->held, room * sizeof *grown);
        if (!grown)
            return NULL;
        g->held = grown;
        g->held_room = room;
    }
    void *p = noc_alloc(net, count, size);
    if (p)
        g->held[g->held_n++] = p;
    return p;
}

/* The same, all -1. */
static int32_t *keep_minus_one(struct noc_state *net, size_t count)
{
    int32_t *p = keep(net, count, sizeof *p);
    for (size_t i = 0; p && i < count; i++)
        p[i] = -1;
    return p;
}

/* Lists of a stage, with room for every VC of the router. */
static int open_stage(struct noc_state *net, struct noc_stage *s, int vcs, int delay)
{
    s->delay = delay;
    s->waiting = keep(net, (size_t)vcs, sizeof *s->waiting);
    s->batch = keep(net, (size_t)vcs, sizeof *s->batch);
    return s->waiting && s->batch;
}

/* What one router needs for its ports and options. */
static int open_router(struct noc_state *net, struct noc_router *rt, int ports)
{
    const struct noc_config *c = &net->c;
    const int vcs = ports * c->vcs, ins = ports * c->input_speedup, outs = ports * c->output_speedup;
    const size_t crossing = (size_t)ins * (size_t)(c->st_delay + 1) * 9;
    int ok = open_stage(net, &rt->rc, vcs, c->routing_delay) && open_stage(net, &rt->va, vcs, c->vc_alloc_delay) &&
             open_stage(net, &rt->hold, vcs, 1) && open_stage(net, &rt->sa, vcs, c->sw_alloc_delay);
    for (int i = 0; i < 2; i++)
        ok = ok && (rt->xbar[i] = keep(net, crossing, sizeof *rt->xbar[i]));
    rt->offset = keep(net, (size_t)ins, 1);
    rt->held_out = keep_minus_one(net, (size_t)ins);
    rt->held_vc = keep_minus_one(net, (size_t)ins);
    rt->held_in = keep_minus_one(net, (size_t)outs);
    rt->next_vc = keep(net, (size_t)(c->vc_classes * net->max_ports), 1);
    rt->queue = keep(net, (size_t)ports, sizeof *rt->queue);
    rt->credit_queue = keep(net, (size_t)ports, sizeof *rt->credit_queue);
    rt->wire_free = keep(net, (size_t)ports, sizeof *rt->wire_free);
    rt->freed = keep(net, (size_t)ports, sizeof *rt->freed);
    rt->arrived = keep(net, (size_t)ports, 1);
    if (!ok || !rt->offset || !rt->held_out || !rt->held_vc || !rt->held_in || !rt->next_vc || !rt->queue ||
        !rt->credit_queue || !rt->wire_free || !rt->freed || !rt->arrived)
        return 0;
    for (int i = 0; i < ins; i++)
        rt->offset[i] = (uint8_t)(i % c->input_speedup);
    for (int i = 0; i < c->vc_classes * net->max_ports; i++)
        rt->next_vc[i] = -1;
    if (c->speculative && c->spec_allocator.matcher != NOC_PRIO &&
        noc_matcher_open(&rt->spec_match, c->spec_allocator, ins, outs))
        return 0;
    return !noc_matcher_open(&rt->vc_match, c->vc_allocator, vcs, vcs) &&
           !noc_matcher_open(&rt->sw_match, c->sw_allocator, ins, outs);
}

/* One router after another; NOC_NO_MEMORY where one cannot be made. */
int noc_general_open(struct noc_state *net)
{
    struct noc_general *g = net->general = noc_alloc(net, 1, sizeof *g);
    if (!g)
        return NOC_NO_MEMORY;
    const size_t P = (size_t)net->max_ports, V = (size_t)net->c.vcs, in_vcs = (size_t)net->router_ports << net->vc_bits;
    const size_t pairs = P * (size_t)net->c.input_speedup * P * (size_t)net->c.output_speedup;
    const size_t requests = P * V * V * (net->minimal ? P : 1), most = pairs > requests ? pairs : requests;
    g->queue_room = (uint32_t)(V * (size_t)net->c.vc_depth);
    g->router = keep(net, (size_t)net->c.routers, sizeof *g->router);
    g->vc = keep(net, in_vcs, sizeof *g->vc);
    g->queue = keep(net, (size_t)net->router_ports * g->queue_room, sizeof *g->queue);
    g->credit_queue = keep(net, (size_t)net->router_ports * g->queue_room, sizeof *g->credit_queue);
    g->arrival = keep(net, net->router_ports, sizeof *g->arrival);
    g->request = keep(net, most, sizeof *g->request);
    g->spec_request = keep(net, most, sizeof *g->spec_request);
    g->sorted = keep(net, most, sizeof *g->sorted);
    g->pair = keep_minus_one(net, pairs);
    g->spec_pair = keep_minus_one(net, pairs);
    g->active = keep(net, (size_t)net->c.routers, sizeof *g->active);
    g->listed = keep(net, (size_t)net->c.routers, 1);
    net->stamp_front = noc_alloc(net, in_vcs, sizeof *net->stamp_front);
    net->stamp_ring = noc_alloc(net, in_vcs * (size_t)net->c.vc_depth, sizeof *net->stamp_ring);
    if (!g->router || !g->vc || !g->queue || !g->credit_queue || !g->arrival || !g->request || !g->spec_request ||
        !g->sorted || !g->pair || !g->spec_pair || !g->active || !g->listed || !net->stamp_front || !net->stamp_ring)
        return NOC_NO_MEMORY;
    for (int r = 0; r < net->c.routers; r++)
        if (!open_router(net, &g->router[r], net->ports[r]))
            return NOC_NO_MEMORY;
    return 0;
}

/* Every array that keep() gave. */
void noc_general_close(struct noc_state *net)
{
    struct noc_general *g = net->general;
    if (!g)
        return;
    for (int r = 0; g->router && r < net->c.routers; r++) {
        noc_matcher_close(&g->router[r].vc_match);
        noc_matcher_close(&g->router[r].sw_match);
        noc_matcher_close(&g->router[r].spec_match);
    }
    for (size_t i = 0; i < g->held_n; i++)
        free(g->held[i]);
    free(g->held);
    free(g);
    net->general = NULL;
}
