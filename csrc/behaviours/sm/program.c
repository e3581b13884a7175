/* behaviours/sm/program.c -- the operations of an SM's programs, with what each takes, and the check of a kernel.
 *
 * The table is the only place that says so: the check below, the Python classes of
 * chipweave/line_rate/sm_program.py and the plain twin read it. */
#include "behaviours/sm/sm.h"

#include <stdio.h>

#define ANY      (INT64_MAX / 4) /* addresses and steps: far from where a sum could overflow */
#define LANES    "lanes", "lanes", 1, 32
#define BYTES    "bytes", "B", 1, 16
#define BARRIERS 16
enum { MANY_TURNS = 1 << 20, MAX_WARPS = 64, MAX_BLOCKS = 32, MAX_OPS = 128, THREADS_OF_A_WARP = 32 };

/* clang-format off */
#define MEMORY_OPERANDS {{"base", "B", 0, ANY}, {"block_step", "B", 0, ANY}, {"block_mod", "blocks", 1, ANY}, \
    {"warp_step", "B", 0, ANY}, {"loop_step", "B", 0, ANY}, {"lane_step", "B", 0, ANY}, {BYTES}, {LANES}, \
    {"past_l1", "0 or 1", 0, 1}}
#define CHASE_OPERANDS {{"base", "B", 0, ANY}, {"spacing", "B", 0, ANY}, {"first", "places", 0, ANY}, \
    {"block_step", "places", 0, ANY}, {"warp_step", "places", 0, ANY}, {"lane_step", "places", 0, ANY}, \
    {BYTES}, {LANES}, {"past_l1", "0 or 1", 0, 1}}
static const sm_operation OPERATIONS[] = {
    {SM_OP_LOAD, "Load", "load of global memory; the warp goes on", 9, MEMORY_OPERANDS},
    {SM_OP_STORE, "Store", "store to global memory; past_l1 means nothing", 9, MEMORY_OPERANDS},
    {SM_OP_CHASE, "Chase", "dependent loads: the next place of the visiting order, and wait", 9, CHASE_OPERANDS},
    {SM_OP_GATHER, "Gather", "as Chase, without the loop count and without waiting", 9, CHASE_OPERANDS},
    {SM_OP_WAIT, "Wait", "until all loads of the warp are back", 0, {{0, 0, 0, 0}}},
    {SM_OP_LOOP, "Loop", "back to an op of this program, until it has been run `times` times", 2,
     {{"to", "ops", 0, MAX_OPS - 1}, {"times", "turns", 0, ANY}}},
    {SM_OP_WORK, "Work", "no memory for some cycles", 1, {{"cycles", "cycles", 0, ANY}}},
    {SM_OP_JUMP, "Jump", "go on at an op of this program", 1, {{"to", "ops", 0, MAX_OPS - 1}}},
    {SM_OP_SHARED, "Shared", "access to shared memory of the SM `peer` ranks further on in its cluster; 0: its own", 9,
     {{"base", "B", 0, ANY}, {"cluster", "SMs", 0, 1024}, {"peer", "ranks", 0, 1024}, {"warp_step", "B", 0, ANY},
      {"loop_step", "B", 0, ANY}, {"lane_step", "B", 0, ANY}, {BYTES}, {LANES}, {"store", "0 or 1", 0, 1}}},
    {SM_OP_COPY, "Copy", "bulk copy of a box by the SM's engine; its mbarrier expects that many more bytes", 7,
     {{"descriptor", "index", 0, 63}, {"box", "boxes", 0, ANY}, {"block_step", "boxes", 0, ANY},
      {"loop_step", "boxes", 0, ANY}, {"bytes", "B", 0, ANY}, {"barrier", "mbarriers", 0, BARRIERS - 1},
      {"store", "0 or 1", 0, 1}}},
    {SM_OP_BARRIER, "Barrier", "wait until an mbarrier expects no more", 1,
     {{"barrier", "mbarriers", 0, BARRIERS - 1}}},
};
/* clang-format on */
enum { N_OPERATIONS = sizeof OPERATIONS / sizeof *OPERATIONS };

/* The table, for Python. */
const sm_operation *sm_operations(int32_t *n)
{
    *n = N_OPERATIONS;
    return OPERATIONS;
}

/* The row of an operation code; NULL: there is none. */
static const sm_operation *operation(int64_t code)
{
    for (int32_t i = 0; i < N_OPERATIONS; i++)
        if (OPERATIONS[i].code == code)
            return &OPERATIONS[i];
    return NULL;
}

