/* Building an engine, looking into it, checking it, taking it down. */
#include <stdarg.h>
#include <stdio.h>

#include "stages/state.h"

int stages_fail(stages *s, int status, const char *format, ...)
{
    va_list words;
    if (s->status)
        return -1; /* the first failure is the one to tell */
    s->status = status;
    va_start(words, format);
    vsnprintf(s->message, sizeof s->message, format, words);
    va_end(words);
    return -1;
}

const char *stages_message(const stages *s) { return s->message; }

static void *copied(stages *s, const void *from, size_t n, size_t size)
{
    void *p = malloc(n * size + 1);
    if (!p)
        stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
    else if (n)
        memcpy(p, from, n * size);
    return p;
}

/* One more element at the end of an array, zeroed. */
static void *append(stages *s, void *array, int32_t *n, size_t size)
{
    void **p = array;
    char *grown = realloc(*p, ((size_t)*n + 1) * size);
    if (!grown) {
        stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
        return NULL;
    }
    *p = grown;
    return memset(grown + (size_t)(*n)++ * size, 0, size);
}

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

/* Like realloc, with elements that do not cross cache lines. */
static void *regrown(void *old, size_t kept, size_t n, size_t size)
{
    void *grown = aligned_alloc(64, (n * size + 63) / 64 * 64);
    if (!grown)
        return NULL;
    if (old)
        memcpy(grown, old, kept * size);
    free(old);
    return grown;
}

static int grow_resources(stages *s, int32_t count)
{
    int32_t first = s->n_resources, n = first + count;
    size_t words = ((size_t)n + 63) / 64;
    u64 *busy = realloc(s->busy, (words + 1) * sizeof *busy);
    if (busy)
        s->busy = busy;
    wait_queue *waits = regrown(s->waits, (size_t)first, (size_t)n + 1, sizeof *waits);
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
    for (u32 r = (u32)first; r < (u32)s->n_resources; r++)
        s->pool[s->pool_n++] = r;
    s->pool_fixed = s->pool_n;
    return first;
}

static int keep_high(stages *s, u32 first, u64 bits)
{
    if (reserve(s, &s->high, &s->high_capacity, (size_t)first + 1, sizeof *s->high))
        return -1;
    s->high[first] = bits;
    return 0;
}

int stages_add_circuit(stages *s, int32_t endpoints, int32_t n_links, int32_t n_locks, const int32_t *lock_of_link,
                       const int64_t *route_start, const int32_t *route_links)
{
    size_t pairs = (size_t)endpoints * (size_t)endpoints;
    /* few links: all in one word of busy bits, or in two */
    int32_t skipped = n_locks <= MAX_CLEAR ? (64 - s->n_resources % 64) % 64 : 0;
    int first = grow_resources(s, skipped + n_locks) + skipped;
    circuit *c = s->status ? NULL : append(s, &s->circuits, &s->n_circuits, sizeof *c);
    if (!c)
        return -1;
    *c = (circuit){.endpoints = endpoints, .n_links = n_links, .n_locks = n_locks, .first = first};
    c->lock_of_link = copied(s, lock_of_link, (size_t)n_links, sizeof *lock_of_link);
    c->route_start = copied(s, route_start, pairs + 1, sizeof *route_start);
    c->route_links = copied(s, route_links, (size_t)route_start[pairs], sizeof *route_links);
    c->routes = calloc(pairs + 1, sizeof *c->routes);
    c->crossed = malloc(((size_t)route_start[pairs] + 1) * sizeof *c->crossed);
    if (s->status || !c->routes || !c->crossed || bins_init(c, s->rules.bin_ps, s->rules.max_bins))
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for a network");
    for (int32_t i = 0; i < n_links; i++)
        c->lock_of_link[i] += first;
    for (size_t pair = 0; pair < pairs; pair++) {
        size_t n = (size_t)(c->route_start[pair + 1] - c->route_start[pair]);
        if (reserve(s, &s->pool, &s->pool_capacity, s->pool_n + n, sizeof *s->pool))
            return -1;
        route *way = c->routes + pair;
        *way = (route){0, (u32)s->pool_n, (u16)n,
                       (u16)(first >> 6 | (n && n_locks > 64 && n_locks <= MAX_CLEAR ? TWO : 0))};
        u64 bits[2] = {0};
        for (i64 i = c->route_start[pair]; i < c->route_start[pair + 1]; i++) {
            u32 link = (u32)c->route_links[i], lock = (u32)c->lock_of_link[link];
            c->crossed[i] = (crossed_link){lock, link * LINK_COLUMNS};
            s->pool[s->pool_n++] = lock;
            if (n_locks <= MAX_CLEAR)
                bits[(lock - (u32)first) >> 6] |= (u64)1 << (lock & 63);
        }
        way->mask = bits[0];
        if (way->word & TWO && keep_high(s, way->first, bits[1]))
            return -1;
    }
    s->pool_fixed = s->pool_n;
    return s->n_circuits - 1;
}

