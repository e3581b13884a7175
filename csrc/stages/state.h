/* What the files of the stage engine share. Nobody else includes this. */
#ifndef CHIPWEAVE_STAGES_INTERNAL_H
#define CHIPWEAVE_STAGES_INTERNAL_H
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stages/network_bins.h"
#include "stages/stages.h"
#include "stages/tables.h"

typedef int64_t i64;
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef unsigned __int128 u128;

#define LONGEST            (((i64)1 << 61) - 1) /* ps */
#define TOP_PRIORITY       7
#define MAX_SIDES          4
#define MAX_LATE           4 /* nodes with marks at the end of one hold */
#define WIDEN              2 /* a time or number no longer fits narrow ranks */
#define RANK_BYTES         16
#define NARROW_TIME_BITS   41 /* 2.2 s since the last barrier */
#define NARROW_NUMBER_BITS 19 /* half a million stages since the last barrier */

enum { MAX_CLEAR = 128 }; /* resources of two words of busy bits */
enum { TWO = 0x8000 };    /* of an event's word: its resources stand in that one and the next */
enum { ROOM = 16 };       /* more events than one event can create */

/* Who waits for a resource (see stages/run/queue.inc.h), and when it is free again. at: ranks, or places of ranks.
 * shared: some events take it together with others. */
typedef struct {
    _Alignas(64) void *at;
    u32 n, capacity, live, head;
    i64 free_at;
    u64 mask, high;
    int32_t shared;
} wait_queue;

/* head: not known; its masks are those of the head, so that most wake-ups look at nothing else */
#define UNKNOWN_HEAD UINT32_MAX

enum { AT_START, AT_END, AT_ARRIVE, AT_MARKS, AT_BATCH_END };

/* above them: the place of its rank, while it waits for shared resources */
enum { WAITING = 1, SIDE = 2, FLAG_BITS = 2 };
enum { RESUME_STARTED = 1 };

/* mask, word: its resources as bits of one word of `busy`, or of two, the bits of the second being high_of; else mask
 * is 0.
 * priority: 7 less that of its row */
typedef struct {
    _Alignas(32) i64 requested;
    u64 mask;
    u32 transfer, resources;
    u16 n_resources, node, word, priority;
} event;

/* What the walk through a hold's instants settled, kept until the hold ends where that is needed. */
typedef struct {
    int32_t then;
    u8 n_sides, n_late;
    u16 sides[MAX_SIDES], late[MAX_LATE];
} settled;

typedef struct {
    u32 event;
    int32_t node, mark, wanted; /* wanted: a QUESTION_ or -1 */
    int at_end;
    i64 lasts, answer;
    settled s;
} walk;

typedef struct {
    i64 latency, a, b, fits, work, ps;
} rate; /* work, ps: the last quotient, kept */

typedef struct {
    int32_t kind, by, network, source, target, n_rates;
    i64 value, quantum;
    stages_amount work;
    rate *rates;
    i64 *upto;
    int32_t *route_rate;
} lasts_rule;

/* its locks stand in the pool from `first` on, and its links in `crossed` */
typedef struct {
    u64 mask;
    u32 first;
    u16 n, word;
} route;

typedef struct {
    u32 lock, cell;
} crossed_link; /* cell: of a link, in a row of the bins */

/* A stages_count with its cells at hand. hops: of pairs of endpoints, or NULL; amount: only where it is not
 * constant. */
typedef struct {
    i64 *cells, constant;
    const int32_t *hops;
    const stages_amount *amount;
    int32_t n_cells, at, source, target, endpoints;
} tally;

/* A stages_node with what the engine adds. */
typedef struct node {
    int32_t kind, ask, table, of[3], lasts, then, n_branches, n_takes, n_marks, n_counts, n_spawns, on_links, gathers,
        happens;
    int32_t first, count, operand, network, source, target; /* of its only take, unless it gathers */
    const int32_t *branches, *spawns;
    const stages_take *takes;
    const stages_mark *marks;
    const stages_count *counts;
    tally *tallies;         /* from here on: made by link_nodes */
    const lasts_rule *rule; /* NULL: none, or the constant `fixed` */
    i64 fixed;              /* ps; -1: no constant time of its own */
} node;

