#include "placement_aware.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one die is known to have to do so far, in ns. */
struct load {
    double compute_local, compute_remote, hbm_local, hbm_remote, link_in;
};

struct candidate {
    double rank_ns; /* estimated time (and transfer) when the expert's turn came */
    int32_t die, tokens, holder;
    double transfer_ns;
};

struct planner {
    const struct placement_rule *rule;
    int32_t experts, dies;
    const int32_t *counts, *home, *distance;
    const uint8_t *holders;
    double mean_tokens;
    struct load *loads;       /* [dies]           */
    struct candidate *picked; /* [experts][dies]  */
    int32_t *kept;            /* [experts]        */
    int32_t *order;           /* [experts]        */
};

static double most(double a, double b) { return a > b ? a : b; }

static double die_ns(const struct load *l)
{
    return most(most(l->compute_local, l->hbm_local + l->hbm_remote), l->link_in) + l->compute_remote;
}

static double compute_ns(const struct placement_rule *rule, int32_t tokens)
{
    return ceil(rule->flop_per_token * tokens / rule->flop_per_ns);
}

static double transfer_ns(const struct placement_rule *rule, int32_t hops)
{
    return rule->hop_ns * hops + rule->link_ns;
}

/* Python's a // b for positive floats: exact where floor(a / b) may round up over a whole number. */
static int64_t floor_divide(double a, double b) { return (int64_t)floor((a - fmod(a, b)) / b + 0.5); }

/* ---- order of experts -------------------------------------------------------------------------------------------- */