int stages_add_network(stages *s, const network_operations *operations, void *self)
{
    open_network *net = append(s, &s->networks, &s->n_networks, sizeof *net);
    if (!net)
        return -1;
    *net = (open_network){operations, self};
    s->n_ahead += operations->look_ahead != NULL;
    return s->n_networks - 1;
}

static int added(stages *s, int failed, int32_t n)
{
    return failed ? stages_fail(s, STAGES_NO_MEMORY, "no memory for a table") : n - 1;
}

int stages_add_tags(stages *s, int32_t instances, int32_t sets, int32_t ways, int32_t journal)
{
    tags_table *t = append(s, &s->tags, &s->n_tags, sizeof *t);
    return t ? added(s, tags_init(t, instances, sets, ways, journal), s->n_tags) : -1;
}

int stages_add_keyed(stages *s, int32_t instances, int32_t keys, int32_t capacity, int32_t journal)
{
    keyed_table *t = append(s, &s->keyed, &s->n_keyed, sizeof *t);
    return t ? added(s, keyed_init(t, instances, keys, capacity, journal), s->n_keyed) : -1;
}

int stages_add_bits(stages *s, int32_t instances, int32_t keys, int32_t journal)
{
    bits_table *t = append(s, &s->bits, &s->n_bits, sizeof *t);
    return t ? added(s, bits_init(t, instances, keys, journal), s->n_bits) : -1;
}

int stages_add_map(stages *s, int32_t n, const int32_t *values)
{
    map_table *t = append(s, &s->maps, &s->n_maps, sizeof *t);
    if (!t)
        return -1;
    *t = (map_table){copied(s, values, (size_t)n, sizeof *values), n};
    return t->values ? s->n_maps - 1 : -1;
}

int stages_add_counter(stages *s, int32_t count)
{
    counter *c = append(s, &s->counters, &s->n_counters, sizeof *c);
    if (!c)
        return -1;
    *c = (counter){calloc((size_t)count + 1, sizeof(i64)), count};
    return added(s, !c->slots, s->n_counters);
}

int stages_add_lasts(stages *s, const stages_lasts *rule)
{
    lasts_rule *r = append(s, &s->lasts, &s->n_lasts, sizeof *r);
    i64 unused;
    if (!r)
        return -1;
    *r = (lasts_rule){rule->kind,  rule->by,         rule->network, rule->source, rule->target, rule->n_rates,
                      rule->value, rule->quantum_ps, rule->work,    NULL,         NULL,         NULL};
    r->rates = malloc((size_t)rule->n_rates * sizeof *r->rates + 1);
    if (!r->rates)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for a duration rule");
    for (int32_t i = 0; i < rule->n_rates; i++) {
        stages_rate from = rule->rates[i];
        r->rates[i] = (rate){from.latency_ps, from.a, from.b, (INT64_MAX - from.b) / from.a, INT64_MIN, 0};
    }
    if (!rule->work.n) /* always the same work: every quotient is known, and kept */
        for (int32_t i = 0; i < rule->n_rates; i++)
            if (quotient(s, r->rates + i, r->quantum, rule->work.constant, &unused))
                return -1;
    if (rule->upto)
        r->upto = copied(s, rule->upto, (size_t)rule->n_rates - 1, sizeof *rule->upto);
    if (rule->route_rate) {
        size_t n = (size_t)s->circuits[rule->network].endpoints;
        r->route_rate = copied(s, rule->route_rate, n * n, sizeof *rule->route_rate);
    }
    return s->status ? -1 : s->n_lasts - 1;
}

