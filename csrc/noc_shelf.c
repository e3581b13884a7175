/* noc_shelf.c -- a group whose state recurs is taken off the clock: what is due or waiting in it lies on a shelf, and its
 * state at any later cycle t, up to `limit`, is that of cycle frozen_at + (t - frozen_at) mod period.
 *
 * Thaw. Counters and messages are advanced by whole periods, the rest of a period is stepped by the group alone on a
 *       second set of wheels and lists, and what is due or waiting goes back to the others. Where bins of link counters
 *       end inside the skipped cycles, one of the periods is stepped too, and read where those bins end in it: the bins
 *       are those of stepping.
 * Cells. Arbiter cells hold cycle numbers; those of one port only ever grow, as its groups follow each other in time.
 */
#include "noc_skip.h"

#include <stdlib.h>
#include <string.h>

int noc_shelf_open(struct noc_state *net)
{
    struct noc_moving *side = &net->skip->side;
    const size_t slots = net->wheel_mask + 1, vcs = (size_t)(net->c.links + net->c.endpoints) * (size_t)net->c.vcs;
    if (side->flit_wheel)
        return 1;
    side->flit_wheel = noc_alloc(net, NOC_FLIT_LISTS(net) * (size_t)net->flit_room + NOC_AHEAD, sizeof *side->flit_wheel);
    side->credit_wheel = noc_alloc(net, slots * net->credit_room, sizeof *side->credit_wheel);
    side->flit_n = noc_alloc(net, NOC_FLIT_LISTS(net), sizeof *side->flit_n);
    side->credit_n = noc_alloc(net, slots, sizeof *side->credit_n);
    side->awake.at = noc_alloc(net, (size_t)net->c.endpoints + NOC_AHEAD, sizeof *side->awake.at);
    int ok = side->flit_wheel && side->credit_wheel && side->flit_n && side->credit_n && side->awake.at;
    for (int k = 0; k < 5; k++) {
        struct noc_list *list = k < 3 ? &side->va[k] : &side->sa[k - 3];
        list->at = noc_alloc(net, vcs + NOC_AHEAD, sizeof *list->at);
        ok = ok && list->at;
    }
    return ok;
}

void noc_shelf_close(struct noc_state *net)
{
    struct noc_moving *side = &net->skip->side;
    void *held[] = {side->flit_wheel, side->credit_wheel, side->flit_n, side->credit_n, side->awake.at,
                    side->va[0].at, side->va[1].at, side->va[2].at, side->sa[0].at, side->sa[1].at};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
}

static void swap_sides(struct noc_state *net)
{
    struct noc_moving *side = &net->skip->side;
    const struct noc_moving main = {net->flit_wheel, net->credit_wheel, net->flit_n, net->credit_n,
                                    {net->va[0], net->va[1], net->va[2]}, {net->sa[0], net->sa[1]}, net->awake};
    net->flit_wheel = side->flit_wheel;
    net->credit_wheel = side->credit_wheel;
    net->flit_n = side->flit_n;
    net->credit_n = side->credit_n;
    memcpy(net->va, side->va, sizeof net->va);
    memcpy(net->sa, side->sa, sizeof net->sa);
    net->awake = side->awake;
    *side = main;
}

/* ---- taking off and laying back */

/* A bid of list `k`, counted from this cycle's as take() does, is taken off it. */
static void forget_bid(struct noc_state *net, unsigned k, struct noc_bid bid)
{
    struct noc_port *out = noc_port(net, bid.out >> net->vc_bits);
    if (k < 3) {
        out->va_bids[(net->now + k) % 3]--;
    } else if (k < 5) {
        noc_inlet(net, bid.id >> net->vc_bits)->sa_bids[(net->now + k - 3) & 1]--;
        out->sa_bids[(net->now + k - 3) & 1]--;
    }
}

