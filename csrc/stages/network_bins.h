/* Statistics of links over time: cells [bin][link][bytes, busy ps, stalled ps] of absolute time.
 *
 * Bin b covers [b * bin_ps, (b + 1) * bin_ps). When time outgrows max_bins, pairs of bins merge and the width
 * doubles, so memory is bounded. All sums are exact: bytes of an interval are laid out as floor(size * (x - from) /
 * (to - from)) up to each x. */
#ifndef CHIPWEAVE_NETWORK_BINS_H
#define CHIPWEAVE_NETWORK_BINS_H
#include <stdint.h>

enum { LINK_BYTES, LINK_BUSY, LINK_STALLED, LINK_COLUMNS, LINK_NO_TIME = -1 };

struct network_bins {
    int64_t bin_ps, *cells;
    int32_t n_links, max_bins;
};

int network_bins_init(struct network_bins *b, int32_t n_links, int64_t bin_ps, int32_t max_bins); /* -1: no memory */
void network_bins_free(struct network_bins *b);
void network_bins_grow(struct network_bins *b, int64_t until); /* afterwards `until` lies within the bins */

/* Add the interval to a column (LINK_NO_TIME: to none), and `size` bytes in proportion. Grow first. */
void network_bins_spread(struct network_bins *b, int64_t link, int column, int64_t from, int64_t to, int64_t size);

/* Cells of one bin. */
static inline int64_t *network_bins_row(const struct network_bins *b, int64_t bin)
{
    return b->cells + bin * b->n_links * LINK_COLUMNS;
}
#endif
