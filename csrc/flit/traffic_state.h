/* flit/traffic_state.h -- what the generator of synthetic traffic keeps, and what an arrival adds to it. */
#ifndef NOC_TRAFFIC_STATE_H
#define NOC_TRAFFIC_STATE_H
#include "flit/state.h"
#include "flit/traffic.h"

#define NOC_GAPS       256u
#define NOC_GUIDE_BITS 8

struct noc_traffic_state {
    struct noc_traffic c;
    struct noc_traffic_result r;
    int32_t endpoints, stopped, failed;
    uint64_t random, next, created, arrived, outstanding;
    double packet_rate, inverse_log, on_rate;
    int32_t *target, *size;
    double *weight, *size_weight;
    uint8_t *on;
    uint64_t *bin; /* the caller's */
    uint64_t gap[NOC_GAPS + 1];
    uint16_t guide[1 << NOC_GUIDE_BITS];
};

/* noc_deliver() while there is synthetic traffic: what arrives is counted, not reported. */
NOC_INLINE void noc_traffic_arrived(struct noc_state *net, uint32_t id, unsigned hops, uint64_t atime)
{
    struct noc_traffic_state *t = net->traffic;
    struct noc_msg *m = &net->msg[id];
    if (--m->packets_left)
        return;
    net->pending--;
    m->next = net->msg_free;
    net->msg_free = id;
    t->arrived++;
    if (!m->measured)
        return;
    const uint64_t latency = atime - m->ctime;
    t->outstanding--;
    t->r.packets++;
    t->r.latency_sum += latency;
    t->r.network_latency_sum += atime - m->itime;
    t->r.hops_sum += hops;
    t->r.latency_max = latency > t->r.latency_max ? latency : t->r.latency_max;
    t->r.latency_min = latency < t->r.latency_min ? latency : t->r.latency_min;
    t->bin[((size_t)m->vc_class * NOC_LATENCY_BINS) + (latency < NOC_LATENCY_BINS ? latency : NOC_LATENCY_BINS - 1)]++;
}

/* flit/traffic.c */
struct noc_traffic_state *noc_traffic_open(struct noc_state *net, const struct noc_traffic *c, uint64_t *bins);
void noc_traffic_generate(struct noc_state *net);
uint64_t noc_traffic_next(const struct noc_state *net); /* cycle of the next packet, UINT64_MAX: none */
void noc_traffic_close(struct noc_state *net);
#endif
