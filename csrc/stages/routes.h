/* Routes of a network: found when a pair of endpoints is first used, then kept. What a run costs so follows the pairs
 * that exchange something, not all there are. */
#ifndef CHIPWEAVE_ROUTES_H
#define CHIPWEAVE_ROUTES_H
#include <stdint.h>

/* cdef: begin */
typedef struct routes routes;
/* Fills in the links from source to target, at most `room`; how many, or negative where there is no route. Of several
 * ways that a message takes at once, equally many links each, one way behind the other. */
typedef int32_t (*routes_finder)(void *user, int32_t source, int32_t target, int32_t *links, int32_t room);
/* cdef: end */

/* latency: of all its links, of the longest of several ways; slowest: the least speed rank of them; hops: of one way */
struct found_route {
    int64_t latency;
    uint32_t first; /* its links stand in routes.links from there on */
    int32_t n, hops, slowest, known;
};

/* ways: each message is cut into as many pieces, one for each way. */
struct routes {
    int32_t endpoints, n_links, ways;
    int64_t *latency;    /* of each link, ps */
    int32_t *speed_rank; /* [link * ways + n - 1]: of a link that n of the ways lead over, the slowest 0 */
    routes_finder find;
    void *user;
    struct found_route *pairs; /* [source * endpoints + target] */
    int32_t *links, *scratch;
    uint32_t links_n, links_room;
};

#pragma GCC visibility push(hidden)
routes *routes_new(int32_t endpoints, int32_t n_links, const int64_t *latency_ps, const int32_t *speed_rank,
                   routes_finder find, void *user); /* NULL: no memory */
int routes_spread(routes *r, int32_t ways,
                  const int32_t *speed_rank); /* over several ways from now on; -1: no memory */
void routes_free(routes *r);
const struct found_route *routes_ask(routes *r, int64_t pair);
#pragma GCC visibility pop

/* NULL: there is none, or no memory. The pointer is good as long as the routes are. */
static inline const struct found_route *routes_of(routes *r, int64_t pair)
{
    const struct found_route *found = r->pairs + pair;
    return __builtin_expect(found->known, 1) ? found : routes_ask(r, pair);
}

/* Bytes of one of a message's pieces: whole bytes that add up to the message. */
static inline int64_t piece_of(int64_t bytes, int32_t piece, int32_t ways)
{
    return (int64_t)((__int128)bytes * (piece + 1) / ways - (__int128)bytes * piece / ways);
}
#endif