typedef struct {
    i64 *slots;
    int32_t count;
} counter;
typedef struct {
    int32_t *values;
    int32_t n;
} map_table;

typedef struct {
    int32_t endpoints, n_links, n_locks, first;
    int32_t *lock_of_link, *route_links; /* locks are global resource numbers */
    i64 *route_start;
    route *routes;         /* [source * endpoints + target] */
    crossed_link *crossed; /* like route_links */
    network_bins bins;
    i64 bin_from, bin_to, *row; /* the bin that time stands in */
} circuit;

typedef struct {
    const network_operations *operations;
    void *self;
} open_network;

typedef struct {
    int32_t operands, priority, start, first_node;
} program;
typedef struct {
    u32 first, n, outstanding;
    int32_t program;
    i64 last;
} batch;

struct stages {
    stages_rules rules;
    char message[256];
    int status; /* of the first failure; sticks */

    /* what was built */
    int32_t n_resources, n_circuits, n_networks, n_ahead /* networks that look ahead */, n_tags, n_keyed, n_bits,
        n_maps, n_counters, n_lasts, n_programs, n_nodes;
    circuit *circuits;
    open_network *networks;
    tags_table *tags;
    keyed_table *keyed;
    bits_table *bits;
    map_table *maps;
    counter *counters;
    lasts_rule *lasts;
    program *programs;
    node *nodes; /* of all programs; targets are global */
    int32_t *node_program;
    int32_t n_linked;     /* nodes that know where their counters and rules stand */
    u8 *end_marks, *ends; /* ends[node], from -1 on: a walk that comes here is over; a view of end_marks */

    /* resources */
    u64 *busy; /* bits */
    wait_queue *waits;
    u32 *pool; /* lists of resource numbers: 0..n-1 themselves, then routes, then what events put together */
    u64 *high; /* at the beginning of a route in the pool: its bits in the second word */
    size_t pool_n, pool_fixed, pool_capacity, high_capacity;

    /* this stretch between barriers */
    i64 base, now;
    u32 n_events, event_capacity, roomy; /* roomy: up to this many events, one more step surely fits */
    int special;                         /* networks or completions are to be considered before each event */
    /* of rank_t: narrow (64 bits) until something no longer fits, then wide until the next barrier */
    void *ranks, *queue;
    u32 n_places; /* of ranks */
    int is_wide, hole, resume;
    u32 *flags;
    event *events;
    settled *settled; /* per event; for holds whose end is work */
    u32 queue_n, queue_capacity;
    i64 *operands; /* rows, `stride` apart */
    u32 stride;
    size_t operands_capacity;
    u32 n_transfers, transfers_capacity;
    u32 *batch_of; /* of transfers */
    i64 *finish;
    u32 n_batches, batches_capacity, first_batch; /* first_batch: number of batches[0] */
    batch *batches;
    u32 in_flight, waiting;
    void *candidates; /* heads to be tried: ranks or places */
    u32 candidates_capacity;

    /* what Python will fetch */
    i64 n_started;
    walk walk;
    int32_t *done_batch;
    i64 *done_time;
    u32 n_done, done_capacity;
    i64 *journal;
    size_t journal_n, journal_capacity;
};

#pragma GCC visibility push(hidden) /* calls between the engine's files need no detour through the linker's table */

int stages_fail(stages *s, int status, const char *format, ...);

/* Room for n elements of `size` bytes; -1 (and the status) if there is none. */
static inline int reserve(stages *s, void *array, size_t *capacity, size_t n, size_t size)
{
    void **p = array;
    if (n <= *capacity)
        return 0;
    size_t more = *capacity * 2 > n ? *capacity * 2 : n + 64;
    void *grown = realloc(*p, more * size);
    if (!grown)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for %zu more entries", more);
    *p = grown;
    *capacity = more;
    return 0;
}

