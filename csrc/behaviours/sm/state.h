/* behaviours/sm/state.h: parameters, statistics and state of csrc/behaviours/sm/sm.c. */
#ifndef CHIPWEAVE_SM_STATE_H
#define CHIPWEAVE_SM_STATE_H
#include "behaviours/held.h"
#include "behaviours/sm/sm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE          128
#define SECTORS       4
#define MAX_WARPS     64
#define MAX_BLOCKS    32
#define MAX_OPS       128
#define MAX_LSU_BANKS 64
#define MAX_LSU_TAGS  16
#define MAX_BARRIERS  16
#define FS            1000 /* femtoseconds a picosecond */
#define NONE          (-1)

enum {
    CLOCK_HZ,
    L1_SETS,
    L1_WAYS,
    HIT_CYCLES,
    MISS_CYCLES,
    LSU_BYTES,
    LSU_BANKS,
    LSU_TAGS,
    LSU_SLOTS,
    SHARED_CYCLES,
    RANK,
    LOAD_SECTORS,
    STORE_SECTORS,
    TURNAROUND,
    WARP_LAUNCH,
    SLICES,
    PARTITION,
    REQUEST_BYTES,
    UNIT,
    N_PARAMETERS
};

static const cw_parameter PARAMETERS[] = {
    {"clock", "Hz", "SM clock", 1755000000, 1000000, 10000000000},
    {"l1_sets", "sets", "sets of L1", 933, 1, 1 << 20},
    {"l1_ways", "lines", "lines a set", 2, 1, 64},
    {"hit_cycles", "cycles", "load to use on an L1 hit, one lane", 32, 1, 10000},
    {"miss_cycles", "cycles", "the part of the way to the L2 and back that runs in the SM clock", 83, 1, 10000},
    {"lsu_bytes", "B", "data of a wavefront, what the load-store unit moves a cycle", 128, 4, 512},
    {"lsu_banks", "banks", "banks of 4 B of L1 and shared memory", 32, 1, MAX_LSU_BANKS},
    {"lsu_tags", "lines", "lines looked up a cycle, each in a bank of its own; a power of two", 4, 1, MAX_LSU_TAGS},
    {"lsu_slots", "cycles", "of so many cycles of the load-store unit one is not a warp's; 0: all are", 0, 0, 1000000},
    {"shared_cycles", "cycles", "load to use in shared memory, one lane", 29, 1, 10000},
    {"rank", "index", "place in its GPC: clusters are made of neighbours", 0, 0, 0xffff},
    {"load_sectors", "sectors", "loads in flight beyond L1", 384, 4, 65000},
    {"store_sectors", "sectors", "stores in flight", 384, 4, 1 << 20},
    {"turnaround", "cycles", "a block's end to the first instruction of the next in its place", 450, 0, 1000000},
    {"warp_launch", "cycles", "between the starts of two warps", 1, 0, 1000},
    {"slices", "slices", "L2 slices of both partitions", 80, 2, 1024},
    {"partition", "index", "the partition this SM asks", 0, 0, 1},
    {"request_bytes", "B", "header of a request or an answer on the crossbar", 0, 0, 1024},
    {"unit", "lines", "neighbouring lines that one slice has", 4, 1, 64},
};
enum { MEMORY, CLUSTER, COPIES, FRONT, N_PORTS };
static const char *const PORTS[] = {"memory", "cluster", "copies", "front"};
static const cw_statistic STATISTICS[] = {
    {"loads", "warp loads", "issued"},
    {"loaded", "B", "requested by loads, each sector once a warp load"},
    {"stored", "B", "sent by stores"},
    {"hits", "lines", "found in L1"},
    {"misses", "lines", "requested of the L2"},
    {"hops", "hops", "chase steps ended"},
    {"blocks", "blocks", "ended"},
    {"lsu_busy", "ps", "time the load-store unit was taken"},
    {"stalls", "times", "a warp waited for room in flight"},
    {"remote", "B", "of loads and stores in other SMs' shared memory that came back"},
    {"served", "B", "of its shared memory that other SMs read or wrote"},
    {"copied", "B", "moved by its engine of bulk copies"},
};

struct warp {
    int64_t block, count, place, ready_fs;
    int32_t index, slot, pc, waiting; /* waiting: loads not back yet */
    int32_t paused;                   /* stands at WAIT or CHASE */
    int32_t barrier;                  /* 1 + the mbarrier it waits for, 0: none */
    int32_t next_stalled, line_done;  /* lines of the stalled instruction that are through */
};

struct txn {
    uint64_t line;
    int32_t mask, entry, head, next_free, sectors;
};

struct waiter {
    int32_t warp, next;
};

struct sm {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS], period_fs;
    int64_t threads, blocks_at_once, first_block, next_block, block_step, blocks, first_count, place_count;
    int64_t ops[MAX_OPS][SM_OP_WORDS];
    int32_t n_ops;
    const int64_t *pages, *order;
    int64_t n_pages, n_order;
    struct warp warps[MAX_WARPS];
    int32_t alive[MAX_BLOCKS]; /* warps of the slot's block that have not ended */
    /* sets x ways, most recent first: (line + 1) << 24 | fetch << 8 | pending << 4 | valid */
    uint64_t *tags;
    struct txn *txns;
    int32_t n_txns, free_txn;
    struct waiter *waiters;
    int32_t n_waiters, free_waiter;
    int64_t load_room, store_room, lsu_fs, lsu_used, launch_fs;
    int32_t stalled_first, stalled_last, tag_bits;
    int64_t pending[MAX_BARRIERS]; /* bytes that an mbarrier still expects */
    int32_t running, started;      /* blocks; whether a command processor waits for the kernel's end */
    cw_message command;
    struct held leaving; /* messages to the cluster */
    int64_t stats[12];
};

static int64_t now_fs(const struct sm *s) { return s->host->now * FS; }

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