/* Tokens and number in one key: the order is total, so any sort gives the same. */
static int by_key(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* order[] = experts with tokens, by rising tokens, then number; returns how many, or PLACEMENT_NO_MEMORY. */
static int32_t order_experts(struct planner *p)
{
    int64_t *keys = malloc((size_t)p->experts * sizeof *keys);
    if (!keys)
        return PLACEMENT_NO_MEMORY;
    int32_t active = 0;
    int64_t total = 0;
    for (int32_t e = 0; e < p->experts; e++) {
        total += p->counts[e];
        if (p->counts[e] > 0)
            keys[active++] = ((int64_t)p->counts[e] << 32) | e;
    }
    qsort(keys, (size_t)active, sizeof *keys, by_key);
    for (int32_t i = 0; i < active; i++)
        p->order[i] = (int32_t)(keys[i] & 0xffffffff);
    p->mean_tokens = (double)total / p->experts; /* over all experts, chosen or not */
    free(keys);
    return active;
}

/* ---- candidates of one expert ------------------------------------------------------------------------------------ */

static int is_near(const struct planner *p, int32_t e, int32_t die)
{
    if (!p->rule->around_holders)
        return p->distance[(int64_t)p->home[e] * p->dies + die] <= p->rule->reach;
    for (int32_t d = 0; d < p->dies; d++)
        if ((p->holders[(int64_t)e * p->dies + d] || d == p->home[e]) &&
            p->distance[(int64_t)d * p->dies + die] <= p->rule->reach)
            return 1;
    return 0;
}

static int32_t cap(const struct planner *p, int32_t tokens)
{
    int64_t most_dies = p->rule->min_dies;
    if (p->rule->tokens_per_die > 0) {
        int64_t grown = floor_divide(tokens, most(p->mean_tokens, p->rule->tokens_per_die));
        most_dies = grown > most_dies ? grown : most_dies;
    }
    return most_dies < p->dies ? (int32_t)most_dies : p->dies;
}

/* Insertion sort: few candidates, and dies come in rising number, so equal ranks keep that order. */
static int32_t find_candidates(const struct planner *p, int32_t e, struct candidate *found)
{
    int32_t n = 0;
    for (int32_t die = 0; die < p->dies; die++) {
        const int holder = die == p->home[e] || p->holders[(int64_t)e * p->dies + die];
        if (!holder && !is_near(p, e, die))
            continue;
        struct candidate c = {die_ns(&p->loads[die]), die, 0, holder,
                              transfer_ns(p->rule, p->distance[(int64_t)p->home[e] * p->dies + die])};
        if (!holder)
            c.rank_ns += c.transfer_ns;
        int32_t at = n++;
        for (; at > 0 && found[at - 1].rank_ns > c.rank_ns; at--)
            found[at] = found[at - 1];
        found[at] = c;
    }
    const int32_t limit = cap(p, p->counts[e]);
    return n < limit ? n : limit;
}

/* ---- blocks of one expert ---------------------------------------------------------------------------------------- */

/* Loads of the executing die and of the source if `tokens` more go to c. */
static void add_block(const struct planner *p, const struct candidate *c, int32_t tokens, struct load *own, struct load *source)
{
    const double compute = compute_ns(p->rule, tokens);
    if (c->holder) {
        own->compute_local += compute;
        return;
    }
    own->compute_remote += compute;
    own->link_in += c->transfer_ns;
    if (c->tokens == 0) /* the source reads once for a die, however many blocks it takes */
        source->hbm_remote += p->rule->hbm_ns;
}

static double cost_of_block(const struct planner *p, const struct candidate *c, int32_t home, int32_t tokens)
{
    struct load own = p->loads[c->die], source = p->loads[home];
    add_block(p, c, tokens, &own, &source);
    return c->holder ? die_ns(&own) : most(die_ns(&own), die_ns(&source));
}

static void give_tokens(const struct planner *p, int32_t e, struct candidate *candidates, int32_t n)
{
    const struct placement_rule *rule = p->rule;
    int32_t left = p->counts[e];
    while (left > 0) {
        int32_t block = left < rule->block ? left : rule->block;
        if (rule->absorb_remainder && left - block < rule->block)
            block = left;
        struct candidate *best = NULL;
        double least = 0;
        for (int32_t i = 0; i < n; i++) {
            const double cost = cost_of_block(p, &candidates[i], p->home[e], block);
            if (!best || cost < least || (cost == least && candidates[i].holder && !best->holder)) {
                best = &candidates[i];
                least = cost;
            }
        }
        add_block(p, best, block, &p->loads[best->die], &p->loads[p->home[e]]);
        best->tokens += block;
        left -= block;
    }
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static int32_t write_plan(const struct planner *p, int32_t room, int32_t *expert, int32_t *die, int32_t *tokens)
{
    int32_t n = 0;
    for (int32_t e = 0; e < p->experts; e++)
        for (int32_t i = 0; i < p->kept[e]; i++) {
            const struct candidate *c = &p->picked[(int64_t)e * p->dies + i];
            if (c->tokens == 0)
                continue;
            if (n == room)
                return PLACEMENT_NO_ROOM;
            expert[n] = e;
            die[n] = c->die;
            tokens[n++] = c->tokens;
        }
    return n;
}

int32_t placement_aware_plan(const struct placement_rule *rule, int32_t experts, int32_t dies, const int32_t *counts,
                             const int32_t *home, const uint8_t *holders, const int32_t *distance, int32_t room,
                             int32_t *plan_expert, int32_t *plan_die, int32_t *plan_tokens)
{
    struct planner p = {.rule = rule, .experts = experts, .dies = dies, .counts = counts, .home = home,
                        .distance = distance, .holders = holders};
    int32_t result = PLACEMENT_NO_MEMORY;
    p.loads = calloc((size_t)dies, sizeof *p.loads);
    p.picked = malloc((size_t)experts * dies * sizeof *p.picked);
    p.kept = calloc((size_t)experts * 2, sizeof *p.kept);
    if (p.loads && p.picked && p.kept) {
        p.order = p.kept + experts;
        result = order_experts(&p);
        for (int32_t e = 0; e < experts; e++)
            if (counts[e] > 0)
                p.loads[home[e]].hbm_local += rule->hbm_ns;
        for (int32_t i = 0; i < result; i++) {
            const int32_t e = p.order[i];
            struct candidate *found = p.picked + (int64_t)e * dies;
            p.kept[e] = find_candidates(&p, e, found);
            give_tokens(&p, e, found, p.kept[e]);
        }
        if (result >= 0)
            result = write_plan(&p, room, plan_expert, plan_die, plan_tokens);
    }
    free(p.loads);
    free(p.picked);
    free(p.kept);
    return result;
}
