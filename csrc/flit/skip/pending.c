/* flit/skip/pending.c -- pending events: detached from wheels, lists and stages, and restored.
 *
 * While one group is stepped alone, nothing of another may happen: what is due or waiting of all others is detached,
 * with the cycles it has to go, and restored relative to the cycle in which it comes back. Requests are counted at
 * their ports (see router/fast.c), so they are taken off and put back by the functions that keep these counts. */
#include "flit/router/general_state.h"
#include "flit/skip/state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the general router: stages, crossbar, output and credit queues */

/* At most this many events are pending in the general routers. */
static size_t router_bound(const struct noc_state *net)
{
    const struct noc_general *g = net->general;
    size_t n = 0;
    for (uint32_t i = 0; i < g->active_n; i++) {
        const struct noc_router *rt = &g->router[g->active[i]];
        const struct noc_stage *stage[4] = {&rt->rc, &rt->va, &rt->hold, &rt->sa};
        for (int k = 0; k < 4; k++)
            n += (size_t)(stage[k]->nw + stage[k]->nb);
        n += (size_t)(rt->xbar_n[0] + rt->xbar_n[1] + 2 * net->ports[g->active[i]]);
    }
    return n;
}

/* Does a key belong to what is detached? Everything does where no group is named. */
static int taken(const struct noc_state *net, uint32_t id, uint32_t key)
{
    return id == NOC_NO_GROUP || net->skip->group_of[key] == id;
}

/* Room has been made before: see bound(). */
static void push(struct noc_pending_events *out, struct noc_pending_event item) { out->at[out->n++] = item; }

/* Input VCs in a list of a stage; those of other groups stay, in order. */
static int detach_list(struct noc_state *net, uint32_t id, uint32_t *list, int n, struct noc_pending_event like,
                       struct noc_pending_events *out)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        like.vc = list[i];
        if (taken(net, id, noc_key_of_input(net, list[i])))
            push(out, like);
        else
            list[kept++] = list[i];
    }
    return kept;
}

/* The queue itself stays where it is: only where it begins and how long it is are taken. */
static int detach_fifo(struct noc_fifo *q, uint32_t kind, uint32_t gp, struct noc_pending_events *out)
{
    if (q->n)
        push(out, (struct noc_pending_event){kind, q->n, gp, q->first, {0, 0, 0}});
    q->n = 0;
    return 0;
}

/* What one router has left. */
static int detach_router(struct noc_state *net, uint32_t id, uint32_t router, struct noc_pending_events *out)
{
    struct noc_router *rt = &net->general->router[router];
    struct noc_stage *stage[4] = {&rt->rc, &rt->va, &rt->hold, &rt->sa};
    int left = 0;
    for (uint32_t k = 0; k < 4; k++) {
        struct noc_stage *s = stage[k];
        s->nw = detach_list(net, id, s->waiting, s->nw, (struct noc_pending_event){PENDING_WAITING, 0, 0, k, {0, 0, 0}},
                            out);
        s->nb =
            detach_list(net, id, s->batch, s->nb,
                        (struct noc_pending_event){PENDING_BATCH, (uint32_t)(s->due - net->now), 0, k, {0, 0, 0}}, out);
        left += s->nw + s->nb;
    }
    for (uint32_t side = 0; side < 2; side++) {
        int kept = 0;
        for (int k = 0; k < rt->xbar_n[side]; k++) {
            const struct noc_leaving *l = &rt->xbar[side][k];
            if (taken(net, id, l->out >> net->vc_bits))
                push(out, (struct noc_pending_event){side ? PENDING_CROSSING : PENDING_WON,
                                                     side ? (uint32_t)(rt->xbar_due - net->now) : 0, l->out, l->stamp,
                                                     l->flit});
            else
                rt->xbar[side][kept++] = *l;
        }
        left += rt->xbar_n[side] = kept;
    }
    for (int p = 0; p < net->ports[router]; p++) {
        const uint32_t gp = (router << net->port_bits) + (uint32_t)p;
        left += rt->queue[p].n && !(taken(net, id, gp) && !detach_fifo(&rt->queue[p], PENDING_QUEUE, gp, out));
        left += rt->credit_queue[p].n && !(taken(net, id, noc_input_port(net, gp)->up >> net->vc_bits) &&
                                           !detach_fifo(&rt->credit_queue[p], PENDING_CREDITS, gp, out));
    }
    return left;
}

