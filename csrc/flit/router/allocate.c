/* flit/router/allocate.c -- the general router's evaluations: which input VC requests which VC and switch slot, and
 * which of them get it.
 *
 * Nothing of a router's state is changed here but what the allocators remember: grants are kept with the VCs, and
 * general.c lets them take effect when every stage has been evaluated. */
#include "flit/router/general_state.h"
#include "flit/router/route.h"

#define LOCAL(net, id)   ((id) & ((1u << ((net)->port_bits + (net)->vc_bits)) - 1))
#define VC_OF(net, id)   ((id) & ((1u << (net)->vc_bits) - 1))
#define PORT_OF(net, id) (((id) >> (net)->vc_bits) & ((1u << (net)->port_bits) - 1))
#define FIRM             ((int64_t)1 << 61) /* above every speculative priority */

/* A stage takes all that waits as its batch, unless one is in progress; 1 where it has begun in this step. */
int noc_stage_start(struct noc_stage *s, uint64_t now)
{
    s->begun = 0;
    if (s->nb || !s->nw)
        return 0;
    uint32_t *list = s->batch;
    s->batch = s->waiting;
    s->waiting = list;
    s->nb = s->nw;
    s->nw = 0;
    s->due = now + (uint64_t)s->delay - 1;
    s->begun = 1;
    return s->nb;
}

/* No credit: the buffer at the far end is full. */
int noc_vc_full(const struct noc_state *net, uint32_t o) { return noc_output_vc(net, o)->credits == 0; }

/* Has the output queue no room for what is in the crossbar and one flit more? */
int noc_queue_full(const struct noc_state *net, uint32_t gp)
{
    const struct noc_fifo *q = &net->general->router[gp >> net->port_bits].queue[gp & ((1u << net->port_bits) - 1)];
    return net->c.output_buffer_size >= 0 && q->n >= (uint32_t)net->c.output_buffer_size;
}

/* Priority of the packet in front of an input VC, by the configured rule: more is served first. */
int64_t noc_vc_priority(const struct noc_state *net, uint32_t id)
{
    const struct noc_input_vc *v = noc_input_vc(net, id);
    switch (net->c.priority) {
    case NOC_AGE: return (int64_t)(net->now - net->msg[v->front.msg].ctime);
    case NOC_NETWORK_AGE:
    case NOC_LOCAL_AGE: return (uint32_t)net->now - net->stamp_front[id];
    case NOC_HOP_COUNT: return v->front.bits >> 2;
    case NOC_QUEUE_LENGTH: return v->count;
    case NOC_CLASS: return net->c.vc_classes - net->msg[v->front.msg].vc_class;
    default: return 0;
    }
}

/* One part of the VCs of a mask when they are cut by output port. */
static uint32_t part_of(uint32_t mask, unsigned port, int ports)
{
    unsigned first = (unsigned)__builtin_ctz(mask), part = (unsigned)__builtin_popcount(mask) / (unsigned)ports;
    return (part == 32 ? ~0u : (1u << part) - 1) << (first + port * part);
}

/* noq: the VCs of a link are cut by the output port the packet takes at the router behind it. */
static uint32_t noq_mask(struct noc_state *net, uint32_t id, uint32_t router, unsigned port, uint32_t mask)
{
    const struct noc_output_port *p = noc_output_port(net, (router << net->port_bits) + port);
    if (p->terminal) {
        int from_terminal = noc_output_port(net, id >> net->vc_bits)->terminal;
        return from_terminal ? mask : part_of(mask, port, net->ports[router]);
    }
    uint32_t there = p->dst >> net->vc_bits, next = there >> net->port_bits;
    struct noc_flit f = noc_input_vc(net, id)->front;
    unsigned next_port = noc_route(net, next, there & ((1u << net->port_bits) - 1), &f, 0);
    int half = net->c.split && !noc_output_port(net, (next << net->port_bits) + next_port)->terminal
                   ? 1 + ((f.bits & NOC_HALF) != 0)
                   : 0;
    return part_of(net->range[half][VC_OF(net, id)], next_port, net->ports[next]);
}

