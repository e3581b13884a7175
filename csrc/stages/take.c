/* stages/take.c -- what a hold takes when it takes more than one thing.
 *
 * Resources are gathered anew at each hold, as they follow from operands; each is named once, however many takes of
 * the node name it. */
#include "stages/state.h"

/* Several takes become one list in the pool, and one mask where all lie in a word or in two neighbours. */
int gather(stages *s, struct event *ev, const struct node *of, const int64_t *operands)
{
    struct node one = *of;
    for (int32_t t = 0; of->kind == STAGE_HOLD && t < of->n_takes; t++) { /* routes move the pool's end */
        take_only(&one, of->takes + t);
        if (one.network >= 0 && find_resources(s, ev, &one, operands))
            return -1;
    }
    size_t first = s->pool_n;
    for (int32_t t = 0; of->kind == STAGE_HOLD && t < of->n_takes; t++) {
        take_only(&one, of->takes + t);
        if (find_resources(s, ev, &one, operands))
            return -1;
        if (reserve(s, &s->pool, &s->pool_capacity, s->pool_n + ev->n_resources, sizeof *s->pool))
            return -1;
        for (uint32_t i = 0; i < ev->n_resources; i++) {
            uint32_t r = s->pool[ev->resources + i];
            size_t at = first;
            while (at < s->pool_n && s->pool[at] != r)
                at++;
            if (at == s->pool_n)
                s->pool[s->pool_n++] = r;
        }
    }
    ev->resources = (uint32_t)first;
    ev->n_resources = (uint16_t)(s->pool_n - first);
    ev->word = 0;
    ev->mask = 0;
    return 0;
}