/* Operands within their ranges; those that the operation does not have are 0. */
static int check_op(const int64_t *op, int64_t number, int64_t ops, char *why)
{
    const sm_operation *does = operation(op[0]);
    if (!does)
        return snprintf(why, 256, "sm: op %lld: there is no operation %lld", (long long)number, (long long)op[0]), -1;
    for (int32_t i = 0; i < SM_OPERANDS; i++) {
        const sm_operand *o = &does->operands[i];
        int64_t given = op[i + 1];
        if (i >= does->n_operands && given)
            return snprintf(why, 256, "sm: op %lld, %s: takes %d operands", (long long)number, does->name,
                            does->n_operands),
                   -1;
        if (i < does->n_operands && (given < o->low || given > o->high))
            return snprintf(why, 256, "sm: op %lld, %s: %s = %lld; allowed: %lld to %lld %s", (long long)number,
                            does->name, o->name, (long long)given, (long long)o->low, (long long)o->high, o->unit),
                   -1;
    }
    if ((op[0] == SM_OP_LOOP && op[1] > number) || (op[0] == SM_OP_JUMP && op[1] >= ops))
        return snprintf(why, 256, "sm: op %lld, %s: to = %lld is no op %s", (long long)number, does->name,
                        (long long)op[1], op[0] == SM_OP_LOOP ? "before it" : "of this program"),
               -1;
    return 0;
}

/* Do ops `first` up to `end` let time pass, however often they are run? A load that hits and a WAIT with nothing to
 * wait for do not, each on its own. */
static int takes_time(const int64_t *ops, int64_t first, int64_t end)
{
    int reads = 0, waits = 0, copies = 0, barriers = 0;
    for (int64_t i = first; i < end; i++) {
        const int64_t *op = ops + i * SM_OP_WORDS;
        if (op[0] == SM_OP_CHASE || op[0] == SM_OP_STORE || (op[0] == SM_OP_WORK && op[1]))
            return 1;
        reads |= op[0] == SM_OP_LOAD || op[0] == SM_OP_GATHER || op[0] == SM_OP_SHARED;
        waits |= op[0] == SM_OP_WAIT;
        copies |= op[0] == SM_OP_COPY;
        barriers |= op[0] == SM_OP_BARRIER;
    }
    return (reads && waits) || (copies && barriers);
}

/* A way back over ops that take no time would never leave its instant. */
static int check_ways_back(const int64_t *ops, int64_t n, char *why)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t *op = ops + i * SM_OP_WORDS;
        const int back = (op[0] == SM_OP_JUMP && op[1] <= i) || (op[0] == SM_OP_LOOP && op[2] > MANY_TURNS);
        if (back && !takes_time(ops, op[1], i))
            return snprintf(why, 256, "sm: op %lld, %s: ops %lld to %lld take no time, so this would never end",
                            (long long)i, operation(op[0])->name, (long long)op[1], (long long)i),
                   -1;
    }
    return 0;
}

/* The numbers of the kernel, then op by op, then what ops say together. */
int sm_check_kernel(const int64_t *data, int64_t n, char *why)
{
    const int64_t ops = (n - SM_KERNEL_WORDS) / SM_OP_WORDS;
    if (n < SM_KERNEL_WORDS + SM_OP_WORDS || ops * SM_OP_WORDS + SM_KERNEL_WORDS != n || ops > MAX_OPS)
        return snprintf(why, 256, "sm: a kernel has %d words and 1 to %d ops of %d words", SM_KERNEL_WORDS, MAX_OPS,
                        SM_OP_WORDS),
               -1;
    const int64_t warps = (data[0] + THREADS_OF_A_WARP - 1) / THREADS_OF_A_WARP;
    if (data[0] < 1 || data[0] > 1 << 20 || data[1] < 1 || data[1] > MAX_BLOCKS || warps * data[1] > MAX_WARPS)
        return snprintf(why, 256, "sm: a kernel has 1 to %d blocks and at most %d warps at a time", MAX_BLOCKS,
                        MAX_WARPS),
               -1;
    static const char *const NAMES[] = {"first block", "block step", "blocks", "first count", "place count"};
    for (int32_t i = 0; i < 5; i++)
        if (data[2 + i] < (i == 1) || data[2 + i] > ANY)
            return snprintf(why, 256, "sm: %s = %lld; allowed: %d to %lld", NAMES[i], (long long)data[2 + i], i == 1,
                            (long long)ANY),
                   -1;
    for (int64_t i = 0; i < ops; i++)
        if (check_op(data + SM_KERNEL_WORDS + i * SM_OP_WORDS, i, ops, why))
            return -1;
    return check_ways_back(data + SM_KERNEL_WORDS, ops, why);
}
