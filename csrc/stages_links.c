/* Statistics of circuit links: bytes, busy ps and stalled ps per direction and time bin.

       bin b covers absolute [b * bin_ps, (b + 1) * bin_ps); when time outgrows max_bins, pairs merge and the width doubles

   Starts come in order of time, so the current bin is kept at hand and most intervals fall inside it. */
#include "stages_internal.h"

enum { BYTES, BUSY, STALLED, COLUMNS };

static i64 *row_of(const circuit *c, i64 bin) { return c->bins + bin * c->n_links * COLUMNS; }

static void stand_at(circuit *c, i64 bin)
{
    c->row = row_of(c, bin);
    c->bin_from = bin * c->bin_ps;
    c->bin_to = c->bin_from + c->bin_ps;
}

void bins_init(circuit *c, i64 bin_ps)
{
    c->bin_ps = bin_ps;
    stand_at(c, 0);
}

static void merge_pairs(circuit *c, i64 max_bins)
{
    i64 width = (i64)c->n_links * COLUMNS;
    for (i64 bin = 0; bin < max_bins / 2; bin++)
        for (i64 i = 0; i < width; i++) row_of(c, bin)[i] = row_of(c, 2 * bin)[i] + row_of(c, 2 * bin + 1)[i];
    memset(row_of(c, max_bins / 2), 0, (size_t)(max_bins / 2 * width) * sizeof(i64));
    c->bin_ps *= 2;
}

/* Add an interval, and bytes in proportion (bytes up to x: floor(size * (x - from) / (to - from))), over all its bins. */
static void spread(circuit *c, i64 link, int column, i64 from, i64 to, i64 size, i64 max_bins)
{
    i64 bin = from / c->bin_ps, at = from, done = 0;
    if (bin > max_bins - 1) bin = max_bins - 1;
    for (;; bin++) {
        i64 upto = (bin + 1) * c->bin_ps < to ? (bin + 1) * c->bin_ps : to;
        i64 *cell = row_of(c, bin) + link * COLUMNS, sent = size;
        if (upto < to) sent = (i64)((__int128)size * (upto - from) / (to - from));
        cell[column] += upto - at;
        cell[BYTES] += sent - done;
        if (upto >= to) return;
        at = upto;
        done = sent;
    }
}

static void count_route(stages *s, circuit *c, i64 route, i64 size, i64 asked, i64 end)
{
    i64 now = s->base + s->now, until = s->base + end, max_bins = s->rules.max_bins;
    while (until > c->bin_ps * max_bins) merge_pairs(c, max_bins);
    if (now >= c->bin_to || c->bin_to - c->bin_from != c->bin_ps) stand_at(c, now / c->bin_ps < max_bins ? now / c->bin_ps : max_bins - 1);
    for (i64 i = c->route_start[route]; i < c->route_start[route + 1]; i++) {
        i64 link = c->route_links[i], free_at = s->free_at[c->lock_of_link[link]];
        i64 idle = (asked > free_at ? asked : free_at) + s->base;
        if (until <= c->bin_to) {
            c->row[link * COLUMNS + BYTES] += size;
            c->row[link * COLUMNS + BUSY] += until - now;
        } else spread(c, link, BUSY, now, until, size, max_bins);
        if (idle >= now) continue;
        if (idle >= c->bin_from) c->row[link * COLUMNS + STALLED] += now - idle;
        else spread(c, link, STALLED, idle, now, 0, max_bins);
    }
}

void count_links(stages *s, const node *node, const event *e, const i64 *operands, i64 end)
{
    for (int32_t i = 0; i < node->n_takes; i++) {
        const stages_take *take = node->takes + i;
        if (take->network < 0) continue;
        circuit *c = s->circuits + take->network;
        count_route(s, c, operands[take->source] * c->endpoints + operands[take->target], amount_of(&take->bytes, operands), e->asked, end);
    }
}
