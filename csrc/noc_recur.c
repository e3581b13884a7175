/* noc_recur.c -- the state of a group, or of the whole network, as words relative to now: equal words, equal future. */
#include "noc_skip.h"

#include <stdlib.h>

struct writer {
    uint32_t *at;
    size_t n, room;
    const struct noc_state *net;
    uint32_t id; /* of the group; NOC_NO_GROUP: all */
    uint64_t *scratch;
};

static inline void put(struct writer *w, uint64_t x)
{
    if (w->n + 2 <= w->room) {
        w->at[w->n] = (uint32_t)x;
        w->at[w->n + 1] = (uint32_t)(x >> 32);
    }
    w->n += 2;
}

static inline int mine(const struct writer *w, uint32_t key) { return w->id == NOC_NO_GROUP || w->net->skip->group_of[key] == w->id; }

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A list whose order means nothing: sorted in place of writing. */
static void put_sorted(struct writer *w, uint64_t what, size_t n)
{
    if (!n)
        return;
    qsort(w->scratch, n, sizeof *w->scratch, by_number);
    put(w, what << 32 | n);
    for (size_t i = 0; i < n; i++)
        put(w, w->scratch[i]);
}

static uint64_t flit_bits(const struct noc_flit *f) { return (uint64_t)f->msg << 32 | (uint64_t)f->dst << 16 | f->bits; }

static void put_input(struct writer *w, uint32_t gp)
{
    const struct noc_state *net = w->net;
    const unsigned depth = (unsigned)net->c.vc_depth;
    put(w, (uint64_t)noc_inlet(net, gp)->out_last << 8 | noc_inlet(net, gp)->vc_last);
    for (int vc = 0; vc < net->c.vcs; vc++) {
        const uint32_t id = (gp << net->vc_bits) + (unsigned)vc;
        const struct noc_in *v = noc_in(net, id);
        put(w, (uint64_t)v->count << 32 | (uint64_t)v->out << 16 | v->va_last);
        if (v->count)
            put(w, flit_bits(&v->front));
        for (unsigned k = 0; k + 1u < v->count; k++)
            put(w, flit_bits(&net->ring[(size_t)id * depth + (v->pos + k) % depth]));
    }
}

/* Both ends of a link: the output port that feeds it and the input port behind it. */
static void put_key(struct writer *w, uint32_t key)
{
    const struct noc_state *net = w->net;
    const struct noc_port *p = noc_port(net, key);
    put(w, (uint64_t)p->free_mask << 32 | p->tail_sent);
    put(w, (net->free_at[key] > net->now ? net->free_at[key] - net->now : 0) << 8 | p->in_last);
    for (int vc = 0; vc < net->c.vcs; vc++) {
        const struct noc_out *out = noc_out(net, (key << net->vc_bits) + (unsigned)vc);
        put(w, (uint64_t)out->credits << 16 | out->va_last);
    }
    if (!p->seat)
        put_input(w, p->dst >> net->vc_bits);
}

static void put_wires(struct writer *w)
{
    const struct noc_state *net = w->net;
    for (uint32_t k = 0; k <= net->wheel_mask; k++) {
        const uint32_t slot = (uint32_t)(net->now + k) & net->wheel_mask;
        const struct noc_event *event = &net->flit_wheel[(size_t)slot * net->flit_room];
        const uint32_t *credit = &net->credit_wheel[(size_t)slot * net->credit_room];
        size_t n = 0;
        for (uint32_t i = 0; i < net->flit_n[slot]; i++) /* one flit a port: by VC, then what it is */
            if (mine(w, noc_key_of_input(net, event[i].vc)))
                w->scratch[n++] = (uint64_t)event[i].vc << 32 | i;
        if (n) {
            qsort(w->scratch, n, sizeof *w->scratch, by_number);
            put(w, (uint64_t)(2 * k) << 32 | n);
        }
        for (size_t i = 0; i < n; i++) {
            put(w, w->scratch[i] >> 32);
            put(w, flit_bits(&event[(uint32_t)w->scratch[i]].flit));
        }
        n = 0;
        for (uint32_t i = 0; i < net->credit_n[slot]; i++)
            if (mine(w, credit[i] >> net->vc_bits))
                w->scratch[n++] = credit[i];
        put_sorted(w, 2 * k + 1, n);
    }
}

/* Flits left of a message sent as one packet are progress, not state; flits left in a packet of a train are state. */
static uint64_t left_in_packet(const struct noc_state *net, const struct noc_source *s)
{
    if (s->head == NOC_NO_MSG || !s->left)
        return 0;
    return net->msg[s->head].flits <= (uint64_t)net->msg[s->head].packet_flits ? 1u << 31 : (uint64_t)s->left;
}

static void put_endpoint(struct writer *w, uint32_t e)
{
    const struct noc_state *net = w->net;
    put(w, (uint64_t)net->last_class[e] << 1 | net->listed[e]);
    for (int k = 0; k < net->c.vc_classes; k++) {
        const struct noc_source *s = &net->source[e * (unsigned)net->c.vc_classes + (unsigned)k];
        put(w, (uint64_t)s->head << 32 | (uint64_t)(uint8_t)s->vc << 8 | (uint8_t)s->last_vc);
        put(w, left_in_packet(net, s));
    }
}

static void put_lists(struct writer *w)
{
    const struct noc_state *net = w->net;
    const struct noc_list *lists[5] = {&net->va[net->now % 3], &net->va[(net->now + 1) % 3], &net->va[(net->now + 2) % 3],
                                       &net->sa[net->now & 1], &net->sa[(net->now + 1) & 1]};
    for (unsigned k = 0; k < 5; k++) {
        size_t n = 0;
        for (uint32_t i = 0; i < lists[k]->n; i++)
            if (mine(w, noc_key_of_input(net, lists[k]->at[i].id)))
                w->scratch[n++] = lists[k]->at[i].id;
        put_sorted(w, UINT32_MAX - k, n);
    }
}

size_t noc_write_state(const struct noc_state *net, const struct noc_group *g, uint32_t *at, size_t room, uint64_t *scratch)
{
    struct writer w = {at, 0, room, net, g ? noc_group_id(net->skip, g) : NOC_NO_GROUP, scratch};
    for (uint32_t i = 0; i < (g ? g->n_keys : net->all_ports); i++) {
        const uint32_t key = g ? g->keys[i] : i;
        if (noc_port(net, key)->used)
            put_key(&w, key);
        if (key >= net->router_ports)
            put_endpoint(&w, key - net->router_ports);
    }
    put_wires(&w);
    put_lists(&w);
    return w.n;
}

size_t noc_longest_list(const struct noc_state *net)
{
    const size_t vcs = (size_t)net->flit_room * (size_t)net->c.vcs, credits = net->credit_room;
    return (vcs > credits ? vcs : credits) + 1;
}

uint64_t noc_digest(struct noc_state *net)
{
    noc_thaw_all(net);
    uint64_t *scratch = calloc(noc_longest_list(net), sizeof *scratch), hash = 1469598103934665603u;
    const size_t n = scratch ? noc_write_state(net, NULL, NULL, 0, scratch) : 0;
    uint32_t *state = n ? malloc(n * sizeof *state) : NULL;
    if (state)
        noc_write_state(net, NULL, state, n, scratch);
    for (size_t i = 0; state && i < n; i++)
        hash = (hash ^ state[i]) * 1099511628211u;
    free(state);
    free(scratch);
    return state ? hash : 0;
}
