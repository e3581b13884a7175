/* The stage engine: transfers walk through chains of stages, taking resources for known times.
 *
 *     Python                         engine                                     networks
 *     ------ publish once ---------> nodes, rules, tables
 *     ------ issue(rows) ----------> events: ask -> (wait) -> start -> end
 *     <----- advance: completions -- in order of (time, number)  --- send ---->
 *     <----- advance: a question --- answered at that very instant <-- arrived --
 *
 * An event is one stage of one transfer. It asks for all its resources when it is created. Granted, it has a start;
 * when that comes, the instants after the hold are walked (choose, outcome), which settles its end, and
 *   - with booking, its successors are created at once, asking for that end; its resources may be reserved from then
 *   on;
 *   - without, they are created when it ends, and its resources stay busy until then.
 * Order of one event's work: marks, side chains, successor, release, wake-up. Events of one instant run in order of
 * their numbers. Numbers and times restart at a barrier: an issue while nothing is in flight.
 *
 * Units: integer picoseconds, below 2^61. Quotients are rounded up to a multiple of the rule's quantum, exactly (128
 * bits).
 * Errors: a status, and words from stages_message. Ownership: the engine copies all it is given, and closes its
 * networks. */
#ifndef CHIPWEAVE_STAGES_H
#define CHIPWEAVE_STAGES_H
#include <stdint.h>

#include "stages/network.h"
#include "stages/routes.h"

/* cdef: begin */
enum { STAGES_OK = 0, STAGES_QUESTION = 1, STAGES_STUCK = 2, STAGES_BAD = 3, STAGES_NO_MEMORY = 4 };
enum { STAGE_HOLD, STAGE_SEND, STAGE_CHOOSE, STAGE_OUTCOME };
enum { ASK_EQUAL, ASK_LESS, ASK_OPERAND, ASK_TAGS, ASK_KEYED, ASK_BITS, ASK_MAP, ASK_MODULO, ASK_PYTHON };
enum {
    MARK_TAGS_INSERT,
    MARK_TAGS_TOUCH,
    MARK_KEYED_INSERT,
    MARK_KEYED_REFRESH,
    MARK_KEYED_PIN,
    MARK_BITS_SET,
    MARK_PYTHON
};
enum { LASTS_CONSTANT, LASTS_GIVEN, LASTS_RATE, LASTS_STEPS, LASTS_ROUTE, LASTS_PYTHON, LASTS_PICK, LASTS_LONGEST };
/* columns of a recorded stage; times in ps since the engine was made; resource: the first it takes, -1 without one */
enum {
    RECORD_NUMBER,
    RECORD_BATCH,
    RECORD_TRANSFER,
    RECORD_PROGRAM,
    RECORD_NODE,
    RECORD_SIDE,
    RECORD_ASKED,
    RECORD_START,
    RECORD_END,
    RECORD_RESOURCE,
    RECORD_COLUMNS
};
enum { QUESTION_BRANCH, QUESTION_DURATION, QUESTION_MARK };

typedef struct stages stages;

typedef struct {
    int32_t booking, barging, wake_all, artifact_heap;
    int64_t bin_ps;
    int32_t max_bins;
} stages_rules;

/* constant + sum(factor * operand) */
typedef struct {
    int64_t constant;
    int32_t n;
    int32_t operand[16];
    int64_t factor[16];
} stages_amount;

/* quantum * ceil(work * a / b): a/b is quanta per unit of work, reduced */
typedef struct {
    int64_t latency_ps, a, b;
} stages_rate;

typedef struct {
    int32_t kind;
    int64_t value; /* CONSTANT: ps; GIVEN: the operand */
    int32_t by;    /* RATE: operand that picks the rate, or -1; STEPS: operand compared with upto */
    /* ROUTE: latencies of the route's links and the rate of its slowest speed rank; no time without links */
    int32_t network, source, target;
    stages_amount work;
    int64_t quantum_ps;
    int32_t n_rates;
    const stages_rate *rates;
    const int64_t *upto; /* STEPS: n_rates - 1 of them */
    int32_t n_picks;
    const int32_t *picks; /* numbers of rules. PICK: that of operand `by` holds; LONGEST: the one that lasts longest */
} stages_lasts;

/* network -1: resources */
typedef struct {
    int32_t first, count, operand, network, source, target;
    stages_amount bytes;
} stages_take;
typedef struct {
    int32_t op, table, of[3], value, at_end;
} stages_mark;
/* hops: routes whose links are counted, or -1. parts > 1: piece `part` of the amount cut into `parts` whole ones */
typedef struct {
    int32_t counter, at, hops, endpoints, source, target, part, parts;
    stages_amount amount;
} stages_count;

typedef struct {
    int32_t kind, ask, table, of[3]; /* table: of MODULO the divisor */
    int32_t lasts, then;             /* -1: none, done */
    int32_t n_branches, n_takes, n_marks, n_counts, n_spawns;
    const int32_t *branches, *spawns;
    const stages_take *takes;
    const stages_mark *marks;
    const stages_count *counts;
} stages_node;

stages *stages_new(const stages_rules *rules);
void stages_free(stages *s);
const char *stages_message(const stages *s);

/* Building: each returns the number of the new part, or -1. */
int stages_add_resources(stages *s, int32_t count);
int stages_add_routes(stages *s, int32_t endpoints, int32_t n_links, const int64_t *latency_ps,
                      const int32_t *speed_rank, routes_finder find, void *user);
