/* flit/check.c -- every invariant of the state at once, and who waits for whom. For tests and for the watchdog. */
#include "flit/leaves.h"
#include "flit/router/general_state.h"
#include "flit/skip/skip.h"

#include <stdio.h>
#include <stdlib.h>

#define VC_OF(net, id) ((id) & ((1u << (net)->vc_bits) - 1))

/* An invariant does not hold: its text, and the failure. */
static int broken(struct noc_state *net, const char *what, uint32_t port, uint32_t vc)
{
    snprintf(net->message, sizeof net->message, "cycle %llu: %s (router %u port %u VC %u)",
             (unsigned long long)net->now, what, port >> net->port_bits, port & ((1u << net->port_bits) - 1), vc);
    return 1;
}

/* Flits of the general router that hold a credit of an output VC and are not on the wire yet. */
static void count_leaving(const struct noc_state *net, uint32_t *used, uint64_t *inside)
{
    const struct noc_general *g = net->general;
    for (int r = 0; g && r < net->c.routers; r++) {
        const struct noc_router *rt = &g->router[r];
        for (int side = 0; side < 2; side++)
            for (int k = 0; k < rt->xbar_n[side]; k++, ++*inside)
                used[rt->xbar[side][k].out]++;
        for (int p = 0; p < net->ports[r]; p++) {
            const uint32_t gp = ((uint32_t)r << net->port_bits) + (uint32_t)p;
            for (uint32_t k = 0; k < rt->queue[p].n; k++, ++*inside)
                used[g->queue[(size_t)gp * g->queue_room + (rt->queue[p].first + k) % g->queue_room].out]++;
            for (uint32_t k = 0; k < rt->credit_queue[p].n; k++) {
                uint32_t m =
                    g->credit_queue[(size_t)gp * g->queue_room + (rt->credit_queue[p].first + k) % g->queue_room];
                for (; m; m &= m - 1)
                    used[noc_input_port(net, gp)->up + (uint32_t)__builtin_ctz(m)]++;
            }
        }
    }
}

/* Everything that holds a credit of each output VC: far buffer, wires both ways, the general router's queues. */
static uint64_t count_used(const struct noc_state *net, uint32_t *used)
{
    uint64_t inside = 0;
    for (uint32_t slot = 0; slot <= net->wheel_mask; slot++) {
        for (const struct noc_event *e = noc_flits(net, slot); e < net->flit_end[slot]; e++, inside++)
            used[noc_input_port(net, e->vc >> net->vc_bits)->up + VC_OF(net, e->vc)]++;
        for (const uint32_t *credit = noc_credits(net, slot); credit < net->credit_end[slot]; credit++)
            used[*credit]++;
    }
    for (uint32_t gp = 0; gp < net->router_ports; gp++)
        for (int vc = 0; vc < net->c.vcs; vc++) {
            const struct noc_input_vc *v = noc_input_vc(net, ((size_t)gp << net->vc_bits) + (unsigned)vc);
            inside += v->count;
            if (v->count)
                used[noc_input_port(net, gp)->up + (unsigned)vc] += v->count;
        }
    count_leaving(net, used, &inside);
    return inside;
}

/* A held output VC has an owner that names it; a free one has none. */
static int owners(struct noc_state *net)
{
    for (uint32_t gp = 0; gp < net->router_ports; gp++) {
        uint32_t held = 0;
        const uint32_t base = gp >> net->port_bits << (net->port_bits + net->vc_bits);
        for (uint32_t k = 0; k < 1u << (net->port_bits + net->vc_bits); k++) {
            const unsigned out = noc_input_vc(net, base + k)->out;
            if (!(out & NOC_ACTIVE) || (base + (out & (NOC_ACTIVE - 1u))) >> net->vc_bits != gp)
                continue;
            const uint32_t bit = 1u << VC_OF(net, out & (NOC_ACTIVE - 1u));
            if (held & bit)
                return broken(net, "an output VC with two owners", gp, 0);
            held |= bit;
        }
        const uint32_t all = net->c.vcs == 32 ? ~0u : (1u << net->c.vcs) - 1;
        if ((held | noc_output_port(net, gp)->tail_sent) != (all & ~noc_output_port(net, gp)->free_mask))
            return broken(net, "a held output VC without an owner, or a free one with one", gp, 0);
    }
    return 0;
}

