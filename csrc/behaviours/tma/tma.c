/* behaviours/tma/tma.c -- see tma.h. Inner times are fs, so that cycles do not drift.
 *
 * Commands stand in a ring and are worked off in order, a line at a time; only the first one is ever in progress. A
 * line leaves when the one before it has had its cycles, its command has been set up, and fewer than `lines` are under
 * way; whichever of these comes last sets the timer, or is the answer that brings the engine back. */
#include "behaviours/tma/tma.h"
#include "behaviours/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE            128
#define FS              1000
#define MAX_COMMANDS    256
#define MAX_DESCRIPTORS 64

#define TMA_PARAMETERS(X)                                                                                              \
    X(CLOCK_HZ, "clock", "Hz", "SM clock", CW_REQUIRED, 1000000, 10000000000)                                          \
    X(SETUP_CYCLES, "setup_cycles", "cycles", "a command's arrival to its first line: descriptor, address, mbarrier",  \
      CW_REQUIRED, 0, 100000)                                                                                          \
    X(LINE_CYCLES, "line_cycles", "cycles", "between two lines", CW_REQUIRED, 1, 1000)                                 \
    X(LINES, "lines", "lines", "under way at a time", CW_REQUIRED, 1, 65536)                                           \
    X(REQUEST_BYTES, "request_bytes", "B", "header of a message", 0, 0, 1024)

enum { TMA_PARAMETERS(CW_PARAMETER_NUMBER) N_PARAMETERS };
static const cw_parameter PARAMETERS[] = {TMA_PARAMETERS(CW_PARAMETER_ROW)};
enum { SM };
static const char *const PORTS[] = {"sm"};
#define TMA_STATISTICS(X)                                                                                              \
    X(COPIES, "copies", "commands", "begun")                                                                           \
    X(LINES, "lines", "lines", "requested or stored")                                                                  \
    X(WAITS, "waits", "times", "stalls: as many lines in flight as allowed")

enum { TMA_STATISTICS(CW_STATISTIC_NUMBER) N_STATISTICS };
static const cw_statistic STATISTICS[] = {TMA_STATISTICS(CW_STATISTIC_ROW)};

struct command {
    int64_t ready_fs; /* first line at the earliest */
    uint64_t tag, box;
    int32_t kind;
};

struct tma {
    cw_host *host;
    int32_t me;
    int64_t p[N_PARAMETERS], period_fs, descriptors[MAX_DESCRIPTORS][TMA_DESCRIPTOR_WORDS];
    int32_t n_descriptors;
    struct command queue[MAX_COMMANDS];
    int32_t first, n;
    int64_t row, at; /* where the first command stands: row, bytes of it done */
    int64_t next_fs; /* earliest next line */
    int64_t under_way;
    int32_t waking; /* a timer is set */
    int64_t stats[N_STATISTICS];
};

/* One line of the first command; the command leaves with its last line. */
static void line(struct tma *t)
{
    struct command *c = &t->queue[t->first];
    const int64_t *d = t->descriptors[c->tag >> 8];
    int64_t from = d[0] + (int64_t)c->box * d[1] + t->row * d[4] + t->at, line = from / LINE, end = (line + 1) * LINE,
            last = from - t->at + d[2];
    int64_t to = end < last ? end : last;
    int32_t mask = (int32_t)((0xf << (from % LINE / 32)) & (0xf >> (3 - (to - 1) % LINE / 32)));
    int32_t stored = c->kind == CW_WRITE ? 32 * cw_sectors(mask) : 0;
    cw_message m = {.address = (uint64_t)(line * LINE),
                    .mask = mask,
                    .kind = c->kind,
                    .tag = (c->tag & 0xff) | (uint64_t)mask << 8,
                    .bytes = (int32_t)t->p[REQUEST_BYTES] + stored};
    t->host->send(t->host, t->me, SM, 0, 0, &m);
    t->under_way++;
    t->stats[STAT_LINES]++;
    t->at += to - from;
    if (t->at == d[2]) {
        t->at = 0;
        t->row++;
    }
    if (t->row == d[3]) {
        t->row = 0;
        t->first = (t->first + 1) % MAX_COMMANDS;
        t->n--;
    }
}

