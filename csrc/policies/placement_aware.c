#include "policies/placement_aware.h"

#include <math.h>
#include <stdlib.h>

/* What one die is known to have to do so far, in ns. */
struct load {
    double compute_local, compute_remote, hbm_local, hbm_remote, link_in;
};

struct candidate {
    double rank_ns; /* estimated time (and transfer) when the expert's turn came */
    double transfer_ns;
    int32_t die, source, tokens, holder; /* source: of what it reads */
};

/* What one die got of one expert. */
struct share {
    int32_t die, tokens;
};

struct planner {
    const struct placement_rule *rule;
    int32_t experts, dies;
    const int32_t *counts, *home, *distance, *source;
    const uint8_t *holders;
    double mean_tokens;
    struct load *loads;          /* [dies]                                                  */
    struct candidate *candidate; /* [dies], of the expert whose turn it is                  */
    struct share *shares;        /* [experts * dies], in the order in which they were given */
    int32_t given;               /* of shares                                               */
    int32_t *first, *kept;       /* [experts], which of shares are the expert's             */
    int64_t *keys;               /* [experts], order of turns: tokens << 32 | expert        */
};

/* The larger of two numbers. */
static double most(double a, double b) { return a > b ? a : b; }

/* Time that a die needs for what it has: the longest of what runs side by side. */
static double die_ns(const struct load *l)
{
    return most(most(l->compute_local, l->hbm_local + l->hbm_remote), l->link_in) + l->compute_remote;
}

/* Time to compute some tokens on a die. */
static double compute_ns(const struct placement_rule *rule, int32_t die, int32_t tokens)
{
    return ceil(rule->flop_per_token * tokens /
                (rule->die_flop_per_ns ? rule->die_flop_per_ns[die] : rule->flop_per_ns));
}

static double hbm_ns(const struct placement_rule *rule, int32_t die)
{
    return rule->die_hbm_ns ? rule->die_hbm_ns[die] : rule->hbm_ns;
}

/* Time to move an expert's weights from one die to another. */
static double transfer_ns(const struct planner *p, int32_t source, int32_t die)
{
    const int64_t pair = (int64_t)source * p->dies + die;
    const struct placement_rule *rule = p->rule;
    return rule->route_ns ? rule->route_ns[pair] : rule->hop_ns * p->distance[pair] + rule->link_ns;
}

static int computes(const struct placement_rule *rule, int32_t die)
{
    return !rule->die_flop_per_ns || rule->die_flop_per_ns[die] > 0;
}

/* Python's a // b for positive floats: exact where floor(a / b) may round up over a whole number. */
static int64_t floor_divide(double a, double b) { return (int64_t)floor((a - fmod(a, b)) / b + 0.5); }

/* ---- order of experts */

/* Shell sort: short, in place, and quick for a few hundred keys; the keys all differ, so any sort gives the same. */
static void sort_keys(int64_t *keys, int32_t n)
{
    static const int32_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (int32_t i = gaps[g]; i < n; i++) {
            const int64_t key = keys[i];
            int32_t at = i;
            for (; at >= gaps[g] && keys[at - gaps[g]] > key; at -= gaps[g])
                keys[at] = keys[at - gaps[g]];
            keys[at] = key;
        }
}

/* keys[] = experts with tokens, by rising tokens, then number; returns how many. */
static int32_t order_experts(struct planner *p)
{
    int32_t active = 0;
    int64_t total = 0;
    for (int32_t e = 0; e < p->experts; e++) {
        total += p->counts[e];
        if (p->counts[e] > 0)
            p->keys[active++] = ((int64_t)p->counts[e] << 32) | e;
    }
    sort_keys(p->keys, active);
    p->mean_tokens = (double)total / p->experts; /* over all experts, chosen or not */
    return active;
}

/* ---- candidates of one expert */

/* Is a die within `reach` hops of an expert's home? */
static int is_near(const struct planner *p, int32_t e, int32_t die, int32_t reach)
{
    if (!p->rule->around_holders)
        return p->distance[(int64_t)p->home[e] * p->dies + die] <= reach;
    for (int32_t d = 0; d < p->dies; d++)
        if ((p->holders[(int64_t)e * p->dies + d] || d == p->home[e]) &&
            p->distance[(int64_t)d * p->dies + die] <= reach)
            return 1;
    return 0;
}

/* Most tokens that one die may take of an expert. */
static int32_t cap(const struct planner *p, int32_t tokens)
{
    int64_t most_dies = p->rule->min_dies;
    if (p->rule->tokens_per_die > 0 && tokens / p->rule->tokens_per_die > most_dies) { /* the mean can only lower it */
        int64_t grown = floor_divide(tokens, most(p->mean_tokens, p->rule->tokens_per_die));
        most_dies = grown > most_dies ? grown : most_dies;
    }
    return most_dies < p->dies ? (int32_t)most_dies : p->dies;
}

/* Insertion sort: few candidates, and dies come in rising number, so equal ranks keep that order. */
static int32_t candidates_within(const struct planner *p, int32_t e, int32_t reach)
{
    struct candidate *found = p->candidate;
    int32_t n = 0;
    for (int32_t die = 0; die < p->dies; die++) {
        const int holder = die == p->home[e] || p->holders[(int64_t)e * p->dies + die];
        if ((!holder && !is_near(p, e, die, reach)) || !computes(p->rule, die))
            continue;
        const int32_t source = p->source ? p->source[(int64_t)e * p->dies + die] : p->home[e];
        struct candidate c = {.rank_ns = die_ns(&p->loads[die]),
                              .die = die,
                              .source = source,
                              .holder = holder,
                              .transfer_ns = transfer_ns(p, source, die)};
        if (!holder)
            c.rank_ns += c.transfer_ns;
        int32_t at = n++;
        for (; at > 0 && found[at - 1].rank_ns > c.rank_ns; at--)
            found[at] = found[at - 1];
        found[at] = c;
    }
    return n;
}

