/* sm.h: a streaming multiprocessor: blocks of warps, loads in flight, L1, shared memory.
 *
 *   "front" (command processor)        engine of bulk copies: port "copies"
 *      |                                   |  lines of a box, then bytes off the mbarrier
 *   blocks --> warps --op--> load-store unit --> L1 tags --miss--> port "memory" (one lane a slice)
 *                ^                |  hit   \---> shared memory <--> port "cluster" (SMs of the GPC)
 *                +--- all loads of the warp back <------------------------+
 *
 * A kernel is a program of ops, the same for every warp; addresses follow from block, warp, lane and loop count, or
 * from a table (pointer chase). Warps run in order; a load does not block, WAIT does.
 *
 * What an instruction costs the load-store unit: behaviours/sm/lsu.h. Loads in flight are limited in sectors; when no
 * room is left the warp waits its turn. L1: 128 B lines of 32 B sectors, modulo index, least recently used; stores
 * write through and do not allocate. Shared memory of the cluster, bulk copies and their mbarriers:
 * behaviours/sm/cluster.h. */
#ifndef CHIPWEAVE_SM_H
#define CHIPWEAVE_SM_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_sm;

/* What cw_engine_attach() hands over. KERNEL: threads a block, blocks at a time, first block, block step, blocks, loop
 * count that the first block of place 0 starts with, the same of each further place, then ops. PAGES: physical page of
 * each virtual page; ORDER: visiting order of a chase; both tables are kept by the caller. */
enum { SM_TABLE_KERNEL = 1, SM_TABLE_PAGES = 2, SM_TABLE_ORDER = 3 };

/* Timer codes: start the kernel; start no more blocks. */
enum { SM_LAUNCH = 1, SM_STOP = 4 };

/* One op: code and nine operands. What each takes: SM_OPERATIONS in program.h. Address of a lane =
 * base + (block % block_mod) * block_step + warp * warp_step + count * loop_step + lane * lane_step */
enum { SM_OP_WORDS = 10, SM_OPERANDS = 9, SM_KERNEL_WORDS = 7 };
enum {
    SM_OP_LOAD = 1,
    SM_OP_STORE = 2,
    SM_OP_CHASE = 3,
    SM_OP_WAIT = 4,
    SM_OP_LOOP = 5,
    SM_OP_WORK = 6,
    SM_OP_JUMP = 7,
    SM_OP_GATHER = 8,
    SM_OP_SHARED = 9,
    SM_OP_COPY = 10,
    SM_OP_BARRIER = 11
};

/* An operand is an integer from `low` to `high`, both included; `unit` says of what. */
typedef struct sm_operand {
    const char *name, *unit;
    int64_t low, high;
} sm_operand;
typedef struct sm_operation {
    int32_t code;
    const char *name, *words;
    int32_t n_operands;
    sm_operand operands[9];
} sm_operation;
const sm_operation *sm_operations(int32_t *n);

/* What a kernel may not be: 0, or -1 and its first fault in `why` (256 bytes). `data` as for SM_TABLE_KERNEL. */
int sm_check_kernel(const int64_t *data, int64_t n, char *why);
/* cdef: end */

#endif
