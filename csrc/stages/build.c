/* stages/build.c -- an engine is built from what Python publishes, and taken down.
 *
 * Everything is published before the first issue and copied. Add functions return the number of what they added, or
 * -1 with a failure that sticks: Python checks once, at the end, and reports the first one. */
#include "stages/state.h"

/* An engine without resources or programs; NULL without memory. */
stages *stages_new(const stages_rules *rules)
{
    stages *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->rules = *rules;
    s->rules.artifact_heap = rules->artifact_heap && !rules->wake_all; /* no heap tells who comes next of all */
    s->walk.wanted = -1;
    if (stages_reserve_events(s, 64)) {
        stages_free(s);
        return NULL;
    }
    return s;
}

/* More resources behind those there are: their queues, and the list 0..n-1 with which the pool begins. Only before
 * the first route is made. */
int grow_resources(stages *s, int32_t count)
{
    int32_t first = s->n_resources, n = first + count;
    size_t words = ((size_t)n + 63) / 64;
    uint64_t *busy = realloc(s->busy, (words + 1) * sizeof *busy);
    if (busy)
        s->busy = busy;
    struct wait_queue *waits = stages_regrown(s->waits, (size_t)first, (size_t)n + 1, sizeof *waits);
    if (waits)
        s->waits = waits;
    if (!busy || !waits || reserve32(s, &s->candidates, &s->candidates_capacity, (size_t)n + 1, RANK_BYTES))
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for %d resources", n);
    memset(busy, 0, (words + 1) * sizeof *busy);
    memset(waits + first, 0, (size_t)count * sizeof *waits);
    s->n_resources = n;
    return first;
}

/* The numbers of all resources stand first in the pool, so they are added before any route. */
int stages_add_resources(stages *s, int32_t count)
{
    int first = grow_resources(s, count);
    if (first < 0 || reserve(s, &s->pool, &s->pool_capacity, (size_t)s->n_resources, sizeof *s->pool))
        return -1;
    for (uint32_t r = (uint32_t)first; r < (uint32_t)s->n_resources; r++)
        s->pool[s->pool_n++] = r;
    s->pool_fixed = s->pool_n;
    return first;
}

/* A network of another link model. The table is copied; the engine closes the model. Returns its number, or -1. */
int stages_add_network(stages *s, const network_operations *operations, void *self)
{
    struct open_network *net = stages_append(s, &s->networks, &s->n_networks, sizeof *net);
    if (!net)
        return -1;
    *net = (struct open_network){*operations, self};
    s->n_ahead += operations->look_ahead != NULL;
    return s->n_networks - 1;
}

/* What an add function returns: a number, or -1 and a failure. */
static int added(stages *s, int failed, int32_t n)
{
    return failed ? stages_fail(s, STAGES_NO_MEMORY, "no memory for a table") : n - 1;
}

/* A table of tags; see tables.h. */
int stages_add_tags(stages *s, int32_t instances, int32_t sets, int32_t ways, int32_t journal)
{
    struct tags_table *t = stages_append(s, &s->tags, &s->n_tags, sizeof *t);
    return t ? added(s, tags_init(t, instances, sets, ways, journal), s->n_tags) : -1;
}

/* A table of keys; see tables.h. */
int stages_add_keyed(stages *s, int32_t instances, int32_t keys, int32_t capacity, int32_t journal)
{
    struct keyed_table *t = stages_append(s, &s->keyed, &s->n_keyed, sizeof *t);
    return t ? added(s, keyed_init(t, instances, keys, capacity, journal), s->n_keyed) : -1;
}

/* Sets of each instance where they differ; none has more than the table was made for. */
int stages_vary_sets(stages *s, int32_t table, const int32_t *sets)
{
    struct tags_table *t = s->tags + table;
    t->sets_of = stages_copied(s, sets, (size_t)t->instances, sizeof *sets);
    return s->status ? -1 : 0;
}

/* Ways of each instance likewise. */
int stages_vary_ways(stages *s, int32_t table, const int32_t *ways)
{
    struct tags_table *t = s->tags + table;
    t->ways_of = stages_copied(s, ways, (size_t)t->instances, sizeof *ways);
    return s->status ? -1 : 0;
}

/* Capacity of each instance where they differ. */
int stages_vary_keyed(stages *s, int32_t table, const int32_t *capacity)
{
    struct keyed_table *t = s->keyed + table;
    t->capacity_of = stages_copied(s, capacity, (size_t)t->instances, sizeof *capacity);
    return s->status ? -1 : 0;
}

