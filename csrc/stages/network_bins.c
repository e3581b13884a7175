#include "stages/network_bins.h"

#include <stdlib.h>
#include <string.h>

/* All bins at once, empty; -1 without memory. */
int network_bins_init(struct network_bins *b, int32_t n_links, int64_t bin_ps, int32_t max_bins)
{
    *b = (struct network_bins){bin_ps, calloc((size_t)max_bins * (size_t)n_links * LINK_COLUMNS + 1, sizeof(int64_t)),
                               n_links, max_bins};
    return b->cells ? 0 : -1;
}

/* Free the cells. */
void network_bins_free(struct network_bins *b) { free(b->cells); }

/* Each two neighbours become one bin of twice the width. */
static void merge_pairs(struct network_bins *b)
{
    int64_t width = (int64_t)b->n_links * LINK_COLUMNS, half = b->max_bins / 2;
    for (int64_t bin = 0; bin < half; bin++)
        for (int64_t i = 0; i < width; i++)
            network_bins_row(b, bin)[i] = network_bins_row(b, 2 * bin)[i] + network_bins_row(b, 2 * bin + 1)[i];
    memset(network_bins_row(b, half), 0, (size_t)(half * width) * sizeof(int64_t));
    b->bin_ps *= 2;
}

/* Widen until a time lies within the bins. */
void network_bins_grow(struct network_bins *b, int64_t until)
{
    while ((until - 1) / b->bin_ps >= b->max_bins)
        merge_pairs(b);
}

/* Lay `size` over the bins between two times, in proportion and exactly: what each bin gets is the difference of
 * two rounded-down sums, so nothing is lost or made up. */
void network_bins_spread(struct network_bins *b, int64_t link, int column, int64_t from, int64_t to, int64_t size)
{
    int64_t bin = from / b->bin_ps, at = from, done = 0;
    if (bin > b->max_bins - 1)
        bin = b->max_bins - 1;
    for (;; bin++) {
        int64_t upto = (bin + 1) * b->bin_ps < to ? (bin + 1) * b->bin_ps : to, sent = size;
        int64_t *cell = network_bins_row(b, bin) + link * LINK_COLUMNS;
        if (upto < to)
            sent = (int64_t)((__int128)size * (upto - from) / (to - from));
        if (column != LINK_NO_TIME)
            cell[column] += upto - at;
        cell[LINK_BYTES] += sent - done;
        if (upto >= to)
            return;
        at = upto;
        done = sent;
    }
}
