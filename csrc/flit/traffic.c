/* flit/traffic.c -- synthetic traffic: who sends when, to whom and how much; and what became of it.
 *
 * Bernoulli sources draw the gaps between packets over (cycle x endpoint) instead of a draw per endpoint and cycle:
 * the same process, at a cost per packet. On-off sources step their state each cycle.
 */
#include "flit/leaves.h"
#include "flit/source.h"
#include "flit/traffic_state.h"

#include <math.h>
#include <stdlib.h>

/* From 0 up to, not including, 1, in steps of 2^-53. */
static double uniform(struct noc_traffic_state *t) { return (double)(noc_random(&t->random) >> 11) * 0x1p-53; }

/* A number below n, without a division. */
static uint32_t below(struct noc_traffic_state *t, uint32_t n)
{
    return (uint32_t)(((noc_random(&t->random) >> 32) * n) >> 32);
}

/* An index drawn by cumulative weights, by bisection. */
static int32_t weighted(struct noc_traffic_state *t, const double *cumulative, int n)
{
    const double u = uniform(t) * cumulative[n - 1];
    int low = 0;
    for (int high = n - 1; low < high;) {
        const int mid = (low + high) / 2;
        if (u < cumulative[mid])
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* Where a packet of `src` goes, by the pattern. */
NOC_INLINE int32_t destination(struct noc_traffic_state *t, int32_t src)
{
    const uint32_t n = (uint32_t)t->endpoints;
    switch (t->c.pattern) {
    case NOC_UNIFORM: return (int32_t)below(t, n);
    case NOC_ASYMMETRIC: return (int32_t)((uint32_t)src % (n / 2) + (noc_random(&t->random) >> 63 ? n / 2 : 0));
    case NOC_DIAGONAL: return below(t, 3) == 0 ? (src + 1) % t->endpoints : src;
    case NOC_HOT_SPOT: return t->target[weighted(t, t->weight, t->c.targets)];
    default: return t->target[src];
    }
}

/* Cycles x endpoints that a draw of 53 bits leaves empty. */
static double empty_places(const struct noc_traffic_state *t, uint64_t draw)
{
    return floor(log1p(-((double)draw * 0x1p-53)) * t->inverse_log);
}

/* The smallest draw that leaves at least `k` places empty: found from the real number, which is off by rounding. */
static uint64_t least_draw(const struct noc_traffic_state *t, unsigned k)
{
    const uint64_t limit = (uint64_t)1 << 53;
    const uint64_t near = (uint64_t)(-expm1(k / t->inverse_log) * 0x1p53);
    const int enough = empty_places(t, near) >= k;
    uint64_t low = near, high = near, step = 1;
    for (; enough && low && empty_places(t, low) >= k; step *= 4) {
        high = low;
        low = low > step ? low - step : 0;
    }
    for (; !enough && high < limit && empty_places(t, high) < k; step *= 4) {
        low = high + 1;
        high = limit - high > step ? high + step : limit;
    }
    while (low < high) {
        const uint64_t mid = low + (high - low) / 2;
        if (empty_places(t, mid) >= k)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* The same numbers without a logarithm: `gap[k]` is the smallest draw that leaves at least k places empty, and
 * `guide` the least number of places by the highest bits of a draw. Draws beyond the table, rare ones, take the
 * logarithm. */
static void fill_gaps(struct noc_traffic_state *t)
{
    for (unsigned k = 1; k <= NOC_GAPS; k++)
        t->gap[k] = least_draw(t, k);
    for (unsigned i = 0, k = 0; i < 1 << NOC_GUIDE_BITS; i++) {
        while (k < NOC_GAPS && t->gap[k + 1] <= (uint64_t)i << (53 - NOC_GUIDE_BITS))
            k++;
        t->guide[i] = (uint16_t)k;
    }
}

/* The (cycle, endpoint) at which the next packet is made: most draws are answered by the table. */
NOC_INLINE void next_gap(struct noc_traffic_state *t)
{
    if (t->packet_rate >= 1.0) {
        t->next++;
        return;
    }
    const uint64_t draw = noc_random(&t->random) >> 11;
    if (draw < t->gap[NOC_GAPS]) {
        unsigned k = t->guide[draw >> (53 - NOC_GUIDE_BITS)];
        while (draw >= t->gap[k + 1])
            k++;
        t->next += k + 1;
        return;
    }
    const double gap = empty_places(t, draw);
    t->next += gap < 1e18 ? (uint64_t)gap + 1 : (uint64_t)1e18;
}

/* A packet is made now: size, destination and class are drawn, and it joins its source's queue. */
NOC_INLINE int create(struct noc_state *net, int32_t src)
{
    struct noc_traffic_state *t = net->traffic;
    const uint32_t id = noc_new_message(net);
    if (id == NOC_NO_MSG)
        return noc_fail(net, NOC_NO_MEMORY, "no memory for packets");
    const int32_t size = t->c.sizes == 1 ? t->size[0] : t->size[weighted(t, t->size_weight, t->c.sizes)];
    const int measured = net->now - t->c.warmup < t->c.cycles; /* and not before: then it is a large number */
    struct noc_msg *m = &net->msg[id];
    m->tag = t->created;
    m->ctime = net->now;
    m->itime = UINT64_MAX;
    m->flits_left = m->flits = (uint64_t)size;
    m->packets_left = 1;
    m->packet_flits = size;
    m->src = src;
    m->dst = destination(t, src);
    m->column = (uint16_t)noc_column(net, src, m->dst, net->c.spread != NOC_BY_PACKET);
    m->vc_class = net->c.vc_classes > 1 ? (int8_t)(t->created % (uint64_t)net->c.vc_classes) : 0;
    m->measured = (int8_t)measured;
    t->created++;
    t->r.offered_flits += measured ? (uint64_t)size : 0;
    t->outstanding += (uint64_t)measured;
    net->pending++;
    noc_queue(net, id);
    return 0;
}

/* On-off sources: every endpoint's state moves on, and one that is on may make a packet. */
static void on_off(struct noc_state *net)
{
    struct noc_traffic_state *t = net->traffic;
    for (int32_t e = 0; e < t->endpoints; e++) {
        t->on[e] = t->on[e] ? uniform(t) >= t->c.beta : uniform(t) < t->c.alpha;
        if (t->on[e] && uniform(t) < t->on_rate)
            t->failed |= create(net, e);
    }
}

/* Packets of this cycle. */
void noc_traffic_generate(struct noc_state *net)
{
    struct noc_traffic_state *t = net->traffic;
    if (t->stopped)
        return;
    if (t->c.on_off) {
        on_off(net);
        return;
    }
    const uint64_t first = net->now * (uint64_t)t->endpoints, end = first + (uint64_t)t->endpoints;
    while (t->next < end) {
        t->failed |= create(net, (int32_t)(t->next - first));
        next_gap(t);
    }
}

/* Lets the clock jump to the next packet. */
uint64_t noc_traffic_next(const struct noc_state *net)
{
    const struct noc_traffic_state *t = net->traffic;
    if (t->stopped)
        return UINT64_MAX;
    return t->c.on_off ? net->now : t->next / (uint64_t)t->endpoints;
}

/* Free what the generator holds. */
void noc_traffic_close(struct noc_state *net)
{
    struct noc_traffic_state *t = net->traffic;
    if (!t)
        return;
    void *held[] = {t->target, t->weight, t->size, t->size_weight, t->on, t};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
    net->traffic = NULL;
}

/* Weights become cumulative, loads become packets per cycle, and an on-off rate that is left open is worked out
 * from the load. */
struct noc_traffic_state *noc_traffic_open(struct noc_state *net, const struct noc_traffic *c, uint64_t *bins)
{
    struct noc_traffic_state *t = noc_alloc(net, 1, sizeof *t);
    net->traffic = t;
    if (!t)
        return NULL;
    t->c = *c;
    t->endpoints = net->c.endpoints;
    t->random = c->seed;
    t->r.latency_min = UINT64_MAX;
    t->bin = bins;
    t->target = noc_alloc(net, (size_t)c->targets, sizeof *t->target);
    t->weight = noc_alloc(net, (size_t)c->targets, sizeof *t->weight);
    t->size = noc_alloc(net, (size_t)c->sizes, sizeof *t->size);
    t->size_weight = noc_alloc(net, (size_t)c->sizes, sizeof *t->size_weight);
    t->on = noc_alloc(net, (size_t)t->endpoints, 1);
    if (!t->target || !t->weight || !t->size || !t->size_weight || !t->on)
        return NULL;
    double sum = 0, flits = 0;
    for (int i = 0; i < c->sizes; i++) {
        t->size[i] = c->size[i];
        t->size_weight[i] = sum += c->size_weight[i];
        flits += c->size_weight[i] * c->size[i];
    }
    t->packet_rate = c->load * sum / flits;
    sum = 0;
    for (int i = 0; i < c->targets; i++) {
        t->target[i] = c->target[i];
        t->weight[i] = sum += c->target_weight ? c->target_weight[i] : 1.0;
    }
    t->inverse_log = t->packet_rate < 1 ? 1 / log1p(-t->packet_rate) : 0;
    t->on_rate = c->on_rate >= 0 ? c->on_rate : t->packet_rate * (c->alpha + c->beta) / c->alpha;
    if (c->on_off && c->alpha < 0)
        t->c.alpha = c->beta * t->packet_rate / (c->on_rate - t->packet_rate);
    if (c->on_off && c->beta < 0)
        t->c.beta = c->alpha * (c->on_rate - t->packet_rate) / t->packet_rate;
    for (int32_t e = 0; c->on_off && e < t->endpoints; e++)
        t->on[e] = (uint8_t)(noc_random(&t->random) >> 63);
    t->next = UINT64_MAX;
    if (t->packet_rate > 0 && t->packet_rate < 1)
        fill_gaps(t);
    if (t->packet_rate > 0) {
        t->next = net->now * (uint64_t)t->endpoints - 1;
        next_gap(t);
    }
    return t;
}
