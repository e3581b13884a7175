/* stages/image.c -- an engine between two stretches as bytes, and back: see stages/image.h.
 *
 * At a barrier nothing is in flight, and the next issue begins numbers and times anew: what is carried over are tables,
 * counters, statistics of links, the journal that Python has not read, and what the networks keep of their own. */
#include "stages/image.h"
#include "stages/state.h"

/* Ages of keys that are not held mean nothing, and nothing may have been written there yet. */
static void clear_ages(struct keyed_table *t)
{
    for (int64_t at = 0; at < t->instances; at++)
        for (int64_t key = 0; key < t->keys; key++) {
            const int64_t slot = at * (t->keys + 1) + key;
            if (t->present[at * t->keys + key] != 1)
                t->older[slot] = t->newer[slot] = 0;
        }
}

/* Tables with their ages. */
static void tables(stages *s, struct image *m)
{
    for (int32_t i = 0; i < s->n_tags; i++) {
        struct tags_table *t = s->tags + i;
        const size_t n = (size_t)t->instances * (size_t)t->sets * (size_t)t->ways;
        image_same(m, n);
        IMAGE_ARRAY(m, t->keys, n);
    }
    for (int32_t i = 0; i < s->n_keyed; i++) {
        struct keyed_table *t = s->keyed + i;
        const size_t n = (size_t)t->instances * (size_t)t->keys, slots = n + (size_t)t->instances;
        image_same(m, n);
        image_same(m, (uint64_t)(uint32_t)t->capacity);
        IMAGE_ARRAY(m, t->present, n);
        IMAGE_ARRAY(m, t->held, t->instances);
        if (!t->capacity)
            continue;
        if (!m->load)
            clear_ages(t);
        IMAGE_ARRAY(m, t->older, slots);
        IMAGE_ARRAY(m, t->newer, slots);
        for (size_t k = 0; m->load && k < slots; k++) /* they are followed without a look */
            image_need(m, t->older[k] >= 0 && t->older[k] <= t->keys && t->newer[k] >= 0 && t->newer[k] <= t->keys);
    }
    for (int32_t i = 0; i < s->n_bits; i++) {
        struct bits_table *t = s->bits + i;
        const size_t n = (size_t)t->instances * (size_t)t->keys;
        image_same(m, n);
        IMAGE_ARRAY(m, t->values, n);
    }
}

/* Rows that Python has not fetched. */
static void journal(stages *s, struct image *m)
{
    uint64_t n = s->journal_n;
    IMAGE_ONE(m, n);
    image_need(m, n % 5 == 0 && (!m->load || n <= (m->room - m->n) / sizeof *s->journal));
    if (m->bad || reserve(s, &s->journal, &s->journal_capacity, n, sizeof *s->journal))
        return;
    s->journal_n = n;
    IMAGE_ARRAY(m, s->journal, n);
}

/* Clock, counters, statistics and networks. */
static void rest(stages *s, struct image *m)
{
    int64_t now = s->base + s->now, started = s->n_started;
    uint32_t batches = s->first_batch + s->n_batches;
    IMAGE_ONE(m, now);
    IMAGE_ONE(m, started);
    IMAGE_ONE(m, batches);
    image_need(m, now >= 0 && now <= LONGEST);
    if (m->load) {
        s->base = now;
        s->n_started = started;
        s->first_batch = batches;
        for (int32_t r = 0; r < s->n_resources; r++) /* as after a barrier: nobody waits */
            s->waits[r].head = UNKNOWN_HEAD;
    }
    for (int32_t i = 0; i < s->n_counters; i++) {
        image_same(m, (uint64_t)s->counters[i].count);
        IMAGE_ARRAY(m, s->counters[i].slots, s->counters[i].count);
    }
    for (int32_t i = 0; i < s->n_circuits; i++) {
        struct circuit *c = s->circuits + i;
        image_bins(m, &c->bins);
        if (m->load) { /* no bin is at hand */
            c->bin_from = c->bin_to = 0;
            c->row = c->bins.cells;
        }
    }
    for (int32_t i = 0; i < s->n_networks; i++) {
        const struct open_network *net = s->networks + i;
        image_need(m, net->does.image != NULL);
        if (!m->bad)
            net->does.image(net->self, m);
    }
}

/* See stages.h. */
int64_t stages_image(stages *s, uint8_t *at, int64_t room, int load)
{
    struct image m = {at, 0, at ? (size_t)room : 0, load, 0};
    image_need(&m, !s->status && !s->in_flight && s->walk.wanted < 0 && (!load || (!s->base && !s->n_events)));
    image_same(&m, (uint64_t)s->n_tags << 40 | (uint64_t)s->n_keyed << 20 | (uint64_t)s->n_bits);
    image_same(&m, (uint64_t)s->n_counters << 40 | (uint64_t)s->n_circuits << 20 | (uint64_t)s->n_networks);
    if (!m.bad)
        tables(s, &m);
    if (!m.bad)
        journal(s, &m);
    if (!m.bad)
        rest(s, &m);
    return m.bad || s->status || (load && m.n != m.room) ? -1 : (int64_t)m.n;
}