/* Everything the head flit at the front of `id` may use; how many. */
int noc_choices(struct noc_state *net, uint32_t id, struct noc_choice *out)
{
    const uint32_t router = noc_router_of(net, id), vc = VC_OF(net, id);
    const struct noc_input_vc *v = noc_input_vc(net, id);
    const unsigned port = v->out >> net->vc_bits;
    const int terminal = noc_output_port(net, (router << net->port_bits) + port)->terminal;
    const int half = net->c.split && !terminal ? 1 + ((v->front.bits & NOC_HALF) != 0) : 0;
    uint32_t mask = net->range[half][vc];
    int n = 0;
    if (net->minimal && !terminal) {
        const uint32_t escape = mask & (~mask + 1);
        out[n++] = (struct noc_choice){port, escape, 0};
        if (!(escape >> vc & 1) || noc_output_port(net, id >> net->vc_bits)->terminal) {
            uint64_t ports = net->minimal[(size_t)router * (size_t)net->c.endpoints + v->front.dst];
            for (; ports && mask != escape; ports &= ports - 1)
                out[n++] = (struct noc_choice){(uint32_t)__builtin_ctzll(ports), mask & ~escape, 1};
        }
        return n;
    }
    out[0] = (struct noc_choice){port, net->c.noq ? noq_mask(net, id, router, port, mask) : mask, 0};
    return 1;
}

/* May a packet take this VC now: a credit, or room for all of it under cut-through. */
static int has_room(const struct noc_state *net, uint32_t o, const struct noc_flit *f)
{
    if (net->c.vc_busy_when_full && !noc_output_vc(net, o)->credits)
        return 0;
    return !net->c.cut_through || noc_output_vc(net, o)->credits >= net->msg[f->msg].packet_flits;
}

/* Matchers number VCs without padding: wavefront's diagonals depend on it. */
static int32_t dense(const struct noc_state *net, uint32_t id)
{
    return (int32_t)(PORT_OF(net, id) * (uint32_t)net->c.vcs + VC_OF(net, id));
}

/* VC allocation of one router: requests of all VCs in the batch, one call of the matcher, its answers kept with the
 * VCs. */
void noc_evaluate_vcs(struct noc_state *net, uint32_t router)
{
    struct noc_general *g = net->general;
    struct noc_router *rt = &g->router[router];
    struct noc_choice choice[65];
    int n = 0;
    if (noc_stage_start(&rt->va, net->now)) {
        for (int i = 0; i < rt->va.nb; i++) {
            const uint32_t id = rt->va.batch[i];
            const int choices = noc_choices(net, id, choice);
            for (int c = 0; c < choices; c++) {
                const uint32_t gp = (router << net->port_bits) + choice[c].port;
                for (uint32_t m = choice[c].mask & noc_output_port(net, gp)->free_mask; m; m &= m - 1) {
                    const uint32_t o = (gp << net->vc_bits) + (uint32_t)__builtin_ctz(m);
                    if (has_room(net, o, &noc_input_vc(net, id)->front))
                        g->request[n++] = (struct noc_match_request){dense(net, id), dense(net, o), 0, choice[c].rank,
                                                                     noc_vc_priority(net, id)};
                }
            }
        }
    }
    noc_match(&rt->vc_match, g->request, n);
    for (int i = 0; i < rt->va.nb; i++) {
        const uint32_t id = rt->va.batch[i];
        struct noc_vc *v = &g->vc[id];
        if (rt->va.begun) {
            int32_t got = rt->vc_match.in_match[dense(net, id)];
            v->vc_grant = got < 0 ? -1 : (int32_t)((uint32_t)(got / net->c.vcs) << net->vc_bits) + got % net->c.vcs;
        }
        if (net->c.vc_alloc_delay > 1 && net->now >= rt->va.due && v->vc_grant >= 0) { /* still to be had? */
            const uint32_t o = id - LOCAL(net, id) + (uint32_t)v->vc_grant;
            if (!(noc_output_port(net, o >> net->vc_bits)->free_mask >> VC_OF(net, o) & 1) ||
                (net->c.vc_busy_when_full && !noc_output_vc(net, o)->credits))
                v->vc_grant = -1;
        }
    }
}

/* Switch holding: a VC that holds its crossbar path sends on without asking, as long as it has a credit. */
void noc_evaluate_hold(struct noc_state *net, uint32_t router)
{
    struct noc_router *rt = &net->general->router[router];
    noc_stage_start(&rt->hold, net->now);
    for (int i = 0; i < rt->hold.nb; i++) {
        const uint32_t id = rt->hold.batch[i],
                       o = id - LOCAL(net, id) + (noc_input_vc(net, id)->out & (NOC_ACTIVE - 1u));
        net->general->vc[id].held_ok = !noc_vc_full(net, o) && net->now >= net->free_at[o >> net->vc_bits];
    }
}

