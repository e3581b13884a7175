/* flit/router/general_image.c -- what a general router without flits keeps: whose turn it is, credits in their queues.
 */
#include "flit/image.h"
#include "flit/router/general_state.h"

/* A stage without work. */
static void stage(struct image *m, struct noc_stage *s)
{
    image_need(m, !s->nw && !s->nb);
    IMAGE_ONE(m, s->due);
    IMAGE_ONE(m, s->begun);
}

/* Arbiters of both sides; what the last match was is forgotten before the next. */
static void matcher(struct image *m, struct noc_matcher_state *s)
{
    if (!s->in_ptr)
        return;
    image_same(m, s->memory_bytes);
    IMAGE_ARRAY(m, s->in_ptr, s->inputs);
    IMAGE_ARRAY(m, s->out_ptr, s->outputs);
    image_put(m, s->memory, s->memory_bytes);
    IMAGE_ONE(m, s->first);
}

/* One router. */
static void router(struct noc_state *net, struct image *m, struct noc_router *rt, size_t ports)
{
    const size_t ins = ports * (size_t)net->c.input_speedup, outs = ports * (size_t)net->c.output_speedup;
    struct noc_stage *const stages[] = {&rt->rc, &rt->va, &rt->hold, &rt->sa};
    for (int i = 0; i < 4; i++)
        stage(m, stages[i]);
    image_need(m, !rt->xbar_n[0] && !rt->xbar_n[1]);
    IMAGE_ONE(m, rt->xbar_due);
    matcher(m, &rt->vc_match);
    matcher(m, &rt->sw_match);
    matcher(m, &rt->spec_match);
    IMAGE_ARRAY(m, rt->offset, ins);
    IMAGE_ARRAY(m, rt->held_out, ins);
    IMAGE_ARRAY(m, rt->held_vc, ins);
    IMAGE_ARRAY(m, rt->held_in, outs);
    IMAGE_ARRAY(m, rt->next_vc, (size_t)(net->c.vc_classes * net->max_ports));
    IMAGE_ARRAY(m, rt->queue, ports);
    IMAGE_ARRAY(m, rt->credit_queue, ports);
    IMAGE_ARRAY(m, rt->wire_free, ports);
    IMAGE_ARRAY(m, rt->freed, ports);
    for (size_t p = 0; p < ports && m->load; p++)
        image_need(m, rt->queue[p].first < net->general->queue_room && !rt->queue[p].n &&
                          rt->credit_queue[p].first < net->general->queue_room &&
                          rt->credit_queue[p].n <= net->general->queue_room);
}

/* All routers, and what they share. */
void noc_general_image(struct noc_state *net, struct image *m)
{
    struct noc_general *g = net->general;
    const size_t routers = (size_t)net->c.routers;
    image_same(m, g->queue_room);
    IMAGE_ARRAY(m, g->vc, (size_t)net->router_ports << net->vc_bits);
    IMAGE_ARRAY(m, g->credit_queue, (size_t)net->router_ports * g->queue_room);
    IMAGE_ONE(m, g->active_n);
    image_need(m, g->active_n <= routers);
    IMAGE_ARRAY(m, g->active, routers);
    IMAGE_ARRAY(m, g->listed, routers);
    for (uint32_t k = 0; m->load && !m->bad && k < g->active_n; k++)
        image_need(m, g->active[k] < routers);
    IMAGE_ONE(m, g->partial);
    IMAGE_ONE(m, g->clock);
    for (size_t r = 0; r < routers && !m->bad; r++)
        router(net, m, &g->router[r], net->ports[r]);
}
