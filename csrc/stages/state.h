/* What the files of the stage engine share. No other file includes this. */
#ifndef CHIPWEAVE_STAGES_INTERNAL_H
#define CHIPWEAVE_STAGES_INTERNAL_H
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stages/network_bins.h"
#include "stages/stages.h"
#include "stages/tables.h"

typedef unsigned __int128 u128;

#define LONGEST            (((int64_t)1 << 61) - 1) /* ps */
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
struct wait_queue {
    _Alignas(64) void *at;
    uint32_t n, capacity, live, head;
    int64_t free_at;
    uint64_t mask, high;
    int32_t shared;
};

/* head: not known; its masks are those of the head, so that most wake-ups look at nothing else */
#define UNKNOWN_HEAD UINT32_MAX

enum { AT_START, AT_END, AT_ARRIVE, AT_MARKS, AT_BATCH_END };

/* above them: the place of its rank, while it waits for shared resources */
enum { WAITING = 1, SIDE = 2, FLAG_BITS = 2 };
enum { RESUME_STARTED = 1 };

/* mask, word: its resources as bits of one word of `busy`, or of two, the bits of the second being high_of; else mask
 * is 0.
 * priority: 7 less that of its row */
struct event {
    _Alignas(32) int64_t requested;
    uint64_t mask;
    uint32_t transfer, resources;
    uint16_t n_resources, node, word, priority;
};

/* What the walk through a hold's instants settled, kept until the hold ends where that is needed. */
struct settled {
    int32_t then;
    uint8_t n_sides, n_late;
    uint16_t sides[MAX_SIDES], late[MAX_LATE];
};

struct walk {
    uint32_t event;
    int32_t node, mark, wanted; /* wanted: a QUESTION_ or -1 */
    int at_end;
    int64_t lasts, answer;
    struct settled s;
};

struct rate {
    int64_t latency, a, b, fits, work, ps;
}; /* work, ps: the last quotient, kept */

struct lasts_rule {
    int32_t kind, by, network, source, target, n_rates;
    int64_t value, quantum;
    stages_amount work;
    struct rate *rates;
    int64_t *upto;
    int32_t n_picks, *picks;
};

/* its locks stand in the pool from `first` on, and its links in the circuit's `crossed` from `crossed` on */
struct route {
    uint64_t mask;
    uint32_t first, crossed;
    uint16_t n, word;
    int32_t known;
};

struct crossed_link {
    uint32_t lock, cell;
}; /* cell: of a link, in a row of the bins */

/* A stages_count with its cells at hand. hops: whose links are counted, or NULL; amount: only where it is not
 * constant. */
struct tally {
    int64_t *cells, constant;
    routes *hops;
    const stages_amount *amount;
    int32_t n_cells, at, source, target, endpoints, part, parts;
};

/* A stages_node with what the engine adds. */
struct node {
    int32_t kind, ask, table, of[3], lasts, then, n_branches, n_takes, n_marks, n_counts, n_spawns, on_links, gathers,
        happens;
    int32_t first, count, operand, network, source, target; /* of its only take, unless it gathers */
    const int32_t *branches, *spawns;
    const stages_take *takes;
    const stages_mark *marks;
    const stages_count *counts;
    struct tally *tallies;         /* from here on: made by link_nodes */
    const struct lasts_rule *rule; /* NULL: none, or the constant `fixed` */
    int64_t fixed;                 /* ps; -1: no constant time of its own */
};

struct counter {
    int64_t *slots;
    int32_t count;
};
struct map_table {
    int32_t *values;
    int32_t n;
};

struct circuit {
    int32_t endpoints, n_links, n_locks, first;
    int32_t *lock_of_link; /* locks are global resource numbers */
    routes *of;
    struct route *routes;         /* [source * endpoints + target] */
    struct crossed_link *crossed; /* of the routes that are known */
    uint64_t *ways_over;          /* of each of them, bits: pieces that it carries, where messages take several ways */
    size_t crossed_n, crossed_capacity, ways_capacity;
    uint32_t pool_n, pool_end; /* the stretch of the pool that waits for routes */
    struct network_bins bins;
    int64_t bin_from, bin_to, *row; /* the bin that time stands in */
};