/* All busy routers; one with nothing left is idle. */
static void detach_routers(struct noc_state *net, uint32_t id, struct noc_pending_events *out)
{
    struct noc_general *g = net->general;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->active_n; i++) {
        if (detach_router(net, id, g->active[i], out))
            g->active[kept++] = g->active[i];
        else
            g->listed[g->active[i]] = 0;
    }
    g->active_n = kept;
}

/* An event goes back to where it came from, and its router is busy again. */
static void restore_router(struct noc_state *net, const struct noc_pending_event *it)
{
    struct noc_general *g = net->general;
    const uint32_t gp = it->kind == PENDING_QUEUE || it->kind == PENDING_CREDITS ? it->vc : it->vc >> net->vc_bits,
                   router = gp >> net->port_bits;
    struct noc_router *rt = &g->router[router];
    struct noc_stage *stage[4] = {&rt->rc, &rt->va, &rt->hold, &rt->sa}, *s = stage[it->stamp & 3];
    const unsigned port = gp & ((1u << net->port_bits) - 1);
    if (!g->listed[router]) {
        g->listed[router] = 1;
        g->active[g->active_n++] = router;
    }
    switch (it->kind) {
    case PENDING_WAITING: s->waiting[s->nw++] = it->vc; break;
    case PENDING_BATCH:
        s->batch[s->nb++] = it->vc;
        s->due = net->now + it->delay;
        break;
    case PENDING_WON: rt->xbar[0][rt->xbar_n[0]++] = (struct noc_leaving){it->flit, it->vc, it->stamp}; break;
    case PENDING_CROSSING:
        rt->xbar[1][rt->xbar_n[1]++] = (struct noc_leaving){it->flit, it->vc, it->stamp};
        rt->xbar_due = net->now + it->delay;
        break;
    case PENDING_QUEUE: rt->queue[port] = (struct noc_fifo){it->stamp, it->delay}; break;
    default: rt->credit_queue[port] = (struct noc_fifo){it->stamp, it->delay};
    }
}

/* ---- wheels, and the fast router's lists */

/* At most this many events are pending anywhere. */
static size_t bound(const struct noc_state *net)
{
    size_t n = (size_t)net->awake.n + net->va[0].n + net->va[1].n + net->va[2].n + net->sa[0].n + net->sa[1].n;
    for (uint32_t k = 0; k <= net->wheel_mask; k++)
        n += (size_t)(net->flit_end[k] - noc_flits(net, k)) + (size_t)(net->credit_end[k] - noc_credits(net, k));
    return n + (net->general ? router_bound(net) : 0);
}

/* Flits and credits due in `k` cycles. */
static void detach_due(struct noc_state *net, uint32_t id, uint32_t k, struct noc_pending_events *out)
{
    const uint32_t slot = (uint32_t)(net->now + k) & net->wheel_mask;
    struct noc_event *kept = noc_flits(net, slot);
    for (const struct noc_event *e = kept; e < net->flit_end[slot]; e++) {
        if (taken(net, id, noc_key_of_input(net, e->vc)))
            push(out, (struct noc_pending_event){PENDING_FLIT, k, e->vc, e->stamp, e->flit});
        else
            *kept++ = *e;
    }
    net->flit_end[slot] = kept;
    uint32_t *kept_credit = noc_credits(net, slot);
    for (const uint32_t *credit = kept_credit; credit < net->credit_end[slot]; credit++) {
        if (taken(net, id, *credit >> net->vc_bits))
            push(out, (struct noc_pending_event){PENDING_CREDIT, k, *credit, 0, {0, 0, 0}});
        else
            *kept_credit++ = *credit;
    }
    net->credit_end[slot] = kept_credit;
}

/* The list of the fast router that a kind of request stands in, `delay` cycles from now. */
static struct noc_list *list_of(struct noc_state *net, uint32_t kind, uint64_t delay)
{
    return kind == PENDING_VA   ? &net->va[(net->now + delay) % 3]
           : kind == PENDING_SA ? &net->sa[(net->now + delay) & 1]
                                : &net->awake;
}

/* A request is taken off its list: it is counted there no more. */
static void forget_request(struct noc_state *net, uint32_t kind, uint64_t delay, struct noc_request request)
{
    struct noc_output_port *out = noc_output_port(net, request.out >> net->vc_bits);
    if (kind == PENDING_VA) {
        out->va_requests[(net->now + delay) % 3]--;
    } else if (kind == PENDING_SA) {
        noc_input_port(net, request.id >> net->vc_bits)->sa_requests[(net->now + delay) & 1]--;
        out->sa_requests[(net->now + delay) & 1]--;
    }
}