/* Everything due or waiting, of the group alone or (g NULL) of all; with `out` NULL it is only counted. */
static uint32_t take(struct noc_state *net, const struct noc_group *g, struct noc_item *out)
{
    const uint32_t id = g ? noc_group_id(net->skip, g) : NOC_NO_GROUP, *group_of = net->skip->group_of;
    uint32_t n = 0;
#define MINE(key) (!g || group_of[key] == id)
    for (uint32_t k = 0; k <= net->wheel_mask; k++) {
        const uint32_t slot = (uint32_t)(net->now + k) & net->wheel_mask;
        struct noc_event *event = &net->flit_wheel[(size_t)slot * net->flit_room];
        uint32_t *credit = &net->credit_wheel[(size_t)slot * net->credit_room], kept = 0;
        for (uint32_t i = 0; i < net->flit_n[slot]; i++) {
            if (!MINE(noc_key_of_input(net, event[i].vc)))
                event[kept++] = event[i];
            else if (out)
                out[n++] = (struct noc_item){ITEM_FLIT, k, event[i].vc, event[i].stamp, event[i].flit};
            else
                kept++, n++;
        }
        net->flit_n[slot] = kept;
        kept = 0;
        for (uint32_t i = 0; i < net->credit_n[slot]; i++) {
            if (!MINE(credit[i] >> net->vc_bits))
                credit[kept++] = credit[i];
            else if (out)
                out[n++] = (struct noc_item){ITEM_CREDIT, k, credit[i], 0, {0, 0, 0}};
            else
                kept++, n++;
        }
        net->credit_n[slot] = kept;
    }
    for (unsigned k = 0; k < 6; k++) {
        struct noc_list *list = k < 3 ? &net->va[(net->now + k) % 3] : k < 5 ? &net->sa[(net->now + k - 3) & 1] : &net->awake;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < list->n; i++) {
            const struct noc_bid at = list->at[i];
            if (!MINE(k == 5 ? net->router_ports + at.id : noc_key_of_input(net, at.id))) {
                list->at[kept++] = at;
            } else if (out) {
                out[n++] = (struct noc_item){k < 3 ? ITEM_VA : k < 5 ? ITEM_SA : ITEM_AWAKE, k < 3 ? k : k - 3, at.id, at.out, {0, 0, 0}};
                forget_bid(net, k, at);
            } else {
                kept++, n++;
            }
        }
        list->n = kept;
    }
#undef MINE
    return n;
}

static void lay(struct noc_state *net, const struct noc_item *item, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct noc_item *it = &item[i];
        if (it->kind == ITEM_FLIT)
            noc_put_flit(net, it->delay, it->vc, it->flit, it->stamp);
        else if (it->kind == ITEM_CREDIT)
            noc_put_credit(net, it->delay, it->vc);
        else if (it->kind == ITEM_VA)
            noc_bid_for_vc(net, it->delay, it->vc, it->stamp);
        else if (it->kind == ITEM_SA)
            noc_bid_for_switch(net, it->delay, it->vc, it->stamp);
        else
            net->awake.at[net->awake.n++] = (struct noc_bid){it->vc, 0};
    }
}

static int room_for(struct noc_group *g, uint32_t items)
{
    if (items > g->items_room) {
        struct noc_item *grown = realloc(g->item, 2 * (size_t)items * sizeof *grown);
        if (!grown)
            return 0;
        g->item = grown;
        g->items_room = 2 * items;
    }
    const size_t snaps = (NOC_BINS + 1) * (size_t)g->n_keys;
    if (snaps > g->snap_room) {
        struct noc_counts *grown = realloc(g->snap, snaps * sizeof *grown);
        if (!grown)
            return 0;
        g->snap = grown;
        g->snap_room = snaps;
    }
    return 1;
}

void noc_set_limit(struct noc_skip *s)
{
    s->next_limit = UINT64_MAX;
    for (uint32_t i = 0; i < s->n_groups; i++)
        if (s->group[i].used && s->group[i].frozen && s->group[i].limit < s->next_limit)
            s->next_limit = s->group[i].limit;
}

/* Take a group off the clock; 0 (and nothing done) without memory. */
int noc_freeze(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    if (!noc_shelf_open(net) || !room_for(g, take(net, g, NULL)))
        return 0;
    g->n_items = take(net, g, g->item);
    g->frozen_at = net->now;
    g->frozen = g->recurred = 1;
    s->frozen++;
    noc_set_limit(s);
    return 1;
}

/* ---- advancing */

/* Counters, messages and narrow wires of a group, `n` periods on. */
static void advance_counters(struct noc_state *net, const struct noc_group *g, uint64_t n)
{
    struct noc_skip *s = net->skip;
    for (uint32_t i = 0; i < g->n_keys; i++) {
        const uint32_t key = g->keys[i];
        if (net->free_at[key] > g->frozen_at)
            net->free_at[key] += n * g->period;
        for (int vc = 0; vc < net->c.vcs; vc++) {
            const size_t o = ((size_t)key << net->vc_bits) + (unsigned)vc;
            net->total[o].flits += n * s->counts[o].flits;
            net->total[o].stalled_credit += n * s->counts[o].stalled_credit;
            net->total[o].stalled_arbitration += n * s->counts[o].stalled_arbitration;
        }
        for (int k = 0; key >= net->router_ports && k < net->c.vc_classes; k++) {
            const size_t at = (size_t)(key - net->router_ports) * (size_t)net->c.vc_classes + (size_t)k;
            struct noc_source *source = &net->source[at];
            if (source->head == NOC_NO_MSG)
                continue;
            struct noc_msg *m = &net->msg[source->head];
            const uint64_t sent = n * s->progress[at].flits;
            m->packets_left -= n * s->progress[at].packets;
            m->flits_left -= sent;
            if (m->flits <= (uint64_t)m->packet_flits && source->left)
                source->left -= (int32_t)sent;
            net->injected += sent;
            net->ejected += sent; /* the state is the same, so what goes in comes out */
            net->moved += sent;
        }
    }
}

