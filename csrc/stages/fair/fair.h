/* Link model `fair`: the messages on a link share its bandwidth, max-min fair over their whole routes.
 *
 *     start -- all bytes leave at the fair rate, which changes whenever a message starts or ends -- + latencies -->
 *     arrival
 *
 * Rates are whole bytes per second, by progressive filling: the link with the smallest floor(capacity left / messages
 * left) (ties: the lowest number) fixes that rate (at least 1) for its messages; their rates are taken off their
 * links; again until all have one. What is left of a message is counted in 1e-12 bytes, exactly; it has left when
 * nothing remains, at the ceiling of ps. Capacities are floored to bytes per second. Messages that start at one
 * instant are filled in together. */
#ifndef CHIPWEAVE_FAIR_H
#define CHIPWEAVE_FAIR_H
#include "stages/network.h"
#include "stages/routes.h"

/* cdef: begin */
typedef struct fair fair;
fair *fair_new(routes *of, const int64_t *bytes_per_s, int64_t bin_ps, int32_t max_bins);
const network_operations *fair_operations(void);
const int64_t *fair_link_bins(fair *f, int64_t *bin_ps, int32_t *bins);
/* cdef: end */
#endif
