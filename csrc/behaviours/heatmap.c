#include "heatmap.h"

#include <stdlib.h>

/* ---- adding pairs ------------------------------------------------------------------------------------------------
 * The inner loops are written once and compiled for k = 8 (nearly every model) and for any k: with k known, the ids
 * of the later token stay in registers. */
#define ADD(ID, K)                                                                                                   \
    for (int64_t r = 0; r < rows; r++, before += (K), after += (K)) {                                                \
        for (int32_t i = 0; i < (K); i++)                                                                            \
            if (before[i] >= experts || after[i] >= experts)                                                         \
                return HEATMAP_BAD_ID;                                                                               \
        for (int32_t i = 0; i < (K); i++) {                                                                          \
            int32_t *row = table + (int64_t)before[i] * experts;                                                     \
            for (int32_t j = 0; j < (K); j++)                                                                        \
                row[after[j]]++;                                                                                     \
        }                                                                                                            \
    }

#define HEATMAP(SUFFIX, ID)                                                                                          \
    static int add8_##SUFFIX(int32_t *table, int32_t experts, const ID *before, const ID *after, int64_t rows)       \
    {                                                                                                                \
        ADD(ID, 8)                                                                                                   \
        return HEATMAP_OK;                                                                                           \
    }                                                                                                                \
    int heatmap_add_##SUFFIX(int32_t *table, int32_t experts, const ID *before, const ID *after, int64_t rows,       \
                             int32_t k)                                                                              \
    {                                                                                                                \
        if (k == 8)                                                                                                  \
            return add8_##SUFFIX(table, experts, before, after, rows);                                               \
        ADD(ID, k)                                                                                                   \
        return HEATMAP_OK;                                                                                           \
    }                                                                                                                \
    int heatmap_add_prompts_##SUFFIX(int32_t *table, int32_t experts, const ID *ids, const int64_t *starts,          \
                                     int64_t requests, int32_t k)                                                    \
    {                                                                                                                \
        for (int64_t q = 0; q < requests; q++) {                                                                     \
            const ID *rows = ids + starts[q] * k;                                                                    \
            int status = heatmap_add_##SUFFIX(table, experts, rows, rows + k, starts[q + 1] - starts[q] - 1, k);     \
            if (status)                                                                                              \
                return status;                                                                                       \
        }                                                                                                            \
        return HEATMAP_OK;                                                                                           \
    }

HEATMAP(u8, uint8_t)
HEATMAP(u16, uint16_t)

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* Is x among the last top_n of row's stable ascending order? Counting those that come after x needs no sort. */
static int among_last(const int32_t *row, int32_t experts, int32_t x, int32_t top_n)
{
    const int32_t value = row[x];
    int32_t after = 0;
    for (int32_t j = 0; j <= x; j++)
        after += row[j] > value;
    for (int32_t j = x + 1; j < experts; j++)
        after += row[j] >= value;
    return after < top_n;
}

/* The rows that each die asks, in plan order: rows[begin[d] .. end[d] - 1] are expert numbers. */
static void rows_by_die(int32_t dies, int stop_at_own_id, int32_t entries, const int32_t *expert, const int32_t *die,
                        int32_t *begin, int32_t *end, int32_t *rows)
{
    for (int32_t d = 0; d <= dies; d++)
        begin[d] = 0;
    for (int32_t i = 0; i < entries; i++)
        begin[die[i] + 1]++;
    for (int32_t d = 0; d < dies; d++) {
        begin[d + 1] += begin[d];
        end[d] = begin[d];
    }
    for (int32_t i = 0; i < entries; i++)
        rows[end[die[i]]++] = expert[i];
    if (!stop_at_own_id)
        return;
    for (int32_t d = 0; d < dies; d++)
        for (int32_t at = begin[d]; at < end[d]; at++)
            if (rows[at] == d)
                end[d] = at + 1;
}

int heatmap_mask(const int32_t *table, int32_t experts, int32_t dies, int32_t top_n, int stop_at_own_id, int32_t entries,
                 const int32_t *expert, const int32_t *die, const int32_t *home, uint8_t *mask)
{
    int32_t *begin = malloc(((size_t)2 * dies + 1 + entries) * sizeof *begin);
    if (!begin)
        return HEATMAP_NO_MEMORY;
    int32_t *end = begin + dies + 1, *rows = end + dies, set = 0;
    rows_by_die(dies, stop_at_own_id, entries, expert, die, begin, end, rows);
    for (int32_t i = 0; i < entries; i++) {
        const int32_t x = expert[i], d = die[i];
        if (d == home[x])
            continue;
        int yes = 0;
        for (int32_t at = begin[d]; at < end[d] && !yes; at++)
            yes = among_last(table + (int64_t)rows[at] * experts, experts, x, top_n);
        mask[(int64_t)d * experts + x] |= (uint8_t)yes;
        set += yes;
    }
    free(begin);
    return set;
}