/* What ports have counted of the requests that concern them, against the lists. */
static int requests(struct noc_state *net)
{
    int bad = 0;
    for (int fingerprint = -1; fingerprint <= 1; fingerprint += 2) { /* taken off, looked at, given back */
        for (int k = 0; k < 3; k++)
            for (uint32_t i = 0; i < net->va[k].n; i++) {
                uint16_t *count = &noc_output_port(net, net->va[k].at[i].out >> net->vc_bits)->va_requests[k];
                *count = (uint16_t)(*count + fingerprint);
            }
        for (int k = 0; k < 2; k++)
            for (uint32_t i = 0; i < net->sa[k].n; i++) {
                uint8_t *in = &noc_input_port(net, net->sa[k].at[i].id >> net->vc_bits)->sa_requests[k];
                uint8_t *out = &noc_output_port(net, net->sa[k].at[i].out >> net->vc_bits)->sa_requests[k];
                *in = (uint8_t)(*in + fingerprint);
                *out = (uint8_t)(*out + fingerprint);
            }
        for (uint32_t gp = 0; gp < net->router_ports && fingerprint < 0 && !bad; gp++) {
            const struct noc_output_port *p = noc_output_port(net, gp);
            const struct noc_input_port *input_port = noc_input_port(net, gp);
            if (p->va_requests[0] | p->va_requests[1] | p->va_requests[2] | p->sa_requests[0] | p->sa_requests[1] |
                input_port->sa_requests[0] | input_port->sa_requests[1])
                bad = broken(net, "requests are not as many as counted", gp, 0);
        }
    }
    return bad;
}

/* Every invariant of flit.h's list, one after another; parked groups come back first, as their state is not in the
 * arrays. */
int noc_check(struct noc_state *net)
{
    noc_unpark_all(net);
    uint32_t *used = calloc((size_t)net->all_ports << net->vc_bits, sizeof *used);
    if (!used)
        return noc_fail(net, NOC_NO_MEMORY, "no memory to check");
    const uint64_t inside = count_used(net, used);
    int bad = 0;
    for (uint32_t gp = 0; gp < net->all_ports && !bad; gp++)
        for (int vc = 0; vc < net->c.vcs && noc_output_port(net, gp)->used && !bad; vc++) {
            const size_t o = ((size_t)gp << net->vc_bits) + (unsigned)vc;
            if (noc_output_vc(net, o)->credits + used[o] != (uint32_t)net->c.vc_depth)
                bad = broken(net, "credits + buffered + in flight is not the depth", gp, (uint32_t)vc);
        }
    if (!bad && net->injected != net->ejected + inside)
        bad = broken(net, "flits in are not flits out and flits inside", 0, 0);
    free(used);
    return bad || requests(net) || owners(net);
}

/* The output VC an input VC waits for: the one it holds, or the first it may ask for. UINT32_MAX: it waits for
 * none. */
static uint32_t waits_for(struct noc_state *net, uint32_t id)
{
    const uint32_t base = noc_router_of(net, id) << (net->port_bits + net->vc_bits);
    const struct noc_input_vc *v = noc_input_vc(net, id);
    if (!v->count)
        return UINT32_MAX;
    if (v->out & NOC_ACTIVE) {
        const uint32_t o = base + (v->out & (NOC_ACTIVE - 1u));
        return noc_output_vc(net, o)->credits ? UINT32_MAX : o;
    }
    const uint32_t gp = (base + v->out) >> net->vc_bits;
    const int half = net->c.split && !noc_output_port(net, gp)->terminal ? 1 + ((v->front.bits & NOC_HALF) != 0) : 0;
    const uint32_t mask = net->range[half][VC_OF(net, id)];
    return mask & noc_output_port(net, gp)->free_mask ? UINT32_MAX : base + v->out + (uint32_t)__builtin_ctz(mask);
}

/* Behind an output VC: where it has no credit the input VC at its far end, else the input VC that holds it. */
static uint32_t behind(const struct noc_state *net, uint32_t o)
{
    const struct noc_output_port *p = noc_output_port(net, o >> net->vc_bits);
    if (p->terminal)
        return UINT32_MAX;
    if (!noc_output_vc(net, o)->credits)
        return p->dst + VC_OF(net, o);
    const uint32_t local = (1u << (net->port_bits + net->vc_bits)) - 1, first = o & ~local;
    for (uint32_t id = first; id <= (first | local); id++)
        if (noc_input_vc(net, id)->out == ((o & local) | NOC_ACTIVE))
            return id;
    return UINT32_MAX;
}

/* Follow who waits for whom until a VC is met twice: those between are a cycle. `seen` marks by starting point, so
 * every VC is followed once. */
int noc_wait_cycle(struct noc_state *net, struct noc_place *out, int room)
{
    noc_unpark_all(net);
    const uint32_t vcs = net->router_ports << net->vc_bits;
    uint32_t *seen = calloc(vcs, sizeof *seen);
    int n = 0;
    for (uint32_t start = 0; seen && start < vcs && !n; start++) {
        if (seen[start])
            continue;
        uint32_t id = start, o;
        while ((o = waits_for(net, id)) != UINT32_MAX && !seen[id]) {
            seen[id] = start + 1;
            if ((id = behind(net, o)) == UINT32_MAX)
                break;
        }
        if (id == UINT32_MAX || o == UINT32_MAX || seen[id] != start + 1)
            continue;
        const uint32_t first = id;
        do {
            o = waits_for(net, id);
            const uint32_t gp = o >> net->vc_bits;
            if (n < room)
                out[n++] = (struct noc_place){(int32_t)(gp >> net->port_bits),
                                              (int32_t)(gp & ((1u << net->port_bits) - 1)), (int32_t)VC_OF(net, o)};
            id = behind(net, o);
        } while (id != first && n < room);
    }
    free(seen);
    return n;
}
