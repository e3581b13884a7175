/* flit/traffic.h -- synthetic traffic on a network: warm-up, measurement, drain. Patterns as BookSim 2 defines
 * them. */
#ifndef NOC_TRAFFIC_H
#define NOC_TRAFFIC_H
#include "flit/state.h"

/* cdef: begin */
enum noc_pattern { NOC_UNIFORM, NOC_ASYMMETRIC, NOC_DIAGONAL, NOC_HOT_SPOT, NOC_TARGETS };

struct noc_traffic {
    int32_t pattern, sizes, targets, on_off, empty; /* empty: run on until the network is empty */
    double load;                                    /* flits per endpoint and cycle                              */
    double alpha, beta, on_rate;                    /* on-off: off to on, on to off, rate while on; one may be < 0 */
    const int32_t *size;                            /* flits of a packet, with weights per packet                */
    const double *size_weight;
    const int32_t *target;       /* NOC_TARGETS: destination of each endpoint; NOC_HOT_SPOT: the spots */
    const double *target_weight; /* NOC_HOT_SPOT; NULL: equal                                 */
    uint64_t warmup, cycles, drain_limit, seed;
};

/* Of packets created in the measured cycles; flits of all that passed in them. */
struct noc_traffic_result {
    uint64_t cycles, packets, all_packets, latency_sum, latency_min, latency_max, network_latency_sum, hops_sum;
    uint64_t offered_flits, injected_flits, accepted_flits, flit_hops;
    int32_t saturated; /* measured packets were left when the drain limit was reached */
};

/* Runs all three phases. `bins` is uint64[vc_classes][65536]: packets by latency, the last bin open;
 * `ejected` is uint64[endpoints]: flits each took in the measured cycles. 0 or a noc_status. */
int noc_run_traffic(struct noc_state *net, const struct noc_traffic *traffic, struct noc_traffic_result *result,
                    uint64_t *bins, uint64_t *ejected);
/* cdef: end */

#define NOC_LATENCY_BINS 65536u
#define NOC_GAPS         256u
#define NOC_GUIDE_BITS   8

struct noc_traffic_state {
    struct noc_traffic c;
    struct noc_traffic_result r;
    int32_t endpoints, stopped, failed;
    uint64_t random, next, created, arrived, outstanding;
    double packet_rate, inverse_log, on_rate;
    int32_t *target, *size;
    double *weight, *size_weight;
    uint8_t *on;
    uint64_t *bin;
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
#endif
