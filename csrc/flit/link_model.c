#include "flit/link_model.h"

#include <stdlib.h>
#include <string.h>

#include "flit/alone.h"
#include "flit/edges.h"
#include "flit/image.h"
#include "stages/network_bins.h"

enum { FETCH = 64 };

struct door {
    net_flit *owner;
    int32_t traffic;
};
struct own_arrival {
    int64_t time;
    uint32_t message;
};

struct net_flit {
    net_flit_spec spec;
    struct noc_state *noc;
    struct door *doors;
    int32_t *link_row, *interval, *per, *endpoint_of, vcs;
    struct edges clock;
    uint64_t in_flight;
    uint32_t *turn;          /* per traffic class: messages sent */
    struct own_arrival *own; /* messages to their own endpoint: they arrive when they were sent */
    int32_t n_own, own_capacity;
    int64_t now;
    int status;
    struct noc_counts *counts;
    uint64_t *sent, *stalled; /* per link, as far as the bins have them */
    int64_t *payload;         /* per link: bytes of the messages that take it */
    int64_t bytes, flits;     /* of all messages sent; flits of those through the routers */
    int64_t fine;             /* messages of one fine flit sent */
    struct alone alone;       /* messages beside the routers */
    int64_t *alone_link;
    uint64_t bin_end; /* first cycle behind the bin that is being counted */
    struct network_bins bins;
};

/* Time of an edge of the network's clock. */
static int64_t time_of(const net_flit *f, uint64_t cycle) { return edge_time(f->clock, cycle, 1); }

/* The first cycle whose edge is after `time`. */
static uint64_t cycle_after(const net_flit *f, int64_t time) { return edge_after(f->clock, time, 1); }

/* ---- statistics */

/* Time of `flits` flits on a link. */
static int64_t on_wire(const net_flit *f, int32_t link, uint64_t flits)
{
    return edges_ps(f->clock, flits, (uint64_t)f->interval[link], (uint64_t)f->per[link]);
}

/* What the links have done since the last reading goes to the bin of cycle `bin_end - 1`; the next one is that of
 * `now`. */
static void settle(net_flit *f, uint64_t now)
{
    int64_t last = f->bin_end ? time_of(f, f->bin_end - 1) : 0;
    network_bins_grow(&f->bins, last + 1);
    noc_count(f->noc, f->counts);
    for (int32_t i = 0; i < f->spec.n_links; i++) {
        const struct noc_counts *c = f->counts + (size_t)f->link_row[i] * (size_t)f->vcs;
        uint64_t sent = 0, stalled = 0;
        for (int32_t vc = 0; vc < f->vcs; vc++) {
            sent += c[vc].flits;
            stalled += c[vc].stalled_credit + c[vc].stalled_arbitration;
        }
        int64_t *arbiter = network_bins_row(&f->bins, last / f->bins.bin_ps) + i * LINK_COLUMNS;
        arbiter[LINK_BYTES] += (int64_t)(sent - f->sent[i]) * f->spec.flit_bytes;
        arbiter[LINK_BUSY] += on_wire(f, i, sent) - on_wire(f, i, f->sent[i]);
        arbiter[LINK_STALLED] += edges_ps(f->clock, stalled, 1, 1) - edges_ps(f->clock, f->stalled[i], 1, 1);
        f->sent[i] = sent;
        f->stalled[i] = stalled;
    }
    int64_t bin = time_of(f, now) / f->bins.bin_ps;
    f->bin_end = cycle_after(f, (bin + 1) * f->bins.bin_ps - 1);
}

/* Run the cycles below `until`, at the first arrival no further if `stop`; 1: stopped. */
static int run(net_flit *f, uint64_t until, int stop)
{
    while (!f->status && noc_now(f->noc) < until) {
        if (noc_now(f->noc) >= f->bin_end)
            settle(f, noc_now(f->noc));
        uint64_t upto = f->in_flight && f->bin_end < until ? f->bin_end : until;
        int got = noc_advance(f->noc, upto, stop);
        if (got < 0)
            f->status = got;
        if (got == 1)
            return 1;
    }
    return 0;
}

/* ---- the operations */