struct open_network {
    network_operations does; /* a copy: what published it may be gone before the engine is */
    void *self;
};

struct program {
    int32_t operands, priority, start, first_node;
};
struct batch {
    uint32_t first, n, outstanding;
    int32_t program;
    int64_t last;
};

struct stages {
    stages_rules rules;
    char message[256];
    int status; /* of the first failure; sticks */

    /* what was built */
    int32_t n_resources, n_routes, n_circuits, n_networks, n_ahead /* networks that look ahead */, n_tags, n_keyed,
        n_bits, n_maps, n_counters, n_lasts, n_programs, n_nodes;
    routes **routes;
    struct circuit *circuits;
    struct open_network *networks;
    struct tags_table *tags;
    struct keyed_table *keyed;
    struct bits_table *bits;
    struct map_table *maps;
    struct counter *counters;
    struct lasts_rule *lasts;
    struct program *programs;
    struct node *nodes; /* of all programs; targets are global */
    int32_t *node_program;
    int32_t n_linked;          /* nodes that know where their counters and rules stand */
    uint8_t *end_marks, *ends; /* ends[node], from -1 on: a walk that comes here is over; a view of end_marks */

    /* resources */
    uint64_t *busy; /* bits */
    struct wait_queue *waits;
    uint32_t *pool; /* lists of resource numbers: 0..n-1 themselves, then routes, then what events put together */
    uint64_t *high; /* at the beginning of a route in the pool: its bits in the second word */
    size_t pool_n, pool_fixed, pool_capacity, high_capacity;

    /* this stretch between barriers */
    int64_t base, now;
    uint32_t n_events, event_capacity, roomy; /* roomy: up to this many events, one more step surely fits */
    /* nothing arrives from a network before it, as far as what was sent is known; NETWORK_NEVER without networks */
    int64_t quiet;
    int special; /* a completion or a message sent is to be considered before the next event */
    /* of rank_t: narrow (64 bits) until something no longer fits, then wide until the next barrier */
    void *ranks, *queue;
    uint32_t n_places; /* of ranks */
    int is_wide, hole, resume;
    uint32_t *flags;
    struct event *events;
    struct settled *settled; /* per event; for holds whose end is work */
    int64_t *spans;          /* start and end per event, -1 without; NULL: not recorded */
    size_t spans_capacity;
    uint32_t queue_n, queue_capacity;
    int64_t *operands; /* rows, `stride` apart */
    uint32_t stride;
    size_t operands_capacity;
    uint32_t n_transfers, transfers_capacity;
    uint32_t *batch_of; /* of transfers */
    int64_t *finish;
    uint32_t n_batches, batches_capacity, first_batch; /* first_batch: number of batches[0] */
    struct batch *batches;
    uint32_t in_flight, waiting;
    void *candidates; /* heads to be tried: ranks or places */
    uint32_t candidates_capacity;