/* Where no die within reach computes (weights in a memory pool), the nearest that do. */
static int32_t find_candidates(const struct planner *p, int32_t e)
{
    int32_t reach = p->rule->reach, n = candidates_within(p, e, reach);
    while (!n && reach < p->dies)
        n = candidates_within(p, e, ++reach);
    const int32_t limit = cap(p, p->counts[e]);
    return n < limit ? n : limit;
}

/* ---- blocks of one expert */

/* Loads of the executing die and of the source if a block that computes for `compute` ns goes to c. Memory is read
 * once for a die, however many blocks it takes; the home's own read is counted from the start. */
static void add_block(const struct planner *p, const struct candidate *c, int32_t home, double compute,
                      struct load *own, struct load *source)
{
    if (c->holder) {
        own->compute_local += compute;
        if (c->tokens == 0 && c->source == c->die && c->die != home) /* a replica */
            own->hbm_local += hbm_ns(p->rule, c->die);
        return;
    }
    own->compute_remote += compute;
    if (c->tokens == 0 || p->rule->arrives_each_block)
        own->link_in += c->transfer_ns;
    if (c->tokens == 0)
        source->hbm_remote += hbm_ns(p->rule, c->source);
}

/* Time of the busiest die if a candidate took one block more. */
static double cost_of_block(const struct planner *p, const struct candidate *c, int32_t home, int32_t block)
{
    const double compute = compute_ns(p->rule, c->die, block);
    struct load own = p->loads[c->die], source = p->loads[c->source];
    add_block(p, c, home, compute, &own, &source);
    return c->holder ? die_ns(&own) : most(die_ns(&own), die_ns(&source));
}

/* Block by block to the candidate that costs least. */
static void give_tokens(const struct planner *p, int32_t e, int32_t n)
{
    const struct placement_rule *rule = p->rule;
    struct candidate *candidates = p->candidate;
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
        add_block(p, best, p->home[e], compute_ns(rule, best->die, block), &p->loads[best->die],
                  &p->loads[best->source]);
        best->tokens += block;
        left -= block;
    }
}

/* ---- the plan */

/* One expert: its candidates, then its tokens. */
static void plan_expert_of(struct planner *p, int32_t e)
{
    const int32_t n = find_candidates(p, e);
    give_tokens(p, e, n);
    p->first[e] = p->given;
    for (int32_t i = 0; i < n; i++)
        if (p->candidate[i].tokens > 0)
            p->shares[p->given++] = (struct share){p->candidate[i].die, p->candidate[i].tokens};
    p->kept[e] = p->given - p->first[e];
}

/* The plan in order of expert and die; how many rows. */
static int32_t write_plan(const struct planner *p, int32_t room, int32_t *expert, int32_t *die, int32_t *tokens)
{
    int32_t n = 0;
    if (p->given > room)
        return PLACEMENT_NO_ROOM;
    for (int32_t e = 0; e < p->experts; e++)
        for (int32_t i = 0; i < p->kept[e]; i++, n++) {
            const struct share *s = &p->shares[p->first[e] + i];
            expert[n] = e;
            die[n] = s->die;
            tokens[n] = s->tokens;
        }
    return n;
}

/* Scratch arrays; -1 without memory. */
static int open_planner(struct planner *p)
{
    const size_t dies = (size_t)p->dies, experts = (size_t)p->experts;
    p->loads = calloc(dies, sizeof *p->loads);
    p->candidate = malloc(dies * sizeof *p->candidate);
    p->shares = malloc(experts * dies * sizeof *p->shares);
    p->first = calloc(2 * experts, sizeof *p->first);
    p->kept = p->first + experts;
    p->keys = malloc(experts * sizeof *p->keys);
    return p->loads && p->candidate && p->shares && p->first && p->keys;
}

/* Free them. */
static void close_planner(struct planner *p)
{
    free(p->loads);
    free(p->candidate);
    free(p->shares);
    free(p->first);
    free(p->keys);
}

/* Experts in order of their tokens, each placed with what those before it have left. */
int32_t placement_aware_plan(const struct placement_rule *rule, int32_t experts, int32_t dies, const int32_t *counts,
                             const int32_t *home, const uint8_t *holders, const int32_t *distance,
                             const int32_t *source, int32_t room, int32_t *plan_expert, int32_t *plan_die,
                             int32_t *plan_tokens)
{
    struct planner p = {.rule = rule,
                        .experts = experts,
                        .dies = dies,
                        .counts = counts,
                        .home = home,
                        .distance = distance,
                        .source = source,
                        .holders = holders};
    int32_t result = PLACEMENT_NO_MEMORY;
    if (open_planner(&p)) {
        const int32_t active = order_experts(&p);
        for (int32_t e = 0; e < experts; e++)
            if (counts[e] > 0)
                p.loads[home[e]].hbm_local += hbm_ns(rule, home[e]);
        for (int32_t i = 0; i < active; i++)
            plan_expert_of(&p, (int32_t)(p.keys[i] & 0xffffffff));
        result = write_plan(&p, room, plan_expert, plan_die, plan_tokens);
    }
    close_planner(&p);
    return result;
}
