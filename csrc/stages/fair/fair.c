/* stages/fair/fair.c -- messages of one pair share a rate and a sum of bytes served.
 *
 * Where messages take several ways at once, each has a flow on every way, and arrives with the last of them. */
#include "stages/fair/fair.h"

#include <stdlib.h>
#include <string.h>

#include "stages/fair/queues.h"
#include "stages/fair/rates.h"
#include "stages/image.h"
#include "stages/network_bins.h"

typedef unsigned __int128 u128;

/* The messages of one way of a pair: each has been served as much as any other, from its start on, so one sum and one
 * rate do for all. */
struct stream {
    u128 served; /* to a message that has been here since the lane was empty, in 1e-12 bytes, as of `since` */
    int64_t since, rate, latency;
    struct fair_flows flows;
};

struct fair {
    routes *of; /* the engine's */
    int32_t endpoints, n_flows, streams_room;
    int32_t *lane_of; /* of each way of each pair, from 1; 0: none yet */
    int32_t *pieces;  /* of each message, how many are under way, where there are several ways */
    uint32_t pieces_room;
    int64_t *busy_since;
    int64_t now; /* of the last start or end of a message with bytes */
    int dirty;   /* starts or ends since the rates were solved, all of them now */
    struct fair_rates rates;
    struct stream *streams; /* of each lane */
    struct fair_ends ends;
    struct fair_arrivals arrivals;
    struct network_bins bins;
};