/* All lines whose time has come; then a timer for the next, unless one that comes back will say so. */
static void advance(struct tma *t)
{
    int64_t now = t->host->now * FS;
    while (t->n && t->under_way < t->p[LINES]) {
        int64_t at = t->queue[t->first].ready_fs > t->next_fs ? t->queue[t->first].ready_fs : t->next_fs;
        if (at > now) {
            if (!t->waking) {
                t->waking = 1;
                t->host->schedule(t->host, t->me, (at + FS - 1) / FS - t->host->now, 1, 0, 0);
            }
            return;
        }
        line(t);
        t->next_fs = (at > t->next_fs ? at : t->next_fs) + t->p[LINE_CYCLES] * t->period_fs;
        if (t->next_fs < now)
            t->next_fs = now;
    }
    t->stats[STAT_WAITS] += t->n > 0;
}

/* A command that the program should not have given: too many at a time, or of a descriptor that is not there. */
static int refused(struct tma *t, int64_t descriptor)
{
    char text[128];
    if (t->n < MAX_COMMANDS && descriptor < t->n_descriptors)
        return 0;
    if (t->n == MAX_COMMANDS)
        snprintf(text, sizeof text, "a program starts more than %d bulk copies at a time", MAX_COMMANDS);
    else
        snprintf(text, sizeof text, "a program copies by descriptor %lld; %d descriptors are attached, from 0 on",
                 (long long)descriptor, t->n_descriptors);
    t->host->fail(t->host, t->me, text);
    return 1;
}

/* A command from the SM, or a line that is back. */
static void receive(void *state, const cw_message *m)
{
    struct tma *t = state;
    if (m->kind == CW_READ || m->kind == CW_WRITE) {
        if (refused(t, (int64_t)(m->tag >> 8)))
            return;
        t->queue[(t->first + t->n++) % MAX_COMMANDS] =
            (struct command){t->host->now * FS + t->p[SETUP_CYCLES] * t->period_fs, m->tag, m->address, m->kind};
        t->stats[STAT_COPIES]++;
    } else {
        t->under_way--;
    }
    advance(t);
}

/* The time of the next line has come. */
static void timer(void *state, int32_t code, uint64_t data)
{
    (void)code, (void)data;
    struct tma *t = state;
    t->waking = 0;
    advance(t);
}

/* Times in fs: a cycle is no whole number of ps. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    (void)why;
    struct tma *t = state;
    t->host = host;
    t->me = part;
    memcpy(t->p, p, sizeof t->p);
    t->period_fs = (1000000000000000 + p[CLOCK_HZ] / 2) / p[CLOCK_HZ];
    return 0;
}

/* Descriptors are checked once, here; boxes are then turned into lines without a look. */
static int attach(void *state, int32_t what, const int64_t *data, int64_t n, char *why)
{
    struct tma *t = state;
    int64_t count = n / TMA_DESCRIPTOR_WORDS;
    if (what != TMA_TABLE_DESCRIPTORS || count * TMA_DESCRIPTOR_WORDS != n || count < 1 || count > MAX_DESCRIPTORS)
        return snprintf(why, 256, "tma: 1 to %d descriptors of %d words", MAX_DESCRIPTORS, TMA_DESCRIPTOR_WORDS), -1;
    for (int64_t i = 0; i < n; i++)
        if (i % TMA_DESCRIPTOR_WORDS != 3 && data[i] % 32)
            return snprintf(why, 256, "tma: %lld bytes are no multiple of 32", (long long)data[i]), -1;
    for (int64_t i = 0; i < count; i++)
        if (data[i * TMA_DESCRIPTOR_WORDS + 2] < 32 || data[i * TMA_DESCRIPTOR_WORDS + 3] < 1)
            return snprintf(why, 256, "tma: a box has at least one row of 32 bytes"), -1;
    memcpy(t->descriptors, data, sizeof *data * (size_t)n);
    t->n_descriptors = (int32_t)count;
    return 0;
}

/* A statistic by number. */
CW_STATISTIC(struct tma)

/* All state is in the struct. */
static void close_(void *state) { (void)state; }

cw_behaviour cw_tma = {CW_BEHAVIOUR("tma", struct tma), .attach = attach, .close = close_};
