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
    *r = (routes){.endpoints = endpoints, .n_links = n_links, .find = find, .user = user};
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

const struct found_route *routes_ask(routes *r, int64_t pair)
{
    const int32_t source = (int32_t)(pair / r->endpoints), target = (int32_t)(pair % r->endpoints);
    const int32_t n = r->find(r->user, source, target, r->scratch, r->n_links + ROOM_FOR_DETOURS);
    if (n < 0 || make_room(r, n))
        return NULL;
    struct found_route *found = r->pairs + pair;
    *found = (struct found_route){.first = r->links_n, .n = n, .slowest = INT32_MAX};
    for (int32_t i = 0; i < n; i++) {
        const int32_t link = r->scratch[i];
        if (link < 0 || link >= r->n_links)
            return NULL;
        found->latency += r->latency[link];
        if (r->speed_rank[link] < found->slowest)
            found->slowest = r->speed_rank[link];
        r->links[r->links_n++] = link;
    }
    found->known = 1;
    return found;
}
