/* `fair` in full, for random_fair.c: all rates are filled anew at every start and end, as fair.h says it. */
#include "stages/fair/fair.h"

#include <stdlib.h>
#include <string.h>

#include "stages/network_bins.h"

typedef unsigned __int128 u128;

struct flow {
    u128 left;
    int64_t rate, start, end, pair, size;
    uint32_t message;
    int filled;
};
struct arrival {
    int64_t time;
    uint32_t message;
};

struct fair {
    int32_t endpoints, n_links, *route_links, *count;
    int64_t *capacity, *left, *latency, *route_start;
    int64_t now;     /* every flow's `left` is of this instant */
    int dirty;       /* rates must be filled again */
    int64_t soonest; /* end of the next flow to end, as long as nothing is dirty */
    struct flow *flows;
    struct arrival *arrivals; /* kept in order of (time, message) from the back: the next one is the last */
    int32_t n_flows, flows_capacity, n_arrivals, arrivals_capacity;
    struct network_bins bins;
};

static void full_close(void *self)
{
    fair *f = self;
    network_bins_free(&f->bins);
    void *arrays[] = {f->route_links, f->count, f->capacity, f->left, f->latency,
                      f->route_start, f->flows, f->arrivals, f};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

static void *copied(const void *from, size_t bytes)
{
    void *p = malloc(bytes + 1);
    return p ? memcpy(p, from, bytes) : NULL;
}

fair *full_new(int32_t endpoints, int32_t n_links, const int64_t *bytes_per_s, const int64_t *latency_ps,
               const int64_t *route_start, const int32_t *route_links, int64_t bin_ps, int32_t max_bins)
{
    size_t pairs = (size_t)endpoints * (size_t)endpoints, links = (size_t)n_links;
    fair *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->endpoints = endpoints;
    f->soonest = NETWORK_NEVER;
    f->n_links = n_links;
    f->route_start = copied(route_start, (pairs + 1) * sizeof *route_start);
    f->route_links = copied(route_links, (size_t)route_start[pairs] * sizeof *route_links);
    f->capacity = copied(bytes_per_s, links * sizeof *bytes_per_s);
    f->latency = copied(latency_ps, links * sizeof *latency_ps);
    f->left = malloc(links * sizeof *f->left + 1);
    f->count = malloc(links * sizeof *f->count + 1);
    if (network_bins_init(&f->bins, n_links, bin_ps, max_bins) || !f->route_start || !f->route_links || !f->capacity ||
        !f->latency || !f->left || !f->count) {
        full_close(f);
        return NULL;
    }
    return f;
}

static u128 rate_work(int64_t rate, int64_t ps) { return (u128)(uint64_t)rate * (uint64_t)ps; } /* 1e-12 bytes */

/* Bring what is left of every struct flow to `now`, and count the links as busy meanwhile. */
static void progress(fair *f, int64_t now)
{
    if (now == f->now || !f->n_flows) {
        f->now = now;
        return;
    }
    memset(f->count, 0, (size_t)f->n_links * sizeof *f->count);
    for (int32_t i = 0; i < f->n_flows; i++) {
        struct flow *w = f->flows + i;
        u128 done = rate_work(w->rate, now - f->now);
        w->left = done < w->left ? w->left - done : 0;
        for (int64_t r = f->route_start[w->pair]; r < f->route_start[w->pair + 1]; r++)
            f->count[f->route_links[r]] = 1;
    }
    network_bins_grow(&f->bins, now);
    for (int32_t link = 0; link < f->n_links; link++)
        if (f->count[link])
            network_bins_spread(&f->bins, link, LINK_BUSY, f->now, now, 0);
    f->now = now;
}

/* The unfilled link with the smallest share, or -1. */
static int32_t bottleneck(const fair *f, int64_t *share)
{
    int32_t best = -1;
    for (int32_t link = 0; link < f->n_links; link++) {
        if (!f->count[link])
            continue;
        int64_t own = f->left[link] / f->count[link];
        if (best < 0 || own < *share) {
            best = link;
            *share = own;
        }
    }
    return best;
}

static int crosses(const fair *f, const struct flow *w, int32_t link)
{
    for (int64_t r = f->route_start[w->pair]; r < f->route_start[w->pair + 1]; r++)
        if (f->route_links[r] == link)
            return 1;
    return 0;
}

static void fix_rate(fair *f, struct flow *w, int64_t share)
{
    w->rate = share > 0 ? share : 1;
    w->filled = 1;
    for (int64_t r = f->route_start[w->pair]; r < f->route_start[w->pair + 1]; r++) {
        int32_t link = f->route_links[r];
        f->count[link]--;
        f->left[link] = f->left[link] > w->rate ? f->left[link] - w->rate : 0;
    }
    u128 ps = (w->left + (uint64_t)(w->rate - 1)) / (uint64_t)w->rate;
    w->end = ps < (u128)(NETWORK_NEVER - f->now) ? f->now + (int64_t)ps : NETWORK_NEVER;
}

static void fill(fair *f)
{
    int64_t share = 0;
    int32_t link;
    f->dirty = 0;
    memcpy(f->left, f->capacity, (size_t)f->n_links * sizeof *f->left);
    memset(f->count, 0, (size_t)f->n_links * sizeof *f->count);
    for (int32_t i = 0; i < f->n_flows; i++) {
        f->flows[i].filled = 0;
        for (int64_t r = f->route_start[f->flows[i].pair]; r < f->route_start[f->flows[i].pair + 1]; r++)
            f->count[f->route_links[r]]++;
    }
    while ((link = bottleneck(f, &share)) >= 0)
        for (int32_t i = 0; i < f->n_flows; i++)
            if (!f->flows[i].filled && crosses(f, f->flows + i, link))
                fix_rate(f, f->flows + i, share);
    f->soonest = NETWORK_NEVER;
    for (int32_t i = 0; i < f->n_flows; i++)
        if (f->flows[i].end < f->soonest)
            f->soonest = f->flows[i].end;
}

static int add_arrival(fair *f, int64_t time, uint32_t message)
{
    if (f->n_arrivals == f->arrivals_capacity) {
        int32_t more = f->arrivals_capacity * 2 + 16;
        struct arrival *grown = realloc(f->arrivals, (size_t)more * sizeof *grown);
        if (!grown)
            return -1;
        f->arrivals = grown;
        f->arrivals_capacity = more;
    }
    int32_t at = f->n_arrivals++;
    for (; at && (f->arrivals[at - 1].time < time ||
                  (f->arrivals[at - 1].time == time && f->arrivals[at - 1].message < message));
         at--)
        f->arrivals[at] = f->arrivals[at - 1];
    f->arrivals[at] = (struct arrival){time, message};
    return 0;
}

static int64_t latency_of(const fair *f, int64_t pair)
{
    int64_t sum = 0;
    for (int64_t r = f->route_start[pair]; r < f->route_start[pair + 1]; r++)
        sum += f->latency[f->route_links[r]];
    return sum;
}

static int full_send(void *self, int64_t now, uint32_t message, int32_t source, int32_t target, int64_t bytes)
{
    fair *f = self;
    if (source < 0 || source >= f->endpoints || target < 0 || target >= f->endpoints || bytes < 0)
        return -1;
    int64_t pair = (int64_t)source * f->endpoints + target;
    if (f->route_start[pair] == f->route_start[pair + 1])
        return add_arrival(f, now, message) ? -1 : 1;
    if (!bytes)
        return add_arrival(f, now + latency_of(f, pair), message) ? -1 : !latency_of(f, pair);
    progress(f, now);
    if (f->n_flows == f->flows_capacity) {
        int32_t more = f->flows_capacity * 2 + 16;
        struct flow *grown = realloc(f->flows, (size_t)more * sizeof *grown);
        if (!grown)
            return -1;
        f->flows = grown;
        f->flows_capacity = more;
    }
    u128 work = (u128)(uint64_t)bytes * 1000000u * 1000000u;
    f->flows[f->n_flows++] = (struct flow){work, 0, now, NETWORK_NEVER, pair, bytes, message, 0};
    f->dirty = 1;
    return 0;
}

static int64_t full_next_time(void *self)
{
    fair *f = self;
    int64_t next = f->n_arrivals ? f->arrivals[f->n_arrivals - 1].time : NETWORK_NEVER;
    if (f->dirty)
        fill(f);
    return f->soonest < next ? f->soonest : next;
}

/* Flows that end now leave; the others keep their order. */
static int leave(fair *f, int64_t now)
{
    int32_t kept = 0, before = f->n_flows;
    progress(f, now);
    for (int32_t i = 0; i < before; i++) {
        struct flow w = f->flows[i];
        if (w.end > now) {
            f->flows[kept++] = w;
            continue;
        }
        for (int64_t r = f->route_start[w.pair]; r < f->route_start[w.pair + 1]; r++)
            network_bins_spread(&f->bins, f->route_links[r], LINK_NO_TIME, w.start, now, w.size);
        if (add_arrival(f, now + latency_of(f, w.pair), w.message))
            return -1;
    }
    f->n_flows = kept;
    if (kept != before)
        f->dirty = 1;
    return 0;
}

static int full_advance(void *self, int64_t now, uint32_t *arrived, int capacity)
{
    fair *f = self;
    int n = 0;
    if (f->dirty)
        fill(f);
    if (f->soonest <= now && leave(f, now))
        return -1;
    while (n < capacity && f->n_arrivals && f->arrivals[f->n_arrivals - 1].time <= now)
        arrived[n++] = f->arrivals[--f->n_arrivals].message;
    return n;
}

static const network_operations operations = {full_send, full_next_time, full_advance, full_close, NULL};

const network_operations *full_operations(void) { return &operations; }

const int64_t *full_link_bins(fair *f, int64_t *bin_ps, int32_t *bins)
{
    *bin_ps = f->bins.bin_ps;
    *bins = f->bins.max_bins;
    return f->bins.cells;
}
