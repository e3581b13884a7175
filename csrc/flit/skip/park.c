/* flit/skip/park.c -- a group whose state recurs is parked: its pending events are taken off the clock, and its
 * state at any later cycle t, up to `limit`, is that of cycle parked_at + (t - parked_at) mod period.
 *
 * Unpark. Counters and messages are advanced by whole periods, the rest of a period is stepped by the group alone,
 *         with
 *       the pending events of all others detached. Where bins of link counters end inside the skipped cycles, one of
 *       the periods is stepped too, and read where those bins end in it: the bins are those of stepping.
 * Arbiters hold cycle numbers; those of one port only ever grow, as its groups follow each other in time.
 */
#include "flit/cycle.h"
#include "flit/leaves.h"
#include "flit/skip/state.h"

#include <stdlib.h>

/* Room for counters at the end of every bin; 0 without memory. */
static int room_for(struct noc_group *g)
{
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

/* The first cycle at which a parked group has to come back. */
void noc_set_limit(struct noc_skip *s)
{
    s->next_limit = UINT64_MAX;
    for (uint32_t i = 0; i < s->n_groups; i++)
        if (s->group[i].used && s->group[i].parked && s->group[i].limit < s->next_limit)
            s->next_limit = s->group[i].limit;
}

/* Take a group off the clock; 0 (and nothing done) without memory. */
int noc_park(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    if (!room_for(g) || !noc_pending_detach(net, g, &g->events))
        return 0;
    g->parked_at = net->now;
    g->parked = g->recurred = 1;
    s->parked++;
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
        if (net->free_at[key] > g->parked_at)
            net->free_at[key] += n * g->period;
        for (int k = 0; k < net->c.flows; k++)
            noc_flows_of(net, key)[k].flits += n * s->flow_counts[(size_t)key * (size_t)net->c.flows + (size_t)k];
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
            if ((ends[i] - g->parked_at) % g->period == c)
                noc_links_sum(net, g->keys, g->n_keys, g->snap + (size_t)i * g->n_keys);
        noc_one_cycle(net);
    }
}

/* The group, alone on the clock, from parked_at to `t`. */
static void catch_up(struct noc_state *net, struct noc_group *g, uint64_t t)
{
    struct noc_skip *s = net->skip;
    const uint64_t periods = (t - g->parked_at) / g->period, whole = g->parked_at + periods * g->period;
    uint64_t ends[NOC_BINS], stepped = 0;
    uint32_t n = noc_links_ends(net, g->parked_at, whole, ends);
    noc_links_read_some(net, g->keys, g->n_keys, g->parked_at);
    if (periods) {
        const uint64_t skipped = periods - (n != 0);
        advance_counters(net, g, skipped);
        if (net->general)
            noc_pending_shift(net, g, skipped * g->period);
        s->report.group_skipped += skipped * g->period;
        s->report.jumps += skipped != 0;
        s->report.longest_period =
            skipped && g->period > s->report.longest_period ? g->period : s->report.longest_period;
        net->now = whole - (n ? g->period : 0);
    }
    noc_pending_restore(net, &g->events);
    if (n) {
        step_period(net, g, ends, n);
        stepped += g->period;
        noc_links_repeat(net, g->keys, g->n_keys, ends, n, g->parked_at, g->period, s->counts, g->snap);
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

/* Back on the clock, at the cycle that is to come. */
void noc_unpark(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    const uint64_t now = net->now;
    const uint32_t later = net->later_n;
    if (now >= net->bin_end)
        noc_links_next_bin(net);
    if (!noc_pending_detach(net, NULL, &s->rest)) { /* a group must not be lost: stop here with a message */
        noc_fail(net, NOC_NO_MEMORY, "no memory to step a group");
        abort();
    }
    net->now = g->parked_at;
    net->later_n = 0;
    catch_up(net, g, now);
    net->later_n = later;
    noc_pending_restore(net, &s->rest);
    g->parked = 0;
    s->parked--;
    noc_set_limit(s);
}
