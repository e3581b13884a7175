/* stages/fair/heap.inc.h -- a binary heap, first on top what comes before all others. A template: queues.c includes it
 * for messages and again for arrivals.
 *
 *     HEAP_QUEUE     the struct with at, n and room
 *     HEAP_ITEM      the struct of an entry
 *     HEAP_PUSH      name of the function that adds an entry; -1 without memory
 *     HEAP_POP       name of the function that takes the first
 *     HEAP_BEFORE    (a, b): does entry a leave before entry b? */
int HEAP_PUSH(struct HEAP_QUEUE *q, struct HEAP_ITEM item)
{
    if (has_room(&q->at, q->n, &q->room, sizeof item))
        return -1;
    int32_t i = q->n++;
    for (; i && HEAP_BEFORE(item, q->at[(i - 1) / 2]); i = (i - 1) / 2)
        q->at[i] = q->at[(i - 1) / 2];
    q->at[i] = item;
    return 0;
}

struct HEAP_ITEM HEAP_POP(struct HEAP_QUEUE *q) {
    struct HEAP_ITEM first = q->at[0], last = q->at[--q->n];
    int32_t i = 0;
    for (int32_t c; (c = 2 * i + 1) < q->n; i = c) {
        if (c + 1 < q->n && HEAP_BEFORE(q->at[c + 1], q->at[c]))
            c++;
        if (!HEAP_BEFORE(q->at[c], last))
            break;
        q->at[i] = q->at[c];
    }
    q->at[i] = last;
    return first;
}

#undef HEAP_QUEUE
#undef HEAP_ITEM
#undef HEAP_PUSH
#undef HEAP_POP
#undef HEAP_BEFORE