/* May a head flit ask for the switch before it has a VC: is one of the VCs it may take free? */
static int speculates(const struct noc_state *net, uint32_t gp, uint32_t mask)
{
    int eligible = 0, credit = 0;
    if (net->c.spec_check_elig && !noc_queue_full(net, gp)) {
        for (uint32_t m = mask & noc_output_port(net, gp)->free_mask; m; m &= m - 1) {
            eligible = 1;
            if (!net->c.spec_check_cred || !noc_vc_full(net, (gp << net->vc_bits) + (uint32_t)__builtin_ctz(m)))
                credit = 1;
        }
    }
    return !((net->c.spec_check_elig && !eligible) || (net->c.spec_check_cred && !credit));
}

/* Of the VCs of an input that want one output, the switch hears one: by rank, then round the VCs. */
static int request(struct noc_state *net, struct noc_router *rt, uint32_t id, uint32_t port, int64_t rank,
                   int32_t *pair, struct noc_match_request *requests, int n)
{
    const int is = net->c.input_speedup, os = net->c.output_speedup, vcs = net->c.vcs;
    const int vc = (int)VC_OF(net, id), in_port = (int)PORT_OF(net, id);
    const int i = in_port * is + vc % is, o = (int)port * os + in_port % os;
    const uint32_t gp = (noc_router_of(net, id) << net->port_bits) + port;
    if (rt->held_out[i] >= 0 || rt->held_in[o] >= 0 || net->now < net->free_at[gp])
        return n;
    int32_t *at = &pair[i * net->max_ports * os + o];
    const struct noc_match_request mine = {i, o, (int32_t)id, rank, rank};
    if (*at < 0) {
        *at = n;
        requests[n++] = mine;
        return n;
    }
    struct noc_match_request *rival = &requests[*at];
    const int off = rt->offset[i], d = (vc - off + vcs) % vcs,
              e = ((int)VC_OF(net, (uint32_t)rival->label) - off + vcs) % vcs;
    if (rank > rival->in_rank || (rank == rival->in_rank && d < e))
        *rival = mine;
    return n;
}

/* Piggyback allocation: a switch grant brings the next free VC of the output, in turn; -1: none is left. */
int noc_piggyback_vc(struct noc_state *net, uint32_t id, uint32_t port)
{
    struct noc_choice choice[65];
    const int n = noc_choices(net, id, choice), vcs = net->c.vcs,
              turn_class = net->msg[noc_input_vc(net, id)->front.msg].vc_class;
    const int turn = net->general->router[noc_router_of(net, id)].next_vc[turn_class * net->max_ports + (int)port];
    const uint32_t gp = (noc_router_of(net, id) << net->port_bits) + port;
    int best = -1, best_rank = 0, best_turn = 0;
    for (int c = 0; c < n; c++)
        for (uint32_t m = choice[c].port == port ? choice[c].mask & noc_output_port(net, gp)->free_mask : 0; m;
             m &= m - 1) {
            const int vc = __builtin_ctz(m), distance = (vc - turn + vcs) % vcs;
            if (noc_vc_full(net, (gp << net->vc_bits) + (uint32_t)vc))
                continue;
            if (best < 0 || choice[c].rank > best_rank || (choice[c].rank == best_rank && distance < best_turn)) {
                best = vc;
                best_rank = choice[c].rank;
                best_turn = distance;
            }
        }
    return best;
}

/* Is a switch grant still good, now that VC allocation of the same cycle is known? */
static int grant_stands(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    const int is = net->c.input_speedup, os = net->c.output_speedup, grant = net->general->vc[id].grant;
    const int i = (int)PORT_OF(net, id) * is + (int)VC_OF(net, id) % is, port = grant / os;
    const uint32_t base = id - LOCAL(net, id);
    if (rt->held_out[i] >= 0 || rt->held_in[grant] >= 0)
        return 0;
    if (net->general->vc[id].state == VC_MOVING)
        return !noc_vc_full(net, base + (noc_input_vc(net, id)->out & (NOC_ACTIVE - 1u)));
    if (net->c.vc_allocator.matcher == NOC_PIGGYBACK)
        return noc_piggyback_vc(net, id, (uint32_t)port) >= 0;
    /* slower ones are not there yet */
    const int32_t got = net->c.vc_alloc_delay == 1 ? rt->vc_match.in_match[dense(net, id)] : -1;
    return got >= 0 && got / net->c.vcs == port &&
           !noc_vc_full(net, base + ((uint32_t)port << net->vc_bits) + (uint32_t)(got % net->c.vcs));
}

