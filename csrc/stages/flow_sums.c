#include "stages/flow_sums.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 1 << 12, AHEAD = 16 }; /* cells at first; how far ahead of its use a cell is fetched */

struct flow {
    int64_t key, bytes; /* key: of a cell, -1 where it is free */
};

/* cells: 1 << log2 of them, at most half of which are taken; kept: what waits for its group. */
struct flow_sums {
    struct flow *cells, *kept;
    size_t n, n_kept, kept_capacity;
    int32_t log2, bits;
};

/* 1 << log2 free cells, or NULL. */
static struct flow *free_cells(int32_t log2)
{
    struct flow *cells = malloc(sizeof *cells << log2);
    for (size_t i = 0; cells && i < (size_t)1 << log2; i++)
        cells[i] = (struct flow){-1, 0};
    return cells;
}

flow_sums *flow_sums_new(int32_t bits)
{
    flow_sums *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->bits = bits;
    while (1 << f->log2 < FIRST)
        f->log2++;
    f->cells = free_cells(f->log2);
    if (f->cells)
        return f;
    free(f);
    return NULL;
}

void flow_sums_free(flow_sums *f)
{
    free(f->cells);
    free(f->kept);
    free(f);
}

/* Where the search for a key begins: the upper bits of its product with 2^64 over the golden ratio. */
static inline size_t first_cell(const flow_sums *f, int64_t key)
{
    return (size_t)((uint64_t)key * 0x9e3779b97f4a7c15u >> (64 - f->log2));
}

/* The cell of a key, or the free one where it belongs. */
static inline struct flow *cell_of(const flow_sums *f, int64_t key)
{
    size_t at = first_cell(f, key), last = ((size_t)1 << f->log2) - 1;
    while (f->cells[at].key != key && f->cells[at].key != -1)
        at = (at + 1) & last;
    return f->cells + at;
}

/* Four times the cells; -1 without memory. */
static int more_cells(flow_sums *f)
{
    struct flow *old = f->cells, *cells = free_cells(f->log2 + 2);
    size_t n = (size_t)1 << f->log2;
    if (!cells)
        return -1;
    f->cells = cells;
    f->log2 += 2;
    for (size_t i = 0; i < n; i++)
        if (old[i].key != -1)
            *cell_of(f, old[i].key) = old[i];
    free(old);
    return 0;
}

/* Bytes of one message of a row; -2 where they leave 64 bits. */
static inline int size_of(const flow_send *send, const int64_t *row, int64_t times, int64_t *bytes)
{
    __int128 sum = send->constant;
    for (int32_t i = 0; i < send->n; i++)
        sum += (__int128)send->factor[i] * row[send->operand[i]];
    if (sum != (int64_t)sum || __builtin_mul_overflow((int64_t)sum, times, bytes))
        return -2;
    return 0;
}

/* The sends of one row that have started. */
static int add_row(flow_sums *f, const flow_send *send, const flow_send *past, const int64_t *row,
                   const int64_t *started)
{
    for (; send < past; send++) {
        int64_t times = started[send->slot], owner = send->owner < 0 ? 0 : row[send->owner] + 1;
        if (!times)
            continue;
        struct flow *to = f->kept + f->n_kept++;
        to->key = send->base + (((owner << f->bits) + row[send->source]) << f->bits) + row[send->target];
        if (size_of(send, row, times, &to->bytes))
            return -2;
    }
    return 0;
}

int flow_sums_add(flow_sums *f, const flow_send *sends, int32_t n_sends, const int64_t *rows, int64_t n,
                  int32_t operands, const int64_t *started, int32_t slots)
{
    size_t most = f->n_kept + (size_t)n * (size_t)n_sends;
    if (most > f->kept_capacity) {
        struct flow *kept = realloc(f->kept, 2 * most * sizeof *kept);
        if (!kept)
            return -1;
        f->kept = kept;
        f->kept_capacity = 2 * most;
    }
    for (int64_t i = 0; i < n; i++, rows += operands, started += slots)
        if (add_row(f, sends, sends + n_sends, rows, started))
            return -2;
    return 0;
}

int flow_sums_settle(flow_sums *f, int64_t group)
{
    for (; f->n + f->n_kept > (size_t)1 << (f->log2 - 1);)
        if (more_cells(f))
            return -1;
    for (size_t i = 0; i < f->n_kept; i++) {
        if (i + AHEAD < f->n_kept)
            __builtin_prefetch(f->cells + first_cell(f, f->kept[i + AHEAD].key + group), 1);
        int64_t key = f->kept[i].key + group;
        struct flow *to = cell_of(f, key);
        f->n += to->key == -1;
        to->key = key;
        if (__builtin_add_overflow(to->bytes, f->kept[i].bytes, &to->bytes))
            return -2;
    }
    f->n_kept = 0;
    return 0;
}

int64_t flow_sums_all(const flow_sums *f, int64_t *keys, int64_t *bytes, int64_t room)
{
    size_t at = 0, n = (size_t)1 << f->log2;
    for (size_t i = 0; (int64_t)f->n <= room && i < n; i++)
        if (f->cells[i].key != -1) {
            keys[at] = f->cells[i].key;
            bytes[at++] = f->cells[i].bytes;
        }
    return (int64_t)f->n;
}

/* Bytes of a flow that a link carries; bytes times ways may leave 64 bits. */
static inline int64_t share_of(const flow_link *l, int64_t bytes)
{
    return bytes / l->ways * l->over + bytes % l->ways * l->over / l->ways;
}

void flow_sums_largest(const int64_t *keys, const int64_t *bytes, int64_t n, const int32_t *route, const int64_t *begin,
                       const flow_link *links, int64_t top, int64_t *found, int64_t *carried)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = begin[route[i]]; k < begin[route[i] + 1]; k++) {
            int64_t *own = found + links[k].link * top, *sizes = carried + links[k].link * top, at = top;
            const int64_t size = share_of(links + k, bytes[i]);
            while (at > 0 &&
                   (own[at - 1] < 0 || size > sizes[at - 1] || (size == sizes[at - 1] && keys[i] < keys[own[at - 1]])))
                at--;
            for (int64_t last = top - 1; last > at; last--) {
                own[last] = own[last - 1];
                sizes[last] = sizes[last - 1];
            }
            if (at < top) {
                own[at] = i;
                sizes[at] = size;
            }
        }
}