/* Free everything; the engine calls this. */
static void fair_close(void *self)
{
    fair *f = self;
    for (int32_t i = 0; i < f->rates.n_lanes && i < f->streams_room; i++)
        free(f->streams[i].flows.at);
    network_bins_free(&f->bins);
    fair_rates_close(&f->rates);
    void *arrays[] = {f->lane_of, f->pieces, f->busy_since, f->streams, f->ends.at, f->ends.place, f->arrivals.at, f};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* Links with their rates, and no messages; NULL without memory. */
fair *fair_new(routes *of, const int64_t *bytes_per_s, int64_t bin_ps, int32_t max_bins)
{
    size_t pairs = (size_t)of->endpoints * (size_t)of->endpoints;
    fair *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->of = of;
    f->endpoints = of->endpoints;
    f->lane_of = calloc(pairs * (size_t)of->ways + 1, sizeof *f->lane_of);
    f->busy_since = calloc((size_t)of->n_links + 1, sizeof *f->busy_since);
    int bad = fair_rates_open(&f->rates, of->n_links, bytes_per_s);
    if (network_bins_init(&f->bins, of->n_links, bin_ps, max_bins) || bad || !f->lane_of || !f->busy_since) {
        fair_close(f);
        return NULL;
    }
    return f;
}

/* ---- messages of a lane */

/* Room for what each lane keeps; -1 without memory. */
static int room_for_streams(fair *f)
{
    int32_t room = f->streams_room * 2 + 64;
    struct stream *streams = realloc(f->streams, (size_t)room * sizeof *streams);
    if (streams)
        f->streams = streams;
    struct fair_end *at = realloc(f->ends.at, (size_t)room * sizeof *at);
    if (at)
        f->ends.at = at;
    int32_t *place = realloc(f->ends.place, (size_t)room * sizeof *place);
    if (place)
        f->ends.place = place;
    if (!streams || !at || !place)
        return -1;
    f->streams_room = room;
    return 0;
}

/* The lane of one way of a pair of endpoints, made when it is first used; -1 without memory. */
static int32_t lane_of(fair *f, int64_t pair, const struct found_route *found, int32_t way)
{
    int32_t *known = f->lane_of + pair * f->of->ways + way;
    if (*known)
        return *known - 1;
    if (f->rates.n_lanes == f->streams_room && room_for_streams(f))
        return -1;
    const int32_t *links = f->of->links + found->first + way * found->hops;
    int32_t lane = fair_rates_lane(&f->rates, links, found->hops);
    if (lane < 0)
        return -1;
    f->streams[lane] = (struct stream){0};
    for (int32_t i = 0; i < found->hops; i++)
        f->streams[lane].latency += f->of->latency[links[i]];
    f->ends.place[lane] = -1;
    *known = lane + 1;
    return lane;
}

/* Note how many pieces of a message will arrive; -1 without memory. */
static int expect(fair *f, uint32_t message, int32_t pieces)
{
    if (f->of->ways == 1)
        return 0;
    if (message >= f->pieces_room) {
        uint32_t room = f->pieces_room * 2 > message ? f->pieces_room * 2 : message + 64;
        int32_t *grown = realloc(f->pieces, room * sizeof *grown);
        if (!grown)
            return -1;
        f->pieces = grown;
        f->pieces_room = room;
    }
    f->pieces[message] = pieces;
    return 0;
}

/* Service that a lane has given each of its messages up to `now`, in 1e-12 bytes. */
static u128 served_at(const struct stream *w, int64_t now)
{
    return w->served + (u128)(uint64_t)w->rate * (uint64_t)(now - w->since);
}

/* When the lane's first message ends; its rate stands. */
static void set_end(fair *f, int32_t lane)
{
    const struct stream *w = f->streams + lane;
    u128 target = w->flows.at[0].target, left = target > w->served ? target - w->served : 0;
    u128 ps = (left + (uint64_t)(w->rate - 1)) / (uint64_t)w->rate;
    fair_ends_set(&f->ends, lane, ps < (u128)(NETWORK_NEVER - w->since) ? w->since + (int64_t)ps : NETWORK_NEVER);
}

/* Lanes whose rate is another from now on. */
static void solve(fair *f)
{
    f->dirty = 0;
    fair_rates_solve(&f->rates);
    for (int32_t i = 0; i < f->rates.n_changed; i++) {
        int32_t lane = f->rates.changed[i];
        struct fair_lane *l = f->rates.lanes + lane;
        struct stream *w = f->streams + lane;
        l->changed = 0;
        if (!l->n || w->rate == fair_rate(l))
            continue;
        w->served = served_at(w, f->now);
        w->since = f->now;
        w->rate = fair_rate(l);
        set_end(f, lane);
    }
    f->rates.n_changed = 0;
}

/* A start or an end now. Rates of the instant before stand until here. */
static void move_to(fair *f, int64_t now)
{
    if (f->dirty && now != f->now)
        solve(f);
    if (now != f->now && f->n_flows)
        network_bins_grow(&f->bins, now);
    f->now = now;
}

/* A message joins its lane; -1 without memory. */
static int begin(fair *f, int32_t lane, uint32_t message, int64_t bytes)
{
    struct fair_lane *l = f->rates.lanes + lane;
    struct stream *w = f->streams + lane;
    if (!l->n)
        *w = (struct stream){.since = f->now, .latency = w->latency, .flows = w->flows};
    u128 target = served_at(w, f->now) + (u128)(uint64_t)bytes * 1000000u * 1000000u;
    for (int32_t h = l->first; h < l->first + l->hops; h++)
        if (!f->rates.links[f->rates.hop_link[h]].total)
            f->busy_since[f->rates.hop_link[h]] = f->now;
    if (fair_flows_push(&w->flows, (struct fair_flow){target, f->now, bytes, message}) ||
        fair_rates_join(&f->rates, lane))
        return -1;
    if (w->rate && w->flows.at[0].message == message)
        set_end(f, lane);
    f->n_flows++;
    f->dirty = 1;
    return 0;
}

/* A link has been busy until now. */
static void add_busy(fair *f, int32_t link)
{
    if (f->busy_since[link] == f->now)
        return;
    network_bins_spread(&f->bins, link, LINK_BUSY, f->busy_since[link], f->now, 0);
    f->busy_since[link] = f->now;
}

/* A message that has left: its bytes are laid over the bins of its links. */
static void account(fair *f, int32_t lane, const struct fair_flow *flow)
{
    const struct fair_lane *l = f->rates.lanes + lane;
    for (int32_t h = l->first; h < l->first + l->hops; h++) {
        int32_t link = f->rates.hop_link[h];
        network_bins_spread(&f->bins, link, LINK_NO_TIME, flow->start, f->now, flow->size);
        if (!f->rates.links[link].total)
            add_busy(f, link);
    }
}

/* The messages of a lane that have been served by now. */
static int leave(fair *f, int32_t lane)
{
    struct stream *w = f->streams + lane;
    const u128 served = served_at(w, f->now);
    while (w->flows.n && w->flows.at[0].target <= served) {
        struct fair_flow flow = fair_flows_pop(&w->flows);
        fair_rates_part(&f->rates, lane);
        account(f, lane, &flow);
        if (fair_arrivals_push(&f->arrivals, (struct fair_arrival){f->now + w->latency, flow.message}))
            return -1;
        f->n_flows--;
    }
    if (w->flows.n)
        set_end(f, lane);
    else
        fair_ends_drop(&f->ends, lane);
    f->dirty = 1;
    return 0;
}

/* ---- the operations */

/* network_operations.send. */
static int fair_send(void *self, int64_t now, uint32_t message, int32_t source, int32_t target, int64_t bytes)
{
    fair *f = self;
    if (source < 0 || source >= f->endpoints || target < 0 || target >= f->endpoints || bytes < 0)
        return -1;
    int64_t pair = (int64_t)source * f->endpoints + target;
    const struct found_route *found = routes_of(f->of, pair);
    const int whole = !bytes || !found || !found->n; /* it takes the latency alone */
    if (!found || expect(f, message, whole ? 1 : f->of->ways))
        return -1;
    if (whole)
        return fair_arrivals_push(&f->arrivals, (struct fair_arrival){now + found->latency, message}) ? -1
                                                                                                      : !found->latency;
    int at_once = 0;
    move_to(f, now);
    for (int32_t way = 0; way < f->of->ways; way++) {
        int64_t piece = piece_of(bytes, way, f->of->ways);
        int32_t lane = lane_of(f, pair, found, way);
        if (lane < 0 || (piece && begin(f, lane, message, piece)))
            return -1;
        if (piece)
            continue;
        if (fair_arrivals_push(&f->arrivals, (struct fair_arrival){now + f->streams[lane].latency, message}))
            return -1;
        at_once |= !f->streams[lane].latency;
    }
    return at_once;
}

/* network_operations.next_time: the next message to leave or to arrive. */
static int64_t fair_next_time(void *self)
{
    fair *f = self;
    if (f->dirty)
        solve(f);
    int64_t next = f->arrivals.n ? f->arrivals.at[0].time : NETWORK_NEVER;
    return f->ends.n && f->ends.at[0].end < next ? f->ends.at[0].end : next;
}

/* network_operations.advance: everything up to `now`, then what has arrived. */
static int fair_advance(void *self, int64_t now, uint32_t *arrived, int capacity)
{
    fair *f = self;
    int n = 0;
    if (f->dirty && now != f->now)
        solve(f);
    while (f->ends.n && f->ends.at[0].end <= now) {
        move_to(f, now);
        if (leave(f, f->ends.at[0].lane))
            return -1;
    }
    while (n < capacity && f->arrivals.n && f->arrivals.at[0].time <= now) {
        uint32_t message = fair_arrivals_pop(&f->arrivals).message;
        if (f->of->ways == 1 || !--f->pieces[message])
            arrived[n++] = message;
    }
    return n;
}

/* The lane of a place of lane_of, made anew; a negative number where there is none. */
static int32_t lane_at(fair *f, int64_t place)
{
    const int32_t ways = f->of->ways, way = (int32_t)(place % ways);
    const struct found_route *found = routes_of(f->of, place / ways);
    return found && found->n ? lane_of(f, place / ways, found, way) : -1;
}

/* network_operations.image. Without messages all that is kept are the lanes, in the order of their making, by which
 * equal ends are told apart, and the bins: rates are those of filling anew. */
static void fair_image(void *self, struct image *m)
{
    fair *f = self;
    int64_t n = f->rates.n_lanes, places = (int64_t)f->endpoints * f->endpoints * f->of->ways;
    image_need(m, !f->n_flows && !f->arrivals.n);
    image_same(m, (uint64_t)f->endpoints);
    image_same(m, (uint64_t)f->of->ways);
    IMAGE_ONE(m, f->now);
    image_bins(m, &f->bins);
    IMAGE_ONE(m, n);
    image_need(m, n >= 0 && n <= places);
    int64_t *of_lane = m->bad ? NULL : calloc((size_t)n + 1, sizeof *of_lane);
    image_need(m, of_lane != NULL);
    for (int64_t place = 0; !m->load && !m->bad && place < places; place++)
        if (f->lane_of[place])
            of_lane[f->lane_of[place] - 1] = place;
    for (int64_t lane = 0; lane < n && !m->bad; lane++) {
        IMAGE_ONE(m, of_lane[lane]);
        image_need(m, of_lane[lane] >= 0 && of_lane[lane] < places);
        image_need(m, !m->load || (!m->bad && lane_at(f, of_lane[lane]) == lane));
    }
    free(of_lane);
}

static const network_operations operations = {fair_send, fair_next_time, fair_advance, fair_close, NULL, fair_image};

/* The table for the engine. */
const network_operations *fair_operations(void) { return &operations; }

/* Statistics of the links by bin. */
const int64_t *fair_link_bins(fair *f, int64_t *bin_ps, int32_t *bins)
{
    for (int32_t link = 0; link < f->of->n_links; link++)
        if (f->rates.links[link].total)
            add_busy(f, link);
    *bin_ps = f->bins.bin_ps;
    *bins = f->bins.max_bins;
    return f->bins.cells;
}
