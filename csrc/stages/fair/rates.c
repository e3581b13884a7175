/* stages/fair/rates.c -- rates follow starts and ends: only what changes is computed. */
#include "stages/fair/rates.h"

#include <stdlib.h>
#include <string.h>

typedef __int128 i128;

/* ---- building */

/* Links without messages; -1 without memory. */
int fair_rates_open(struct fair_rates *r, int32_t n_links, const int64_t *capacity)
{
    *r = (struct fair_rates){.n_links = n_links};
    r->links = calloc((size_t)n_links + 1, sizeof *r->links);
    r->suspects = malloc(((size_t)n_links + 1) * sizeof *r->suspects);
    if (!r->links || !r->suspects)
        return -1;
    for (int32_t i = 0; i < n_links; i++)
        r->links[i] = (struct fair_link){.rest = capacity[i], .capacity = capacity[i], .share = FAIR_NO_SHARE};
    return 0;
}

/* Free everything. */
void fair_rates_close(struct fair_rates *r)
{
    for (int32_t i = 0; r->links && i < r->n_links; i++)
        free(r->links[i].crossings);
    void *arrays[] = {r->links, r->lanes, r->hop_link, r->hop_place, r->suspects, r->changed};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* Room for twice as many elements; -1 without memory. */
static int grow(void *array, int32_t room, size_t size)
{
    void **p = array, *grown = realloc(*p, (size_t)room * size);
    if (!grown)
        return -1;
    *p = grown;
    return 0;
}

/* A lane over some links, without messages; its number, or -1. */
int32_t fair_rates_lane(struct fair_rates *r, const int32_t *route, int32_t hops)
{
    if (r->n_lanes == r->lanes_room) {
        int32_t room = r->lanes_room * 2 + 64;
        if (grow(&r->lanes, room, sizeof *r->lanes) || grow(&r->changed, room, sizeof *r->changed))
            return -1;
        r->lanes_room = room;
    }
    if (r->n_hops + hops > r->hops_room) {
        int32_t room = (r->n_hops + hops) * 2 + 64;
        if (grow(&r->hop_link, room, sizeof *r->hop_link) || grow(&r->hop_place, room, sizeof *r->hop_place))
            return -1;
        r->hops_room = room;
    }
    memcpy(r->hop_link + r->n_hops, route, (size_t)hops * sizeof *route);
    r->lanes[r->n_lanes] = (struct fair_lane){.share = FAIR_NO_SHARE, .fixed_by = -1, .first = r->n_hops, .hops = hops};
    r->n_hops += hops;
    return r->n_lanes++;
}

/* ---- messages come and go */

/* What a lane takes of the link that fixes it. */
static i128 take_of(const struct fair_lane *w) { return (i128)fair_rate(w) * w->n; }

/* A link's sums have changed: its share has to be worked out again. */
static void touch(struct fair_rates *r, int32_t link)
{
    struct fair_link *l = r->links + link;
    l->known = 0;
    l->lower = -1; /* not even a bound */
    if (l->suspect) {
        r->suspects[l->suspect - 1].when = -1;
        return;
    }
    r->suspects[r->n_suspects++] = (struct fair_suspect){-1, link};
    l->suspect = r->n_suspects;
}

/* The last suspect takes the place of one that is none any more. */
static void clear_suspect(struct fair_rates *r, int32_t place)
{
    struct fair_suspect last = r->suspects[--r->n_suspects];
    r->links[r->suspects[place].link].suspect = 0;
    if (place == r->n_suspects)
        return;
    r->suspects[place] = last;
    r->links[last.link].suspect = place + 1;
}

/* A lane whose rate may change is noted once. */
static void note(struct fair_rates *r, int32_t lane)
{
    if (r->lanes[lane].changed)
        return;
    r->lanes[lane].changed = 1;
    r->changed[r->n_changed++] = lane;
}

/* A lane has its first message: its links know of it. */
static int enter(struct fair_rates *r, int32_t lane)
{
    const struct fair_lane *w = r->lanes + lane;
    for (int32_t h = w->first; h < w->first + w->hops; h++) {
        struct fair_link *l = r->links + r->hop_link[h];
        if (l->n_crossings == l->room) {
            int32_t room = l->room * 2 + 8;
            if (grow(&l->crossings, room, sizeof *l->crossings))
                return -1;
            l->room = room;
        }
        r->hop_place[h] = l->n_crossings;
        l->crossings[l->n_crossings++] = (struct fair_crossing){lane, h};
    }
    return 0;
}

/* A lane has no message any more. */
static void quit(struct fair_rates *r, int32_t lane)
{
    struct fair_lane *w = r->lanes + lane;
    for (int32_t h = w->first; h < w->first + w->hops; h++) {
        struct fair_link *l = r->links + r->hop_link[h];
        struct fair_crossing last = l->crossings[--l->n_crossings];
        l->crossings[r->hop_place[h]] = last;
        r->hop_place[last.hop] = r->hop_place[h];
    }
    w->share = FAIR_NO_SHARE;
    w->fixed_by = -1;
}

/* Messages of a lane, one more or one less, at all of its links. */
static void count(struct fair_rates *r, int32_t lane, int32_t more)
{
    struct fair_lane *w = r->lanes + lane;
    const int64_t rate = w->share > 1 ? w->share : 1;
    for (int32_t h = w->first; h < w->first + w->hops; h++) {
        int32_t link = r->hop_link[h];
        struct fair_link *l = r->links + link;
        l->total += more;
        if (w->fixed_by >= 0 && w->fixed_by != link)
            l->rest -= (i128)rate * more;
        else
            l->open += more;
        touch(r, link);
    }
    w->n += more;
}

/* A message joins a lane; -1 without memory. */
int fair_rates_join(struct fair_rates *r, int32_t lane)
{
    if (!r->lanes[lane].n) {
        if (enter(r, lane))
            return -1;
        note(r, lane);
    }
    count(r, lane, 1);
    return 0;
}

/* A message leaves a lane. */
void fair_rates_part(struct fair_rates *r, int32_t lane)
{
    count(r, lane, -1);
    if (r->lanes[lane].n)
        return;
    quit(r, lane);
    note(r, lane);
}

/* ---- the solve */

/* Links fix in order of share, then of number. */
static int before(int64_t share, int32_t link, int64_t than, int32_t number)
{
    return (share < than) | ((share == than) & (link < number));
}

/* At most what the link's share will be, from sums alone: a message that another link fixes later gets that share at
 * least. */
static int64_t bound(const struct fair_link *l, int64_t at)
{
    if (!l->open)
        return l->rest >= l->total ? FAIR_NO_SHARE : at;
    i128 over = l->rest - (l->total - l->open);
    int64_t share = over > 0 ? (int64_t)over / l->open : 0;
    return share > at ? share : at;
}

/* The share at which the link fixes what is left to it, from `at` up; FAIR_NO_SHARE if nothing is left. */
static int64_t evaluate(const struct fair_rates *r, int32_t link, int64_t at)
{
    const struct fair_link *l = r->links + link;
    for (;;) {
        i128 left = l->capacity;
        int32_t n = 0;
        int64_t least = FAIR_NO_SHARE;                 /* share of those that others fix later */
        for (int32_t i = 0; i < l->n_crossings; i++) { /* which of the three it is follows no pattern: no branches */
            const struct fair_lane *w = r->lanes + l->crossings[i].lane;
            const int own = w->fixed_by == link;
            const int earlier = (own ^ 1) & before(w->share, w->fixed_by, at, link);
            const int64_t later = (own | earlier) ? FAIR_NO_SHARE : w->share;
            left -= (i128)fair_rate(w) * (earlier ? w->n : 0);
            n += earlier ? 0 : w->n;
            least = later < least ? later : least;
        }
        if (!n)
            return FAIR_NO_SHARE;
        int64_t share = left > 0 ? (int64_t)left / n : 0;
        if (share <= at || share < least)
            return share > at ? share : at;
        at = share;
    }
}

/* The link fixes the lane at this share, in place of what did. */
static void fix(struct fair_rates *r, int32_t lane, int64_t share, int32_t link)
{
    struct fair_lane *w = r->lanes + lane;
    const int32_t was = w->fixed_by;
    const i128 old = take_of(w);
    note(r, lane);
    w->share = share;
    w->fixed_by = link;
    const i128 take = take_of(w);
    for (int32_t h = w->first; h < w->first + w->hops; h++) {
        int32_t other = r->hop_link[h];
        struct fair_link *l = r->links + other;
        if (was >= 0 && was != other) {
            l->rest += old;
            l->open += w->n;
        }
        if (other == link)
            continue;
        l->rest -= take;
        l->open -= w->n;
        touch(r, other);
    }
}

/* The link rises: what it fixes comes later than assumed. */
static void raise_own(struct fair_rates *r, int32_t link, int64_t share)
{
    const struct fair_link *l = r->links + link;
    for (int32_t i = 0; i < l->n_crossings; i++)
        if (r->lanes[l->crossings[i].lane].fixed_by == link && r->lanes[l->crossings[i].lane].share != share)
            fix(r, l->crossings[i].lane, share, link);
}

/* Lanes of a link that nothing has fixed below its share are fixed by it. */
static void fix_later_ones(struct fair_rates *r, int32_t link, int64_t share)
{
    const struct fair_link *l = r->links + link;
    for (int32_t i = 0; i < l->n_crossings; i++) {
        const struct fair_lane *w = r->lanes + l->crossings[i].lane;
        if (w->fixed_by < 0 || before(share, link, w->share, w->fixed_by))
            fix(r, l->crossings[i].lane, share, link);
    }
}

/* The suspect with the least key, or -1; those that need nothing are dropped. */
static int32_t next_suspect(struct fair_rates *r, int64_t *at)
{
    int64_t least = FAIR_NO_SHARE;
    int32_t place = -1;
    int32_t number = INT32_MAX;
    for (int32_t i = 0; i < r->n_suspects;) {
        struct fair_suspect *s = r->suspects + i;
        if (s->when < 0) {
            struct fair_link *l = r->links + s->link;
            if (l->lower < 0)
                l->lower = bound(l, *at);
            s->when = l->lower < l->share ? l->lower : l->share;
            if (s->when == FAIR_NO_SHARE) {
                clear_suspect(r, i);
                continue;
            }
        }
        if (s->when < least || (s->when == least && s->link < number)) { /* a few times a walk */
            least = s->when;
            number = s->link;
            place = i;
        }
        i++;
    }
    if (place >= 0)
        *at = least;
    return place;
}

/* Until no link is suspect: only links whose sums changed, and those that this touches, are worked out again. */
void fair_rates_solve(struct fair_rates *r)
{
    int64_t at = 0;
    int32_t place;
    while ((place = next_suspect(r, &at)) >= 0) {
        int32_t link = r->suspects[place].link;
        struct fair_link *l = r->links + link;
        r->suspects[place].when = -1;
        if (!l->known) {
            l->lower = evaluate(r, link, at);
            l->known = 1;
            if (l->lower > at && l->share > at)
                continue; /* it comes up again */
        }
        int64_t was = l->share;
        l->share = l->lower;
        if (l->lower > was)
            raise_own(r, link, l->lower);
        else {
            fix_later_ones(r, link, l->lower);
            clear_suspect(r, place);
        }
    }
}