/* A message to its own endpoint does not enter the network: it has arrived at once. */
static int keep_own(net_flit *f, int64_t now, uint32_t message)
{
    if (f->n_own == f->own_capacity) {
        int32_t more = f->own_capacity * 2 + 16;
        struct own_arrival *grown = realloc(f->own, (size_t)more * sizeof *grown);
        if (!grown)
            return -1;
        f->own = grown;
        f->own_capacity = more;
    }
    f->own[f->n_own++] = (struct own_arrival){now, message};
    return 1;
}

/* What a message holds, noted on the links of its route between two instances; -1: there is none. */
static int note_payload(net_flit *f, int32_t source, int32_t target, int64_t bytes, int64_t flits)
{
    f->bytes += bytes;
    f->flits += flits;
    if (!f->spec.fixed)
        return 0;
    const struct found_route *way = routes_of(f->spec.fixed, (int64_t)source * f->spec.fixed->endpoints + target);
    if (!way)
        return -1;
    for (int32_t i = 0; i < way->n; i++)
        f->payload[f->spec.fixed->links[way->first + (uint32_t)i]] += bytes;
    return 0;
}

/* A message of one fine flit, beside the routers: it arrives by the formula, and is counted on its links then. */
static int send_alone(net_flit *f, int64_t now, uint32_t message, int64_t pair, int64_t bytes)
{
    const struct found_route *way = routes_of(f->spec.ways, pair);
    if (!way)
        return -1;
    const uint64_t faster = (uint64_t)f->spec.grain;
    int64_t cycles = f->spec.alone_base;
    for (int32_t i = 0; i < way->n; i++)
        cycles += f->alone_link[f->spec.ways->links[way->first + (uint32_t)i]];
    const int64_t time = edge_time(f->clock, edge_after(f->clock, now, faster) + (uint64_t)cycles, faster);
    network_bins_grow(&f->bins, time + 1);
    int64_t *row = network_bins_row(&f->bins, time / f->bins.bin_ps);
    for (int32_t i = 0; i < way->n; i++) {
        const int32_t link = f->spec.ways->links[way->first + (uint32_t)i];
        row[link * LINK_COLUMNS + LINK_BYTES] += f->spec.flit_bytes / f->spec.grain;
        row[link * LINK_COLUMNS + LINK_BUSY] +=
            edges_ps(f->clock, 1, (uint64_t)f->interval[link], (uint64_t)f->per[link] * faster);
        f->payload[link] += bytes;
    }
    f->bytes += bytes;
    f->fine++;
    return alone_add(&f->alone, time, message);
}

/* network_operations.send: bytes become flits, rounded up; the message starts at the first edge after `now` and
 * takes the VC ranges of its class in turn. */
static int send_message(void *self, int64_t now, uint32_t message, int32_t source, int32_t target, int64_t bytes)
{
    struct door *d = self;
    net_flit *f = d->owner;
    const int32_t from = source, to = target; /* as routes number them */
    if (bytes < 0 || source < 0 || target < 0 || f->status)
        return -1;
    if (f->endpoint_of) {
        if (source >= f->spec.n_instances || target >= f->spec.n_instances)
            return -1;
        source = f->endpoint_of[source];
        target = f->endpoint_of[target];
        if (source < 0 || target < 0)
            return -1; /* takes no part in this network */
    }
    if (source == target)
        return keep_own(f, now, message);
    const u128 share = (u128)(uint64_t)bytes * (uint64_t)f->spec.flits_numerator; /* of flits */
    if (f->spec.grain > 1 && share * (u128)(uint64_t)f->spec.grain <= (u128)(uint64_t)f->spec.flits_denominator)
        return send_alone(f, now, message, (int64_t)from * f->spec.ways->endpoints + to, bytes);
    u128 flits = (share + (uint64_t)f->spec.flits_denominator - 1) / (uint64_t)f->spec.flits_denominator;
    if (flits >> 62)
        return -1;
    if (!f->in_flight && noc_now(f->noc) < cycle_after(f, now))
        run(f, cycle_after(f, now), 0); /* an idle stretch */
    struct noc_send s = {message,
                         cycle_after(f, now),
                         flits ? (uint64_t)flits : 1,
                         source,
                         target,
                         d->traffic * f->spec.ranges + (int32_t)(f->turn[d->traffic]++ % (uint32_t)f->spec.ranges),
                         f->spec.packet_flits};
    int status = noc_send(f->noc, &s, 1);
    if (status < 0)
        f->status = status;
    else if (note_payload(f, from, to, bytes, (int64_t)s.flits))
        return -1;
    f->in_flight += status >= 0;
    return status < 0 ? -1 : 0;
}