    /* what Python will fetch */
    int64_t n_started;
    struct walk walk;
    int32_t *done_batch;
    int64_t *done_time;
    uint32_t n_done, done_capacity;
    int64_t *journal;
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

/* The same for capacities of 32 bits. */
static inline int reserve32(stages *s, void *array, uint32_t *capacity, size_t n, size_t size)
{
    size_t wide = *capacity;
    int failed = reserve(s, array, &wide, n, size);
    *capacity = (uint32_t)wide;
    return failed;
}

/* Bits in the second word of an event's mask, 0 where there is none. */
static inline uint64_t high_of(const stages *s, const struct event *ev)
{
    return __builtin_expect(ev->word & TWO, 0) ? s->high[ev->resources] : 0;
}

/* Operands of a transfer. */
static inline const int64_t *row_of(const stages *s, uint32_t transfer)
{
    return s->operands + (size_t)transfer * s->stride;
}

/* A linear form of a transfer's operands. */
static inline int64_t amount_of(const stages_amount *a, const int64_t *operands)
{
    int64_t sum = a->constant;
    if (!a->n)
        return sum;
    for (int32_t i = 0; i < a->n; i++)
        sum += a->factor[i] * operands[a->operand[i]];
    return sum;
}

int walk_marks(stages *s, const int64_t *operands, const struct node *node, int at_end);
int quotient(stages *s, struct rate *r, int64_t quantum, int64_t work, int64_t *ps);
void count_links(stages *s, const struct node *node, const struct event *e, const int64_t *operands, int64_t end);
int link_nodes(stages *s);
int grow_resources(stages *s, int32_t count);
__attribute__((cold)) int circuit_find(stages *s, struct circuit *c, int64_t pair); /* its route becomes known */
__attribute__((cold)) int no_route(stages *s, int64_t source, int64_t target);
int bins_init(struct circuit *c, int64_t bin_ps, int32_t max_bins);
void take_only(struct node *to, const stages_take *take);
__attribute__((cold)) int gather(stages *s, struct event *ev, const struct node *node, const int64_t *operands);
int stages_reserve_events(stages *s, size_t more);
int reserve_spans(stages *s);
void *stages_copied(stages *s, const void *from, size_t n, size_t size);
void *stages_append(stages *s, void *array, int32_t *n, size_t size);
void *stages_regrown(void *old, size_t kept, size_t n, size_t size);
int stages_send(stages *s, uint32_t e);
int stages_complete(stages *s, uint32_t batch);
int64_t stages_next_arrival(const stages *s, int64_t limit);

/* The engine's run with narrow and with wide ranks. */
int stages_run_narrow(stages *s, int64_t until);
int stages_run_wide(stages *s, int64_t until);
int stages_create_narrow(stages *s, uint32_t transfer, int32_t node, int priority);
int stages_create_wide(stages *s, uint32_t transfer, int32_t node, int priority);
void stages_create_later_narrow(stages *s, uint32_t transfer, int32_t node, int priority, int64_t time);
void stages_create_later_wide(stages *s, uint32_t transfer, int32_t node, int priority, int64_t time);
void stages_announce_narrow(stages *s, uint32_t batch, int64_t time);
void stages_announce_wide(stages *s, uint32_t batch, int64_t time);
/* As the narrow ones, where spans are kept; what these do is the same but for the run. */
int stages_run_recorded(stages *s, int64_t until);
int stages_create_recorded(stages *s, uint32_t transfer, int32_t node, int priority);
void stages_create_later_recorded(stages *s, uint32_t transfer, int32_t node, int priority, int64_t time);
void stages_announce_recorded(stages *s, uint32_t batch, int64_t time);

/* A value that names nothing: kept out of line, as it hardly ever happens. */
static __attribute__((noinline, cold, unused)) int no_such(stages *s, const char *what, int64_t value, int64_t limit)
{
    return stages_fail(s, STAGES_BAD, "%s %lld must be in 0..%lld", what, (long long)value, (long long)limit - 1);
}

/* Is a value not in 0..limit - 1? One comparison, as a negative value is a large one. */
static inline int outside(stages *s, const char *what, int64_t value, int64_t limit)
{
    return __builtin_expect((uint64_t)value < (uint64_t)limit, 1) ? 0 : no_such(s, what, value, limit);
}

/* What a hold takes, as a list in the pool and as a mask. */
static inline int find_resources(stages *s, struct event *ev, const struct node *node, const int64_t *operands)
{
    if (node->gathers)
        return gather(s, ev, node, operands);
    if (node->network < 0) {
        int64_t at = operands[node->operand];
        if (outside(s, "resource", at, node->count))
            return -1;
        uint32_t r = (uint32_t)(node->first + at);
        ev->resources = r;
        ev->n_resources = 1;
        ev->word = (uint16_t)(r >> 6);
        ev->mask = (uint64_t)1 << (r & 63);
        return 0;
    }
    struct circuit *c = s->circuits + node->network;
    int64_t n = c->endpoints, from = operands[node->source], to = operands[node->target];
    if (outside(s, "endpoint", from, n) || outside(s, "endpoint", to, n))
        return -1;
    const struct route *way = c->routes + from * n + to;
    if (__builtin_expect(!way->known, 0) && circuit_find(s, c, from * n + to))
        return -1;
    ev->resources = way->first;
    ev->n_resources = way->n;
    ev->word = way->word;
    ev->mask = way->mask;
    return 0;
}
#pragma GCC visibility pop
#endif
