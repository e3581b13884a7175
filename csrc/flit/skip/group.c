/* flit/skip/group.c -- which flows share a port. A flow is a message at the head of its queue or under way; its path
 * is known from the routing table. A new flow joins the groups whose ports it uses; when one ends, its group is
 * partitioned anew.
 */
#include "flit/router/route.h"
#include "flit/skip/state.h"
#include "flit/source.h"

#include <stdlib.h>
#include <string.h>

/* Room for `need` numbers; doubles. 0 without memory. */
static int reserve(uint32_t **array, uint32_t *room, uint32_t need)
{
    if (need <= *room)
        return 1;
    uint32_t more = *room ? *room : 16;
    while (more < need)
        more *= 2;
    uint32_t *grown = realloc(*array, more * sizeof *grown);
    if (!grown)
        return 0;
    *array = grown;
    *room = more;
    return 1;
}

/* ---- the watch: called by flit/source.c, in the middle of a cycle */

/* A message is about to be queued: a parked group whose endpoint would start it is unparked first. */
static void starts(struct noc_state *net, uint32_t msg)
{
    struct noc_skip *s = net->skip;
    const struct noc_msg *m = &net->msg[msg];
    const uint32_t id = s->group_of[net->router_ports + (uint32_t)m->src];
    if (id != NOC_NO_GROUP && s->group[id].parked &&
        net->source[m->src * net->c.vc_classes + m->vc_class].head == NOC_NO_MSG)
        noc_unpark(net, &s->group[id]);
}

/* A message is at the head of its queue: from now on it is a flow. It joins a group at the next cycle's start, when
 * all of this cycle are known. */
static void started(struct noc_state *net, uint32_t msg)
{
    struct noc_skip *s = net->skip;
    const uint32_t known = s->slot_room;
    if (s->off || !reserve(&s->active, &s->active_room, s->n_active + 1) ||
        !reserve(&s->fresh, &s->fresh_room, s->n_fresh + 1) || !reserve(&s->slot, &s->slot_room, msg + 1) ||
        !reserve(&s->place, &s->place_room, msg + 1)) {
        s->off = 1; /* no memory: step on, which is always right */
        return;
    }
    for (uint32_t i = known; i < s->slot_room; i++)
        s->slot[i] = UINT32_MAX;
    s->slot[msg] = s->n_active;
    s->place[msg] = UINT32_MAX;
    s->active[s->n_active++] = msg;
    s->fresh[s->n_fresh++] = msg;
    s->bulk += net->msg[msg].flits >= NOC_BULK;
}

/* A message has been sent out: what its endpoint does next is another thing. */
static void changed(struct noc_state *net, uint32_t endpoint)
{
    const uint32_t id = net->skip->group_of[net->router_ports + endpoint];
    if (id != NOC_NO_GROUP)
        net->skip->group[id].changed = 1;
}

/* A message has arrived: its flow is gone, and its group may fall into parts. */
static void ended(struct noc_state *net, uint32_t msg)
{
    struct noc_skip *s = net->skip;
    if (msg >= s->slot_room || s->slot[msg] == UINT32_MAX)
        return;
    const uint32_t last = s->active[--s->n_active], at = s->slot[msg];
    s->active[at] = last;
    s->slot[last] = at;
    s->slot[msg] = UINT32_MAX;
    s->bulk -= net->msg[msg].flits >= NOC_BULK;
    const uint32_t id = s->group_of[net->router_ports + (uint32_t)net->msg[msg].src];
    if (id == NOC_NO_GROUP || s->place[msg] == UINT32_MAX)
        return;
    struct noc_group *g = &s->group[id];
    const uint32_t moved = g->msgs[--g->n_msgs];
    g->msgs[s->place[msg]] = moved;
    s->place[moved] = s->place[msg];
    g->changed = g->may_split = 1;
}

const struct noc_watch noc_group_watch = {starts, started, changed, ended};

/* ---- the partition */