/* Cycle by cycle: for engines with several networks that move by themselves. */
static int64_t next_time(void *self)
{
    net_flit *f = ((struct door *)self)->owner;
    if (f->n_own)
        return f->own[0].time;
    if (f->status)
        return f->now;
    const int64_t alone = f->alone.n ? f->alone.heap->time : NETWORK_NEVER,
                  next = f->in_flight ? time_of(f, noc_now(f->noc)) : NETWORK_NEVER;
    return alone < next ? alone : next;
}

/* network_operations.look_ahead: run on by itself until a message arrives, at most to `limit`, before which nothing
 * is sent. */
static int64_t look_ahead(void *self, int64_t limit)
{
    net_flit *f = ((struct door *)self)->owner;
    if (f->n_own)
        return f->own[0].time;
    if (f->status)
        return f->now;
    const int64_t alone = f->alone.n ? f->alone.heap->time : NETWORK_NEVER;
    if (!f->in_flight)
        return alone;
    if (alone < limit)
        limit = alone;
    int stopped = run(f, limit == NETWORK_NEVER ? UINT64_MAX : cycle_after(f, limit), 1);
    if (f->status)
        return f->now;
    if (stopped)
        return time_of(f, noc_now(f->noc) - 1);
    return limit == alone ? alone : limit + 1;
}

/* network_operations.advance: messages that have arrived by `now`, own ones first. */
static int take_arrivals(void *self, int64_t now, uint32_t *arrived, int capacity)
{
    net_flit *f = ((struct door *)self)->owner;
    struct noc_arrival done[FETCH];
    int n = 0;
    f->now = now;
    if (f->in_flight)
        run(f, cycle_after(f, now), 0);
    if (f->status)
        return -1;
    while (f->n_own && n < capacity)
        arrived[n++] = f->own[--f->n_own].message;
    while (f->alone.n && f->alone.heap->time <= now && n < capacity)
        arrived[n++] = alone_take(&f->alone);
    while (n < capacity) {
        int got = noc_collect(f->noc, done, capacity - n < FETCH ? capacity - n : FETCH);
        if (got <= 0)
            break;
        for (int i = 0; i < got; i++)
            arrived[n++] = (uint32_t)done[i].tag;
        f->in_flight -= (uint64_t)got;
    }
    return n;
}

/* Further traffic classes share the first one's network, which reports for all. */
static int64_t never(void *self) { return (void)self, NETWORK_NEVER; }

/* See never(). */
static int none(void *self, int64_t now, uint32_t *arrived, int capacity)
{
    return (void)self, (void)now, (void)arrived, (void)capacity, 0;
}

