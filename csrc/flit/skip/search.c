/* flit/skip/search.c -- exact skipping: when the state of a group recurs, relative to now, whole periods are advanced
 * at once.
 *
 * Between two changes (a message starts, is sent out, or has arrived) nothing but its state decides what a group
 * does. Where fingerprints of a recurrence are seen (flit/skip/fingerprint.c) a reference state is kept, and a new
 * one each time the regime has doubled; when its fingerprint comes again all words are compared, so no hash can
 * deceive. The group is then parked (flit/skip/park.c) until its shortest message is nearly out, or a new message
 * uses one of its ports.
 */
#include "flit/leaves.h"
#include "flit/router/router.h"
#include "flit/skip/skip.h"
#include "flit/skip/state.h"

#include <stdlib.h>
#include <string.h>

/* Arrays by port and source, and the watch that source.c calls from now on. */
int noc_skip_open(struct noc_state *net)
{
    struct noc_skip *s = net->skip = noc_alloc(net, 1, sizeof *s);
    if (!s)
        return NOC_NO_MEMORY;
    s->counts = noc_alloc(net, (size_t)net->all_ports << net->vc_bits, sizeof *s->counts);
    s->progress = noc_alloc(net, (size_t)(net->c.endpoints * net->c.vc_classes), sizeof *s->progress);
    s->scratch = noc_alloc(net, noc_longest_list(net), sizeof *s->scratch);
    s->group_of = noc_alloc(net, net->all_ports, sizeof *s->group_of);
    s->path = noc_alloc(net, net->all_ports, sizeof *s->path);
    s->seen = noc_alloc(net, net->all_ports, sizeof *s->seen);
    s->flow_counts = noc_alloc(net, (size_t)net->all_ports * (size_t)net->c.flows, sizeof *s->flow_counts);
    net->watch = &noc_group_watch;
    s->coupled = noc_general_coupled(net);
    s->never_periodic = noc_general_never_periodic(net);
    s->next_limit = UINT64_MAX;
    s->stale = 1;
    for (uint32_t i = 0; i < net->router_ports; i++) {
        const uint32_t there = noc_output_port(net, i)->flit_delay, back = noc_input_port(net, i)->credit_delay,
                       wire = there > back ? there : back;
        s->longest_wire = wire > s->longest_wire ? wire : s->longest_wire;
    }
    s->first_wait = 2 * (uint64_t)(net->wheel_mask + 1) > 64 ? 2 * (uint64_t)(net->wheel_mask + 1) : 64;
    for (uint32_t i = 0; s->group_of && i < net->all_ports; i++)
        s->group_of[i] = NOC_NO_GROUP;
    return noc_fingerprints_open(net) && s->counts && s->progress && s->flow_counts && s->scratch && s->group_of &&
                   s->path && s->seen
               ? 0
               : NOC_NO_MEMORY;
}

/* Everything that skipping has made; the network goes on without. */
void noc_skip_close(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->groups_room; i++) {
        struct noc_group *g = &s->group[i];
        void *held[] = {g->keys, g->msgs, g->state, g->events.at, g->snap, g->fingerprints};
        for (size_t k = 0; k < sizeof held / sizeof *held; k++)
            free(held[k]);
    }
    void *held[] = {s->group,    s->group_of,    s->path,   s->active, s->slot,    s->place,   s->fresh, s->counts,
                    s->progress, s->flow_counts, s->weight, s->seen,   s->rest.at, s->scratch, s};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
    net->skip = NULL;
    net->watch = NULL;
}

/* Number of a source: endpoint and class. */
static size_t source_of(const struct noc_state *net, uint32_t key, int k)
{
    return (size_t)(key - net->router_ports) * (size_t)net->c.vc_classes + (size_t)k;
}

