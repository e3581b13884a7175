/* behaviours/llc_slice/lines.h: parameters, state and tags of csrc/behaviours/llc_slice/llc_slice.c.
 *
 * A set is an array of entries in order of use: (line + 1) << 12 | shared << 8 | dirty << 4 | valid. */
#ifndef CHIPWEAVE_LLC_LINES_H
#define CHIPWEAVE_LLC_LINES_H
#include "behaviours/llc_slice/llc_slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE   128
#define FS     1000
#define NONE   (-1)
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
static const cw_parameter PARAMETERS[] = {LLC_PARAMETERS(CW_PARAMETER_ROW)};
static const char *const PORTS[] = {"near", "peer", "memory"};
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
static const cw_statistic STATISTICS[] = {LLC_STATISTICS(CW_STATISTIC_ROW)};

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

/* Sectors in a mask. */
static int32_t popcount4(int32_t mask) { return __builtin_popcount((unsigned)mask & 15); }

/* The home partition of a line: see `lane_of` in sm.c, whose low bit this is. */
static int32_t home(const struct slice *s, uint64_t line)
{
    uint64_t n = (uint64_t)s->p[SLICES], unit = line / (uint64_t)s->p[UNIT], group = unit / n;
    uint64_t turn = ((group * 0x9e3779b97f4a7c15ull) >> 40) % n;
    return (int32_t)(((unit + turn) % n) & 1);
}

/* Number of a line among those with its home and slice. */
static uint64_t local(const struct slice *s, uint64_t line)
{
    uint64_t unit = (uint64_t)s->p[UNIT];
    return line / unit / (uint64_t)s->p[SLICES] * unit + line % unit;
}

/* A slice has two units of each group, one of each home: half the sets apart, so that either kind alone can fill them
 * all. */
static uint64_t *set_of(struct slice *s, uint64_t line)
{
    uint64_t sets = (uint64_t)s->p[SETS], index = local(s, line) + (home(s, line) ? sets / 2 : 0);
    return s->tags + index % sets * (uint64_t)s->p[WAYS];
}

/* The entry of a line, moved to the front of its set; NULL: a miss. */
static uint64_t *find(struct slice *s, uint64_t *set, uint64_t line)
{
    for (int32_t way = 0; way < s->p[WAYS]; way++)
        if (set[way] >> 12 == line + 1) {
            uint64_t entry = set[way];
            memmove(set + 1, set, sizeof *set * (size_t)way);
            set[0] = entry;
            return set;
        }
    return NULL;
}

/* Put a line in front of its set; returns what that pushes out (0: nothing). */
static uint64_t insert(struct slice *s, uint64_t *set, uint64_t line)
{
    uint64_t out = set[s->p[WAYS] - 1];
    memmove(set + 1, set, sizeof *set * (size_t)(s->p[WAYS] - 1));
    set[0] = (line + 1) << 12;
    return out;
}

#endif
