/* flit/skip/snapshot.c -- the state of a group, or of the whole network, as words relative to now: equal words, equal
 * future. */
#include "flit/skip/snapshot.h"
#include "flit/leaves.h"

#include <stdlib.h>

/* An input port: arbiters, and each VC with its flits from front to back. */
static void put_input(struct noc_snapshot *w, uint32_t gp)
{
    const struct noc_state *net = w->net;
    const unsigned depth = (unsigned)net->c.vc_depth;
    noc_put(w, (uint64_t)noc_input_port(net, gp)->out_last << 8 | noc_input_port(net, gp)->vc_last);
    for (int vc = 0; vc < net->c.vcs; vc++) {
        const uint32_t id = (gp << net->vc_bits) + (unsigned)vc;
        const struct noc_input_vc *v = noc_input_vc(net, id);
        noc_put(w, (uint64_t)v->count << 32 | (uint64_t)v->out << 16 | v->va_next);
        for (unsigned k = 0; k < v->count; k++) {
            const size_t at = (size_t)id * depth + (v->pos + k - 1) % depth;
            const struct noc_flit *f = k ? &net->ring[at] : &v->front;
            noc_put_bits(w, f);
            if (net->general)
                noc_put_age(w, f, k ? net->stamp_ring[at] : net->stamp_front[id]);
        }
    }
    if (net->general)
        noc_put_router_input(w, gp);
}

/* Who are kept as the hottest flows of a link; how many flits is not state as long as they stay the same. */
static void put_flows(struct noc_snapshot *w, uint32_t key)
{
    const struct noc_flow *flow = noc_flows_of(w->net, key);
    for (int k = 0; k < w->net->c.flows; k++) {
        noc_put(w, (uint64_t)(uint32_t)flow[k].src << 32 | (uint32_t)flow[k].dst);
        noc_put(w, flow[k].over);
    }
}

/* What a link's sender knows of it. */
static void put_output(struct noc_snapshot *w, uint32_t key)
{
    const struct noc_state *net = w->net;
    const struct noc_output_port *p = noc_output_port(net, key);
    noc_put(w, (uint64_t)p->free_mask << 32 | p->tail_sent);
    noc_put(w, (net->free_at[key] > net->now ? net->free_at[key] - net->now : 0) << 8 | p->in_last);
    if (net->pace)
        noc_put(w, (uint64_t)net->pace[key].at_switch << 32 | net->pace[key].on_wire);
    for (int vc = 0; vc < net->c.vcs; vc++) {
        const struct noc_output_vc *out = noc_output_vc(net, (key << net->vc_bits) + (unsigned)vc);
        noc_put(w, (uint64_t)out->credits << 16 | out->va_last);
    }
}

/* The input port at a link's far end, and what else belongs to the link. */
static void put_far_end(struct noc_snapshot *w, uint32_t key)
{
    const struct noc_state *net = w->net;
    put_flows(w, key);
    if (net->general && key < net->router_ports)
        noc_put_router_output(w, key);
    if (!noc_output_port(net, key)->terminal)
        put_input(w, noc_output_port(net, key)->dst >> net->vc_bits);
}

/* Flits and credits on wires, by cycles to go. Slots hold them in no order that matters, so they are sorted. */
static void put_wires(struct noc_snapshot *w)
{
    const struct noc_state *net = w->net;
    for (uint32_t k = 0; k <= net->wheel_mask && !w->differs; k++) {
        const uint32_t slot = (uint32_t)(net->now + k) & net->wheel_mask;
        const struct noc_event *event = noc_flits(net, slot);
        size_t n = 0;
        for (uint32_t i = 0; event + i < net->flit_end[slot]; i++) /* one flit a port: by VC, then what it is */
            if (noc_mine(w, noc_key_of_input(net, event[i].vc)))
                w->scratch[n++] = (uint64_t)event[i].vc << 32 | i;
        if (n) {
            noc_sort(w->scratch, n);
            noc_put(w, (uint64_t)(2 * k) << 32 | n);
        }
        for (size_t i = 0; i < n; i++) {
            noc_put(w, w->scratch[i] >> 32);
            noc_put_bits(w, &event[(uint32_t)w->scratch[i]].flit);
            noc_put_age(w, &event[(uint32_t)w->scratch[i]].flit, event[(uint32_t)w->scratch[i]].stamp);
        }
        n = 0;
        for (const uint32_t *credit = noc_credits(net, slot); credit < net->credit_end[slot]; credit++)
            if (noc_mine(w, *credit >> net->vc_bits))
                w->scratch[n++] = *credit;
        noc_put_sorted(w, 2 * k + 1, n);
    }
}

/* Flits left of a message sent as one packet are progress, not state; flits left in a packet of a train are state. */
static uint64_t left_in_packet(const struct noc_state *net, const struct noc_source *s)
{
    if (s->head == NOC_NO_MSG || !s->left)
        return 0;
    return net->msg[s->head].flits <= (uint64_t)net->msg[s->head].packet_flits ? 1u << 31 : (uint64_t)s->left;
}

