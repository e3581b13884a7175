/* flit/skip/words.c -- lists and ages as words of a snapshot, whatever order they were found in. */
#include "flit/skip/snapshot.h"

#include <stdlib.h>

/* For qsort(): ascending. */
int noc_by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Ascending, in place. */
void noc_sort(uint64_t *at, size_t n)
{
    if (n > 32) {
        qsort(at, n, sizeof *at, noc_by_number);
        return;
    }
    for (size_t i = 1; i < n; i++) { /* insertion: most lists are short */
        const uint64_t x = at[i];
        size_t k = i;
        for (; k && at[k - 1] > x; k--)
            at[k] = at[k - 1];
        at[k] = x;
    }
}

/* A list whose order means nothing: sorted in place of writing. */
void noc_put_sorted(struct noc_snapshot *w, uint64_t what, size_t n)
{
    if (!n)
        return;
    noc_sort(w->scratch, n);
    noc_put(w, what << 32 | n);
    for (size_t i = 0; i < n; i++)
        noc_put(w, w->scratch[i]);
}

/* Do stamps decide anything under this priority? */
int noc_aged(const struct noc_state *net)
{
    return net->c.priority == NOC_NETWORK_AGE || net->c.priority == NOC_LOCAL_AGE;
}

/* The rank of a flit's age among those collected before; in the collecting pass it is only noted. */
void noc_put_age(struct noc_snapshot *w, const struct noc_flit *f, uint32_t stamp)
{
    const uint64_t apart = w->id == NOC_NO_GROUP ? (uint64_t)f->dst << 32 : 0,
                   age = apart | (uint32_t)((uint32_t)w->net->now - stamp);
    if (!noc_aged(w->net))
        return;
    if (w->at || w->against) {
        const uint64_t *found = bsearch(&age, w->age, w->ages, sizeof *w->age, noc_by_number);
        noc_put(w, found ? (uint64_t)(found - w->age) : UINT64_MAX);
        return;
    }
    if (w->ages == w->age_room) {
        const size_t room = w->age_room ? 2 * w->age_room : 256;
        uint64_t *grown = realloc(w->age, room * sizeof *grown);
        if (!grown) {
            w->differs = 1;
            return;
        }
        w->age = grown;
        w->age_room = room;
    }
    w->age[w->ages++] = age;
}