/* A table of bits; see tables.h. */
int stages_add_bits(stages *s, int32_t instances, int32_t keys, int32_t journal)
{
    struct bits_table *t = stages_append(s, &s->bits, &s->n_bits, sizeof *t);
    return t ? added(s, bits_init(t, instances, keys, journal), s->n_bits) : -1;
}

/* A constant table that nodes look numbers up in. */
int stages_add_map(stages *s, int32_t n, const int32_t *values)
{
    struct map_table *t = stages_append(s, &s->maps, &s->n_maps, sizeof *t);
    if (!t)
        return -1;
    *t = (struct map_table){stages_copied(s, values, (size_t)n, sizeof *values), n};
    return t->values ? s->n_maps - 1 : -1;
}

/* A counter of `count` slots, all 0. */
int stages_add_counter(stages *s, int32_t count)
{
    struct counter *c = stages_append(s, &s->counters, &s->n_counters, sizeof *c);
    if (!c)
        return -1;
    *c = (struct counter){calloc((size_t)count + 1, sizeof(int64_t)), count};
    return added(s, !c->slots, s->n_counters);
}

/* A rule for how long a hold lasts. Rates are copied, as each keeps its last quotient. */
int stages_add_lasts(stages *s, const stages_lasts *rule)
{
    struct lasts_rule *r = stages_append(s, &s->lasts, &s->n_lasts, sizeof *r);
    int64_t unused;
    if (!r)
        return -1;
    *r = (struct lasts_rule){rule->kind,  rule->by,         rule->network, rule->source, rule->target, rule->n_rates,
                             rule->value, rule->quantum_ps, rule->work,    NULL,         NULL,         rule->n_picks,
                             NULL};
    r->rates = malloc((size_t)rule->n_rates * sizeof *r->rates + 1);
    if (!r->rates)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for a duration rule");
    for (int32_t i = 0; i < rule->n_rates; i++) {
        stages_rate from = rule->rates[i];
        r->rates[i] = (struct rate){from.latency_ps, from.a, from.b, (INT64_MAX - from.b) / from.a, INT64_MIN, 0};
    }
    if (!rule->work.n) /* always the same work: every quotient is known, and kept */
        for (int32_t i = 0; i < rule->n_rates; i++)
            if (quotient(s, r->rates + i, r->quantum, rule->work.constant, &unused))
                return -1;
    if (rule->picks)
        r->picks = stages_copied(s, rule->picks, (size_t)rule->n_picks, sizeof *rule->picks);
    if (rule->upto)
        r->upto = stages_copied(s, rule->upto, (size_t)rule->n_rates - 1, sizeof *rule->upto);
    return s->status ? -1 : s->n_lasts - 1;
}

/* Everything, networks included; an engine built by half as well. */
void stages_free(stages *s)
{
    if (!s)
        return;
    for (int32_t i = 0; i < s->n_networks; i++)
        if (s->networks[i].does.close)
            s->networks[i].does.close(s->networks[i].self);
    for (int32_t i = 0; i < s->n_circuits; i++) {
        struct circuit *c = s->circuits + i;
        free(c->lock_of_link), free(c->routes), free(c->crossed), free(c->ways_over), network_bins_free(&c->bins);
    }
    for (int32_t i = 0; i < s->n_routes; i++)
        routes_free(s->routes[i]);
    for (int32_t i = 0; i < s->n_tags; i++)
        tags_free(s->tags + i);
    for (int32_t i = 0; i < s->n_keyed; i++)
        keyed_free(s->keyed + i);
    for (int32_t i = 0; i < s->n_bits; i++)
        bits_free(s->bits + i);
    for (int32_t i = 0; i < s->n_maps; i++)
        free(s->maps[i].values);
    for (int32_t i = 0; i < s->n_counters; i++)
        free(s->counters[i].slots);
    for (int32_t i = 0; i < s->n_lasts; i++)
        free(s->lasts[i].rates), free(s->lasts[i].upto), free(s->lasts[i].picks);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        struct node *n = s->nodes + i;
        free((void *)n->branches), free((void *)n->spawns), free((void *)n->takes), free((void *)n->marks),
            free((void *)n->counts), free(n->tallies);
    }
    for (int32_t i = 0; i < s->n_resources; i++)
        free(s->waits[i].at);
    void *arrays[] = {s->routes,    s->circuits, s->networks, s->tags,   s->keyed,        s->bits,       s->maps,
                      s->counters,  s->lasts,    s->programs, s->nodes,  s->node_program, s->end_marks,  s->busy,
                      s->waits,     s->pool,     s->high,     s->ranks,  s->flags,        s->events,     s->settled,
                      s->queue,     s->operands, s->batch_of, s->finish, s->batches,      s->candidates, s->done_batch,
                      s->done_time, s->journal,  s->spans};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}