/* A group without flows, in a record that is free or new. */
static struct noc_group *new_group(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    uint32_t id = 0;
    while (id < s->n_groups && s->group[id].used)
        id++;
    if (id == s->groups_room) {
        const uint32_t room = s->groups_room ? 2 * s->groups_room : 8;
        struct noc_group *grown = realloc(s->group, room * sizeof *grown);
        if (!grown)
            return NULL;
        memset(grown + s->groups_room, 0, (room - s->groups_room) * sizeof *grown);
        s->group = grown;
        s->groups_room = room;
    }
    s->n_groups = id == s->n_groups ? id + 1 : s->n_groups;
    struct noc_group *g = &s->group[id];
    g->used = 1;
    g->parked = g->recurred = g->may_split = g->random_ties = 0;
    g->parted = net->now;
    g->n_keys = g->n_msgs = 0;
    g->born = g->begun = net->now;
    noc_group_restart(net, g);
    return g;
}

/* A group is given up: what it skipped is made up first, and its last regime is reported. */
static void leave(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    if (g->parked)
        noc_unpark(net, g);
    noc_note_unrepeated(net, g);
    s->report.group_cycles += net->now - g->born;
    g->used = g->changed = g->may_split = 0;
    while (s->n_groups && !s->group[s->n_groups - 1].used)
        s->n_groups--;
}

/* Something has changed in the group, so the search for a period begins anew. */
void noc_group_restart(struct noc_state *net, struct noc_group *g)
{
    noc_note_unrepeated(net, g);
    g->begun = net->now;
    g->wait = net->skip->first_wait;
    g->reference_at = g->anchor_at = UINT64_MAX;
    g->renew = g->sum = g->level = g->rolling = 0;
    g->period_guess = g->streak = 0;
    g->changed = g->recurred = 0;
    g->given_up = g->random_ties || net->skip->never_periodic;
}

/* A key is added to the path once, however often it is met. */
static uint32_t may_use(struct noc_skip *s, uint32_t key, uint32_t n)
{
    if (s->seen[key] == s->turn)
        return n;
    s->seen[key] = s->turn;
    s->path[n] = key;
    return n + 1;
}

/* Keys a flow may use, injection first; 0 where it cannot arrive. `random_ties`: a random tie break may choose
 * between them. */
static uint32_t path_of(struct noc_state *net, const struct noc_msg *m, int *random_ties)
{
    struct noc_skip *s = net->skip;
    struct noc_flit f = {0, m->column, 0};
    uint32_t arrives = 0;
    s->turn++;
    uint32_t n = may_use(s, net->router_ports + (uint32_t)m->src, 0);
    for (uint32_t i = 0; i < n; i++) {
        arrives |= noc_output_port(net, s->path[i])->terminal;
        if (noc_output_port(net, s->path[i])->terminal)
            continue;
        const uint32_t in = noc_output_port(net, s->path[i])->dst >> net->vc_bits,
                       first = in >> net->port_bits << net->port_bits;
        const uint32_t key = first + noc_route(net, in >> net->port_bits, in - first, &f, 0);
        n = may_use(s, key, n);
        if (noc_tie_is_random(net, in >> net->port_bits, in - first, f.dst)) {
            n = may_use(s, key ^ 1, n);
            *random_ties = 1;
        }
        if (net->minimal && !noc_output_port(net, key)->terminal)
            for (uint64_t ports = net->minimal[(size_t)(in >> net->port_bits) * (size_t)net->c.endpoints + f.dst];
                 ports; ports &= ports - 1)
                n = may_use(s, first + (uint32_t)__builtin_ctzll(ports), n);
    }
    for (uint32_t i = 0, reached = n; s->coupled && i < reached; i++) {
        const uint32_t router = s->path[i] >> net->port_bits;
        for (uint32_t p = 0; s->path[i] < net->router_ports && p < net->ports[router]; p++)
            if (noc_output_port(net, (router << net->port_bits) + p)->used)
                n = may_use(s, (router << net->port_bits) + p, n);
    }
    return arrives ? n : 0;
}

/* What belongs to `from` belongs to `to` from now on. */
static int absorb(struct noc_state *net, struct noc_group *to, struct noc_group *from)
{
    struct noc_skip *s = net->skip;
    if (!reserve(&to->keys, &to->keys_room, to->n_keys + from->n_keys) ||
        !reserve(&to->msgs, &to->msgs_room, to->n_msgs + from->n_msgs))
        return 0;
    for (uint32_t i = 0; i < from->n_keys; i++) {
        s->group_of[from->keys[i]] = noc_group_id(s, to);
        to->keys[to->n_keys++] = from->keys[i];
    }
    for (uint32_t i = 0; i < from->n_msgs; i++) {
        s->place[from->msgs[i]] = to->n_msgs;
        to->msgs[to->n_msgs++] = from->msgs[i];
    }
    to->may_split |= from->may_split;
    to->random_ties |= from->random_ties;
    leave(net, from);
    return 1;
}