void take_only(node *to, const stages_take *take)
{
    to->gathers = 0;
    to->first = take->first, to->count = take->count, to->operand = take->operand;
    to->network = take->network, to->source = take->source, to->target = take->target;
}

static int32_t at_least(int32_t operand) { return operand > 0 ? operand : 0; } /* unused ones are read, too */

/* Targets within a program become numbers of all nodes. */
static int copy_node(stages *s, node *to, const stages_node *from, int32_t first)
{
    int32_t *branches = copied(s, from->branches, (size_t)from->n_branches, sizeof *branches);
    int32_t *spawns = copied(s, from->spawns, (size_t)from->n_spawns, sizeof *spawns);
    *to = (node){from->kind,
                 from->ask,
                 from->table,
                 {at_least(from->of[0]), at_least(from->of[1]), at_least(from->of[2])},
                 from->lasts,
                 from->then,
                 from->n_branches,
                 from->n_takes,
                 from->n_marks,
                 from->n_counts,
                 from->n_spawns,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 -1};
    to->happens = from->n_marks || from->n_counts || from->n_spawns;
    to->gathers = from->n_takes != 1 || from->kind == STAGE_SEND;
    if (!to->gathers)
        take_only(to, from->takes);
    for (int32_t i = 0; from->kind == STAGE_HOLD && i < from->n_takes; i++)
        to->on_links |= from->takes[i].network >= 0;
    to->branches = branches;
    to->spawns = spawns;
    to->takes = copied(s, from->takes, (size_t)from->n_takes, sizeof *from->takes);
    to->marks = copied(s, from->marks, (size_t)from->n_marks, sizeof *from->marks);
    to->counts = copied(s, from->counts, (size_t)from->n_counts, sizeof *from->counts);
    if (s->status)
        return -1;
    for (int32_t i = 0; i < from->n_branches; i++)
        if (branches[i] >= 0)
            branches[i] += first;
    for (int32_t i = 0; i < from->n_spawns; i++)
        spawns[i] += first;
    if (to->then >= 0)
        to->then += first;
    return 0;
}

int stages_add_program(stages *s, int32_t operands, int32_t priority, int32_t start, int32_t n_nodes,
                       const stages_node *nodes)
{
    int32_t first = s->n_nodes;
    program *p = append(s, &s->programs, &s->n_programs, sizeof *p);
    if (!p)
        return -1;
    *p = (program){operands, priority, first + start, first};
    if ((u32)operands > s->stride)
        s->stride = (u32)operands;
    if (first + n_nodes > UINT16_MAX)
        return stages_fail(s, STAGES_BAD, "more than 65535 stages");
    for (int32_t i = 0; i < n_nodes; i++) {
        int32_t count = s->n_nodes;
        int32_t *owner = append(s, &s->node_program, &count, sizeof *owner);
        node *to = append(s, &s->nodes, &s->n_nodes, sizeof *to);
        if (!owner || !to || copy_node(s, to, nodes + i, first))
            return -1;
        *owner = s->n_programs - 1;
    }
    u8 *marks = realloc(s->end_marks, (size_t)s->n_nodes + 1);
    if (!marks)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
    s->end_marks = marks;
    s->ends = marks + 1;
    marks[0] = 1;
    for (int32_t i = 0; i < s->n_nodes; i++)
        s->ends[i] = s->nodes[i].kind <= STAGE_SEND;
    return s->n_programs - 1;
}

