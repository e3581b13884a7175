#include "policies/heatmap.h"
#include "policies/ids.h"

#include <stdlib.h>
#include <string.h>

/* ---- adding pairs ------------------------------------------------------------------------------------------------
 * What costs is the increments. So the ids of the later token are fetched eight bytes at a time and picked apart in
 * registers: a byte fetched between two increments would wait to see whether they wrote it. */

/* One token: counts of the experts of the next one. */
static inline void add_row_u8(int32_t *row, const uint8_t *after, int32_t k)
{
    int32_t j = 0;
    for (; j + 8 <= k; j += 8) {
        uint64_t ids;
        memcpy(&ids, after + j, sizeof ids);
        row[ids & 255]++;
        row[ids >> 8 & 255]++;
        row[ids >> 16 & 255]++;
        row[ids >> 24 & 255]++;
        row[ids >> 32 & 255]++;
        row[ids >> 40 & 255]++;
        row[ids >> 48 & 255]++;
        row[ids >> 56]++;
    }
    for (; j < k; j++)
        row[after[j]]++;
}

/* The same for ids of 16 bits. */
static inline void add_row_u16(int32_t *row, const uint16_t *after, int32_t k)
{
    int32_t j = 0;
    for (; j + 4 <= k; j += 4) {
        uint64_t ids;
        memcpy(&ids, after + j, sizeof ids);
        row[ids & 65535]++;
        row[ids >> 16 & 65535]++;
        row[ids >> 32 & 65535]++;
        row[ids >> 48]++;
    }
    for (; j < k; j++)
        row[after[j]]++;
}

/* ---- one row alone: most tokens did not choose the expert, so eight bytes of ids are looked at in one go */

/* How often an expert is among k ids; `all`: its number in every lane of a word. A lane that is 0 in `off` borrows from
 * the one above it, so the trick can only name a word in vain, and the words it names are counted one by one. */
#define TIMES_IN(SUFFIX, ID)                                                                                           \
    static inline int32_t times_in_##SUFFIX(const ID *ids, int32_t k, uint64_t all, ID expert)                         \
    {                                                                                                                  \
        const uint64_t ones = UINT64_MAX / (ID) - 1, tops = ones << (8 * sizeof(ID) - 1);                              \
        const int32_t lanes = 8 / (int32_t)sizeof(ID);                                                                 \
        int32_t j = 0, times = 0;                                                                                      \
        for (; j + lanes <= k; j += lanes) {                                                                           \
            uint64_t off;                                                                                              \
            memcpy(&off, ids + j, sizeof off);                                                                         \
            off ^= all;                                                                                                \
            if (!((off - ones) & ~off & tops))                                                                         \
                continue;                                                                                              \
            for (int32_t i = j; i < j + lanes; i++)                                                                    \
                times += ids[i] == expert;                                                                             \
        }                                                                                                              \
        for (; j < k; j++)                                                                                             \
            times += ids[j] == expert;                                                                                 \
        return times;                                                                                                  \
    }

TIMES_IN(u8, uint8_t)
TIMES_IN(u16, uint16_t)

