/* The event queue, and the wait queues of resources, with their exact orders. A template: stages/run/narrow.c and
 * stages/run/wide.c include it with their own `rank_t`.
 *
 * Rank of an event in wait queues: (7 - priority | time | number | dead) in one integer, compared at once. It is
 * live: the time is the requested one while the event waits, overwritten by its start when it is admitted, and then
 * it is dead.
 *
 * Event queue: 4-ary min-heap of (time | number | kind). The popped root leaves a hole that the next push fills, as
 * most events push another.
 *
 * Wait queue, one of two:
 *   sorted          entries in descending rank: the head is the last one; the admitted leave at once
 *   artifact_heap   a binary heap with the sift rules of CPython's heapq, over live ranks. An admitted event stays as
 *   a
 *                   dead entry with its now larger time and so disturbs the order; the dead go only from the top.
 *
 * Entries are the ranks themselves, where an event that changes its rank stands at a known end of the only queue it
 * is in. In artifact_heap a rank that stands in several queues has a place of its own (RANKS), and entries are
 * numbers of places. */
#ifndef STAGES_RUN_QUEUE_INC_H
#define STAGES_RUN_QUEUE_INC_H
#define RANKS        ((rank_t *)s->ranks)
#define QUEUE        ((rank_t *)s->queue)
#define DEAD         ((rank_t)1)
#define NUMBER_FIELD (((rank_t)1 << NUMBER_BITS) - 1)
#define NO_PRIORITY  (((rank_t)1 << (TIME_BITS + NUMBER_BITS + 1)) - 1)

/* Rank of an event that would start at `time`: priority, time and number in one integer. */
static inline rank_t rank_of(const struct event *ev, uint32_t e, int64_t time)
{
    return (((rank_t)ev->priority << TIME_BITS | (rank_t)time) << NUMBER_BITS | e) << 1;
}

/* The event that a rank belongs to. */
static inline uint32_t number_in(rank_t rank) { return (uint32_t)(rank >> 1 & NUMBER_FIELD); }

/* An item sinks from the root of n entries, of which the root is a hole. Beyond the last entry stand three that are
 * greater than any, so no child is missing. Which child is least is a toss-up, so it is computed, not branched on. */
static inline __attribute__((always_inline)) void sink(rank_t *q, size_t n, rank_t item)
{
    size_t at = 0;
    for (size_t child = 1; child < n; child = at * 4 + 1) {
        rank_t a = q[child], b = q[child + 1], c = q[child + 2], d = q[child + 3];
        size_t ab = b < a, cd = d < c;
        rank_t low = ab ? b : a, high = cd ? d : c;
        size_t right = high < low, best = child + (ab ^ ((ab ^ (2 + cd)) & (0 - right)));
        low = high < low ? high : low;
        if (low >= item)
            break;
        q[at] = low;
        at = best;
    }
    q[at] = item;
}

/* An entry goes where the last popped one left a hole, which saves half of a pop. */
static inline __attribute__((always_inline)) void queue_push(stages *s, int64_t time, uint32_t number, int kind)
{
    rank_t *q = QUEUE, item = (rank_t)time << (NUMBER_BITS + KIND_BITS) | (rank_t)number << KIND_BITS | (rank_t)kind;
    if (s->hole) {
        s->hole = 0;
        sink(q, s->queue_n, item);
        return;
    }
    uint32_t at = s->queue_n++;
    q[at + 4] = ~(rank_t)0;
    while (at) {
        uint32_t parent = (at - 1) >> 2;
        if (item >= q[parent])
            break;
        q[at] = q[parent];
        at = parent;
    }
    q[at] = item;
}

/* The first entry; its hole is filled by the next push, or by queue_settle(). */
static inline rank_t queue_pop(stages *s)
{
    s->hole = 1;
    return QUEUE[0];
}

/* After this the root is the next event; greater than any if there is none. */
static inline void queue_settle(stages *s)
{
    if (!s->hole)
        return;
    rank_t *q = QUEUE;
    uint32_t n = --s->queue_n;
    rank_t last = q[n];
    s->hole = 0;
    q[n] = ~(rank_t)0;
    if (n)
        sink(q, n, last);
}