/* Keep the group's state, and its counters, as the reference that a later state is compared with. */
static int remember(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    const size_t need = noc_write_state(net, g, g->state, g->room);
    if (need > g->room) {
        uint64_t *state = realloc(g->state, 2 * need * sizeof *state);
        if (!state)
            return 0; /* no memory: step on, which is always right */
        g->state = state;
        g->room = 2 * need;
        noc_write_state(net, g, g->state, g->room);
    }
    if (!need)
        return 0;
    g->size = need;
    for (uint32_t i = 0; i < g->n_keys; i++) {
        const uint32_t key = g->keys[i];
        noc_flush_port(net, key);
        for (int k = 0; k < net->c.flows; k++)
            s->flow_counts[(size_t)key * (size_t)net->c.flows + (size_t)k] = noc_flows_of(net, key)[k].flits;
        memcpy(&s->counts[(size_t)key << net->vc_bits], &net->total[(size_t)key << net->vc_bits],
               ((size_t)1 << net->vc_bits) * sizeof *s->counts);
        for (int k = 0; key >= net->router_ports && k < net->c.vc_classes; k++) {
            const uint32_t head = net->source[source_of(net, key, k)].head;
            if (head != NOC_NO_MSG)
                s->progress[source_of(net, key, k)] =
                    (struct noc_progress){net->msg[head].flits_left, net->msg[head].packets_left};
        }
    }
    g->reference_at = net->now;
    return 1;
}

/* Fewest flits that a message of the group has left to send. */
static uint64_t shortest(const struct noc_state *net, const struct noc_group *g)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < g->n_keys; i++)
        for (int k = 0; g->keys[i] >= net->router_ports && k < net->c.vc_classes; k++) {
            const uint32_t head = net->source[source_of(net, g->keys[i], k)].head;
            if (head != NOC_NO_MSG && net->msg[head].flits_left < least)
                least = net->msg[head].flits_left;
        }
    return least;
}

/* How many periods every message of the group has left; 0: none, or nothing moves. */
static uint64_t periods(const struct noc_state *net, const struct noc_group *g)
{
    const struct noc_skip *s = net->skip;
    uint64_t n = UINT64_MAX;
    for (uint32_t i = 0; i < g->n_keys; i++)
        for (int k = 0; g->keys[i] >= net->router_ports && k < net->c.vc_classes; k++) {
            const size_t at = source_of(net, g->keys[i], k);
            if (net->source[at].head == NOC_NO_MSG)
                continue;
            const struct noc_msg *m = &net->msg[net->source[at].head];
            const uint64_t done = s->progress[at].flits - m->flits_left;
            const uint64_t margin = m->flits <= (uint64_t)m->packet_flits ? 2 : 2 * (uint64_t)m->packet_flits;
            const uint64_t most = !done ? UINT64_MAX : m->flits_left > margin ? (m->flits_left - margin) / done : 0;
            n = most < n ? most : n;
        }
    return n == UINT64_MAX ? 0 : n;
}

/* The state is that of the reference: what grew since then grows as much in every period. */
static int park(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    const uint64_t n = periods(net, g);
    if (!n)
        return 0;
    for (uint32_t i = 0; i < g->n_keys; i++) {
        const uint32_t key = g->keys[i];
        noc_flush_port(net, key);
        for (int k = 0; k < net->c.flows; k++) {
            uint64_t *before = &s->flow_counts[(size_t)key * (size_t)net->c.flows + (size_t)k];
            *before = noc_flows_of(net, key)[k].flits - *before;
        }
        for (int vc = 0; vc < net->c.vcs; vc++) {
            const size_t o = ((size_t)key << net->vc_bits) + (unsigned)vc;
            s->counts[o].flits = net->total[o].flits - s->counts[o].flits;
            s->counts[o].stalled_credit = net->total[o].stalled_credit - s->counts[o].stalled_credit;
            s->counts[o].stalled_arbitration = net->total[o].stalled_arbitration - s->counts[o].stalled_arbitration;
        }
        for (int k = 0; key >= net->router_ports && k < net->c.vc_classes; k++) {
            struct noc_progress *p = &s->progress[source_of(net, key, k)];
            const uint32_t head = net->source[source_of(net, key, k)].head;
            if (head != NOC_NO_MSG)
                *p = (struct noc_progress){p->flits - net->msg[head].flits_left,
                                           p->packets - net->msg[head].packets_left};
        }
    }
    g->period = net->now - g->reference_at;
    g->limit = net->now + n * g->period;
    return noc_park(net, g);
}

