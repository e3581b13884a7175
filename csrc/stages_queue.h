/* The event queue, and the wait queues of resources, with their exact orders. A template: stages_narrow.c and stages_wide.c
   include it with their own `rank_t`; included otherwise, it is empty.

   Rank of an event in wait queues: (7 - priority | time | number) in one integer, compared at once. It is live: the time is
   the requested one while the event waits, overwritten by its start when it is admitted.

   Event queue: 4-ary min-heap of (time | number | kind). The popped root leaves a hole that the next push fills, as most
   events push another.

   Wait queue, one of two:
     sorted          entries in descending rank: the head is the last one; the admitted leave at once
     artifact_heap   a binary heap with the sift rules of CPython's heapq, over live ranks. An admitted event stays as a
                     dead entry with its now larger time and so disturbs the order; the dead go only from the top. */
#ifdef STAGES_TEMPLATE
#define RANKS ((rank_t *)s->ranks)
#define QUEUE ((rank_t *)s->queue)
#define TIME_SHIFT NUMBER_BITS
#define TIME_FIELD ((((rank_t)1 << TIME_BITS) - 1) << TIME_SHIFT)
#define NO_PRIORITY (TIME_FIELD | (((rank_t)1 << NUMBER_BITS) - 1))

/* Which child is least is a toss-up, so it is computed, not branched on. */
static inline void sink(rank_t *q, size_t n, rank_t item)
{
    size_t at = 0, child = 1;
    for (; child + 4 <= n; child = at * 4 + 1) {
        rank_t a = q[child], b = q[child + 1], c = q[child + 2], d = q[child + 3];
        size_t ab = b < a, cd = d < c;
        rank_t low = ab ? b : a, high = cd ? d : c;
        child += high < low ? 2 + cd : ab;
        low = q[child];
        if (low >= item) goto found;
        q[at] = low;
        at = child;
    }
    if (child < n) {
        size_t best = child;
        for (size_t c = child + 1; c < n; c++) best = q[c] < q[best] ? c : best;
        if (q[best] < item) {
            q[at] = q[best];
            at = best;
        }
    }
found:
    q[at] = item;
}

static inline void queue_push(stages *s, i64 time, u32 number, int kind)
{
    rank_t *q = QUEUE, item = (rank_t)time << (NUMBER_BITS + KIND_BITS) | (rank_t)number << KIND_BITS | (rank_t)kind;
    if (s->hole) {
        s->hole = 0;
        sink(q, s->queue_n, item);
        return;
    }
    u32 at = s->queue_n++;
    while (at) {
        u32 parent = (at - 1) >> 2;
        if (item >= q[parent]) break;
        q[at] = q[parent];
        at = parent;
    }
    q[at] = item;
}

static inline rank_t queue_pop(stages *s)
{
    s->hole = 1;
    return QUEUE[0];
}

/* After this the root is the next event, if there is any. */
static inline void queue_settle(stages *s)
{
    if (!s->hole) return;
    s->hole = 0;
    if (--s->queue_n) sink(QUEUE, s->queue_n, QUEUE[s->queue_n]);
}

/* heapq._siftdown and heapq.heappop over events; `mask` takes the priority out of the order. */
static inline void heap_up(const rank_t *rank, rank_t mask, u32 *heap, size_t at, u32 item)
{
    rank_t own = rank[item] & mask;
    while (at) {
        size_t parent = (at - 1) >> 1;
        u32 other = heap[parent];
        if (own >= (rank[other] & mask)) break;
        heap[at] = other;
        at = parent;
    }
    heap[at] = item;
}

static inline u32 heap_pop(const rank_t *rank, rank_t mask, u32 *heap, u32 *size)
{
    size_t n = --*size, at = 0, child = 1;
    u32 item = heap[n], top = heap[0];
    if (!n) return top;
    for (; child + 1 < n; child = 2 * child + 1) { /* down to a leaf, always to the smaller child; the left one only if strictly smaller */
        child += (rank[heap[child]] & mask) >= (rank[heap[child + 1]] & mask);
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

/* Where an event stands, or belongs, in a descending queue. */
static inline u32 sorted_place(const rank_t *rank, const wait_queue *q, u32 e)
{
    u32 low = 0, high = q->n;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (rank[q->at[middle]] > rank[e]) low = middle + 1;
        else high = middle;
    }
    return low;
}

static __attribute__((noinline)) void sorted_insert(stages *s, wait_queue *q, u32 e)
{
    u32 place = sorted_place(RANKS, q, e);
    memmove(q->at + place + 1, q->at + place, (q->n++ - place) * sizeof *q->at);
    q->at[place] = e;
}

static __attribute__((noinline)) void sorted_remove(stages *s, wait_queue *q, u32 e)
{
    u32 place = sorted_place(RANKS, q, e);
    memmove(q->at + place, q->at + place + 1, (--q->n - place) * sizeof *q->at);
}

static __attribute__((noinline, cold)) int grow_queue(stages *s, wait_queue *q)
{
    return reserve32(s, &q->at, &q->capacity, q->n + 1, sizeof *q->at);
}

static inline int wait_push(stages *s, wait_queue *q, u32 e)
{
    if (__builtin_expect(q->n == q->capacity, 0) && grow_queue(s, q)) return -1;
    q->live++;
    if (s->rules.artifact_heap) heap_up(RANKS, ~(rank_t)0, q->at, q->n++, e);
    else sorted_insert(s, q, e);
    return 0;
}

/* Before the event's rank changes. */
static inline void wait_leave(stages *s, wait_queue *q, u32 e)
{
    q->live--;
    if (!s->rules.artifact_heap) sorted_remove(s, q, e);
}

/* The head of a queue that has a waiter; the dead above it are dropped. */
static inline u32 wait_head(stages *s, wait_queue *q)
{
    if (!s->rules.artifact_heap) return q->at[q->n - 1];
    while (!(s->flags[q->at[0]] & WAITING)) heap_pop(RANKS, ~(rank_t)0, q->at, &q->n);
    return q->at[0];
}
#endif