/* Whose turn it is at an endpoint, and what each class has at its head. */
static void put_endpoint(struct noc_snapshot *w, uint32_t e)
{
    const struct noc_state *net = w->net;
    noc_put(w, (uint64_t)net->last_class[e] << 1 | net->listed[e]);
    for (int k = 0; k < net->c.vc_classes; k++) {
        const struct noc_source *s = &net->source[e * (unsigned)net->c.vc_classes + (unsigned)k];
        noc_put(w, noc_name(w, s->head) << 32 | (uint64_t)(uint8_t)s->vc << 8 | (uint8_t)s->last_vc);
        noc_put(w, left_in_packet(net, s));
    }
}

/* Requests that stand in the lists of the fast router. */
static void put_lists(struct noc_snapshot *w)
{
    const struct noc_state *net = w->net;
    const struct noc_list *lists[5] = {&net->va[net->now % 3], &net->va[(net->now + 1) % 3],
                                       &net->va[(net->now + 2) % 3], &net->sa[net->now & 1],
                                       &net->sa[(net->now + 1) & 1]};
    for (unsigned k = 0; k < 5; k++) {
        size_t n = 0;
        for (uint32_t i = 0; i < lists[k]->n; i++)
            if (noc_mine(w, noc_key_of_input(net, lists[k]->at[i].id)))
                w->scratch[n++] = lists[k]->at[i].id;
        noc_put_sorted(w, UINT32_MAX - k, n);
    }
}

/* Everything, cheap and telling words first: a comparison ends at the first word that differs. */
static void put_all(struct noc_snapshot *w, const struct noc_group *g)
{
    struct noc_state *net = w->net;
    const uint32_t n = g ? g->n_keys : net->all_ports;
    w->n = 0;
    for (uint32_t i = 0; i < n && !w->differs; i++) /* first what is short and hardly ever the same by chance */
        if (noc_output_port(net, g ? g->keys[i] : i)->used)
            put_output(w, g ? g->keys[i] : i);
    for (uint32_t i = 0; i < n && !w->differs; i++) {
        const uint32_t key = g ? g->keys[i] : i;
        if (noc_output_port(net, key)->used)
            put_far_end(w, key);
        if (key >= net->router_ports)
            put_endpoint(w, key - net->router_ports);
    }
    put_wires(w);
    if (net->general)
        noc_put_router_lists(w);
    else
        put_lists(w);
}

/* Ranks of the ages present; 0 without memory. */
static int rank_ages(struct noc_snapshot *w, const struct noc_group *g)
{
    if (!w->net->general || !noc_aged(w->net))
        return 1;
    put_all(w, g);
    size_t kept = 0;
    if (w->ages)
        qsort(w->age, w->ages, sizeof *w->age, noc_by_number);
    for (size_t i = 0; i < w->ages; i++)
        if (!kept || w->age[kept - 1] != w->age[i])
            w->age[kept++] = w->age[i];
    w->ages = kept;
    return !w->differs;
}

/* Two passes where ages have to be ranked, else one. */
static size_t words(struct noc_snapshot *w, const struct noc_group *g, uint64_t *at, const uint64_t *against)
{
    const int ok = rank_ages(w, g);
    w->at = at;
    w->against = against;
    if (ok)
        put_all(w, g);
    free(w->age);
    return ok ? w->n : 0;
}

/* Snapshot needed, 0 without memory; nothing is written beyond `room`. g NULL: the whole network. */
static size_t write(struct noc_state *net, const struct noc_group *g, uint64_t *at, size_t room, uint64_t *scratch)
{
    struct noc_snapshot w = {
        .net = net, .id = g ? noc_group_id(net->skip, g) : NOC_NO_GROUP, .room = room, .scratch = scratch};
    return words(&w, g, at, NULL);
}

/* The state of a group; the words it needs, which may be more than there is room for. */
size_t noc_write_state(struct noc_state *net, const struct noc_group *g, uint64_t *at, size_t room)
{
    uint64_t none;
    return write(net, g, at ? at : &none, at ? room : 0, net->skip->scratch);
}

/* The state of the whole network. */
size_t noc_snapshot_all(struct noc_state *net, uint64_t *at, size_t room, uint64_t *scratch)
{
    return write(net, NULL, at, room, scratch);
}

/* Is the state of a group that of `state`? The first word that differs ends the comparison. */
int noc_same_state(struct noc_state *net, const struct noc_group *g, const uint64_t *state, size_t size)
{
    struct noc_snapshot w = {.net = net, .id = noc_group_id(net->skip, g), .room = size, .scratch = net->skip->scratch};
    return words(&w, g, NULL, state) == size && !w.differs;
}

/* Numbers that a list to be sorted can hold. */
size_t noc_longest_list(const struct noc_state *net)
{
    const size_t vcs = (size_t)net->flit_room * (size_t)net->c.vcs, credits = net->credit_room;
    return (vcs > credits ? vcs : credits) + NOC_LIST_SPARE;
}
