/* Max-min fair rates of `fair`, kept as messages come and go: only what changes is computed anew.
 *
 * Progressive filling (fair.h) fixes lanes -- the messages of one route, which share a rate -- at links whose keys
 * (share, number) strictly increase, and what a link does follows from smaller keys only. So the last solution is kept
 * as an assumption, and a solve walks up the keys: the least key at which a link that a change touched may act
 * otherwise than assumed is confirmed or corrected, which touches other links at larger keys. Equal, remainders and
 * ties included, to filling anew.
 *
 * Links, lanes and hops are numbered from 0. Capacities are 1 to 2^62 - 1 bytes per second. */
#ifndef CHIPWEAVE_FAIR_RATES_H
#define CHIPWEAVE_FAIR_RATES_H
#include <stdint.h>

#define FAIR_NO_SHARE INT64_MAX

/* share, fixed_by: the link that fixes its rate, and at which share; FAIR_NO_SHARE and -1 before one did. */
struct fair_lane {
    int64_t share;
    int32_t fixed_by, n, first, hops, changed; /* n: messages; first: its hops stand from there on */
};

struct fair_crossing {
    int32_t lane, hop;
};

/* open: messages that no other link fixes; rest: capacity less the rates of those that others fix. */
struct fair_link {
    __int128 rest;
    int64_t capacity, share,
        lower; /* share: at which it fixes lanes; lower: at least that from now on, exactly if known */
    struct fair_crossing *crossings;                        /* of lanes with messages */
    int32_t n_crossings, room, total, open, suspect, known; /* suspect: its place among them, from 1 */
};

/* A link that may act otherwise than assumed. when: the least share at which it may, -1 if that has to be found. */
struct fair_suspect {
    int64_t when;
    int32_t link;
};

struct fair_rates {
    struct fair_link *links;
    struct fair_lane *lanes;
    int32_t *hop_link, *hop_place; /* place of a hop among its link's crossings */
    struct fair_suspect *suspects;
    int32_t *changed; /* lanes whose share was touched by the last solve */
    int32_t n_links, n_lanes, lanes_room, n_hops, hops_room, n_suspects, n_changed;
};

#pragma GCC visibility push(hidden)
int fair_rates_open(struct fair_rates *r, int32_t n_links, const int64_t *capacity); /* -1: no memory */
void fair_rates_close(struct fair_rates *r);
/* A new lane without messages; -1: no memory. */
int32_t fair_rates_lane(struct fair_rates *r, const int32_t *route, int32_t hops);
int fair_rates_join(struct fair_rates *r, int32_t lane);  /* one more message; -1: no memory */
void fair_rates_part(struct fair_rates *r, int32_t lane); /* one less */
/* Afterwards r->changed names the lanes whose rate may be another; some have no messages. */
void fair_rates_solve(struct fair_rates *r);
#pragma GCC visibility pop

static inline int64_t fair_rate(const struct fair_lane *w) { return w->n ? w->share > 1 ? w->share : 1 : 0; }
#endif
