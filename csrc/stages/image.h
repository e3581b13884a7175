/* The state of an engine at a barrier as bytes: one walk over it measures, saves or loads, so that the three agree.
 *
 *     at NULL      only counts: n is the size
 *     at, !load    saves
 *     at, load     loads into an engine of the same layout, in which nothing has moved yet
 *
 * What is not state but must be alike in both (a size) is written too, and compared. `bad` is set where room or sizes
 * differ, and where something is in flight: nothing is to be done with the image then. Bytes are those of this build
 * on this kind of machine. */
#ifndef CHIPWEAVE_IMAGE_H
#define CHIPWEAVE_IMAGE_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stages/network_bins.h"

struct image {
    uint8_t *at;
    size_t n, room;
    int load, bad;
};

/* `bytes` of state. */
static inline void image_put(struct image *m, void *state, size_t bytes)
{
    if (m->at && bytes > m->room - m->n)
        m->bad = 1;
    if (m->bad)
        return;
    if (m->at && bytes) {
        if (m->load)
            memcpy(state, m->at + m->n, bytes);
        else
            memcpy(m->at + m->n, state, bytes);
    }
    m->n += bytes;
}

#define IMAGE_ONE(m, value)      image_put(m, &(value), sizeof(value))
#define IMAGE_ARRAY(m, array, n) image_put(m, array, (size_t)(n) * sizeof *(array))

/* A number that both have alike. */
static inline void image_same(struct image *m, uint64_t value)
{
    uint64_t other = value;
    IMAGE_ONE(m, other);
    m->bad |= other != value;
}

/* What has to hold for an image to be taken. */
static inline void image_need(struct image *m, int holds) { m->bad |= !holds; }

/* Bins of links, whose width has grown with time. */
static inline void image_bins(struct image *m, struct network_bins *b)
{
    image_same(m, (uint64_t)b->n_links);
    image_same(m, (uint64_t)b->max_bins);
    IMAGE_ONE(m, b->bin_ps);
    image_need(m, b->bin_ps > 0);
    IMAGE_ARRAY(m, b->cells, (size_t)b->max_bins * (size_t)b->n_links * LINK_COLUMNS);
}
#endif
