/* Statistics of circuit links: bytes, busy ps (held) and stalled ps (idle although the next user had requested it),
 * per direction. Starts come in order of time, so the bin that time stands in is kept at hand and most intervals fall
 * inside it. */
#include "stages/state.h"

/* Make a bin the one at hand, so that counting within it needs no division. */
static void stand_at(struct circuit *c, int64_t bin)
{
    c->row = network_bins_row(&c->bins, bin);
    c->bin_from = bin * c->bins.bin_ps;
    c->bin_to = c->bin_from + c->bins.bin_ps;
}

/* Bins of a circuit's links; -1 without memory. */
int bins_init(struct circuit *c, int64_t bin_ps, int32_t max_bins)
{
    if (network_bins_init(&c->bins, c->n_links, bin_ps, max_bins))
        return -1;
    stand_at(c, 0);
    return 0;
}

/* Bytes of the pieces of a message that lead over a link. */
static int64_t pieces(uint64_t over, int64_t size, int32_t ways)
{
    int64_t sum = 0;
    for (int32_t piece = 0; piece < ways; piece++)
        sum += over >> piece & 1 ? piece_of(size, piece, ways) : 0;
    return sum;
}

/* One hold of a route: bytes and busy time of each of its links, and the time they stood idle although the hold had
 * been requested. */
static void count_route(stages *s, struct circuit *c, const struct route *way, int64_t size, int64_t requested,
                        int64_t end)
{
    const struct crossed_link *at = c->crossed + way->crossed, *past = at + way->n;
    int64_t now = s->base + s->now, until = s->base + end;
    if (at == past)
        return;
    if (until > c->bin_to || now == c->bin_to) { /* may leave the bin, so it may outgrow them all */
        network_bins_grow(&c->bins, until);
        int64_t bin = now / c->bins.bin_ps, last = c->bins.max_bins - 1;
        stand_at(c, bin < last ? bin : last);
    }
    int64_t *row = c->row, base = s->base, busy = until - now;
    int inside = until <= c->bin_to;
    const uint64_t *over = c->ways_over ? c->ways_over + way->crossed : NULL;
    const int64_t whole = size;
    for (; at < past; at++) {
        if (__builtin_expect(over != NULL, 0))
            size = pieces(*over++, whole, c->of->ways);
        int64_t free_at = s->waits[at->lock].free_at, idle = (requested > free_at ? requested : free_at) + base,
                *cell = row + at->cell;
        if (__builtin_expect(inside, 1)) {
            cell[LINK_BYTES] += size;
            cell[LINK_BUSY] += busy;
        } else
            network_bins_spread(&c->bins, at->cell / LINK_COLUMNS, LINK_BUSY, now, until, size);
        if (__builtin_expect(idle < c->bin_from && idle < now, 0))
            network_bins_spread(&c->bins, at->cell / LINK_COLUMNS, LINK_STALLED, idle, now, 0);
        else
            cell[LINK_STALLED] += idle < now ? now - idle : 0;
    }
}

/* Every circuit that a node's hold takes. */
void count_links(stages *s, const struct node *node, const struct event *e, const int64_t *operands, int64_t end)
{
    for (int32_t i = 0; i < node->n_takes; i++) {
        const stages_take *take = node->takes + i;
        if (take->network < 0)
            continue;
        struct circuit *c = s->circuits + take->network;
        count_route(s, c, c->routes + operands[take->source] * c->endpoints + operands[take->target],
                    amount_of(&take->bytes, operands), e->requested, end);
    }
}