#define HEATMAP(SUFFIX, ID)                                                                                            \
    static inline void add_k_##SUFFIX(int32_t *table, int32_t experts, const ID *before, const ID *after,              \
                                      int64_t rows, int32_t k)                                                         \
    {                                                                                                                  \
        for (int64_t r = 0; r < rows; r++, before += k, after += k)                                                    \
            for (int32_t i = 0; i < k; i++)                                                                            \
                add_row_##SUFFIX(table + (int64_t)before[i] * experts, after, k);                                      \
    }                                                                                                                  \
    static void add_##SUFFIX(int32_t *table, int32_t experts, const ID *before, const ID *after, int64_t rows,         \
                             int32_t k)                                                                                \
    {                                                                                                                  \
        if (k == 8) /* nearly every model: loops over a known k unroll */                                              \
            add_k_##SUFFIX(table, experts, before, after, rows, 8);                                                    \
        else                                                                                                           \
            add_k_##SUFFIX(table, experts, before, after, rows, k);                                                    \
    }                                                                                                                  \
    int heatmap_add_##SUFFIX(int32_t *table, int32_t experts, const ID *before, const ID *after, int64_t rows,         \
                             int32_t k)                                                                                \
    {                                                                                                                  \
        if (!ids_below_##SUFFIX(before, rows * k, experts) || !ids_below_##SUFFIX(after, rows * k, experts))           \
            return HEATMAP_BAD_ID;                                                                                     \
        add_##SUFFIX(table, experts, before, after, rows, k);                                                          \
        return HEATMAP_OK;                                                                                             \
    }                                                                                                                  \
    int heatmap_add_prompts_##SUFFIX(int32_t *table, int32_t experts, const ID *ids, const int64_t *starts,            \
                                     int64_t requests, int32_t k)                                                      \
    {                                                                                                                  \
        if (!ids_below_##SUFFIX(ids + starts[0] * k, (starts[requests] - starts[0]) * k, experts))                     \
            return HEATMAP_BAD_ID;                                                                                     \
        for (int64_t q = 0; q < requests; q++) {                                                                       \
            const ID *first = ids + starts[q] * k;                                                                     \
            add_##SUFFIX(table, experts, first, first + k, starts[q + 1] - starts[q] - 1, k);                          \
        }                                                                                                              \
        return HEATMAP_OK;                                                                                             \
    }                                                                                                                  \
    int heatmap_check_##SUFFIX(int32_t experts, const ID *ids, int64_t n)                                              \
    {                                                                                                                  \
        return ids_below_##SUFFIX(ids, n, experts) ? HEATMAP_OK : HEATMAP_BAD_ID;                                      \
    }                                                                                                                  \
    void heatmap_row_##SUFFIX(int32_t *row, int32_t expert, const ID *before, const ID *after, int64_t rows,           \
                              int32_t k)                                                                               \
    {                                                                                                                  \
        const uint64_t all = (uint64_t)expert * (UINT64_MAX / (ID) - 1);                                               \
        for (int64_t r = 0; r < rows; r++, before += k, after += k)                                                    \
            for (int32_t times = times_in_##SUFFIX(before, k, all, (ID)expert); times > 0; times--)                    \
                add_row_##SUFFIX(row, after, k);                                                                       \
    }                                                                                                                  \
    void heatmap_row_prompts_##SUFFIX(int32_t *row, int32_t expert, const ID *ids, const int64_t *starts,              \
                                      int64_t requests, int32_t k)                                                     \
    {                                                                                                                  \
        for (int64_t q = 0; q < requests; q++) {                                                                       \
            const ID *first = ids + starts[q] * k;                                                                     \
            heatmap_row_##SUFFIX(row, expert, first, first + k, starts[q + 1] - starts[q] - 1, k);                     \
        }                                                                                                              \
    }

HEATMAP(u8, uint8_t)
HEATMAP(u16, uint16_t)

/* ---- asking */

/* Four numbers worked on at once (GCC and Clang); a comparison gives -1 for each that holds. */
typedef int32_t four __attribute__((vector_size(16)));

/* Four values at once, wherever they lie. */
static inline four load_four(const int32_t *values)
{
    four loaded;
    memcpy(&loaded, values, sizeof loaded);
    return loaded;
}

/* How many of values[0 .. n - 1] are at least `least`. */
static int32_t count_from(const int32_t *values, int32_t n, int32_t least)
{
    const four limit = {least - 1, least - 1, least - 1, least - 1}; /* counts are never negative */
    four a = {0}, b = {0};
    int32_t at = 0, count = 0;
    for (; at + 8 <= n; at += 8) {
        a -= load_four(values + at) > limit;
        b -= load_four(values + at + 4) > limit;
    }
    for (; at < n; at++)
        count += values[at] >= least;
    a += b;
    return count + a[0] + a[1] + a[2] + a[3];
}

/* Is x among the last top_n of row's stable ascending order? Counting those that come after x needs no sort: larger
 * counts, and equal ones with a larger number. (A count never reaches 2^31 - 1, so value + 1 does not wrap.) */
static int among_last(const int32_t *row, int32_t experts, int32_t x, int32_t top_n)
{
    return count_from(row, x, row[x] + 1) + count_from(row + x + 1, experts - x - 1, row[x]) < top_n;
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

/* Which experts each die should expect: see heatmap.h. */
int heatmap_mask(const int32_t *table, int32_t experts, int32_t dies, int32_t top_n, int stop_at_own_id,
                 int32_t entries, const int32_t *expert, const int32_t *die, const int32_t *home, uint8_t *mask)
{
    int32_t *begin = malloc((2 * (size_t)dies + 1 + (size_t)entries) * sizeof *begin);
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
