/* flit/trail.c -- how far each message had come, and when: for accounts of where its time went.
 *
 * A message is over a link when the last of its tails has arrived behind it; the cycles at which it is over the links
 * of its way only grow, so they cut its life into intervals, one for each place. Only tails are looked at, where they
 * arrive: one pass over the flits of a cycle, and none where no trail is kept. Where whole periods are skipped the
 * last tail of a message passes later, so that what is kept is that of stepping. */
#include "flit/trail.h"

#include <stdlib.h>

struct passed {
    uint64_t cycle;
    uint32_t port;
};
struct way { /* of a message under way: by hop, the last tail so far */
    struct passed *at;
    uint32_t n, room;
};

struct noc_trail {
    uint32_t *row; /* of each port, its place in noc_count() */
    struct way *of;
    uint32_t of_room;
    struct noc_crossing *done;
    int64_t n, room;
    int failed; /* no memory */
};

/* From now on; nothing may be under way. */
int noc_trail_begin(struct noc_state *net)
{
    if (net->trail)
        return 0;
    struct noc_trail *t = calloc(1, sizeof *t);
    uint32_t *row = malloc(((size_t)net->all_ports + 1) * sizeof *row), n = 0;
    if (!t || !row) {
        free(t);
        free(row);
        return noc_fail(net, NOC_NO_MEMORY, "no memory for trails");
    }
    for (uint32_t gp = 0; gp < net->all_ports; gp++) {
        const int port = (int)(gp & ((1u << net->port_bits) - 1));
        row[gp] = n;
        n += gp >= net->router_ports || port < net->ports[gp >> net->port_bits];
    }
    t->row = row;
    net->trail = t;
    return 0;
}

/* Freed with the network. */
void noc_trail_close(struct noc_state *net)
{
    struct noc_trail *t = net->trail;
    for (uint32_t i = 0; t && i < t->of_room; i++)
        free(t->of[i].at);
    if (t) {
        free(t->of);
        free(t->row);
        free(t->done);
    }
    free(t);
}

/* Room for `n` more; 0 without memory. */
static void *grown(void *old, size_t room, size_t size, struct noc_trail *t)
{
    void *more = realloc(old, room * size);
    if (!more)
        t->failed = 1;
    return more;
}

/* A tail of message `id` has arrived behind its hop `hop`. */
static void note(struct noc_state *net, uint32_t id, uint32_t hop, uint32_t port)
{
    struct noc_trail *t = net->trail;
    if (id >= t->of_room) {
        const uint32_t room = net->msg_room;
        struct way *of = grown(t->of, room, sizeof *of, t);
        if (!of)
            return;
        for (uint32_t i = t->of_room; i < room; i++)
            of[i] = (struct way){NULL, 0, 0};
        t->of = of;
        t->of_room = room;
    }
    struct way *w = t->of + id;
    if (hop >= w->room) {
        struct passed *at = grown(w->at, 2 * (size_t)hop + 8, sizeof *at, t);
        if (!at)
            return;
        w->at = at;
        w->room = 2 * hop + 8;
    }
    w->at[hop] = (struct passed){net->now, port};
    w->n = hop + 1 > w->n ? hop + 1 : w->n;
}

/* Tails among the flits that arrive at a router in this cycle. */
void noc_trail_arrivals(struct noc_state *net)
{
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask;
    for (const struct noc_event *e = noc_flits(net, slot); e < net->flit_end[slot]; e++)
        if (e->flit.bits & NOC_TAIL)
            note(net, e->flit.msg, e->flit.bits >> 2, noc_input_port(net, e->vc >> net->vc_bits)->up >> net->vc_bits);
}

/* One more row. */
static void keep(struct noc_trail *t, struct noc_crossing one)
{
    if (t->n == t->room) {
        struct noc_crossing *done = grown(t->done, 2 * (size_t)t->room + 64, sizeof *done, t);
        if (!done)
            return;
        t->done = done;
        t->room = 2 * t->room + 64;
    }
    t->done[t->n++] = one;
}

/* The message has left the network: what is known of it is kept for noc_trails(). */
void noc_trail_ended(struct noc_state *net, uint32_t id)
{
    struct noc_trail *t = net->trail;
    const struct noc_msg *m = &net->msg[id];
    keep(t, (struct noc_crossing){m->tag, m->itime, t->row[net->router_ports + (uint32_t)m->src]});
    if (id >= t->of_room)
        return;
    for (uint32_t i = 0; i < t->of[id].n; i++)
        keep(t, (struct noc_crossing){m->tag, t->of[id].at[i].cycle, t->row[t->of[id].at[i].port]});
    t->of[id].n = 0;
}

/* See flit/flit.h. */
int64_t noc_trails(struct noc_state *net, struct noc_crossing *out, int64_t room)
{
    struct noc_trail *t = net->trail;
    const int64_t n = t ? t->n : 0;
    if (t && t->failed)
        return noc_fail(net, NOC_NO_MEMORY, "no memory for trails");
    if (n > room)
        return n;
    for (int64_t i = 0; i < n; i++)
        out[i] = t->done[i];
    if (t)
        t->n = 0;
    return n;
}