/* Everything is counted first, so that nothing fails half way. */
int noc_pending_detach(struct noc_state *net, const struct noc_group *g, struct noc_pending_events *out)
{
    const uint32_t id = g ? noc_group_id(net->skip, g) : NOC_NO_GROUP;
    const size_t most = bound(net);
    out->n = 0;
    if (most > out->room) {
        struct noc_pending_event *grown = realloc(out->at, 2 * most * sizeof *grown);
        if (!grown)
            return 0;
        out->at = grown;
        out->room = 2 * most;
    }
    for (uint32_t k = 0; k <= net->wheel_mask; k++)
        detach_due(net, id, k, out);
    for (uint32_t k = 0; k < 6; k++) {
        const uint32_t kind = k < 3   ? PENDING_VA
                              : k < 5 ? PENDING_SA
                                      : PENDING_AWAKE,
                       delay = k < 3   ? k
                               : k < 5 ? k - 3
                                       : 0;
        struct noc_list *list = list_of(net, kind, delay);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < list->n; i++) {
            const struct noc_request request = list->at[i];
            if (taken(net, id,
                      kind == PENDING_AWAKE ? net->router_ports + request.id : noc_key_of_input(net, request.id))) {
                push(out, (struct noc_pending_event){kind, delay, request.id, request.out, {0, 0, 0}});
                forget_request(net, kind, delay, request);
            } else {
                list->at[kept++] = request;
            }
        }
        list->n = kept;
    }
    if (net->general)
        detach_routers(net, id, out);
    return 1;
}

/* In the order of detaching: lists keep theirs. */
void noc_pending_restore(struct noc_state *net, const struct noc_pending_events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        const struct noc_pending_event *it = &events->at[i];
        if (it->kind == PENDING_FLIT) {
            noc_put_flit(net, it->delay, it->vc, it->flit, it->stamp);
        } else if (it->kind == PENDING_CREDIT) {
            noc_put_credit(net, it->delay, it->vc);
        } else if (it->kind >= PENDING_WAITING) {
            restore_router(net, it);
        } else if (it->kind == PENDING_VA) {
            noc_request_vc(net, it->delay, it->vc, it->stamp);
        } else if (it->kind == PENDING_SA) {
            noc_request_switch(net, it->delay, it->vc, it->stamp);
        } else {
            net->awake.at[net->awake.n++] = (struct noc_request){it->vc, 0};
        }
    }
}

/* ---- what a general router holds of a parked group, `cycles` later */

/* Stamps of the flits in a VC's buffer. */
static void shift_buffer(struct noc_state *net, uint32_t vc, uint32_t cycles)
{
    const struct noc_input_vc *v = noc_input_vc(net, vc);
    const unsigned depth = (unsigned)net->c.vc_depth;
    net->stamp_front[vc] += v->count ? cycles : 0;
    for (unsigned k = 0; k + 1u < v->count; k++)
        net->stamp_ring[(size_t)vc * depth + (v->pos + k) % depth] += cycles;
}

/* Only the order of stamps counts, but a clock that leaves them behind would come round to them. */
void noc_pending_shift(struct noc_state *net, struct noc_group *g, uint64_t cycles)
{
    struct noc_general *router = net->general;
    const uint32_t on = (uint32_t)cycles;
    for (uint32_t i = 0; i < g->n_keys; i++) {
        const uint32_t key = g->keys[i];
        if (key < net->router_ports) {
            uint64_t *free_at = &router->router[key >> net->port_bits].wire_free[key & ((1u << net->port_bits) - 1)];
            *free_at += *free_at > g->parked_at ? cycles : 0;
        }
        for (int vc = 0; !noc_output_port(net, key)->terminal && vc < net->c.vcs; vc++)
            shift_buffer(net, noc_output_port(net, key)->dst + (unsigned)vc, on);
    }
    for (size_t i = 0; i < g->events.n; i++) {
        struct noc_pending_event *it = &g->events.at[i];
        if (it->kind == PENDING_FLIT || it->kind == PENDING_WON || it->kind == PENDING_CROSSING)
            it->stamp += on;
        for (uint32_t k = 0; it->kind == PENDING_QUEUE && k < it->delay; k++)
            router->queue[(size_t)it->vc * router->queue_room + (it->stamp + k) % router->queue_room].stamp += on;
    }
}