/* The grant of one requester from the first matcher, or, where that gave its input nothing, from the speculative
 * one. */
static void read_grant(struct noc_state *net, struct noc_router *rt, uint32_t id)
{
    struct noc_general *g = net->general;
    const int is = net->c.input_speedup, width = net->max_ports * net->c.output_speedup;
    const int vc = (int)VC_OF(net, id), i = (int)PORT_OF(net, id) * is + vc % is;
    int32_t o = rt->sw_match.in_match[i];
    if (o >= 0) {
        if ((uint32_t)g->request[g->pair[i * width + o]].label == id)
            g->vc[id].grant = o;
    } else if (rt->spec_match.in_match && (o = rt->spec_match.in_match[i]) >= 0) {
        int masked = rt->sw_match.out_match[o] >= 0;
        if (net->c.spec_mask_by_reqs)
            for (int k = 0; k < net->max_ports * is; k++)
                masked |= g->pair[k * width + o] >= 0;
        if (!masked && (uint32_t)g->spec_request[g->spec_pair[i * width + o]].label == id)
            g->vc[id].grant = o;
    }
    if (g->vc[id].grant >= 0)
        rt->offset[i] = (uint8_t)((vc + is) % net->c.vcs);
}

/* A matcher may reorder its list, but labels are read by pair afterwards: it gets a copy. */
static void match_copy(struct noc_matcher_state *m, const struct noc_match_request *requests, int n,
                       struct noc_match_request *copy)
{
    for (int k = 0; k < n; k++)
        copy[k] = requests[k];
    noc_match(m, copy, n);
}

/* Switch allocation of one router: firm requests of packets that have their VC, speculative ones of those that have
 * not. */
void noc_evaluate_switch(struct noc_state *net, uint32_t router)
{
    struct noc_general *g = net->general;
    struct noc_router *rt = &g->router[router];
    const int second = rt->spec_match.in_match != NULL, width = net->max_ports * net->c.output_speedup;
    struct noc_choice choice[65];
    int n = 0, spec = 0;
    noc_stage_start(&rt->sa, net->now);
    for (int k = 0; rt->sa.begun && k < rt->sa.nb; k++) {
        const uint32_t id = rt->sa.batch[k];
        g->vc[id].grant = -1;
        const int64_t priority = noc_vc_priority(net, id);
        if (g->vc[id].state == VC_MOVING) {
            const uint32_t o = id - LOCAL(net, id) + (noc_input_vc(net, id)->out & (NOC_ACTIVE - 1u));
            if (noc_vc_full(net, o) || noc_queue_full(net, o >> net->vc_bits))
                net->stalls[o].credit++;
            else
                n = request(net, rt, id, PORT_OF(net, o), priority + FIRM, g->pair, g->request, n);
            continue;
        }
        const int choices = noc_choices(net, id, choice);
        for (int c = 0; c < choices; c++) {
            if (!speculates(net, (router << net->port_bits) + choice[c].port, choice[c].mask))
                continue;
            if (second)
                spec = request(net, rt, id, choice[c].port, priority, g->spec_pair, g->spec_request, spec);
            else
                n = request(net, rt, id, choice[c].port, priority, g->pair, g->request, n);
        }
    }
    match_copy(&rt->sw_match, g->request, n, g->sorted);
    if (second)
        match_copy(&rt->spec_match, g->spec_request, spec, g->sorted);
    for (int k = 0; rt->sa.begun && k < rt->sa.nb; k++)
        read_grant(net, rt, rt->sa.batch[k]);
    for (int k = 0; k < n; k++)
        g->pair[g->request[k].in * width + g->request[k].out] = -1;
    for (int k = 0; k < spec; k++)
        g->spec_pair[g->spec_request[k].in * width + g->spec_request[k].out] = -1;
    if ((net->c.speculative || net->c.sw_alloc_delay > 1) && rt->sa.nb && net->now >= rt->sa.due)
        for (int k = 0; k < rt->sa.nb; k++)
            if (g->vc[rt->sa.batch[k]].grant >= 0 && !grant_stands(net, rt, rt->sa.batch[k]))
                g->vc[rt->sa.batch[k]].grant = -1;
}
