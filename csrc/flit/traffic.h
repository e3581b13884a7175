/* flit/traffic.h -- synthetic traffic on a network: warm-up, measurement, drain. Patterns as BookSim 2 defines
 * them. */
#ifndef NOC_TRAFFIC_H
#define NOC_TRAFFIC_H
#include "flit/flit.h"

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

enum { NOC_LATENCY_BINS = 65536 }; /* cycles; the last bin is open */

/* Of packets created in the measured cycles; flits of all that passed in them. */
struct noc_traffic_result {
    uint64_t cycles, packets, all_packets, latency_sum, latency_min, latency_max, network_latency_sum, hops_sum;
    uint64_t offered_flits, injected_flits, accepted_flits, flit_hops;
    int32_t saturated; /* measured packets were left when the drain limit was reached */
};

/* Runs all three phases. `bins` is uint64[vc_classes][NOC_LATENCY_BINS]: packets by latency, the last bin open,
 * zero before; `ejected` is uint64[endpoints]: flits each took in the measured cycles. 0 or a noc_status. */
int noc_run_traffic(struct noc_state *net, const struct noc_traffic *traffic, struct noc_traffic_result *result,
                    uint64_t *bins, uint64_t *ejected);
/* cdef: end */
#endif