static inline int reserve32(stages *s, void *array, u32 *capacity, size_t n, size_t size)
{
    size_t wide = *capacity;
    int failed = reserve(s, array, &wide, n, size);
    *capacity = (u32)wide;
    return failed;
}

static inline u64 high_of(const stages *s, const event *ev)
{
    return __builtin_expect(ev->word & TWO, 0) ? s->high[ev->resources] : 0;
}

static inline const i64 *row_of(const stages *s, u32 transfer) { return s->operands + (size_t)transfer * s->stride; }

static inline i64 amount_of(const stages_amount *a, const i64 *operands)
{
    i64 sum = a->constant;
    if (!a->n)
        return sum;
    for (int32_t i = 0; i < a->n; i++)
        sum += a->factor[i] * operands[a->operand[i]];
    return sum;
}

int walk_marks(stages *s, const i64 *operands, const node *node, int at_end);
int quotient(stages *s, rate *r, i64 quantum, i64 work, i64 *ps);
void count_links(stages *s, const node *node, const event *e, const i64 *operands, i64 end);
int link_nodes(stages *s);
int bins_init(circuit *c, i64 bin_ps, int32_t max_bins);
void take_only(node *to, const stages_take *take);
__attribute__((cold)) int gather(stages *s, event *ev, const node *node, const i64 *operands);
int stages_reserve_events(stages *s, size_t more);
int stages_send(stages *s, u32 e);
int stages_complete(stages *s, u32 batch);
i64 stages_next_arrival(const stages *s, i64 limit);

/* The engine's run with narrow and with wide ranks. */
int stages_run_narrow(stages *s, i64 until);
int stages_run_wide(stages *s, i64 until);
int stages_create_narrow(stages *s, u32 transfer, int32_t node, int priority);
int stages_create_wide(stages *s, u32 transfer, int32_t node, int priority);
void stages_create_later_narrow(stages *s, u32 transfer, int32_t node, int priority, i64 time);
void stages_create_later_wide(stages *s, u32 transfer, int32_t node, int priority, i64 time);
void stages_announce_narrow(stages *s, u32 batch, i64 time);
void stages_announce_wide(stages *s, u32 batch, i64 time);

static __attribute__((noinline, cold, unused)) int no_such(stages *s, const char *what, i64 value, i64 limit)
{
    return stages_fail(s, STAGES_BAD, "%s %lld must be in 0..%lld", what, (long long)value, (long long)limit - 1);
}

static inline int outside(stages *s, const char *what, i64 value, i64 limit)
{
    return __builtin_expect((u64)value < (u64)limit, 1) ? 0 : no_such(s, what, value, limit);
}

/* What a hold takes, as a list in the pool and as a mask. */
static inline int find_resources(stages *s, event *ev, const node *node, const i64 *operands)
{
    if (node->gathers)
        return gather(s, ev, node, operands);
    if (node->network < 0) {
        i64 at = operands[node->operand];
        if (outside(s, "resource", at, node->count))
            return -1;
        u32 r = (u32)(node->first + at);
        ev->resources = r;
        ev->n_resources = 1;
        ev->word = (u16)(r >> 6);
        ev->mask = (u64)1 << (r & 63);
        return 0;
    }
    const circuit *c = s->circuits + node->network;
    i64 n = c->endpoints, from = operands[node->source], to = operands[node->target];
    if (outside(s, "endpoint", from, n) || outside(s, "endpoint", to, n))
        return -1;
    const route *way = c->routes + from * n + to;
    ev->resources = way->first;
    ev->n_resources = way->n;
    ev->word = way->word;
    ev->mask = way->mask;
    return 0;
}
#pragma GCC visibility pop
#endif
