/* The tables of one engine laid into another of the same layout: for asking what a layer would have cost otherwise. */
#include <string.h>

#include "stages/state.h"

/* The same kind of table with the same sizes: contents are copied, arrays are not shared. */
static int copy_keyed(struct keyed_table *to, const struct keyed_table *from)
{
    const size_t n = (size_t)from->instances * (size_t)from->keys, slots = n + (size_t)from->instances;
    if (to->instances != from->instances || to->keys != from->keys || to->capacity != from->capacity)
        return -1;
    memcpy(to->present, from->present, n);
    if (!from->capacity)
        return 0;
    memcpy(to->older, from->older, slots * sizeof *to->older);
    memcpy(to->newer, from->newer, slots * sizeof *to->newer);
    memcpy(to->held, from->held, (size_t)from->instances * sizeof *to->held);
    return 0;
}

/* Tables of one engine as another has them, so that a run can go on from a warm state; -1 where they are not alike. */
int stages_copy_tables(stages *to, const stages *from)
{
    int same =
        to->n_tags == from->n_tags && to->n_keyed == from->n_keyed && to->n_bits == from->n_bits && !to->in_flight;
    for (int32_t i = 0; same && i < to->n_tags; i++) {
        const struct tags_table *a = from->tags + i, *b = to->tags + i;
        same = a->instances == b->instances && a->sets == b->sets && a->ways == b->ways;
        if (same)
            memcpy(b->keys, a->keys, (size_t)a->instances * (size_t)a->sets * (size_t)a->ways * sizeof *a->keys);
    }
    for (int32_t i = 0; same && i < to->n_keyed; i++)
        same = !copy_keyed(to->keyed + i, from->keyed + i);
    for (int32_t i = 0; same && i < to->n_bits; i++) {
        const struct bits_table *a = from->bits + i, *b = to->bits + i;
        same = a->instances == b->instances && a->keys == b->keys;
        if (same)
            memcpy(b->values, a->values, (size_t)a->instances * (size_t)a->keys);
    }
    return same ? 0 : -1;
}
