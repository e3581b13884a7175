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

/* One op: code and nine operands. Address of a lane =
 * base + (block % block_mod) * block_step + warp * warp_step + count * loop_step + lane * lane_step
 *
 * LOAD, STORE    base, block_step, block_mod, warp_step, loop_step, lane_step, bytes, lanes, past_l1
 * CHASE          base, spacing, first place, places a block, places a warp, places a lane, bytes, lanes, past_l1
 * GATHER         as CHASE, without the loop count and without waiting
 * WAIT           until all loads of the warp are back
 * LOOP           op to go back to, times
 * WORK           cycles
 * JUMP           op to go on at
 * SHARED         load of shared memory: base, cluster, peer, warp_step, loop_step, lane_step, bytes, lanes, store.
 *                `cluster` SMs with neighbouring ranks; `peer` ranks further on in it, round: another SM's memory, 0:
 *                its own
 * COPY           bulk copy: descriptor, first box, boxes a block, boxes a loop count, bytes, mbarrier, from shared
 *                memory. The mbarrier expects that many more bytes
 * BARRIER        wait until mbarrier expects no more: mbarrier */
enum {
    SM_OP_WORDS = 10,
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
/* cdef: end */

#endif
