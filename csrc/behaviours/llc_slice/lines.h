/* behaviours/llc_slice/lines.h: parameters and state of a slice, and its tags (lines.c).
 *
 * A set is an array of entries in order of use: (line + 1) << 12 | shared << 8 | dirty << 4 | valid. */
#ifndef CHIPWEAVE_LLC_LINES_H
#define CHIPWEAVE_LLC_LINES_H
#include "behaviours/llc_slice/llc_slice.h"

#define LINE   128
#define FS     1000
#define VALID  0xfull
#define DIRTY  0xf0ull
#define SHARED ((uint64_t)0x100)
#define RECENT 16

enum { NEAR, PEER, MEMORY };
#define LLC_PARAMETERS(X)                                                                                              \
    X(SETS, "sets", "sets", "sets of this slice", CW_REQUIRED, 1, 1 << 20)                                             \
    X(WAYS, "ways", "lines", "lines a set", CW_REQUIRED, 1, 64)                                                        \
    X(LATENCY, "latency", "ps", "request in to answer out, on a hit", CW_REQUIRED, 1, 10000000)                        \
    X(SECTOR_FS, "sector_fs", "fs", "time the data port takes for a sector", CW_REQUIRED, 1, 1000000000)               \
    X(SLICES, "slices", "slices", "slices of both partitions", CW_REQUIRED, 2, 1024)                                   \
    X(PARTITION, "partition", "index", "the partition it is in", 0, 0, 1)                                              \
    X(FILL, "fill", "sectors", "sectors requested of memory at a time", CW_REQUIRED, 1, 4)                             \
    X(REQUEST_BYTES, "request_bytes", "B", "header of a request or an answer on a wire", 0, 0, 1024)                   \
    X(CHANNEL_SHARE, "channel_share", "slices", "slices that share its memory channel", 1, 1, 64)                      \
    X(CHANNEL_INDEX, "channel_index", "index", "which of those it is", 0, 0, 63)                                       \
    X(WRITE_BACKS, "write_backs", "lines", "dirty lines on their way to memory before a store has to wait",            \
      CW_REQUIRED, 1, 1 << 20)                                                                                         \
    X(UNIT, "unit", "lines", "neighbouring lines that one slice has", CW_REQUIRED, 1, 64)

enum { LLC_PARAMETERS(CW_PARAMETER_NUMBER) N_PARAMETERS };
#define LLC_STATISTICS(X)                                                                                              \
    X(READS, "reads", "requests", "from SMs and from the peer")                                                        \
    X(HITS, "hits", "requests", "reads whose sectors were all here")                                                   \
    X(PEER_READS, "peer_reads", "requests", "sent on to the home")                                                     \
    X(MEMORY_READS, "memory_reads", "requests", "sent to memory")                                                      \
    X(WRITES, "writes", "requests", "stores taken at the home")                                                        \
    X(WRITE_BACKS, "write_backs", "lines", "dirty lines sent to memory")                                               \
    X(MERGED, "merged", "requests", "reads served with another one")                                                   \
    X(BUSY, "busy", "ps", "time the data port was taken")

enum { LLC_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };

struct waiter {
    cw_message m;
    int32_t next;
};

struct fill { /* a line on its way here */
    uint64_t line;
    int32_t mask, head, next;
};

struct slice {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS], busy_fs, room;
    uint64_t *tags;
    struct {
        uint64_t line;
        int32_t mask;
        int64_t start_fs;
    } recent[RECENT];
    int32_t n_recent;
    struct fill *fills;
    int32_t n_fills, free_fill, chain[256];
    struct waiter *waiter;
    int32_t waiter_room, free_waiter, held_first, held_last; /* held: stores without room for what they push out */
    int64_t stats[N_STATISTICS];
};

int32_t llc_home(const struct slice *s, uint64_t line);
uint64_t llc_local(const struct slice *s, uint64_t line);
uint64_t *llc_set_of(struct slice *s, uint64_t line);
uint64_t *llc_find(struct slice *s, uint64_t *set, uint64_t line);
uint64_t llc_insert(struct slice *s, uint64_t *set, uint64_t line);
#endif
