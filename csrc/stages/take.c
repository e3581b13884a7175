/* Holds of several takes: their resources, each once, put together at the end of the pool. */
#include "stages/state.h"

int gather(stages *s, event *ev, const node *of, const i64 *operands)
{
    size_t first = s->pool_n;
    node one = *of;
    for (int32_t t = 0; of->kind == STAGE_HOLD && t < of->n_takes; t++) {
        take_only(&one, of->takes + t);
        if (find_resources(s, ev, &one, operands))
            return -1;
        if (reserve(s, &s->pool, &s->pool_capacity, s->pool_n + ev->n_resources, sizeof *s->pool))
            return -1;
        for (u32 i = 0; i < ev->n_resources; i++) {
            u32 r = s->pool[ev->resources + i];
            size_t at = first;
            while (at < s->pool_n && s->pool[at] != r)
                at++;
            if (at == s->pool_n)
                s->pool[s->pool_n++] = r;
        }
    }
    ev->resources = (u32)first;
    ev->n_resources = (u16)(s->pool_n - first);
    ev->word = 0;
    ev->mask = 0;
    return 0;
}