/* All that it holds, its network of flits too. */
static void release(net_flit *f)
{
    noc_close(f->noc);
    network_bins_free(&f->bins);
    alone_free(&f->alone);
    void *arrays[] = {f->doors, f->link_row, f->interval, f->per,         f->turn,       f->own, f->counts,
                      f->sent,  f->stalled,  f->payload,  f->endpoint_of, f->alone_link, f};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* Closes the network that all classes share. */
static void close_all(void *self) { release(((struct door *)self)->owner); }

/* network_operations.image: what links have carried, turns, and the network of flits. */
static void image_all(void *self, struct image *m)
{
    net_flit *f = ((struct door *)self)->owner;
    const size_t links = (size_t)f->spec.n_links;
    image_need(m, !f->in_flight && !f->n_own && !f->alone.n && !f->status);
    IMAGE_ARRAY(m, f->turn, (size_t)f->spec.traffic);
    IMAGE_ARRAY(m, f->sent, links);
    IMAGE_ARRAY(m, f->stalled, links);
    IMAGE_ARRAY(m, f->payload, links);
    IMAGE_ONE(m, f->bytes);
    IMAGE_ONE(m, f->flits);
    IMAGE_ONE(m, f->fine);
    IMAGE_ONE(m, f->now);
    IMAGE_ONE(m, f->alone.sent);
    IMAGE_ONE(m, f->bin_end);
    image_bins(m, &f->bins);
    noc_image(f->noc, m);
}

/* The first class has all of it. */
static void no_image(void *self, struct image *m) { (void)self, (void)m; }

static const network_operations first_door = {send_message, next_time, take_arrivals, close_all, look_ahead, image_all};
static const network_operations other_door = {send_message, never, none, NULL, NULL, no_image};

/* The first traffic class moves the network and closes it; the others only send into it. */
const network_operations *net_flit_operations(int32_t traffic) { return traffic ? &other_door : &first_door; }

/* What the operations of a traffic class are called with. */
void *net_flit_self(net_flit *f, int32_t traffic) { return f->doors + traffic; }

/* The flit kernel below, for its own statistics. */
struct noc_state *net_flit_noc(net_flit *f) { return f->noc; }

/* 0, or the failure that the network stands still by. */
int net_flit_status(const net_flit *f) { return f->status; }

/* Statistics by bin as other link models give them, up to now. */
const int64_t *net_flit_link_bins(net_flit *f, int64_t *bin_ps, int32_t *bins)
{
    if (f->bin_end)
        settle(f, noc_now(f->noc));
    *bin_ps = f->bins.bin_ps;
    *bins = f->bins.max_bins;
    return f->bins.cells;
}

/* See flit/link_model.h. */
const int64_t *net_flit_payload(const net_flit *f, int64_t *bytes, int64_t *flits, int64_t *fine)
{
    *bytes = f->bytes;
    *flits = f->flits;
    *fine = f->fine;
    return f->spec.fixed ? f->payload : NULL;
}

int64_t net_flit_edge(const net_flit *f, uint64_t cycle) { return time_of(f, cycle); }

/* A network of flits with one door for each traffic class; NULL without memory or where the flit kernel refuses. */
net_flit *net_flit_new(const net_flit_spec *spec, struct noc_state *noc, int32_t n_ports, int32_t vcs)
{
    const size_t links = (size_t)spec->n_links + 1, classes = (size_t)spec->traffic;
    net_flit *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->spec = *spec;
    f->vcs = vcs;
    f->doors = calloc(classes, sizeof *f->doors);
    f->link_row = calloc(links, sizeof *f->link_row);
    f->interval = calloc(links, sizeof *f->interval);
    f->per = calloc(links, sizeof *f->per);
    f->turn = calloc(classes, sizeof *f->turn);
    f->counts = calloc((size_t)n_ports * (size_t)vcs, sizeof *f->counts);
    f->sent = calloc(links, sizeof *f->sent);
    f->payload = calloc(links, sizeof *f->payload);
    f->stalled = calloc(links, sizeof *f->stalled);
    f->alone_link = calloc(links, sizeof *f->alone_link);
    f->endpoint_of = spec->endpoint_of ? calloc((size_t)spec->n_instances + 1, sizeof *f->endpoint_of) : NULL;
    int bad = (spec->endpoint_of && !f->endpoint_of) ||
              network_bins_init(&f->bins, spec->n_links, spec->bin_ps, spec->max_bins);
    if (bad || !f->doors || !f->link_row || !f->interval || !f->per || !f->turn || !f->counts || !f->sent ||
        !f->stalled || !f->payload || !f->alone_link) {
        release(f);
        return NULL;
    }
    memcpy(f->link_row, spec->link_row, (size_t)spec->n_links * sizeof *f->link_row);
    memcpy(f->interval, spec->link_interval, (size_t)spec->n_links * sizeof *f->interval);
    memcpy(f->per, spec->link_per, (size_t)spec->n_links * sizeof *f->per);
    if (spec->alone_link)
        memcpy(f->alone_link, spec->alone_link, (size_t)spec->n_links * sizeof *f->alone_link);
    if (f->endpoint_of)
        memcpy(f->endpoint_of, spec->endpoint_of, (size_t)spec->n_instances * sizeof *f->endpoint_of);
    f->spec.alone_link = NULL;
    f->spec.link_row = f->spec.link_interval = f->spec.link_per = f->spec.endpoint_of = NULL;
    f->clock = edges_of(spec->hz_numerator, spec->hz_denominator);
    for (size_t i = 0; i < classes; i++)
        f->doors[i] = (struct door){f, (int32_t)i};
    f->noc = noc;
    return f;
}