/* heapq._siftdown and heapq.heappop over ranks. Which child is less is a toss-up, so it is computed. */
static inline size_t ranks_up(rank_t *heap, size_t at, rank_t item)
{
    while (at) {
        size_t parent = (at - 1) >> 1;
        if (item >= heap[parent])
            break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = item;
    return at;
}

/* The first rank of a binary heap is taken out. */
static inline void ranks_pop(rank_t *heap, uint32_t *size)
{
    size_t n = --*size, at = 0, child = 1;
    if (!n)
        return;
    for (; child + 1 < n; child = 2 * child + 1) {
        child += heap[child] >= heap[child + 1];
        heap[at] = heap[child];
        at = child;
    }
    if (child < n) {
        heap[at] = heap[child];
        at = child;
    }
    ranks_up(heap, at, heap[n]);
}

/* Likewise over places of ranks; `mask` takes the priority out of the order. */
static inline size_t heap_up(const rank_t *rank, rank_t mask, uint32_t *heap, size_t at, uint32_t item)
{
    rank_t own = rank[item] & mask;
    while (at) {
        size_t parent = (at - 1) >> 1;
        uint32_t other = heap[parent];
        if (own >= (rank[other] & mask))
            break;
        heap[at] = other;
        at = parent;
    }
    heap[at] = item;
    return at;
}

/* The first entry of a heap of places, as heapq does it. */
static inline uint32_t heap_pop(const rank_t *rank, rank_t mask, uint32_t *heap, uint32_t *size)
{
    size_t n = --*size, at = 0, child = 1, last = n - 1;
    uint32_t item = heap[n], top = heap[0];
    if (!n)
        return top;
    for (; 4 * at + 6 < n; child = 2 * at + 1) {
        const uint32_t *two = heap + child, *four = heap + 4 * at + 3;
        size_t right = (rank[two[0]] & mask) >= (rank[two[1]] & mask);
        size_t left_of = (rank[four[0]] & mask) >= (rank[four[1]] & mask),
               right_of = (rank[four[2]] & mask) >= (rank[four[3]] & mask);
        size_t below = 2 * right + (left_of ^ ((left_of ^ right_of) & (0 - right)));
        heap[at] = two[right];
        heap[child + right] = four[below];
        at = 4 * at + 3 + below;
    }
    /* down to a leaf, always to the smaller child; the left one only if strictly smaller */
    for (; child < last; child = 2 * child + 1) {
        const uint32_t *pair = heap + child;
        child += (rank[pair[0]] & mask) >= (rank[pair[1]] & mask);
        heap[at] = heap[child];
        at = child;
    }
    if (child < n) {
        heap[at] = heap[child];
        at = child;
    }
    heap_up(rank, mask, heap, at, item);
    return top;
}

/* Where a rank stands, or belongs, in a descending queue. */
static inline uint32_t sorted_place(const struct wait_queue *q, rank_t rank)
{
    const rank_t *at = q->at;
    uint32_t low = 0, high = q->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (at[middle] > rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* 0 if it is the head now. */
static __attribute__((noinline)) size_t sorted_insert(struct wait_queue *q, rank_t rank)
{
    uint32_t place = sorted_place(q, rank);
    rank_t *at = (rank_t *)q->at + place;
    memmove(at + 1, at, (q->n++ - place) * sizeof *at);
    *at = rank;
    return q->n - 1 - place;
}

/* A rank leaves a sorted queue. */
static __attribute__((noinline)) void sorted_remove(struct wait_queue *q, rank_t rank)
{
    uint32_t place = sorted_place(q, rank);
    rank_t *at = (rank_t *)q->at + place;
    memmove(at, at + 1, (--q->n - place) * sizeof *at);
}

/* More room in a wait queue. */
static __attribute__((noinline, cold)) int grow_queue(stages *s, struct wait_queue *q)
{
    return reserve32(s, &q->at, &q->capacity, q->n + 1, RANK_BYTES);
}

/* `place`: of its rank, where the queue is of places. */
static inline int wait_push(stages *s, struct wait_queue *q, uint32_t e, rank_t rank, uint32_t place)
{
    size_t at;
    if (__builtin_expect(q->n == q->capacity, 0) && grow_queue(s, q))
        return -1;
    q->live++;
    if (!s->rules.artifact_heap)
        at = sorted_insert(q, rank);
    else if (q->shared)
        at = heap_up(RANKS, ~(rank_t)0, q->at, q->n++, place);
    else
        at = ranks_up(q->at, q->n++, rank);
    if (at)
        return 0;
    q->head = e;
    q->mask = s->events[e].mask;
    q->high = high_of(s, s->events + e);
    return 0;
}

/* It is admitted. */
static inline void wait_leave(stages *s, struct wait_queue *q, uint32_t e)
{
    q->live--;
    q->head |= 0 - (uint32_t)(q->head == e);
    if (!s->rules.artifact_heap)
        sorted_remove(q, rank_of(s->events + e, e, s->events[e].requested));
}

static __attribute__((noinline)) uint32_t find_head(stages *s, struct wait_queue *q)
{
    rank_t *ranks = q->at, head;
    uint32_t *places = q->at;
    if (!s->rules.artifact_heap)
        head = ranks[q->n - 1];
    else if (!q->shared) {
        while ((head = ranks[0]) & DEAD)
            ranks_pop(ranks, &q->n);
    } else
        while ((head = RANKS[places[0]]) & DEAD)
            heap_pop(RANKS, ~(rank_t)0, places, &q->n);
    q->head = number_in(head);
    q->mask = s->events[q->head].mask;
    q->high = high_of(s, s->events + q->head);
    return q->head;
}

/* The head of a queue that has a waiter; the dead above it are dropped. */
static inline uint32_t wait_head(stages *s, struct wait_queue *q)
{
    return q->head != UNKNOWN_HEAD ? q->head : find_head(s, q);
}
#endif
