/* stages/routes.c -- a route is asked for once, when its pair is first used. */
#include "stages/routes.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FOR_DETOURS = 64 }; /* beyond one crossing of each link */

routes *routes_new(int32_t endpoints, int32_t n_links, const int64_t *latency_ps, const int32_t *speed_rank,
                   routes_finder find, void *user)
{
    const size_t links = (size_t)n_links, pairs = (size_t)endpoints * (size_t)endpoints;
    routes *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (routes){.endpoints = endpoints, .n_links = n_links, .ways = 1, .find = find, .user = user};
    r->latency = malloc((links + 1) * sizeof *r->latency);
    r->speed_rank = malloc((links + 1) * sizeof *r->speed_rank);
    r->pairs = calloc(pairs + 1, sizeof *r->pairs);
    r->scratch = malloc((links + ROOM_FOR_DETOURS) * sizeof *r->scratch);
    if (!r->latency || !r->speed_rank || !r->pairs || !r->scratch) {
        routes_free(r);
        return NULL;
    }
    memcpy(r->latency, latency_ps, links * sizeof *latency_ps);
    memcpy(r->speed_rank, speed_rank, links * sizeof *speed_rank);
    return r;
}

int routes_spread(routes *r, int32_t ways, const int32_t *speed_rank)
{
    const size_t links = (size_t)r->n_links, n = links * (size_t)ways;
    int32_t *ranks = realloc(r->speed_rank, (n + 1) * sizeof *ranks);
    if (ranks)
        r->speed_rank = ranks;
    int32_t *scratch = realloc(r->scratch, (links + ROOM_FOR_DETOURS) * (size_t)ways * sizeof *scratch);
    if (scratch)
        r->scratch = scratch;
    if (!ranks || !scratch)
        return -1;
    memcpy(ranks, speed_rank, n * sizeof *ranks);
    r->ways = ways;
    return 0;
}

void routes_free(routes *r)
{
    if (!r)
        return;
    void *arrays[] = {r->latency, r->speed_rank, r->pairs, r->scratch, r->links, r};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

static int make_room(routes *r, int32_t n)
{
    if (r->links_n + (uint32_t)n <= r->links_room)
        return 0;
    uint32_t room = r->links_room * 2 + (uint32_t)n + 64;
    int32_t *grown = realloc(r->links, room * sizeof *grown);
    if (!grown)
        return -1;
    r->links = grown;
    r->links_room = room;
    return 0;
}

/* How many of the ways of a pair lead over a link. */
static int32_t ways_over(const routes *r, int32_t link, int32_t n)
{
    int32_t over = 0;
    for (int32_t i = 0; i < n; i++)
        over += r->scratch[i] == link;
    return over < r->ways ? over : r->ways;
}

const struct found_route *routes_ask(routes *r, int64_t pair)
{
    const int32_t source = (int32_t)(pair / r->endpoints), target = (int32_t)(pair % r->endpoints);
    const int32_t n = r->find(r->user, source, target, r->scratch, (r->n_links + ROOM_FOR_DETOURS) * r->ways);
    if (n < 0 || n % r->ways || make_room(r, n))
        return NULL;
    struct found_route *found = r->pairs + pair;
    *found = (struct found_route){.first = r->links_n, .n = n, .hops = n / r->ways, .slowest = INT32_MAX};
    int64_t latency = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t link = r->scratch[i];
        if (link < 0 || link >= r->n_links)
            return NULL;
        latency = (i % found->hops ? latency : 0) + r->latency[link];
        if (latency > found->latency)
            found->latency = latency;
        const int32_t over = r->ways > 1 ? ways_over(r, link, n) : 1;
        const int32_t rank = r->speed_rank[link * r->ways + over - 1];
        if (rank < found->slowest)
            found->slowest = rank;
        r->links[r->links_n++] = link;
    }
    found->known = 1;
    return found;
}
