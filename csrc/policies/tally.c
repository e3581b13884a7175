#include "policies/tally.h"
#include "policies/ids.h"

#include <stdlib.h>
#include <string.h>

/* Four histograms side by side: ids repeat, and adding to the cell just written would wait for that write. */
enum { LANES = 4 };

/* lanes[LANES][size] -> counts, times `times`; the number of experts chosen, or TALLY_OVERFLOW. */
static int32_t gather(const uint32_t *lanes, int32_t size, int32_t experts, int32_t times, int32_t *counts)
{
    int32_t chosen = 0;
    for (int32_t e = 0; e < experts; e++) {
        int64_t sum = 0;
        for (int lane = 0; lane < LANES; lane++)
            sum += lanes[lane * size + e];
        if (times > 0 && sum > INT32_MAX / times)
            return TALLY_OVERFLOW;
        counts[e] = (int32_t)(sum * times);
        chosen += sum > 0;
    }
    return chosen;
}

/* A first pass looks at every id once for its range; the counting pass then needs no test of its own. The scan for
 * first appearances ends as soon as all experts that occur have been met: usually within a few hundred ids. */
#define TALLY(NAME, ID, BELOW)                                                                                         \
    static void rank_##NAME(const ID *ids, int32_t chosen, int32_t experts, int32_t *first)                            \
    {                                                                                                                  \
        memset(first, -1, (size_t)experts * sizeof *first);                                                            \
        int32_t rank = 0;                                                                                              \
        for (int64_t at = 0; rank < chosen; at++)                                                                      \
            if (first[ids[at]] < 0)                                                                                    \
                first[ids[at]] = rank++;                                                                               \
    }                                                                                                                  \
    int32_t NAME(const ID *ids, int64_t n, int32_t experts, int32_t times, int32_t *counts, int32_t *first)            \
    {                                                                                                                  \
        if (!BELOW(ids, n, experts))                                                                                   \
            return TALLY_BAD_ID;                                                                                       \
        uint32_t few[LANES * 512];                                                                                     \
        uint32_t *lanes = experts <= 512 ? few : malloc(LANES * (size_t)experts * sizeof *lanes);                      \
        if (!lanes)                                                                                                    \
            return TALLY_OVERFLOW;                                                                                     \
        memset(lanes, 0, LANES * (size_t)experts * sizeof *lanes);                                                     \
        uint32_t *a = lanes, *b = a + experts, *c = b + experts, *d = c + experts;                                     \
        int64_t at = 0;                                                                                                \
        for (; at + LANES <= n; at += LANES) {                                                                         \
            a[ids[at]]++;                                                                                              \
            b[ids[at + 1]]++;                                                                                          \
            c[ids[at + 2]]++;                                                                                          \
            d[ids[at + 3]]++;                                                                                          \
        }                                                                                                              \
        for (; at < n; at++)                                                                                           \
            a[ids[at]]++;                                                                                              \
        int32_t chosen = gather(lanes, experts, experts, times, counts);                                               \
        if (lanes != few)                                                                                              \
            free(lanes);                                                                                               \
        if (chosen >= 0)                                                                                               \
            rank_##NAME(ids, times > 0 ? chosen : 0, experts, first);                                                  \
        return chosen;                                                                                                 \
    }

TALLY(tally_u8, uint8_t, ids_below_u8)
TALLY(tally_u16, uint16_t, ids_below_u16)