/* One period of the group, stepped; counters are read at those cycles of it where a bin ends. */
static void step_period(struct noc_state *net, const struct noc_group *g, const uint64_t *ends, uint32_t n)
{
    noc_links_sum(net, g->keys, g->n_keys, g->snap + (size_t)NOC_BINS * g->n_keys);
    for (uint64_t c = 0; c < g->period; c++) {
        for (uint32_t i = 0; i < n; i++)
            if ((ends[i] - g->frozen_at) % g->period == c)
                noc_links_sum(net, g->keys, g->n_keys, g->snap + (size_t)i * g->n_keys);
        noc_one_cycle(net);
    }
}

/* The group, alone on the clock, from frozen_at to `t`. */
static void catch_up(struct noc_state *net, struct noc_group *g, uint64_t t)
{
    struct noc_skip *s = net->skip;
    const uint64_t periods = (t - g->frozen_at) / g->period, whole = g->frozen_at + periods * g->period;
    uint64_t ends[NOC_BINS], stepped = 0;
    uint32_t n = noc_links_ends(net, g->frozen_at, whole, ends);
    noc_links_read_some(net, g->keys, g->n_keys, g->frozen_at);
    if (periods) {
        const uint64_t skipped = periods - (n != 0);
        advance_counters(net, g, skipped);
        s->report.group_skipped += skipped * g->period;
        s->report.jumps += skipped != 0;
        s->report.longest_period = skipped && g->period > s->report.longest_period ? g->period : s->report.longest_period;
        net->now = whole - (n ? g->period : 0);
    }
    lay(net, g->item, g->n_items);
    if (n) {
        step_period(net, g, ends, n);
        stepped += g->period;
        noc_links_lay(net, g->keys, g->n_keys, ends, n, g->frozen_at, g->period, s->counts, g->snap);
    }
    n = noc_links_ends(net, whole, t, ends);
    for (uint32_t i = 0; net->now < t; stepped++) {
        noc_one_cycle(net);
        if (i < n && net->now == ends[i]) {
            noc_links_read_some(net, g->keys, g->n_keys, net->now - 1);
            i++;
        }
    }
    s->report.replayed += stepped;
}

/* Everything due or waiting goes from the second set of wheels and lists to the first. */
static void join(struct noc_state *net)
{
    struct noc_moving *side = &net->skip->side;
    for (uint32_t k = 0; k <= net->wheel_mask; k++) {
        for (uint32_t i = 0; i < side->flit_n[k]; i++)
            net->flit_wheel[(size_t)k * net->flit_room + net->flit_n[k]++] = side->flit_wheel[(size_t)k * net->flit_room + i];
        for (uint32_t i = 0; i < side->credit_n[k]; i++)
            net->credit_wheel[(size_t)k * net->credit_room + net->credit_n[k]++] = side->credit_wheel[(size_t)k * net->credit_room + i];
        side->flit_n[k] = side->credit_n[k] = 0;
    }
    for (unsigned k = 0; k < 6; k++) {
        struct noc_list *from = k < 3 ? &side->va[k] : k < 5 ? &side->sa[k - 3] : &side->awake;
        struct noc_list *to = k < 3 ? &net->va[k] : k < 5 ? &net->sa[k - 3] : &net->awake;
        for (uint32_t i = 0; i < from->n; i++)
            to->at[to->n++] = from->at[i];
        from->n = 0;
    }
}

/* Back on the clock, at the cycle that is to come. */
void noc_thaw(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    const uint64_t now = net->now;
    const uint32_t later = net->later_n;
    if (now >= net->bin_end)
        noc_links_turn(net);
    swap_sides(net);
    net->now = g->frozen_at;
    net->later_n = 0;
    catch_up(net, g, now);
    net->later_n = later;
    swap_sides(net);
    join(net);
    g->frozen = 0;
    s->frozen--;
    noc_set_limit(s);
}

void noc_thaw_all(struct noc_state *net)
{
    for (uint32_t i = 0; net->skip && i < net->skip->n_groups; i++) {
        struct noc_group *g = &net->skip->group[i];
        if (g->used && g->frozen) {
            noc_thaw(net, g);
            noc_group_restart(net, g);
        }
    }
}

/* Counters of all groups as of now; those on the shelf stay there. */
void noc_settle(struct noc_state *net)
{
    for (uint32_t i = 0; net->skip && i < net->skip->n_groups; i++) {
        struct noc_group *g = &net->skip->group[i];
        if (!g->used || !g->frozen)
            continue;
        noc_thaw(net, g);
        const uint64_t periods = (g->limit - net->now) / g->period;
        g->limit = net->now + periods * g->period;
        if (!periods || !noc_freeze(net, g))
            g->given_up = 1;
    }
}
