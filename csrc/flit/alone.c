#include "flit/alone.h"

#include <stdlib.h>

/* Whether a comes before b. */
static int before(const struct alone_arrival *a, const struct alone_arrival *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

/* See flit/alone.h. */
int alone_add(struct alone *a, int64_t time, uint32_t message)
{
    if (a->n == a->room) {
        int64_t more = a->room * 2 + 64;
        struct alone_arrival *grown = realloc(a->heap, (size_t)more * sizeof *grown);
        if (!grown)
            return -1;
        a->heap = grown;
        a->room = more;
    }
    const struct alone_arrival made = {time, a->sent++, message};
    int64_t at = a->n++;
    for (; at && before(&made, a->heap + (at - 1) / 2); at = (at - 1) / 2)
        a->heap[at] = a->heap[(at - 1) / 2];
    a->heap[at] = made;
    return 0;
}

/* See flit/alone.h. */
uint32_t alone_take(struct alone *a)
{
    const uint32_t first = a->heap[0].message;
    const struct alone_arrival last = a->heap[--a->n];
    int64_t at = 0;
    for (int64_t next; (next = 2 * at + 1) < a->n; at = next) {
        next += next + 1 < a->n && before(a->heap + next + 1, a->heap + next);
        if (!before(a->heap + next, &last))
            break;
        a->heap[at] = a->heap[next];
    }
    if (a->n)
        a->heap[at] = last;
    return first;
}

/* See flit/alone.h. */
void alone_free(struct alone *a) { free(a->heap); }