/* This regime is stepped to its end. */
static void give_up(struct noc_skip *s, struct noc_group *g)
{
    g->given_up = 1;
    s->report.given_up++;
}

/* One look at a group in a cycle: has the reference come again; is it time for a new one; is it worth going on. */
static void search(struct noc_state *net, struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    uint64_t fingerprint;
    if (net->now - g->begun == s->longest_wire && shortest(net, g) < 2 * s->longest_wire) {
        g->given_up = 1; /* a message is sent out before what is on the wires now has passed them again */
        return;
    }
    const int worth = noc_worth_snapshot(net, g, &fingerprint);
    if (g->reference_at < net->now && fingerprint == g->reference_fingerprint &&
        noc_same_state(net, g, g->state, g->size)) {
        g->given_up = !park(net, g); /* where not parked, less than a period is left */
        g->recurred = 1;
        return;
    }
    if (worth && net->now >= g->renew) {
        g->renew = net->now + (net->now - g->begun);
        g->reference_fingerprint = fingerprint;
        if (!remember(net, g)) {
            give_up(s, g);
            return;
        }
    }
    if (net->now - g->begun < g->wait)
        return;
    g->wait *= 2;
    g->anchor_at = net->now;
    g->anchor_fingerprint = fingerprint;
    if (g->wait > NOC_LAST_WAIT)
        give_up(s, g);
    else if (16 * shortest(net, g) < g->wait)
        g->given_up = 1; /* a message ends before a period could be confirmed */
}

/* At the start of every stepped cycle. */
void noc_skip_look(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    if (s->off && s->stale)
        return;
    for (uint32_t i = 0; i < s->n_groups && s->next_limit <= net->now; i++) {
        struct noc_group *g = &s->group[i];
        if (g->used && g->parked && g->limit <= net->now) {
            noc_unpark(net, g);
            g->given_up = 1; /* what is left of this regime is less than a period */
        }
    }
    noc_group_keep(net);
    if (!noc_fingerprints_read(net))
        return;
    for (uint32_t i = 0; i < s->n_groups; i++)
        if (noc_searches(net, &s->group[i]))
            search(net, &s->group[i]);
}

/* Until when parked groups may stay parked; UINT64_MAX: none is. */
uint64_t noc_skip_limit(const struct noc_state *net) { return net->skip->next_limit; }

/* The clock goes on at once over cycles in which nothing is due outside parked groups. */
void noc_skip_idle(struct noc_state *net, uint64_t cycles)
{
    net->skip->report.skipped += net->skip->parked ? cycles : 0;
}

/* Every parked group comes back, and begins its search anew: for callers that read or change the state itself. */
void noc_unpark_all(struct noc_state *net)
{
    for (uint32_t i = 0; net->skip && i < net->skip->n_groups; i++) {
        struct noc_group *g = &net->skip->group[i];
        if (g->used && g->parked) {
            noc_unpark(net, g);
            noc_group_restart(net, g);
        }
    }
}

/* Counters of all groups as of now; parked groups stay parked. */
void noc_settle(struct noc_state *net)
{
    for (uint32_t i = 0; net->skip && i < net->skip->n_groups; i++) {
        struct noc_group *g = &net->skip->group[i];
        if (!g->used || !g->parked)
            continue;
        noc_unpark(net, g);
        const uint64_t periods = (g->limit - net->now) / g->period;
        g->limit = net->now + periods * g->period;
        if (!periods || !noc_park(net, g))
            g->given_up = 1;
    }
}