/* Resources that some event takes together with others. */
static void find_shared(stages *s)
{
    for (int32_t i = 0; i < s->n_circuits; i++)
        for (int32_t r = 0; r < s->circuits[i].n_locks; r++)
            s->waits[s->circuits[i].first + r].shared = 1;
    for (int32_t i = 0; i < s->n_nodes; i++)
        for (int32_t k = 0; s->nodes[i].kind == STAGE_HOLD && s->nodes[i].gathers && k < s->nodes[i].n_takes; k++) {
            const stages_take *take = s->nodes[i].takes + k;
            for (int32_t r = 0; take->network < 0 && r < take->count; r++)
                s->waits[take->first + r].shared = 1;
        }
}

/* Where the counters and rules of nodes stand is known when all have been added. */
int link_nodes(stages *s)
{
    if (s->in_flight)
        return stages_fail(s, STAGES_BAD, "a program cannot be added while something is in flight");
    find_shared(s);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        node *to = s->nodes + i;
        const lasts_rule *rule = to->lasts < 0 ? NULL : s->lasts + to->lasts;
        int constant = rule && rule->kind == LASTS_CONSTANT;
        to->fixed = constant ? rule->value : -1;
        to->rule = constant ? NULL : rule;
        free(to->tallies);
        to->tallies = calloc((size_t)to->n_counts + 1, sizeof *to->tallies);
        if (!to->tallies)
            return stages_fail(s, STAGES_NO_MEMORY, "no memory to build the engine");
        for (int32_t k = 0; k < to->n_counts; k++) {
            const stages_count *c = to->counts + k;
            to->tallies[k] = (tally){s->counters[c->counter].slots,
                                     c->amount.constant,
                                     c->hops < 0 ? NULL : s->maps[c->hops].values,
                                     c->amount.n ? &c->amount : NULL,
                                     s->counters[c->counter].count,
                                     c->at,
                                     c->source,
                                     c->target,
                                     c->endpoints};
        }
    }
    s->n_linked = s->n_nodes;
    return 0;
}

int stages_reserve_events(stages *s, size_t more)
{
    size_t n = s->n_events + more;
    u32 keys = s->event_capacity, flags = keys, settled_n = keys;
    if (n > (size_t)1 << 30)
        return stages_fail(s, STAGES_BAD, "more than 2^30 stages between two barriers");
    if (n + 64 > s->queue_capacity && reserve32(s, &s->queue, &s->queue_capacity, n + 64, RANK_BYTES))
        return -1;
    if (n <= keys)
        return 0;
    if (reserve32(s, &s->ranks, &keys, n, RANK_BYTES) || reserve32(s, &s->flags, &flags, n, sizeof *s->flags) ||
        reserve32(s, &s->settled, &settled_n, n, sizeof *s->settled))
        return -1;
    event *events = regrown(s->events, s->n_events, keys, sizeof *events);
    if (!events)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for %u stages", keys);
    s->events = events;
    s->event_capacity = keys;
    return 0;
}

void stages_free(stages *s)
{
    if (!s)
        return;
    for (int32_t i = 0; i < s->n_networks; i++)
        s->networks[i].operations->close(s->networks[i].self);
    for (int32_t i = 0; i < s->n_circuits; i++) {
        circuit *c = s->circuits + i;
        free(c->lock_of_link), free(c->route_links), free(c->route_start), free(c->routes), free(c->crossed),
            network_bins_free(&c->bins);
    }
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
        free(s->lasts[i].rates), free(s->lasts[i].upto), free(s->lasts[i].route_rate);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        node *n = s->nodes + i;
        free((void *)n->branches), free((void *)n->spawns), free((void *)n->takes), free((void *)n->marks),
            free((void *)n->counts), free(n->tallies);
    }
    for (int32_t i = 0; i < s->n_resources; i++)
        free(s->waits[i].at);
    void *arrays[] = {s->circuits, s->networks,   s->tags,       s->keyed,     s->bits,         s->maps,
                      s->counters, s->lasts,      s->programs,   s->nodes,     s->node_program, s->end_marks,
                      s->busy,     s->waits,      s->pool,       s->high,      s->ranks,        s->flags,
                      s->events,   s->settled,    s->queue,      s->operands,  s->batch_of,     s->finish,
                      s->batches,  s->candidates, s->done_batch, s->done_time, s->journal};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}
