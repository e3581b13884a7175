/* stages/circuit.c -- circuits are built, and their routes laid into the pool of resource numbers at first use. */
#include "stages/state.h"

int stages_add_routes(stages *s, int32_t endpoints, int32_t n_links, const int64_t *latency_ps,
                      const int32_t *speed_rank, routes_finder find, void *user)
{
    routes **r = stages_append(s, &s->routes, &s->n_routes, sizeof *r);
    if (!r)
        return -1;
    *r = routes_new(endpoints, n_links, latency_ps, speed_rank, find, user);
    return *r ? s->n_routes - 1 : stages_fail(s, STAGES_NO_MEMORY, "no memory for routes");
}

int stages_spread_routes(stages *s, int32_t number, int32_t ways, const int32_t *speed_rank)
{
    return routes_spread(s->routes[number], ways, speed_rank) ? stages_fail(s, STAGES_NO_MEMORY, "no memory for routes")
                                                              : 0;
}

routes *stages_routes(stages *s, int32_t number) { return s->routes[number]; }

int no_route(stages *s, int64_t source, int64_t target)
{
    return stages_fail(s, STAGES_BAD, "no route from endpoint %lld to %lld", (long long)source, (long long)target);
}

static int keep_high(stages *s, uint32_t first, uint64_t bits)
{
    if (reserve(s, &s->high, &s->high_capacity, (size_t)first + 1, sizeof *s->high))
        return -1;
    s->high[first] = bits;
    return 0;
}

int stages_add_circuit(stages *s, int32_t routes_number, int32_t n_locks, const int32_t *lock_of_link)
{
    routes *of = s->routes[routes_number];
    /* few links: all in one word of busy bits, or in two */
    int32_t skipped = n_locks <= MAX_CLEAR ? (64 - s->n_resources % 64) % 64 : 0;
    int first = grow_resources(s, skipped + n_locks) + skipped;
    struct circuit *c = s->status ? NULL : stages_append(s, &s->circuits, &s->n_circuits, sizeof *c);
    if (!c)
        return -1;
    *c = (struct circuit){
        .endpoints = of->endpoints, .n_links = of->n_links, .n_locks = n_locks, .first = first, .of = of};
    c->lock_of_link = stages_copied(s, lock_of_link, (size_t)c->n_links, sizeof *lock_of_link);
    c->routes = calloc((size_t)c->endpoints * (size_t)c->endpoints + 1, sizeof *c->routes);
    if (s->status || !c->routes || bins_init(c, s->rules.bin_ps, s->rules.max_bins))
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for a network");
    for (int32_t i = 0; i < c->n_links; i++)
        c->lock_of_link[i] += first;
    return s->n_circuits - 1;
}

/* A stretch of the pool for n more locks. Lists that events put together may stand before it: stretches double, so that
 * little is left behind them. */
static int room_in_pool(stages *s, struct circuit *c, size_t n)
{
    if (c->pool_n + n <= c->pool_end)
        return 0;
    size_t more = c->crossed_n > n + 64 ? c->crossed_n : n + 64;
    if (reserve(s, &s->pool, &s->pool_capacity, s->pool_n + more, sizeof *s->pool))
        return -1;
    c->pool_n = (uint32_t)s->pool_n;
    c->pool_end = (uint32_t)(s->pool_n + more);
    s->pool_fixed = s->pool_n += more;
    return 0;
}

/* Whether an earlier way of the pair leads over the link, too: it is held once, and carries a piece more. */
static int again(struct circuit *c, const struct route *way, uint32_t cell, uint32_t piece)
{
    for (size_t k = way->crossed; k < c->crossed_n; k++)
        if (c->crossed[k].cell == cell) {
            c->ways_over[k] |= (uint64_t)1 << piece;
            return 1;
        }
    return 0;
}

int circuit_find(stages *s, struct circuit *c, int64_t pair)
{
    const struct found_route *found = routes_of(c->of, pair);
    if (!found)
        return no_route(s, pair / c->endpoints, pair % c->endpoints);
    const size_t n = (size_t)found->n;
    if (room_in_pool(s, c, n) || reserve(s, &c->crossed, &c->crossed_capacity, c->crossed_n + n, sizeof *c->crossed))
        return -1;
    if (c->of->ways > 1 && reserve(s, &c->ways_over, &c->ways_capacity, c->crossed_n + n, sizeof *c->ways_over))
        return -1;
    struct route *way = c->routes + pair;
    *way = (struct route){.first = c->pool_n, .crossed = (uint32_t)c->crossed_n};
    way->word = (uint16_t)(c->first >> 6 | (n && c->n_locks > 64 && c->n_locks <= MAX_CLEAR ? TWO : 0));
    uint64_t bits[2] = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t link = (uint32_t)c->of->links[found->first + i], lock = (uint32_t)c->lock_of_link[link];
        if (c->of->ways > 1) {
            if (again(c, way, link * LINK_COLUMNS, (uint32_t)i / (uint32_t)found->hops))
                continue;
            c->ways_over[c->crossed_n] = (uint64_t)1 << (i / (size_t)found->hops);
        }
        for (uint32_t k = way->first; k < c->pool_n; k++)
            if (s->pool[k] == lock)
                return stages_fail(s, STAGES_BAD, "the route from endpoint %lld to %lld crosses a link twice",
                                   (long long)(pair / c->endpoints), (long long)(pair % c->endpoints));
        c->crossed[c->crossed_n++] = (struct crossed_link){lock, link * LINK_COLUMNS};
        way->n++;
        s->pool[c->pool_n++] = lock;
        if (c->n_locks <= MAX_CLEAR)
            bits[(lock - (uint32_t)c->first) >> 6] |= (uint64_t)1 << (lock & 63);
    }
    way->mask = bits[0];
    if (way->word & TWO && keep_high(s, way->first, bits[1]))
        return -1;
    way->known = 1;
    return 0;
}