/* A flow joins the groups that it shares a port with, which become one: the smaller into the larger. */
static int add_flow(struct noc_state *net, uint32_t msg)
{
    struct noc_skip *s = net->skip;
    const struct noc_msg *m = &net->msg[msg];
    int random_ties = 0;
    const uint32_t n = path_of(net, m, &random_ties);
    struct noc_group *g = NULL;
    if (!n)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t id = s->group_of[s->path[i]];
        if (id == NOC_NO_GROUP || g == &s->group[id])
            continue;
        struct noc_group *other = &s->group[id];
        if (other->parked)
            noc_unpark(net, other);
        noc_group_restart(net, other); /* before its flows are others */
        if (!g) {
            g = other;
        } else {
            const int larger = other->n_keys > g->n_keys;
            if (!absorb(net, larger ? other : g, larger ? g : other))
                return 0;
            g = larger ? other : g;
        }
    }
    if (!g && !(g = new_group(net)))
        return 0;
    if (!reserve(&g->keys, &g->keys_room, g->n_keys + n) || !reserve(&g->msgs, &g->msgs_room, g->n_msgs + 1))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        if (s->group_of[s->path[i]] == NOC_NO_GROUP) {
            s->group_of[s->path[i]] = noc_group_id(s, g);
            g->keys[g->n_keys++] = s->path[i];
        }
    s->place[msg] = g->n_msgs;
    g->msgs[g->n_msgs++] = msg;
    /* the ties of a single packet are broken before it flows */
    g->random_ties |= random_ties && m->flits > (uint64_t)m->packet_flits;
    noc_group_restart(net, g);
    return 1;
}

/* A flow has ended: those that are left may share no port any more. */
static int part(struct noc_state *net, uint32_t id)
{
    struct noc_skip *s = net->skip;
    struct noc_group *g = &s->group[id];
    uint32_t n = 0, *left = malloc((g->n_msgs + 1) * sizeof *left);
    if (!left)
        return 0;
    for (; n < g->n_msgs; n++)
        left[n] = g->msgs[n];
    for (uint32_t i = 0; i < g->n_keys; i++)
        s->group_of[g->keys[i]] = NOC_NO_GROUP;
    leave(net, g);
    int ok = 1;
    for (uint32_t i = 0; i < n && ok; i++)
        ok = add_flow(net, left[i]);
    free(left);
    return ok;
}

/* Groups are not kept up while nothing large is under way: a partition would cost more than it saves. */
void noc_group_drop_all(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    for (uint32_t id = 0, n = s->n_groups; id < n; id++) {
        struct noc_group *g = &s->group[id];
        if (!g->used)
            continue;
        leave(net, g);
        for (uint32_t i = 0; i < g->n_keys; i++)
            s->group_of[g->keys[i]] = NOC_NO_GROUP;
        for (uint32_t i = 0; i < g->n_msgs; i++)
            s->place[g->msgs[i]] = UINT32_MAX;
    }
    s->stale = 1;
}

/* Bring the partition up to date with what the last cycle ended and what this one starts. */
void noc_group_keep(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    int ok = !s->off;
    for (uint32_t id = 0, n = s->n_groups; id < n && ok; id++) {
        struct noc_group *g = &s->group[id];
        if (!g->used)
            continue;
        if (g->changed)
            noc_group_restart(net, g);
        if (!g->parked && g->may_split && (!g->n_msgs || net->now >= g->parted + NOC_PART_EVERY))
            ok = part(net, id);
    }
    noc_release_due(net);
    if (ok && !s->off && s->bulk) {
        const uint32_t *flows = s->stale ? s->active : s->fresh, n = s->stale ? s->n_active : s->n_fresh;
        s->stale = 0;
        for (uint32_t i = 0; i < n && ok; i++)
            ok = add_flow(net, flows[i]);
    } else if (!s->stale) {
        noc_group_drop_all(net);
    }
    if (!ok || s->off) {
        s->off = 1;
        noc_group_drop_all(net);
    }
    s->n_fresh = 0;
}
