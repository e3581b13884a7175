/* flit/skip/fingerprint.c -- per-cycle fingerprints that decide when a full snapshot is worth taking. A snapshot
 * costs as much as some hundred cycles, on long wires and deep buffers, so each cycle has a fingerprint, and only
 * fingerprints that come again call for it.
 *
 * Print.  What arrived in the last 32 cycles and where, and how many flits lie between arrival and credit in each VC:
 *         where a buffer fills or drains the fingerprint changes, however regular the arrivals are.
 * Guess.  For as long as a flit takes over the longest wire, fingerprints have been those of `period_guess` cycles
 *         before. Periods too long to be remembered show as the fingerprint of an anchor, set at w, 2w, 4w ... cycles
 *         (Brent).
 */
#include "flit/leaves.h"
#include "flit/skip/state.h"

#include <stdlib.h>

/* Spread the bits of a number over all 64, so that sums of few of them tell sets apart. */
static uint64_t mixed(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15u;
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
}

/* What a flit adds to the level of its group between arrival and credit, by output VC. What is ejected does not
 * arrive. */
int noc_fingerprints_open(struct noc_state *net)
{
    uint64_t *weight = net->skip->weight = noc_alloc(net, (size_t)net->all_ports << net->vc_bits, sizeof *weight);
    for (uint32_t o = 0; weight && o < net->all_ports << net->vc_bits; o++)
        weight[o] = noc_output_port(net, o >> net->vc_bits)->terminal ? 0 : mixed(o + 1);
    return weight != NULL;
}

/* Arrivals and credits of this cycle, to the groups that search; 0: none does. */
int noc_fingerprints_read(struct noc_state *net)
{
    struct noc_skip *const s = net->skip;
    struct noc_group *const group = s->group;
    const uint64_t *const weight = s->weight;
    const uint32_t *const group_of = s->group_of, slot = (uint32_t)net->now & net->wheel_mask,
                          mask = (1u << net->vc_bits) - 1;
    const struct noc_event *const flits = noc_flits(net, slot), *const flit_end = net->flit_end[slot];
    const uint32_t *const credits = noc_credits(net, slot), *const credit_end = net->credit_end[slot];
    const int vb = net->vc_bits;
    uint32_t searching = 0;
    for (uint32_t i = 0; i < s->n_groups; i++)
        searching += (uint32_t)noc_searches(net, &group[i]);
    if (!searching)
        return 0;
    for (const struct noc_event *e = flits; e < flit_end; e++) {
        const uint32_t o = noc_input_port(net, e->vc >> vb)->up + (e->vc & mask), id = group_of[o >> vb];
        if (id == NOC_NO_GROUP)
            continue;
        group[id].sum += mixed(weight[o] ^ e->flit.msg);
        group[id].level += weight[o];
    }
    for (const uint32_t *o = credits; o < credit_end; o++) {
        const uint32_t id = group_of[*o >> vb];
        if (id != NOC_NO_GROUP)
            group[id].level -= weight[*o];
    }
    return 1;
}

/* Fingerprints of the last cycles, compared with those `period_guess` cycles before, or a new period_guess. */
static void period_guess(struct noc_group *g, uint32_t at, uint64_t fingerprint)
{
    struct noc_fingerprints *fingerprints = g->fingerprints;
    uint32_t *last = &fingerprints->last[fingerprint >> 54];
    if (g->period_guess && fingerprints->fingerprint[(at - g->period_guess) % NOC_FINGERPRINTS] == fingerprint) {
        g->streak++;
    } else {
        g->period_guess =
            at - *last < NOC_FINGERPRINTS && fingerprints->fingerprint[*last % NOC_FINGERPRINTS] == fingerprint
                ? at - *last
                : 0;
        g->streak = g->period_guess != 0;
    }
    fingerprints->fingerprint[at % NOC_FINGERPRINTS] = fingerprint;
    *last = at;
}

/* This cycle's fingerprint of a group; 1 where it is worth while to remember the state. */
int noc_worth_snapshot(const struct noc_state *net, struct noc_group *g, uint64_t *fingerprint)
{
    g->rolling = (g->rolling << 2) + g->sum;
    g->sum = 0;
    *fingerprint = mixed(g->rolling ^ mixed(g->level));
    if (!g->fingerprints && !(g->fingerprints = calloc(1, sizeof *g->fingerprints)))
        return 0;
    period_guess(g, (uint32_t)(net->now - g->begun), *fingerprint);
    return g->streak >= net->skip->longest_wire || (g->anchor_at < net->now && *fingerprint == g->anchor_fingerprint);
}
