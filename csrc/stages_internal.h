/* What the files of the stage engine share. Nobody else includes this. */
#ifndef CHIPWEAVE_STAGES_INTERNAL_H
#define CHIPWEAVE_STAGES_INTERNAL_H
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stages.h"
#include "tables.h"

typedef int64_t i64;
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef unsigned __int128 u128;

#define TIME_BITS 61
#define TIME_MASK (((u64)1 << TIME_BITS) - 1)
#define TOP_PRIORITY 7
#define MAX_SIDES 4
#define MAX_LATE 4 /* nodes with marks at the end of one hold */

/* A wait queue orders events by (key, number), where key = (7 - priority) << 61 | time. The key is live: the requested time
   while an event waits, overwritten by its start when it is admitted. */
typedef struct { u32 *at; u32 n, capacity, live; } wait_queue;

typedef struct { u64 time, tag; } timed; /* tag = number << 3 | kind */
enum { AT_START, AT_END, AT_ARRIVE, AT_MARKS, AT_BATCH_END };

enum { WAITING = 1, SIDE = 2 };

typedef struct { i64 asked; u32 operands, transfer, resources; u16 n_resources, node; } event;

/* What the walk through a hold's instants settled, kept until the hold ends where that is needed. */
typedef struct { int32_t then; u8 n_sides, n_late; u16 sides[MAX_SIDES], late[MAX_LATE]; } settled;

typedef struct {
    u32 event;
    int32_t node, mark, wanted; /* wanted: a QUESTION_ or -1 */
    int at_end;
    i64 lasts, answer;
    settled s;
} walk;

typedef struct { i64 latency, a, b, fits, work, ps; } rate; /* work, ps: the last quotient, kept */

typedef struct {
    int32_t kind, by, network, source, target, n_rates;
    i64 value, quantum;
    stages_amount work;
    rate *rates;
    i64 *upto;
    int32_t *route_rate;
} lasts_rule;

typedef struct { i64 *slots; int32_t count; } counter;
typedef struct { int32_t *values; int32_t n; } map_table;

typedef struct {
    int32_t endpoints, n_links, n_locks, first;
    int32_t *lock_of_link, *route_links; /* locks are global resource numbers */
    i64 *route_start;
    u32 *route_locks; /* where the route's locks stand in the pool */
    i64 bin_ps, bin_from, bin_to; /* the bin that time stands in */
    i64 *row, *bins;              /* [bin][link][bytes, busy, stalled] */
} circuit;

typedef struct { const network_operations *operations; void *self; } open_network;

typedef struct { int32_t operands, priority, start, first_node; } program;
typedef struct { u32 first, n, outstanding; int32_t program; i64 last; } batch;

struct stages {
    stages_rules rules;
    char message[256];
    int status; /* of the first failure; sticks */

    /* what was built */
    int32_t n_resources, n_circuits, n_networks, n_tags, n_keyed, n_bits, n_maps, n_counters, n_lasts, n_programs, n_nodes;
    circuit *circuits;
    open_network *networks;
    tags_table *tags;
    keyed_table *keyed;
    bits_table *bits;
    map_table *maps;
    counter *counters;
    lasts_rule *lasts;
    program *programs;
    stages_node *nodes; /* of all programs; targets are global */
    int32_t *node_program;

    /* resources */
    u8 *busy;
    i64 *free_at;
    wait_queue *waits;
    u32 *pool; /* lists of resource numbers: 0..n-1 themselves, then routes, then what events put together */
    size_t pool_n, pool_fixed, pool_capacity;

    /* this stretch between barriers */
    i64 base, now;
    u32 n_events, event_capacity;
    u64 *key;
    u8 *flags;
    event *events;
    settled *settled; /* per event; for holds whose end is work */
    timed *queue;
    u32 queue_n, queue_capacity;
    i64 *operands;
    size_t operands_n, operands_capacity;
    u32 n_transfers, transfers_capacity, *batch_of;
    i64 *finish;
    u32 n_batches, batches_capacity, first_batch; /* first_batch: number of batches[0] */
    batch *batches;
    u32 in_flight, waiting;
    u32 *candidates;
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

int stages_fail(stages *s, int status, const char *format, ...);

/* Room for n elements of `size` bytes; -1 (and the status) if there is none. */
static inline int reserve(stages *s, void *array, size_t *capacity, size_t n, size_t size)
{
    void **p = array;
    if (n <= *capacity) return 0;
    size_t more = *capacity * 2 > n ? *capacity * 2 : n + 64;
    void *grown = realloc(*p, more * size);
    if (!grown) return stages_fail(s, STAGES_NO_MEMORY, "no memory for %zu more entries", more);
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

static inline i64 amount_of(const stages_amount *a, const i64 *operands)
{
    i64 sum = a->constant;
    for (int32_t i = 0; i < a->n; i++) sum += a->factor[i] * operands[a->operand[i]];
    return sum;
}

/* Build, walk and count are files of their own. */
int walk_on(stages *s, const i64 *operands); /* continue s->walk; 0 when settled, 1 at a question, -1 on failure */
int walk_marks(stages *s, const i64 *operands, const stages_node *node, int at_end);
int lasts_ps(stages *s, const lasts_rule *rule, const i64 *operands, i64 *ps);
void count_links(stages *s, const stages_node *node, const event *e, const i64 *operands, i64 end);
void bins_init(circuit *c, i64 bin_ps);
int stages_reserve_events(stages *s, size_t more);
#endif
