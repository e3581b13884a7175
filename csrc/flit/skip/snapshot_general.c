/* flit/skip/snapshot_general.c -- the general router's part of a state: arbiters by port, work in the stages,
 * crossbar and queues. */
#include "flit/router/general_state.h"
#include "flit/router/router.h"
#include "flit/skip/snapshot.h"

#include <stdlib.h>

#define LIST(stage) (1u << 20 | (unsigned)(stage)) /* distinguished from wires by their numbers */

/* Whom an arbiter serves first, as its own rule says it. */
static void put_arbiter(struct noc_snapshot *w, const struct noc_matcher_state *m, int at_input, int arbiter)
{
    if (!m->in_match || w->differs)
        return;
    const size_t n = m->arbiter->state(m, at_input, arbiter, w->scratch);
    for (size_t i = 0; i < n; i++)
        noc_put(w, w->scratch[i]);
}

/* Arbiters of one side of a port: of VC allocation, and of both switch matchers. */
static void put_arbiters(struct noc_snapshot *w, const struct noc_router *rt, int at_input, int port)
{
    const struct noc_config *c = &w->net->c;
    const int speedup = at_input ? c->input_speedup : c->output_speedup;
    for (int vc = 0; vc < c->vcs; vc++)
        put_arbiter(w, &rt->vc_match, at_input, port * c->vcs + vc);
    for (int i = port * speedup; i < (port + 1) * speedup; i++) {
        put_arbiter(w, &rt->sw_match, at_input, i);
        put_arbiter(w, &rt->spec_match, at_input, i);
    }
}

/* What a general router keeps by input port. */
void noc_put_router_input(struct noc_snapshot *w, uint32_t gp)
{
    const struct noc_state *net = w->net;
    const struct noc_general *g = net->general;
    const struct noc_router *rt = &g->router[gp >> net->port_bits];
    const int port = (int)(gp & ((1u << net->port_bits) - 1)), is = net->c.input_speedup;
    put_arbiters(w, rt, 1, port);
    for (int i = port * is; i < (port + 1) * is; i++) {
        noc_put(w, rt->offset[i]);
        noc_put(w, (uint64_t)(uint32_t)rt->held_out[i] << 32 | (uint32_t)rt->held_vc[i]);
    }
    for (int vc = 0; vc < net->c.vcs; vc++)
        noc_put(w, g->vc[(gp << net->vc_bits) + (unsigned)vc].state);
    const struct noc_fifo *q = &rt->credit_queue[port];
    noc_put(w, q->n);
    for (uint32_t k = 0; k < q->n; k++)
        noc_put(w, g->credit_queue[(size_t)gp * g->queue_room + (q->first + k) % g->queue_room]);
}

/* A flit in the crossbar or an output queue. */
static void put_leaving(struct noc_snapshot *w, const struct noc_leaving *l)
{
    noc_put(w, l->out);
    noc_put_bits(w, &l->flit);
    noc_put_age(w, &l->flit, l->stamp);
}

/* What a general router keeps by output port. */
void noc_put_router_output(struct noc_snapshot *w, uint32_t gp)
{
    const struct noc_state *net = w->net;
    const struct noc_general *g = net->general;
    const struct noc_router *rt = &g->router[gp >> net->port_bits];
    const int port = (int)(gp & ((1u << net->port_bits) - 1)), os = net->c.output_speedup;
    put_arbiters(w, rt, 0, port);
    for (int o = port * os; o < (port + 1) * os; o++)
        noc_put(w, (uint32_t)rt->held_in[o]);
    for (int k = 0; k < net->c.vc_classes; k++)
        noc_put(w, (uint8_t)rt->next_vc[k * net->max_ports + port]);
    noc_put(w, rt->wire_free[port] > net->now ? rt->wire_free[port] - net->now : 0);
    const struct noc_fifo *q = &rt->queue[port];
    noc_put(w, q->n);
    for (uint32_t k = 0; k < q->n; k++)
        put_leaving(w, &g->queue[(size_t)gp * g->queue_room + (q->first + k) % g->queue_room]);
    const struct noc_matcher_state *matchers[3] = {&rt->vc_match, &rt->sw_match, &rt->spec_match};
    for (int k = 0; k < 3; k++)
        noc_put(w, (uint64_t)matchers[k]->first);
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < rt->xbar_n[side]; k++)
            if (rt->xbar[side][k].out >> net->vc_bits == gp) {
                noc_put(w, side ? 1 + rt->xbar_due - net->now : 0);
                put_leaving(w, &rt->xbar[side][k]);
            }
}

/* Input VCs in a stage. With an output speedup the order of winners is the order in the output queue; else, and
 * between groups, it means nothing. */
static void put_list(struct noc_snapshot *w, uint32_t what, const uint32_t *list, int n)
{
    size_t kept = 0;
    for (int i = 0; i < n; i++)
        if (noc_mine(w, noc_key_of_input(w->net, list[i])))
            w->scratch[kept++] = list[i];
    if (w->net->c.output_speedup == 1 || w->id == NOC_NO_GROUP) {
        noc_put_sorted(w, what, kept);
        return;
    }
    for (size_t i = 0; i < kept; i++)
        noc_put(w, (uint64_t)what << 32 | w->scratch[i]);
}

/* A stage: who waits, and who is in its batch with what the allocators said. */
static void put_stage(struct noc_snapshot *w, unsigned number, const struct noc_stage *s)
{
    const struct noc_vc *vc = w->net->general->vc;
    put_list(w, LIST(2 * number), s->waiting, s->nw);
    if (!s->nb || !noc_mine(w, noc_key_of_input(w->net, s->batch[0])))
        return;
    noc_put(w, s->due - w->net->now);
    put_list(w, LIST(2 * number + 1), s->batch, s->nb);
    for (int i = 0; i < s->nb; i++) /* what the allocators have said so far */
        w->scratch[i] =
            (uint64_t)s->batch[i] << 32 | (uint16_t)(number == 1 ? vc[s->batch[i]].vc_grant : vc[s->batch[i]].grant);
    noc_put_sorted(w, LIST(8 + number), number % 2 ? (size_t)s->nb : 0);
}

/* Stages of all busy routers, and the part of a step that is left over. */
void noc_put_router_lists(struct noc_snapshot *w)
{
    const struct noc_state *net = w->net;
    const struct noc_general *g = net->general;
    noc_put(w, (uint64_t)(noc_general_partial(w->net) * 0x1p52));
    for (uint32_t r = 0; r < (uint32_t)net->c.routers && !w->differs; r++) {
        const struct noc_router *rt = &g->router[r];
        const struct noc_stage *stage[4] = {&rt->rc, &rt->va, &rt->hold, &rt->sa};
        for (unsigned k = 0; g->listed[r] && k < 4; k++)
            put_stage(w, k, stage[k]);
    }
}
