/* Statistics of circuit links: bytes, busy ps (held) and stalled ps (idle although the next user had asked for it), per direction.
   Starts come in order of time, so the bin that time stands in is kept at hand and most intervals fall inside it. */
#include "stages_internal.h"

static void stand_at(circuit *c, i64 bin)
{
    c->row = network_bins_row(&c->bins, bin);
    c->bin_from = bin * c->bins.bin_ps;
    c->bin_to = c->bin_from + c->bins.bin_ps;
}

int bins_init(circuit *c, i64 bin_ps, int32_t max_bins)
{
    if (network_bins_init(&c->bins, c->n_links, bin_ps, max_bins)) return -1;
    stand_at(c, 0);
    return 0;
}

static void count_route(stages *s, circuit *c, i64 route, i64 size, i64 asked, i64 end)
{
    i64 now = s->base + s->now, until = s->base + end;
    if (until > c->bin_to) { /* may leave the bin, so it may outgrow them all */
        network_bins_grow(&c->bins, until);
        i64 bin = now / c->bins.bin_ps, last = c->bins.max_bins - 1;
        stand_at(c, bin < last ? bin : last);
    }
    const int32_t *links = c->route_links, *locks = c->lock_of_link;
    i64 *row = c->row;
    for (i64 i = c->route_start[route], n = c->route_start[route + 1]; i < n; i++) {
        i64 link = links[i], free_at = s->free_at[locks[link]];
        i64 idle = (asked > free_at ? asked : free_at) + s->base;
        if (until <= c->bin_to) {
            row[link * LINK_COLUMNS + LINK_BYTES] += size;
            row[link * LINK_COLUMNS + LINK_BUSY] += until - now;
        } else network_bins_spread(&c->bins, link, LINK_BUSY, now, until, size);
        if (idle >= now) continue;
        if (idle >= c->bin_from) row[link * LINK_COLUMNS + LINK_STALLED] += now - idle;
        else network_bins_spread(&c->bins, link, LINK_STALLED, idle, now, 0);
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