/* Every message takes so many ways at once from now on; speed_rank: [link * ways + n - 1], for n of them over a link */
int stages_spread_routes(stages *s, int32_t number, int32_t ways, const int32_t *speed_rank);
routes *stages_routes(stages *s, int32_t number); /* the engine's: good as long as that is */
int stages_add_circuit(stages *s, int32_t routes_number, int32_t n_locks, const int32_t *lock_of_link);
int stages_add_network(stages *s, const network_operations *operations, void *self);
int stages_add_tags(stages *s, int32_t instances, int32_t sets, int32_t ways, int32_t journal);
int stages_add_keyed(stages *s, int32_t instances, int32_t keys, int32_t capacity, int32_t journal);
int stages_add_bits(stages *s, int32_t instances, int32_t keys, int32_t journal);
int stages_add_map(stages *s, int32_t n, const int32_t *values);
int stages_add_counter(stages *s, int32_t count);
int stages_vary_sets(stages *s, int32_t table, const int32_t *sets); /* of each instance, at most those of the table */
int stages_vary_ways(stages *s, int32_t table, const int32_t *ways); /* likewise */
int stages_vary_keyed(stages *s, int32_t table,
                      const int32_t *capacity); /* of each instance, 0: no bound; the table has one */
int stages_add_lasts(stages *s, const stages_lasts *rule);
int stages_add_program(stages *s, int32_t operands, int32_t priority, int32_t start, int32_t n_nodes,
                       const stages_node *nodes);

/* Running. stages_issue returns the batch or -1; starts may be NULL. Each row is issued `times` times in a row, its
 *          operand `counted`
 * (-1: none) one larger each time; `starts` has one entry a row. stages_advance stops at the first instant with
 * completions, at a question, or at `until` (inclusive). */
int stages_issue(stages *s, int32_t program, int32_t n, const int64_t *rows, const int64_t *starts, int32_t times,
                 int32_t counted);
int stages_advance(stages *s, int64_t until);
int stages_completed(const stages *s, int32_t *batches, int64_t *times, int capacity);
void stages_answer(stages *s, int64_t answer);
int stages_question(const stages *s, int32_t *kind, int32_t *program, int32_t *node, int32_t *mark, int32_t *batch,
                    int32_t *transfer, int64_t *operands);

/* Looking. Pointers stay valid as long as the engine. */
int64_t stages_now(const stages *s);
int stages_in_flight(const stages *s);
int64_t stages_events(const stages *s);
int64_t *stages_counter(stages *s, int32_t counter);
void stages_totals(const stages *s, int64_t *sums); /* of each counter */
uint8_t *stages_bits(stages *s, int32_t table);
uint8_t *stages_keyed(stages *s, int32_t table);
const int64_t *stages_tags(stages *s, int32_t table);
int stages_pin(stages *s, int32_t table, int32_t at, int32_t key);
int stages_finish(const stages *s, int32_t batch, int64_t *times);
/* rows of 5; returns how many there are; copying empties it */
int64_t stages_journal(stages *s, int64_t *rows, int64_t capacity);
int stages_circuit_first(const stages *s, int32_t circuit); /* number of its first lock as a resource */
const int64_t *stages_link_bins(const stages *s, int32_t circuit, int64_t *bin_ps, int32_t *bins);
/* tags, keyed stores with their ages, bits; -1: other shapes, or in flight */
int stages_copy_tables(stages *to, const stages *from);
/* The state between two stretches as bytes: how many (at NULL), saved to `at`, or loaded from it into an engine of the
 * same layout in which nothing has moved. -1: in flight, another layout, or a network that has no image; an engine that
 * was loaded by half is of no use. */
int64_t stages_image(stages *s, uint8_t *at, int64_t room, int load);
int stages_waiting(const stages *s, int32_t *node, int32_t *batch, int32_t *transfer, int32_t *resource, int capacity);
/* From now on the start and end of each stage is kept until the next barrier. A run of its own records, so that
 * nothing is spent where it is off. 0, or -1 where something is in flight. */
int stages_record(stages *s);
/* What has been recorded since the last barrier, in order of the stages' numbers: rows of RECORD_COLUMNS, of one batch,
 * one transfer of it (of each, where the batch is any), or of what ended at an instant (-1: any). Returns how many
 * there are, however few have room.
 * stages_recorded_last: the first of them to end last, as one row; 0, or -1 where nothing has started. */
int64_t stages_recorded(const stages *s, int64_t batch, int64_t transfer, int64_t ended, int64_t *rows,
                        int64_t capacity);
int stages_recorded_last(const stages *s, int64_t *one);
/* The critical path since the last barrier: the stage that ended last, the one of its transfer whose end created it,
 * and so on back to its issue. Returns how many, however few have room. */
int64_t stages_path(const stages *s, int64_t *rows, int64_t capacity);
/* Adds up what has been recorded since the last barrier. resources, added to: for each of the first `n` how many
 * stages held it, for how many ps, and how many ps stages waited that take it first. started: for each row issued, in
 * order, and each slot, how many stages of the nodes of that slot have started; slot_of: of each node, in the order of
 * programs, -1: not counted; first_row, times: of each batch since the last barrier its first row, and `times` of its
 * issue. */
void stages_sums(const stages *s, int64_t *resources, int64_t n, const int32_t *slot_of, int32_t slots,
                 const int64_t *first_row, const int64_t *times, int64_t *started);
int stages_check(stages *s); /* 0, or -1 with the broken invariant in the message */
/* cdef: end */
#endif
