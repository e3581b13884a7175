/* behaviours/sm/state.h: parameters, statistics and state of an SM. What is inline is a line or two, on the way of
 * every event. */
#ifndef CHIPWEAVE_SM_STATE_H
#define CHIPWEAVE_SM_STATE_H
#include "behaviours/held.h"
#include "behaviours/room.h"
#include "behaviours/sm/sm.h"

#define LINE          128
#define SECTORS       4
#define MAX_WARPS     64
#define MAX_BLOCKS    32
#define MAX_OPS       128
#define MAX_LSU_BANKS 64
#define MAX_LSU_TAGS  16
#define MAX_BARRIERS  16
#define FS            1000 /* femtoseconds a picosecond */

#define SM_PARAMETERS(X)                                                                                               \
    X(CLOCK_HZ, "clock", "Hz", "SM clock", CW_REQUIRED, 1000000, 10000000000)                                          \
    X(L1_SETS, "l1_sets", "sets", "sets of L1", CW_REQUIRED, 1, 1 << 20)                                               \
    X(L1_WAYS, "l1_ways", "lines", "lines a set", CW_REQUIRED, 1, 64)                                                  \
    X(HIT_CYCLES, "hit_cycles", "cycles", "load to use on an L1 hit, one lane", CW_REQUIRED, 1, 10000)                 \
    X(MISS_CYCLES, "miss_cycles", "cycles", "the part of the way to the L2 and back that runs in the SM clock",        \
      CW_REQUIRED, 1, 10000)                                                                                           \
    X(LSU_BYTES, "lsu_bytes", "B", "data of a wavefront, what the load-store unit moves a cycle", CW_REQUIRED, 4, 512) \
    X(LSU_BANKS, "lsu_banks", "banks", "banks of 4 B of L1 and shared memory", CW_REQUIRED, 1, MAX_LSU_BANKS)          \
    X(LSU_TAGS, "lsu_tags", "lines", "lines looked up a cycle, each in a bank of its own; a power of two",             \
      CW_REQUIRED, 1, MAX_LSU_TAGS)                                                                                    \
    X(LSU_SLOTS, "lsu_slots", "cycles", "one load-store slot in this number is unavailable to warps; 0: none is", 0,   \
      0, 1000000)                                                                                                      \
    X(SHARED_CYCLES, "shared_cycles", "cycles", "load to use in shared memory, one lane", CW_REQUIRED, 1, 10000)       \
    X(RANK, "rank", "index", "place in its GPC: clusters are made of neighbours", 0, 0, 0xffff)                        \
    X(LOAD_SECTORS, "load_sectors", "sectors", "loads in flight beyond L1", CW_REQUIRED, 4, 65000)                     \
    X(STORE_SECTORS, "store_sectors", "sectors", "stores in flight", CW_REQUIRED, 4, 1 << 20)                          \
    X(TURNAROUND, "turnaround", "cycles", "a block's end to the first instruction of the next in its place",           \
      CW_REQUIRED, 0, 1000000)                                                                                         \
    X(WARP_LAUNCH, "warp_launch", "cycles", "between the starts of two warps", CW_REQUIRED, 0, 1000)                   \
    X(SLICES, "slices", "slices", "L2 slices of both partitions", CW_REQUIRED, 2, 1024)                                \
    X(PARTITION, "partition", "index", "the partition this SM asks", 0, 0, 1)                                          \
    X(REQUEST_BYTES, "request_bytes", "B", "header of a request or an answer on the crossbar", 0, 0, 1024)             \
    X(UNIT, "unit", "lines", "neighbouring lines that one slice has", CW_REQUIRED, 1, 64)

enum { SM_PARAMETERS(CW_PARAMETER_NUMBER) N_PARAMETERS };
enum { MEMORY, CLUSTER, COPIES, FRONT };
#define SM_STATISTICS(X)                                                                                               \
    X(LOADS, "loads", "warp loads", "issued")                                                                          \
    X(LOADED, "loaded", "B", "requested by loads, each sector once a warp load")                                       \
    X(STORED, "stored", "B", "sent by stores")                                                                         \
    X(HITS, "hits", "lines", "found in L1")                                                                            \
    X(MISSES, "misses", "lines", "requested of the L2")                                                                \
    X(HOPS, "hops", "hops", "chase steps ended")                                                                       \
    X(BLOCKS, "blocks", "blocks", "ended")                                                                             \
    X(LSU_BUSY, "lsu_busy", "ps", "time the load-store unit was taken")                                                \
    X(STALLS, "stalls", "times", "a warp waited for room in flight")                                                   \
    X(REMOTE, "remote", "B", "of loads and stores in other SMs' shared memory that came back")                         \
    X(SERVED, "served", "B", "of its shared memory that other SMs read or wrote")                                      \
    X(COPIED, "copied", "B", "moved by its engine of bulk copies")

enum { SM_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };
enum { WAKE = 2, BLOCK = 3, LEAVE = 5 }; /* timers of its own, beside SM_LAUNCH and SM_STOP */

struct warp {
    int64_t block, count, place, ready_fs;
    int32_t index, slot, pc, waiting; /* waiting: loads not back yet */
    int32_t paused;                   /* stands at WAIT or CHASE */
    int32_t barrier;                  /* 1 + the mbarrier it waits for, 0: none */
    int32_t next_stalled, line_done;  /* lines of the stalled instruction that are through */
    uint32_t life;                    /* warps that have had this place, this one included */
};

struct txn {
    uint64_t line;
    int32_t mask, entry, head, next_free, sectors;
};

struct waiter {
    uint64_t warp; /* a caller(): the warp may have ended before its load is back */
    int32_t next;
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
    int64_t stats[N_STATISTICS];
};

/* The engine's time in fs, in which an SM counts so that cycles do not drift. */
static inline int64_t now_fs(const struct sm *s) { return s->host->now * FS; }

/* A warp as its messages name it: a load that is not waited for may be back after its warp has ended and another one
 * has its place. */
static inline uint64_t caller(const struct sm *s, const struct warp *w)
{
    return (uint64_t)w->life << 32 | (uint64_t)(w - s->warps);
}

/* A timer for a warp to go on at a time in fs, rounded up to whole ps: it never runs early. */
static inline void sm_wake_at(struct sm *s, const struct warp *w, int64_t at_fs)
{
    s->host->schedule(s->host, s->me, (at_fs + FS - 1) / FS - s->host->now, 1, WAKE, (uint64_t)(w - s->warps));
}

#endif
